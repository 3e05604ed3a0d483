"""Concur's users and our employees: pure functions; who cannot be read is left out and logged."""

import logging
import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from canonical.masters import Employee
from canonical.text import label, same_code
from connectors.base.records import RawRecord, trouble_of

_LOG: Final = logging.getLogger(__name__)
_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T.*)?", re.ASCII)


def _day(value: Any) -> date | None:
    """Take the date of '1998-01-31T00:00:00Z', which stands for a day and not for an instant."""
    if value is None:
        return None
    written = _DAY.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        raise ValueError("not a day")
    return date.fromisoformat(written[1])


def _many(value: Any) -> Any:
    """SAP's examples have null where its schema has a list."""
    return () if value is None else value


class _User(BaseModel):
    # SAP adds members at any time.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Email(_User):
    value: str
    type: str


class _Name(_User):
    formatted: str | None = None
    family: str = Field(validation_alias="familyName")
    given: str = Field(validation_alias="givenName")


class _Enterprise(_User):
    employee_number: str | None = Field(default=None, validation_alias="employeeNumber")
    cost_centre: str | None = Field(default=None, validation_alias="costCenter")
    legal_entity: str | None = Field(default=None, validation_alias="legalEntity")
    first_day: Annotated[date | None, BeforeValidator(_day)] = Field(
        default=None, validation_alias="startDate"
    )
    last_day: Annotated[date | None, BeforeValidator(_day)] = Field(
        default=None, validation_alias="terminationDate"
    )


class User(_User):
    """A user of Identity v4.1, as far as we need to know them."""

    id: str
    active: bool = Field(strict=True)
    login: str = Field(validation_alias="userName")
    display_name: str | None = Field(default=None, validation_alias="displayName")
    name: _Name
    emails: Annotated[tuple[_Email, ...], BeforeValidator(_many)] = ()
    enterprise: _Enterprise = Field(
        validation_alias="urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    )


def employees(records: Iterable[RawRecord], connection: str) -> tuple[Employee, ...]:
    """Turn users into employees; expenses of one who is left out wait in an exception case."""
    found: dict[str, Employee] = {}
    for number, record in enumerate(records, start=1):
        try:
            each = employee(User.model_validate(record.value), connection)
        except ValueError as error:
            _LOG.warning("concur user %d of the list left out: %s", number, trouble_of(error))
            continue
        known = found.get(each.id)
        if known is None or not known.active:
            found[each.id] = each
    return tuple(found.values())


def employee(user: User, connection: str) -> Employee:
    """A person, by the employee number: documents name no other id.

    A user without a number has the login, which is what Concur fills documents with then.
    """
    number = same_code(user.enterprise.employee_number or "") or same_code(user.login)
    work = sorted(user.emails, key=lambda each: each.type != "work")
    full_name = user.display_name or user.name.formatted or f"{user.name.given} {user.name.family}"
    return Employee(
        connection=connection,
        id=number,
        code=number,
        name=label(full_name),
        active=user.active,
        active_from=user.enterprise.first_day,
        active_until=user.enterprise.last_day,
        email=work[0].value if work else None,
        legal_entity=same_code(user.enterprise.legal_entity or "") or None,
        cost_centre=same_code(user.enterprise.cost_centre or "") or None,
    )
