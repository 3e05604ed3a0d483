"""Harvest's JSON, as far as we read it: strict in type, indifferent to members we do not know."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connectors.base.dates import day_of, moment_of
from connectors.base.numbers import number_of

PlainDate = Annotated[date, BeforeValidator(day_of)]
Moment = Annotated[datetime, BeforeValidator(moment_of)]
Number = Annotated[Decimal, BeforeValidator(number_of)]
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
