"""Tryton's JSON: how exact values travel, and the records that we read."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

WireValue = Mapping[str, Any]


def date_on_wire(day: date) -> WireValue:
    """Write a plain date."""
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def instant_on_wire(at: datetime) -> WireValue:
    """Write an instant; Tryton keeps naive UTC."""
    utc = at.astimezone(UTC)
    return {
        "__class__": "datetime",
        "year": utc.year,
        "month": utc.month,
        "day": utc.day,
        "hour": utc.hour,
        "minute": utc.minute,
        "second": utc.second,
        "microsecond": utc.microsecond,
    }


def duration_on_wire(seconds: int) -> WireValue:
    """Write a duration; Tryton answers with a float, which is exact for whole seconds."""
    return {"__class__": "timedelta", "seconds": seconds}


def members_of(value: Any, name: str) -> Mapping[str, Any]:
    """Open a value that names its class; ValueError if it is another's."""
    if not isinstance(value, dict) or value.get("__class__") != name:
        raise ValueError(f"not a {name}")
    return value


def _date(value: Any) -> Any:
    if value is None or isinstance(value, date):
        return value
    found = members_of(value, "date")
    try:
        return date(found["year"], found["month"], found["day"])
    except (KeyError, TypeError) as error:
        raise ValueError("not a date") from error


def _whole_seconds(value: Any) -> Any:
    seconds = members_of(value, "timedelta").get("seconds")
    if isinstance(seconds, Decimal) and seconds == seconds.to_integral_value():
        return int(seconds)
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        return seconds
    raise ValueError("not a whole number of seconds")


WireDate = Annotated[date, BeforeValidator(_date)]
WireSeconds = Annotated[int, BeforeValidator(_whole_seconds)]


class Row(BaseModel):
    """A record as Tryton answers it; modules may add fields at any time."""

    # Dates arrive through their validators only, ints as ints: nothing is made to fit.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)

    id: int


R = TypeVar("R", bound=Row)


class StampRow(Row):
    """What a compare-and-set is made with."""

    stamp: str = Field(alias="_timestamp")


class LineRow(Row):
    """A line of time."""

    company: int
    employee: int
    work: int
    date: WireDate
    duration: WireSeconds
    description: str | None
    invoice_line: int | None


class PartyRow(Row):
    """Anybody with a name: a company, for instance."""

    code: str | None
    name: str | None


class CustomerRow(PartyRow):
    """Who pays for a project, or may be billed by another company of the group."""

    active: bool


class PersonRow(PartyRow):
    """An employee's person; the e-mail address is personal data."""

    email: str | None = Field(repr=False)


class CurrencyRow(Row):
    """A currency."""

    code: str


class CompanyRow(Row):
    """A company that books."""

    party: CustomerRow = Field(alias="party.")
    currency: CurrencyRow = Field(alias="currency.")


class EmployeeRow(Row):
    """A person's employment in one company; `active` there only says what today's date makes it."""

    company: int
    start_date: WireDate | None
    end_date: WireDate | None
    party: PersonRow = Field(alias="party.")


class StatusRow(Row):
    """How far a project or task is; 1 is done."""

    progress: Decimal | None


class ProjectWorkRow(Row):
    """A project or a task: Tryton keeps both in one tree."""

    type: str
    number: str | None
    name: str | None
    company: int
    parent: int | None
    comment: str | None
    party_id: int | None = Field(alias="party")
    party: CustomerRow | None = Field(alias="party.")
    status: StatusRow | None = Field(alias="status.")


class TimesheetWorkRow(Row):
    """What time is booked on; a project or task has one per company."""

    origin: str | None
    company: int
    timesheet_start_date: WireDate | None
    timesheet_end_date: WireDate | None


class AnalyticAccountRow(Row):
    """One value of an analytic axis."""

    code: str | None
    name: str | None
    company: int
    active: bool
    state: str


class FiscalYearRow(Row):
    """A fiscal year."""

    name: str | None


class PeriodRow(Row):
    """One period of a company's calendar."""

    name: str | None
    company: int
    start_date: WireDate
    end_date: WireDate
    state: str
    fiscal_year: FiscalYearRow = Field(alias="fiscalyear.")


def fields_of(row: type[Row]) -> list[str]:
    """Give the fields to ask Tryton for, so that a row can be read; dotted for the nested."""
    asked: list[str] = []
    for name, field in row.model_fields.items():
        wired = field.alias or name
        nested = _nested(field.annotation)
        if nested is None:
            asked.append(wired)
        else:
            asked.extend(wired + each for each in fields_of(nested) if each != "id")
    return [each for each in asked if each != "id"]


def _nested(annotation: Any) -> type[Row] | None:
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    return next((x for x in candidates if isinstance(x, type) and issubclass(x, Row)), None)


def row_from(kind: type[R], value: Any) -> R:
    """Read one record. Raises ValueError that names record and member, and no value."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)[0]
        named = value.get("id") if isinstance(value, dict) else None
        member = ".".join(map(str, found["loc"]))
        raise ValueError(f"record {named}: {member}: {found['msg']}") from None
