"""Master records as they are read to be written: with their stamps, in the same answer."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pydantic import Field

from connectors.tryton.wire import (
    AnalyticAccountRow,
    CustomerRow,
    PersonRow,
    ProjectWorkRow,
    Row,
    WireDate,
)


class PartyLook(CustomerRow):
    """A party with its stamp."""

    stamp: str = Field(alias="_timestamp")


class _PersonLook(PersonRow):
    stamp: str = Field(alias="_timestamp")


class EmployeeLook(Row):
    """An employment as an `EmployeeRow` is, with its stamp and that of the person's party."""

    company: int
    start_date: WireDate | None
    end_date: WireDate | None
    stamp: str = Field(alias="_timestamp")
    party: _PersonLook = Field(alias="party.")


class WorkLook(ProjectWorkRow):
    """A project or task with its stamp."""

    stamp: str = Field(alias="_timestamp")


class AccountLook(AnalyticAccountRow):
    """An analytic account with its stamp."""

    stamp: str = Field(alias="_timestamp")


class RootRow(Row):
    """The root of an analytic axis, in one company."""

    company: int


class WorkStatusRow(Row):
    """A status that projects or tasks may have."""

    progress: Decimal | None
    types: list[str] | None


class EmployeeParty(Row):
    """Whose person an employment is."""

    party: int


def stamps_of(model: str, values: Iterable[Any]) -> dict[str, str]:
    """Take the stamps from records; one that shows none cannot be written."""
    return {
        f"{model},{one['id']}": one["_timestamp"]
        for one in values
        if isinstance(one, dict) and isinstance(one.get("_timestamp"), str)
    }
