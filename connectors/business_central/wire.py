"""Business Central's JSON, as far as it is read; the vendor may add members at any time."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from connectors.base.dates import day_of, moment_of
from connectors.base.numbers import number_of
from connectors.base.records import trouble_of

# How the ERP writes that there is no date, and no record.
_NO_DAY: Final = "0001-01-01"
NO_ID: Final = "00000000-0000-0000-0000-000000000000"


def _day(value: Any) -> date | None:
    return None if value in (None, _NO_DAY) else day_of(value)


def _moment(value: Any) -> datetime | None:
    blank = value is None or (isinstance(value, str) and value.startswith(_NO_DAY))
    return None if blank else moment_of(value)


def _id(value: Any) -> str | None:
    if value is None or value == NO_ID:
        return None
    if not isinstance(value, str):
        raise ValueError("not an id")  # noqa: TRY004  Pydantic turns ValueError into its own.
    return value.lower()


Day = Annotated[date | None, BeforeValidator(_day)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Number = Annotated[Decimal, BeforeValidator(number_of)]
Id = Annotated[str, BeforeValidator(_id)]
LooseId = Annotated[str | None, BeforeValidator(_id)]


class Row(BaseModel):
    """A record; its ETag says which version of it was read."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    id: Id
    etag: str = Field(default="", alias="@odata.etag")


R = TypeVar("R", bound=Row)


def row_from(kind: type[R], value: Any) -> R:
    """Read one record; raises ValueError that names the members at fault, and no value."""
    try:
        return kind.model_validate(value)
    except ValueError as error:
        raise ValueError(trouble_of(error)) from None


class Company(Row):
    """A company, which is a legal entity."""

    name: str
    display_name: str = ""


class Journal(Row):
    """A batch of general journal lines."""

    code: str
    display_name: str = ""
    last_modified_date_time: Moment = None


class JournalLine(Row):
    """A line of a journal that is not posted."""

    line_number: int
    account_number: str = ""
    posting_date: Day = None
    document_number: str = ""
    amount: Number = Decimal(0)
    external_document_number: str = ""
    description: str = ""
    comment: str = ""
    last_modified_date_time: Moment = None


class LedgerEntry(Row):
    """One entry of the general ledger; it never changes."""

    entry_number: int
    posting_date: Day = None
    document_number: str = ""
    account_number: str = ""
    description: str = ""
    debit_amount: Number = Decimal(0)
    credit_amount: Number = Decimal(0)


class TimeRegistrationEntry(Row):
    """One day's work of one person on one line of a time sheet."""

    employee_id: LooseId = None
    job_id: LooseId = None
    job_task_number: str = ""
    line_number: int = 0
    date: Day = None
    quantity: Number
    status: str = ""


class LedgerSetup(Row):
    """A company's base currency, and between which days it may be posted."""

    allow_posting_from: Day = None
    allow_posting_to: Day = None
    local_currency_code: str = ""


class AccountingPeriod(Row):
    """A month of the calendar; it ends where the next one begins."""

    starting_date: Day
    name: str = ""
    new_fiscal_year: bool = False
    closed: bool = False
    date_locked: bool = False


class Customer(Row):
    """A customer; `blocked` says for what."""

    number: str
    display_name: str = ""
    currency_code: str = ""
    blocked: str = " "
    country: str = ""
    tax_registration_number: str = ""
    email: str = ""


class Vendor(Row):
    """A vendor; each employee who is owed money is one."""

    number: str
    display_name: str = ""
    blocked: str = " "


class DefaultDimension(Row):
    """The value on one axis that stands on whatever a record is posted with."""

    dimension_code: str = ""
    dimension_value_code: str = ""


class Employee(Row):
    """An employee, with default dimensions where they were asked for."""

    number: str
    display_name: str = ""
    job_title: str = ""
    email: str = ""
    employment_date: Day = None
    termination_date: Day = None
    status: str = ""
    default_dimensions: tuple[DefaultDimension, ...] = ()


class Project(Row):
    """A project; v2.0 tells neither its customer nor whether it is closed."""

    number: str
    display_name: str = ""


class Account(Row):
    """A general ledger account."""

    number: str
    display_name: str = ""
    blocked: bool = False
    account_type: str = "Posting"
    direct_posting: bool = True


class Dimension(Row):
    """An axis, and its values where they were asked for with it."""

    code: str
    dimension_values: tuple["DimensionValue", ...] = ()


class DimensionValue(Row):
    """One value on an axis."""

    code: str
    display_name: str = ""


class TaxGroup(Row):
    """A tax group, by which a line's tax is found; its rate is on no record of the API."""

    code: str
    display_name: str = ""


class Currency(Row):
    """A currency other than a company's own."""

    code: str
    display_name: str = ""


class ExchangeRate(Row):
    """From a day on, so much of one currency is so much of another; none named: the base."""

    currency_code: str
    starting_date: Day
    exchange_rate_amount: Number
    relational_currency_code: str = ""
    relational_exchange_rate_amount: Number
