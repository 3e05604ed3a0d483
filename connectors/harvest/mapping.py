"""Harvest's records and ours: pure functions, no request and no clock."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar

from canonical.hours import seconds_from_hours
from canonical.money import NO_CURRENCY, HourlyRate
from canonical.time_entry import Approval, TimeEntry, week_of
from connectors.base.capabilities import Acknowledgement, SourceRecord
from connectors.base.dates import day_of, moment_of
from connectors.base.records import RawRecord, parsed, raw_page, trouble_of
from connectors.harvest import wire

_NOTE_MAX: Final = 4000
_DIGITS: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)

V = TypeVar("V")

# A client's currency by client id; None once Harvest was asked and does not know the client.
Currencies = Mapping[int, str | None]


def timesheet_id(user: int | str, day: date) -> str:
    """A person's week, Monday to Sunday; Harvest has no document of its own for it."""
    return f"{user}-{week_of(day).isoformat()}"


def task_id(project: int, task: int) -> str:
    """Harvest's tasks belong to the account; what work is booked on is a task of a project."""
    return f"{project}/{task}"


def approved(entry: wire.TimeEntry) -> bool:
    """Closed by timesheet approval. Being locked, archived or invoiced is no approval."""
    return entry.is_closed and not entry.is_running


def entries_on(page: bytes, connection: str) -> tuple[SourceRecord[TimeEntry], ...]:
    """Read a page of time entries as people keep one; raises ValueError if it is none.

    Harvest's entries do not say of what currency their rates are. A list of `clients` in the
    page does; without one, rates are of no currency (ISO 4217: XXX).
    """
    apart = raw_page(page, "time_entries")
    entries = [parsed(record, wire.TimeEntry) for record in apart.records]
    listed = apart.envelope.get("clients")
    clients = [RawRecord("", one) for one in listed] if isinstance(listed, list) else []
    rated = (entry.client for entry in entries if not isinstance(entry, str))
    currencies = {client.id: NO_CURRENCY for client in rated if client} | {
        client: currency for client, currency in currencies_of(clients).items() if currency
    }
    return tuple(
        source_record(record, entry, connection, currencies)
        for record, entry in zip(apart.records, entries, strict=True)
    )


def source_record(
    record: RawRecord, entry: wire.TimeEntry | str, connection: str, currencies: Currencies
) -> SourceRecord[TimeEntry]:
    """Turn one record of a page into what the intake takes; never raises for its content."""
    if isinstance(entry, str):
        return _unreadable(record, entry)
    try:
        line, trouble = time_entry(entry, connection, currencies), None
    except ValueError as error:
        line, trouble = None, trouble_of(error)
    return SourceRecord(
        source_id=str(entry.id),
        raw=record.kept,
        record=line,
        trouble=trouble,
        document_id=timesheet_id(entry.user.id, entry.spent_date),
        employee=str(entry.user.id),
        work_date=entry.spent_date,
        approved=approved(entry),
        changed_at=entry.updated_at,
    )


def time_entry(entry: wire.TimeEntry, connection: str, currencies: Currencies) -> TimeEntry:
    """Turn a time entry into ours; raises ValueError for hours or a rate beyond all bounds."""
    return TimeEntry(
        connection=connection,
        id=str(entry.id),
        timesheet=timesheet_id(entry.user.id, entry.spent_date),
        employee=str(entry.user.id),
        customer=str(entry.client.id) if entry.client else None,
        project=str(entry.project.id),
        task=task_id(entry.project.id, entry.task.id),
        work_date=entry.spent_date,
        seconds=_seconds(entry),
        billable=entry.billable,
        bill_rate=_bill_rate(entry, currencies),
        note=cut(entry.notes or "", _NOTE_MAX),
        approval=Approval() if approved(entry) else None,
        changed_at=entry.updated_at,
    )


def _seconds(entry: wire.TimeEntry) -> int:
    try:
        return seconds_from_hours(entry.hours)
    except ValueError as error:
        raise ValueError(f"hours: {error}") from None


def _bill_rate(entry: wire.TimeEntry, currencies: Currencies) -> HourlyRate | None:
    if entry.billable_rate is None:
        return None
    currency = currencies.get(entry.client.id) if entry.client else None
    if currency is None:
        raise ValueError("client: has no known currency, so the billable_rate means nothing")
    try:
        return _rate(str(entry.billable_rate), currency)
    except ValueError as error:
        raise ValueError(f"billable_rate: {trouble_of(error)}") from None


# A firm has some dozens of rates, and thousands of entries at each. By its digits: as numbers, 100
# and 100.0 are one, and what an entry's rate looks like would depend on who was read before it.
@lru_cache(maxsize=1024)
def _rate(digits: str, currency: str) -> HourlyRate:
    return HourlyRate(amount=Decimal(digits), currency=currency)


def _unreadable(record: RawRecord, trouble: str) -> SourceRecord[TimeEntry]:
    """Keep of a record that cannot be read whatever can: whose, when, and whether approved."""
    value: Mapping[str, Any] = record.value if isinstance(record.value, dict) else {}
    user = value.get("user")
    employee = id_of(user.get("id")) if isinstance(user, dict) else None
    day = _tried(day_of, value.get("spent_date"))
    return SourceRecord(
        source_id=id_of(value.get("id")),
        raw=record.kept,
        trouble=trouble,
        document_id=timesheet_id(employee, day) if employee and day else None,
        employee=employee,
        work_date=day,
        approved=_perhaps_approved(value.get("is_closed"), value.get("is_running")),
        changed_at=_tried(moment_of, value.get("updated_at")),
    )


def _perhaps_approved(closed: object, running: object) -> bool | None:
    if closed is False or running is True:
        return False
    return True if closed is True and running is False else None


def id_of(value: object) -> str | None:
    """Take an id out of a record that is wrong elsewhere, even if the id itself became text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value) if _DIGITS.fullmatch(str(value)) else None


def _tried(read: Callable[[Any], V], value: object) -> V | None:
    try:
        return read(value)
    except ValueError:
        return None


def reference_of(acknowledgement: Acknowledgement) -> dict[str, str]:
    """What Harvest is told: our reference, and the ERP's document as the group it is in."""
    reference = {"id": acknowledgement.reference, "group_id": acknowledgement.document_id}
    if acknowledgement.permalink is not None:
        reference["permalink"] = acknowledgement.permalink
    return reference


def currencies_of(records: Iterable[RawRecord]) -> dict[int, str | None]:
    """The currency of each client that can be read."""
    clients = (parsed(record, wire.Client) for record in records)
    return {client.id: client.currency for client in clients if not isinstance(client, str)}


def cut(text: str, length: int) -> str:
    """Shorten what a person wrote, and let it show."""
    return text if len(text) <= length else text[: length - 1] + "…"
