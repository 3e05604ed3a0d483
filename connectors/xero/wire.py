"""Xero's JSON as types: the records that we read. Vendors add members at any time."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel, to_pascal

from connectors.base.dates import day_of
from connectors.base.numbers import number_of
from connectors.base.records import trouble_of

# The offset says in which zone somebody was; the milliseconds are UTC all the same.
_MS_DATE: Final = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/", re.ASCII)
_ISO_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(?:Z)?", re.ASCII)
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?Z", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Statuses of a document that counts.
AUTHORISED, PAID, POSTED = "AUTHORISED", "PAID", "POSTED"
BOOKED: Final = (AUTHORISED, PAID)


def ms_instant(value: Any) -> datetime:
    """Read `/Date(1552262400000+0000)/`; raises ValueError, never with the value in it."""
    found = _MS_DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("not a date of Xero's form")
    try:
        return _EPOCH + timedelta(milliseconds=int(found[1]))
    except OverflowError:
        raise ValueError("there is no such instant") from None


def ms_day(value: Any) -> date:
    """Read a day in any of the three forms that Xero has for it."""
    if isinstance(value, str) and _MS_DATE.fullmatch(value):
        return day_of(ms_instant(value).date().isoformat())
    if isinstance(value, str) and (found := _ISO_DATE.fullmatch(value)):
        return day_of(found[1])
    return day_of(value)


def instant(value: Any) -> datetime:
    """Read an instant of the Projects API, whose seconds have up to seven decimals."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("not an instant in UTC")
    try:
        whole = datetime.fromisoformat(f"{found[1]}+00:00")
    except ValueError:
        raise ValueError("there is no such instant") from None
    digits = (found[2] or ".0")[1:7].ljust(6, "0")
    return whole.replace(microsecond=int(digits))


def _identifier(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


WireDay = Annotated[date, BeforeValidator(ms_day)]
WireStamp = Annotated[datetime, BeforeValidator(ms_instant)]
WireInstant = Annotated[datetime, BeforeValidator(instant)]
WireDecimal = Annotated[Decimal, BeforeValidator(number_of)]
WireId = Annotated[
    str,
    BeforeValidator(_identifier),
    Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
]


class Row(BaseModel):
    """A record of the Accounting API."""

    model_config = ConfigDict(
        alias_generator=to_pascal,
        frozen=True,
        extra="ignore",
        strict=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )


class ProjectsRow(Row):
    """A record of the Projects API, which writes its members otherwise."""

    model_config = ConfigDict(alias_generator=to_camel)


R = TypeVar("R", bound=Row)


def row_from(kind: type[R], value: Any) -> R:
    """Read one record; raises ValueError with what is wrong and without a single value."""
    try:
        return kind.model_validate(value)
    except ValueError as error:
        raise ValueError(trouble_of(error)) from None


class TrackingRow(Row):
    """The option of a tracking category that a line counts for."""

    name: str
    option: str


class LineRow(Row):
    """One line of an invoice, bill or credit note; only those with an account have an amount."""

    description: str | None = None
    quantity: WireDecimal | None = None
    unit_amount: WireDecimal | None = None
    account_code: str | None = None
    tax_type: str | None = None
    tax_amount: WireDecimal | None = None
    line_amount: WireDecimal | None = None
    tracking: list[TrackingRow] = Field(default_factory=list)


class PartyRow(Row):
    """Whom a document is about."""

    contact_id: Annotated[WireId, Field(alias="ContactID")]


class DocumentRow(Row):
    """What invoices, bills and credit notes have in common."""

    type: str
    status: str
    contact: PartyRow
    date: WireDay
    due_date: WireDay | None = None
    reference: str | None = None
    currency_code: str
    line_items: list[LineRow]
    total: WireDecimal
    total_tax: WireDecimal


class InvoiceRow(DocumentRow):
    """An invoice or bill, with what was paid on it."""

    invoice_id: Annotated[WireId, Field(alias="InvoiceID")]
    invoice_number: str | None = None
    amount_due: WireDecimal
    amount_credited: WireDecimal = Decimal(0)
    payments: list[Any] = Field(default_factory=list)


class CreditNoteRow(DocumentRow):
    """A credit note of either side, with what of it is used."""

    credit_note_id: Annotated[WireId, Field(alias="CreditNoteID")]
    credit_note_number: str | None = None
    remaining_credit: WireDecimal
    payments: list[Any] = Field(default_factory=list)


class PaymentRow(Row):
    """One payment on a document; one that was taken back is not shown there any more."""

    payment_id: Annotated[WireId, Field(alias="PaymentID")]
    date: WireDay
    amount: WireDecimal


class JournalLineRow(Row):
    """One line of a manual journal; a debit is above nothing."""

    line_amount: WireDecimal
    account_code: str
    description: str | None = None


class JournalRow(Row):
    """A manual journal."""

    manual_journal_id: Annotated[WireId, Field(alias="ManualJournalID")]
    status: str
    narration: str
    date: WireDay
    journal_lines: list[JournalLineRow]


class TimeEntryRow(ProjectsRow):
    """Time on a project, in minutes."""

    time_entry_id: WireId
    user_id: WireId
    project_id: WireId
    task_id: WireId
    date_utc: WireInstant
    date_entered_utc: WireInstant
    duration: Annotated[int, Field(ge=0)]
    description: str | None = None
    status: str
