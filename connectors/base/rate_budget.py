"""Rate budgets: how many calls a connection may make, shared by all that use it."""

import math
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

# A server that asks for more than an hour is treated as asking for an hour, then asked again.
RETRY_AFTER_MAX_SECONDS: Final = 3600


class RateBudget(Protocol):
    """The tokens of one connection."""

    async def take(self, calls: int = 1) -> int:
        """Take tokens. Returns 0 if they were granted, else the seconds to wait; never waits."""
        ...

    async def pause(self, seconds: int) -> None:
        """Grant nothing for so many seconds, because the vendor said so."""
        ...


class Unlimited:
    """The budget of a system that declares no limit; it still honours a pause."""

    def __init__(self) -> None:
        self._until = 0.0  # Of the monotonic clock, which never shows less.

    async def take(self, calls: int = 1) -> int:  # noqa: ARG002  No limit, so no count.
        return max(0, math.ceil(self._until - time.monotonic()))

    async def pause(self, seconds: int) -> None:
        self._until = max(self._until, time.monotonic() + seconds)


def retry_after_seconds(header: str | None, now: datetime) -> int | None:
    """Read Retry-After in both its forms, seconds and HTTP date; None if there is none.

    Never negative and never above `RETRY_AFTER_MAX_SECONDS`; what cannot be read is None.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), RETRY_AFTER_MAX_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = math.ceil((moment - now).total_seconds())
    return min(max(0, seconds), RETRY_AFTER_MAX_SECONDS)
