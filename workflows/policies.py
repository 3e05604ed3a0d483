"""How activities are run: time-outs and retries by what repeating them would mean."""

from datetime import timedelta
from typing import Any, Final

from temporalio.common import RetryPolicy

# A worker that died is noticed after this; activities that are given it beat every 1.5 s.
HEARTBEAT_TIMEOUT: Final = timedelta(seconds=5)

# Our own database, within the workflow's own process: milliseconds, and safe to repeat for ever.
LOCAL: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
    ),
}

# Reads, writes to our own database, and what others take twice without harm (claims, news of
# postings, receipts): safe to repeat until they succeed.
READ: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(minutes=30),
    "heartbeat_timeout": HEARTBEAT_TIMEOUT,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
    ),
}

# Reads and guarded writes of what a Schedule begins anew soon: a system that does not answer must
# not keep the others waiting.
READ_NOW: Final[dict[str, Any]] = {
    **READ,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=5,
    ),
}

# Short work on our own database or on Temporal itself.
RECORD: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "heartbeat_timeout": HEARTBEAT_TIMEOUT,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30)
    ),
}

# Posting: repeating the activity never repeats a write, because it looks up first what an
# earlier attempt left unanswered (POSTING.md section 2).
POST: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(minutes=10),
    "heartbeat_timeout": HEARTBEAT_TIMEOUT,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(minutes=1)
    ),
}

# A posted report should be paid within this (an internal service level, not a law).
REIMBURSE_WITHIN: Final = timedelta(days=10)
# What is left over is tried again with growing delay, up to this.
ASK_AGAIN_MAX: Final = timedelta(minutes=5)
# What is missing beside the money is asked for with growing delay, up to this.
RECEIPTS_AGAIN_MAX: Final = timedelta(hours=6)
# After its deadline a case escalates once more for every such span.
ESCALATE_EVERY: Final = timedelta(hours=24)
