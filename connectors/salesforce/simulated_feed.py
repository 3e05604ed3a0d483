"""The simulated org's feeds: which records changed, and which went, in whole minutes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.salesforce.simulated_org import RefusedError, SimulatedOrg, stamp
from connectors.salesforce.simulated_state import Kind
from connectors.salesforce.wire import read_moment

_UPDATED_REACH: Final = timedelta(days=30)
_DELETED_REACH: Final = timedelta(days=15)
_MINUTE: Final = timedelta(minutes=1)


def updated(org: SimulatedOrg, kind: Kind, asked: Mapping[str, str]) -> dict[str, Any]:
    """The ids of records that were made or changed; older ones than it remembers are left out."""
    start, end = _window(asked)
    start = max(start, org.clock() - _UPDATED_REACH)
    ids = [each.id for each in org.records(kind) if start <= each.changed_at < end]
    return {"ids": ids, "latestDateCovered": stamp(_covered(org, end))}


def deleted(org: SimulatedOrg, kind: Kind, asked: Mapping[str, str]) -> dict[str, Any]:
    """The records that were deleted; older ones than it remembers are left out."""
    start, end = _window(asked)
    if end - start <= _MINUTE:
        raise RefusedError("INVALID_REPLICATION_DATE", "the window is a minute or less")
    earliest = org.quirks.deletions_since or org.clock() - _DELETED_REACH
    start = max(start, earliest)
    gone = [
        {"id": each.id, "deletedDate": stamp(each.deleted_at)}
        for each in org.records(kind, deleted_too=True)
        if each.deleted_at is not None and start <= each.deleted_at < end
    ]
    return {
        "deletedRecords": gone,
        "earliestDateAvailable": stamp(earliest),
        "latestDateCovered": stamp(_covered(org, end)),
    }


def _covered(org: SimulatedOrg, end: datetime) -> datetime:
    """Never what is to come, and nothing after the start of what is still under way."""
    now = org.clock()
    return min(end, now, org.quirks.busy_since or now)


def _window(asked: Mapping[str, str]) -> tuple[datetime, datetime]:
    try:
        start, end = read_moment(asked.get("start")), read_moment(asked.get("end"))
    except ValueError:
        raise RefusedError("INVALID_REPLICATION_DATE", "start and end are instants") from None
    start, end = (each.replace(second=0, microsecond=0) for each in (start, end))
    if start >= end:
        raise RefusedError("INVALID_REPLICATION_DATE", "startDate must be before endDate")
    return start, end
