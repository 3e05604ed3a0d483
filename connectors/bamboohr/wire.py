"""BambooHR's JSON, as far as we read it: strict in type, indifferent to members we do not know."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connectors.base.dates import moment_of

# What older parts of BambooHR write where there is no day.
_NO_DAY: Final = ("", "0000-00-00")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# People were hired long before anything that is posted.
_YEARS: Final = range(1900, 2101)


def _maybe_day(value: Any) -> Any:
    if value is None or value in _NO_DAY:
        return None
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("not a date of the form YYYY-MM-DD")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day") from None
    if day.year not in _YEARS:
        raise ValueError("not between the years 1900 and 2100")
    return day


def _map_or_nothing(value: Any) -> Any:
    # An empty map may come as an empty list, as PHP writes it.
    return {} if value == [] else value


Day = Annotated[date | None, BeforeValidator(_maybe_day)]
Moment = Annotated[datetime, BeforeValidator(moment_of)]
Id = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]


class Wire(BaseModel):
    """What all records share. The vendor may add members at any time."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


class Person(Wire):
    """An employee as the list of employees shows one; what was not asked for is not in it.

    `restricted` names the fields that are null because the key may not see them.
    """

    id: Annotated[Id, Field(alias="employeeId")]
    first_name: Annotated[str | None, Field(alias="firstName")]
    last_name: Annotated[str | None, Field(alias="lastName")]
    status: str | None
    role: Annotated[str | None, Field(alias="jobTitleName")]
    email: Annotated[str | None, Field(alias="workEmail")] = None
    hire_date: Annotated[Day, Field(alias="hireDate")] = None
    department: Annotated[str | None, Field(alias="departmentName")] = None
    division: Annotated[str | None, Field(alias="divisionName")] = None
    location: Annotated[str | None, Field(alias="locationName")] = None
    restricted: Annotated[list[str], Field(alias="_restrictedFields")]


class CursorPage(Wire):
    """Where the next page begins; null at the end."""

    next: Annotated[str | int | None, Field(alias="nextCursor")]


class Meta(Wire):
    """What a page says of the whole list."""

    total: Annotated[int, Field(ge=0)]
    page: CursorPage


class Row(Wire):
    """One row of a dataset; a field that the key may not see is not promised to be in it."""

    fields: dict[str, str | int | None]


class DatasetMeta(Wire):
    """Which page this is, and how many there are."""

    page: Annotated[int, Field(ge=0)]
    total_pages: Annotated[int, Field(alias="totalPages", ge=0)]


class Dataset(Wire):
    """One page of a dataset."""

    data: list[Row]
    meta: DatasetMeta


class Envelope(Wire):
    """What a page says beside its records."""

    meta: Meta


class Change(Wire):
    """That an employee was changed, and when last."""

    id: Id
    action: Literal["Inserted", "Updated", "Deleted"]
    last_changed: Annotated[Moment, Field(alias="lastChanged")]


class Changed(Wire):
    """Everybody who changed since an instant."""

    employees: Annotated[dict[str, Change], BeforeValidator(_map_or_nothing)]


class ChangedRows(Wire):
    """The rows of one employee whose record has changed."""

    rows: list[dict[str, Any]]


class ChangedTable(Wire):
    """The rows of everybody who changed since an instant."""

    employees: Annotated[dict[str, ChangedRows], BeforeValidator(_map_or_nothing)]


class StatusRow(Wire):
    """From when on a person has an employment status."""

    employee_id: Annotated[Id, Field(alias="employeeId")]
    day: Annotated[Day, Field(alias="date")]
    status: Annotated[str | None, Field(alias="employmentStatus")]


class JobRow(Wire):
    """From when on a person has a job: where, as what. A later row has a higher id."""

    id: Id
    employee_id: Annotated[Id, Field(alias="employeeId")]
    day: Annotated[Day, Field(alias="date")]
    department: str | None = None
    division: str | None = None
    location: str | None = None


class Choice(Wire):
    """One of the values of a list."""

    id: int
    name: str
    archived: Literal["yes", "no"]


class ChoiceList(Wire):
    """A field with a list of values."""

    alias: str | None = None
    options: list[Choice] = []


class Delivery(Wire):
    """What became of a webhook's request."""

    last_attempted: Annotated[str | None, Field(alias="lastAttempted")] = None
    last_success: Annotated[str | None, Field(alias="lastSuccess")] = None
    status_code: Annotated[str | int | None, Field(alias="statusCode")] = None
