"""Harvest's JSON, as far as we read it: strict in type, indifferent to members we do not know."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from canonical.exact import exact_decimal

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_YEARS: Final = range(2000, 2101)


def day_of(value: Any) -> date:
    """Read a plain date; raises ValueError, never with the value in it."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("not a date of the form YYYY-MM-DD")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day") from None
    if day.year not in _YEARS:
        raise ValueError("not between the years 2000 and 2100")
    return day


def moment_of(value: Any) -> datetime:
    """Read an instant and bring it to UTC; raises ValueError, never with the value in it."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("not an ISO 8601 instant with its zone")
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such instant") from None
    if moment.year not in _YEARS:
        raise ValueError("not between the years 2000 and 2100")
    return moment


def _number(value: Any) -> Decimal:
    """Take a JSON number only: text or true in its place is a change we must hear about."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not a number")  # noqa: TRY004  Pydantic turns ValueError into its own.
    return exact_decimal(Decimal(value))


PlainDate = Annotated[date, BeforeValidator(day_of)]
Moment = Annotated[datetime, BeforeValidator(moment_of)]
Number = Annotated[Decimal, BeforeValidator(_number)]
Id = Annotated[int, Field(gt=0, lt=10**18)]


class Wire(BaseModel):
    """What all records share. The vendor may add members at any time."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


class Ref(Wire):
    """A record that another one names."""

    id: Id


class NamedRef(Ref):
    """A record that another one names, with its name."""

    name: str


class TimeEntry(Wire):
    """One line of a timesheet; `is_closed` means approved, `is_locked` alone does not."""

    id: Id
    spent_date: PlainDate
    user: Ref
    client: Ref | None
    project: Ref
    task: Ref
    hours: Number
    notes: str | None = None
    is_closed: bool
    is_running: bool
    billable: bool
    # Always there, null where there is none: were it renamed, rates would vanish unnoticed.
    billable_rate: Number | None
    updated_at: Moment


class User(Wire):
    """A person."""

    id: Id
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    is_active: bool
    roles: list[str] | None = None


class Client(Wire):
    """A customer; its currency is the one of all rates of its projects."""

    id: Id
    name: str
    currency: str | None = None
    is_active: bool


class Project(Wire):
    """A project of one client."""

    id: Id
    name: str
    code: str | None = None
    client: Ref | None
    is_active: bool


class Task(Wire):
    """A kind of work, known to the whole account."""

    id: Id
    name: str
    is_active: bool


class TaskAssignment(Wire):
    """That a task may be booked on a project."""

    project: Ref
    task: NamedRef
    is_active: bool


class Links(Wire):
    """Where the neighbouring pages are; `next` is the only one that we follow.

    It must be there, if only as null: an answer without it would look like the last page.
    """

    next: str | None


class Envelope(Wire):
    """What a page says beside its records."""

    total_entries: Annotated[int, Field(ge=0)]
    links: Links


class Company(Wire):
    """The account that the credentials belong to."""

    full_domain: str | None = None
    is_active: bool | None = None
    approval_feature: bool | None = None


class ExternalReference(Wire):
    """What another system is to a time entry; ours is the posting that it became."""

    id: str | None = None


class Referred(Wire):
    """A time entry after it was given a reference."""

    external_reference: ExternalReference
