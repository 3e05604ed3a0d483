"""Fyle's master records and ours: pure functions; what cannot be read is left out and logged."""

import logging
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from canonical.masters import COST_CENTRE, DimensionValue, Employee, Master, Project, TaxCode
from canonical.text import label
from connectors.base.records import RawRecord, parsed, trouble_of
from connectors.fyle import master_wire, wire
from connectors.fyle.item_mapping import cut, named_code

_LOG: Final = logging.getLogger(__name__)
_NAME_MAX: Final = 250

W = TypeVar("W", bound=wire.Wire)
M = TypeVar("M", bound=Master)


def masters_of(
    records: Iterable[RawRecord], kind: type[W], convert: Callable[[W], M]
) -> tuple[M, ...]:
    """Turn a list of master records into ours. One that cannot be read is left out and logged.

    Expenses that refer to it then wait in an exception case, while all others go on.
    """
    masters: dict[str, M] = {}
    for record in records:
        wired = parsed(record, kind)
        try:
            if isinstance(wired, str):
                raise ValueError(wired)  # noqa: TRY004, TRY301  One way out for both troubles.
            master = convert(wired)
        except ValueError as error:
            named = record.value.get("id") if isinstance(record.value, dict) else None
            shown = named if isinstance(named, int) else "of no readable id"
            _LOG.warning("fyle %s %s left out: %s", kind.__name__, shown, trouble_of(error))
            continue
        masters[master.id] = master
    return tuple(masters.values())


def employee(found: master_wire.Employee, connection: str, legal_entity: str | None) -> Employee:
    """A person; who was disabled stays in the list, because a last report may still come."""
    return Employee(
        connection=connection,
        id=found.id,
        code=label(found.code or "") or found.id,
        name=cut(found.user.full_name or "", _NAME_MAX),
        legal_entity=legal_entity,
        active=found.is_enabled,
        active_from=found.joined_at,
        email=cut(found.user.email, _NAME_MAX) if found.user.email else None,
    )


def project(found: master_wire.ListedProject, connection: str) -> Project:
    """A project, under the code by which expenses name it."""
    return Project(
        connection=connection,
        id=str(found.id),
        code=named_code(found) or str(found.id),
        name=cut(found.display_name or found.name, _NAME_MAX),
        active=found.is_enabled,
    )


def cost_centre(found: master_wire.ListedMaster, connection: str) -> DimensionValue:
    """A cost centre, under the code by which expenses name it."""
    return DimensionValue(
        connection=connection,
        id=str(found.id),
        code=named_code(found) or str(found.id),
        name=cut(found.name, _NAME_MAX),
        active=found.is_enabled,
        dimension=COST_CENTRE,
    )


def tax_code(found: master_wire.ListedTaxGroup, connection: str) -> TaxCode:
    """A tax group, under its name: that is all that an expense says of it."""
    return TaxCode(
        connection=connection,
        id=found.id,
        code=label(found.name) or found.id,
        name=cut(found.name, _NAME_MAX),
        active=found.is_enabled,
        rate=found.percentage,
    )
