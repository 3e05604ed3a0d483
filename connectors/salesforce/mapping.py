"""Salesforce's Accounts and Opportunities and our masters: pure functions."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from canonical.masters import Customer, Master, Project
from canonical.text import same_code, storable
from connectors.base.master_writes import MasterWrite
from connectors.base.records import RawRecord, parsed, trouble_of
from connectors.salesforce import wire
from connectors.salesforce.options import AccountFields

_LOG: Final = logging.getLogger(__name__)
_NAME_MAX: Final = 250

M = TypeVar("M", bound=Master)


def readable(records: Iterable[RawRecord], convert: Callable[[RawRecord], M]) -> tuple[M, ...]:
    """Turn records into masters. One that cannot be read is left out and logged by its id."""
    masters: dict[str, M] = {}
    for record in records:
        try:
            master = convert(record)
        except ValueError as error:
            named = id_of(record) or "without an id"
            _LOG.warning("salesforce record %s left out: %s", named, trouble_of(error))
        else:
            masters[master.id] = master
    return tuple(masters.values())


def id_of(record: RawRecord) -> str | None:
    """The id of a record, whatever else is wrong with it."""
    found = parsed(record, wire.RecordRef)
    return None if isinstance(found, str) else found.id


def customer(record: RawRecord, connection: str, fields: AccountFields) -> Customer:
    """Who pays; raises ValueError without a value of it."""
    found = _wired(record, wire.Account)
    contacts = found.contacts.records if found.contacts else ()
    return Customer(
        connection=connection,
        id=found.id,
        code=_code(_text(record, fields.code), found.id),
        name=_cut(storable(found.name)),
        active=_flag(record, fields.active),
        currency=_text(record, fields.currency) or None,
        country=_text(record, fields.country) or None,
        tax_number=_text(record, fields.tax_number) or None,
        email=(contacts[0].email or None) if contacts else None,
    )


def project(record: RawRecord, connection: str, code_field: str) -> Project:
    """What was won; raises ValueError without a value of it."""
    found = _wired(record, wire.Opportunity)
    return Project(
        connection=connection,
        id=found.id,
        code=_code(_text(record, code_field), found.id),
        name=_cut(storable(found.name)),
        customer=found.account_id,
    )


def is_won(record: RawRecord) -> bool:
    """Whether an Opportunity is a project; one that cannot be read counts as none."""
    found = parsed(record, wire.Opportunity)
    return not isinstance(found, str) and found.is_won


def account_body(write: MasterWrite, fields: AccountFields) -> Mapping[str, Any]:
    """The fields of an Account that a write is about, as Salesforce names them.

    What the org does not keep is left out: a new customer has what there is a place for.
    """
    at = {
        "name": "Name",
        "currency": fields.currency,
        "country": fields.country,
        "tax_number": fields.tax_number,
    }
    body: dict[str, Any] = {
        at[name]: value or None for name, value in write.values.items() if at.get(name)
    }
    if fields.active and "active" in write.values:
        body[fields.active] = write.values["active"] == "yes"
    return body


def _wired(record: RawRecord, kind: type[wire.W]) -> wire.W:
    found = parsed(record, kind)
    if isinstance(found, str):
        raise ValueError(found)  # noqa: TRY004  One way out for both kinds of trouble.
    return found


def _text(record: RawRecord, field: str) -> str:
    """The value of a field that configuration names; "" names none."""
    value = record.value.get(field, False) if field else None
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{field}: not a text")  # noqa: TRY004
    return value.strip()


def _flag(record: RawRecord, field: str) -> bool:
    if not field:
        return True
    value = record.value.get(field)
    if not isinstance(value, bool):
        raise ValueError(f"{field}: not a checkbox")  # noqa: TRY004
    return value


def _code(text: str, record_id: str) -> str:
    # Without a code it must match nothing by accident, and people must see why.
    return same_code(text) or f"(no code: {record_id})"


def _cut(text: str) -> str:
    return text if len(text) <= _NAME_MAX else text[: _NAME_MAX - 1] + "…"
