"""Facts about Business Central's API v2.0; docs/connectors/business_central.md has the pages."""

import math
from typing import Final

from canonical.identity import REFERENCE_LENGTH
from canonical.posting import PostingKind
from connectors.base.capabilities import MasterDataSource, PostingCalendar, PostingTarget
from connectors.base.guard import Bulk, CompareAndSet
from connectors.base.http import Timeouts
from connectors.base.manifest import Manifest, PostingOperation, RateLimit, ReferenceField

# One $batch takes 100 requests: one moves the register, and each line of time takes two.
BATCH_MAX: Final = 100
LINES_MAX: Final = (BATCH_MAX - 1) // 2
PAGE_SIZE_MAX: Final = 20_000
# Per user, in a sliding window of five minutes.
RATE_LIMITS: Final = (RateLimit(6_000, 300),)
# A request may run for eight minutes, after eight more in the queue.
IN_FLIGHT_MAX_SECONDS: Final = 16 * 60
# A record carries the time its transaction began: one that took long appears behind the cursor.
OVERLAP_SECONDS: Final = 600
CAPABILITIES: Final = frozenset({PostingTarget, MasterDataSource, PostingCalendar})


def manifest_for(timeouts: Timeouts) -> Manifest:
    """Give the manifest; the send window follows from the connection's time-outs."""
    return Manifest(
        system="business_central",
        title="Dynamics 365 Business Central (API v2.0)",
        capabilities=CAPABILITIES,
        verified_against="a simulator inside the documentation's API v2.0; no real environment",
        documented_at="https://learn.microsoft.com/dynamics365/business-central/dev-itpro/api-reference/v2.0/",
        operations=(
            _time_operation(PostingKind.TIME, timeouts),
            _time_operation(PostingKind.UNDO, timeouts),
        ),
        undone_by_deletion=frozenset({PostingKind.TIME}),
        page_size_max=PAGE_SIZE_MAX,
        overlap_seconds=OVERLAP_SECONDS,
        rate_limits=RATE_LIMITS,
        notes=(
            "Time becomes entries of a time sheet; v2.0 posts none to the project ledger: people"
            " approve them and post them there.",
            "A time entry has no field for a reference: a line in a journal batch of our own,"
            " written in the same transaction, carries it. That batch must never be posted.",
            "A time entry has no dimensions of an intent: they follow from employee and project.",
            "v2.0 lists no project tasks: which there are is configuration.",
        ),
    )


def _time_operation(kind: PostingKind, timeouts: Timeouts) -> PostingOperation:
    return PostingOperation(
        kind=kind,
        guard=CompareAndSet(),
        bulk=Bulk("ATOMIC", LINES_MAX),
        reference=ReferenceField("journalLine.externalDocumentNumber", REFERENCE_LENGTH),
        send_window_seconds=send_window_seconds(timeouts),
        in_flight_max_seconds=IN_FLIGHT_MAX_SECONDS,
        # One register per company: two calls at once would cost each other a conflict.
        concurrency_max=1,
    )


def send_window_seconds(timeouts: Timeouts, reads: int = 1) -> int:
    """Bound the time from asking for the claim to the last byte written (W).

    What happens before the last write (a token, a look, a draft) may take no longer than `reads`
    times `read_seconds`; the connector gives up beyond that.
    """
    return math.ceil(
        timeouts.pool_seconds
        + timeouts.connect_seconds
        + timeouts.write_seconds
        + timeouts.read_seconds * reads
    )
