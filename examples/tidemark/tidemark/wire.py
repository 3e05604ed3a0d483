"""Tidemark's JSON as types. Whatever is not read here may change at any time."""

from typing import Annotated

from connectors.base.dates import day_of
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Day = Annotated[str, BeforeValidator(lambda value: day_of(value).isoformat())]


class Wire(BaseModel):
    """One object of an answer; members that we do not know are let through unread."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, strict=True)


class Me(Wire):
    """Who we are to the system."""

    name: str


class Entry(Wire):
    """One line in its books."""

    id: int
    reference: str
    person: str
    job: str
    worked_on: Day
    duration: Annotated[str, Field(pattern=r"^PT[0-9]{1,9}S$")]
    text: str


class Problem(Wire):
    """Why something was refused."""

    code: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class Refusal(Wire):
    """The body of a 422."""

    error: Problem
