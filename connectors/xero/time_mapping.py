"""Lines of time as Xero's time entries, and back."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from canonical.posting import PostedDocument, PostingIntent, TimeLine
from connectors.base.errors import RejectedError
from connectors.xero.manifest import MINUTES_MAX
from connectors.xero.options import XeroOptions
from connectors.xero.wire import TimeEntryRow, row_from
from connectors.xero.wording import reference_in, referenced

# Xero sets no length; this is what a person can still read in its list of entries.
_DESCRIPTION_MAX: Final = 1000
_NOTE_MAX: Final = 4000
_SECONDS: Final = 60
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID: Final = re.compile(_UUID, re.ASCII)
_PAIR: Final = re.compile(rf"({_UUID})/({_UUID})", re.ASCII)
# The seconds of what was logged in the nearest minute.
_EXACTLY: Final = re.compile(r" \[([0-9]{1,7}) s\]$", re.ASCII)
ACTIVE: Final = "ACTIVE"


def pair_of(text: str | None, what: str) -> tuple[str, str]:
    """Take an id apart that is a project's and, behind it, that of something in the project.

    Raises RejectedError if it cannot be one of this system's.
    """
    found = _PAIR.fullmatch(text or "")
    if found is None:
        raise RejectedError("not_an_id", f"the {what} is not an id of this system")
    return found[1], found[2]


def project_in(task: str) -> str | None:
    """Give the project of a task's id, if it is one."""
    found = _PAIR.fullmatch(task)
    return found[1] if found else None


def entry_values(intent: PostingIntent, options: XeroOptions) -> Mapping[str, Any]:
    """Make one time entry. Raises RejectedError for what Xero could not keep exactly."""
    body = intent.time_line
    if body.legal_entity != options.tenant_id:
        raise RejectedError("legal_entity_unknown", "this connection is another organisation's")
    if not _ID.fullmatch(body.employee):
        raise RejectedError("not_an_id", "the employee is not an id of this system")
    _, task = pair_of(body.task, "task")
    exact = body.seconds % _SECONDS == 0
    if not exact and not options.round_minutes:
        raise RejectedError("not_whole_minutes", "Xero keeps time in whole minutes")
    minutes = _nearest(body.seconds)
    if not 1 <= minutes <= MINUTES_MAX:
        raise RejectedError("duration_unfit", f"an entry has 1 to {MINUTES_MAX} minutes")
    return {
        "userId": body.employee,
        "taskId": task,
        "dateUtc": noon_of(intent, options).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "duration": minutes,
        "description": _description(intent, "" if exact else f" [{body.seconds} s]"),
    }


def _nearest(seconds: int) -> int:
    return (seconds + _SECONDS // 2) // _SECONDS


def _description(intent: PostingIntent, exactly: str) -> str:
    text = referenced(intent.reference, intent.time_line.note)
    return f"{text[: _DESCRIPTION_MAX - len(exactly)].strip()}{exactly}"


def noon_of(intent: PostingIntent, options: XeroOptions) -> datetime:
    """The middle of the day of the work, where the organisation is: no zone shows another day."""
    noon = datetime.combine(intent.time_line.work_date, time(12), options.zone)
    return noon.astimezone(UTC)


def window_of(intents: list[PostingIntent]) -> tuple[datetime, datetime]:
    """Instants around all days of work, wherever on earth they were written down."""
    days = [intent.time_line.work_date for intent in intents]
    first = datetime.combine(min(days), time(0), UTC) - timedelta(days=1)
    last = datetime.combine(max(days), time(0), UTC) + timedelta(days=2)
    return first, last


def entry_id(row: TimeEntryRow) -> str:
    """The id of an entry here: Xero finds it only by its project's."""
    return f"{row.project_id}/{row.time_entry_id}"


def document_from(value: Any, options: XeroOptions) -> PostedDocument:
    """Read an entry as a document, ours or not; raises ValueError if that cannot be done."""
    row = row_from(TimeEntryRow, value)
    text, seconds = _apart(row)
    reference = reference_in(text)
    return PostedDocument(
        document_id=entry_id(row),
        reference=reference,
        body=TimeLine(
            legal_entity=options.tenant_id,
            employee=row.user_id,
            task=f"{row.project_id}/{row.task_id}",
            work_date=row.date_utc.astimezone(options.zone).date(),
            seconds=seconds,
            note=text.removeprefix(reference).lstrip()[:_NOTE_MAX],
        ),
        locked=row.status != ACTIVE,
    )


def _apart(row: TimeEntryRow) -> tuple[str, int]:
    """The words of an entry, and its seconds: those that stand in it, if they still fit."""
    text = row.description or ""
    found = _EXACTLY.search(text)
    if found and int(found[1]) % _SECONDS and _nearest(int(found[1])) == row.duration:
        return text[: found.start()], int(found[1])
    return text, row.duration * _SECONDS
