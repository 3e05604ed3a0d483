"""When the last write of a document must have begun, for its last byte to be in time."""

import time

from connectors.base.http import Timeouts
from connectors.business_central.manifest import DRAFT_READS, send_window_seconds


def latest_start(timeouts: Timeouts, last_byte_by: float | None) -> float:
    """Give the moment, by the monotonic clock; None stands for a claim that is made now."""
    getting_out = timeouts.pool_seconds + timeouts.connect_seconds + timeouts.write_seconds
    by_plan = time.monotonic() + send_window_seconds(timeouts, DRAFT_READS) - getting_out
    return by_plan if last_byte_by is None else min(by_plan, last_byte_by - getting_out)
