"""Master data as tables: employees, customers, projects, tasks, dimensions, legal entities."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from canonical.masters import (
    Account,
    Currency,
    Customer,
    DimensionValue,
    Employee,
    LegalEntity,
    Master,
    Masters,
    Project,
    Task,
    TaxCode,
)
from connectors.flatfile.cells import Cells
from connectors.flatfile.contents import Contents
from connectors.flatfile.drafts import Draft, each_once
from connectors.flatfile.kinds import Kind, id_from
from connectors.flatfile.tables import Columns

M = TypeVar("M", bound=Master)

_LIFE: Final = ("legal_entity", "active", "active_from", "active_until")
# A record without an id, which its columns then explain.
_NONE: Final = ""


def task_id(project: str, task: str) -> str | None:
    """A task is known by its project and its name there."""
    return id_from(project, task)


def _life(cells: Cells) -> dict[str, Any]:
    return {
        "legal_entity": cells.text("legal_entity"),
        "active": cells.flag("active"),
        "active_from": cells.day("active_from"),
        "active_until": cells.day("active_until"),
    }


def _master(cells: Cells, kind: type[M], identity: str | None, **values: Any) -> M:
    """Make a record whose code is its id, unless `identity` says otherwise."""
    given = {"code": cells.text("code"), "name": cells.text("name") or "", **values}
    own = identity if identity is not None else id_from(given["code"] or _NONE)
    said = {"connection": "", "id": "code"}
    # Which connection it is of, whoever reads it says.
    return cells.make(kind, said, connection="-", id=own, **_life(cells), **given)


def _legal_entity(cells: Cells) -> LegalEntity:
    return _master(cells, LegalEntity, None, currency=cells.text("currency"))


def _customer(cells: Cells) -> Customer:
    return _master(cells, Customer, None, currency=cells.text("currency"))


def _employee(cells: Cells) -> Employee:
    named = ("email", "party", "cost_centre", "role")
    return _master(cells, Employee, None, **{name: cells.text(name) for name in named})


def _project(cells: Cells) -> Project:
    customer = cells.text("customer")
    return _master(cells, Project, None, customer=customer and id_from(customer))


def _task(cells: Cells) -> Task:
    project, name = cells.text("project") or _NONE, cells.text("name") or _NONE
    own = task_id(project, name)
    return _master(cells, Task, own, code=name or None, project=id_from(project))


def _dimension_value(cells: Cells) -> DimensionValue:
    names = [cells.text(name) for name in ("dimension", "legal_entity", "code")]
    own = id_from(*(name for name in names if name))
    return _master(cells, DimensionValue, own, dimension=cells.text("dimension"))


def _account(cells: Cells) -> Account:
    return _master(cells, Account, _within_entity(cells))


def _tax_code(cells: Cells) -> TaxCode:
    return _master(cells, TaxCode, _within_entity(cells), rate=cells.number("rate"))


def _currency(cells: Cells) -> Currency:
    return _master(cells, Currency, None)


def _within_entity(cells: Cells) -> str | None:
    names = [cells.text(name) or _NONE for name in ("legal_entity", "code")]
    if not names[0]:
        # Two companies may give one code to different accounts.
        cells.wrong("legal_entity", "fill it in")
    return id_from(*names)


LEGAL_ENTITIES: Final = Kind(
    "legal_entities",
    Columns(("code", "name", "currency"), _LIFE[1:]),
    ("code",),
    _legal_entity,
)
CUSTOMERS: Final = Kind(
    "customers", Columns(("code", "name"), (*_LIFE, "currency")), ("code",), _customer
)
EMPLOYEES: Final = Kind(
    "employees",
    Columns(("code", "name", "email"), (*_LIFE, "party", "cost_centre", "role")),
    ("code",),
    _employee,
)
PROJECTS: Final = Kind(
    "projects", Columns(("code", "name"), (*_LIFE, "customer")), ("code",), _project
)
TASKS: Final = Kind("tasks", Columns(("project", "name"), _LIFE), ("project", "name"), _task)
DIMENSION_VALUES: Final = Kind(
    "dimension_values",
    Columns(("dimension", "code", "name"), _LIFE),
    ("dimension", "legal_entity", "code"),
    _dimension_value,
)
_OF_AN_ENTITY: Final = ("legal_entity", "code")
ACCOUNTS: Final = Kind(
    "accounts", Columns((*_OF_AN_ENTITY, "name"), _LIFE[1:]), _OF_AN_ENTITY, _account
)
TAX_CODES: Final = Kind(
    "tax_codes", Columns((*_OF_AN_ENTITY, "name"), (*_LIFE[1:], "rate")), _OF_AN_ENTITY, _tax_code
)
CURRENCIES: Final = Kind("currencies", Columns(("code", "name"), _LIFE[1:]), ("code",), _currency)
# What a source of work has, and what an ERP has beside that; each stem is a member of `Masters`.
OF_A_SOURCE: Final[tuple[Kind[Any], ...]] = (
    *(LEGAL_ENTITIES, CUSTOMERS, EMPLOYEES, PROJECTS, TASKS, DIMENSION_VALUES),
)
OF_AN_ERP: Final[tuple[Kind[Any], ...]] = (*OF_A_SOURCE, ACCOUNTS, TAX_CODES, CURRENCIES)


def files_of_masters(kinds: Iterable[Kind[Any]]) -> tuple[str, ...]:
    """The files that these kinds may be in."""
    return tuple(name for kind in kinds for name in kind.files)


def masters_in(
    contents: Contents, kinds: Iterable[Kind[Any]]
) -> tuple[Masters, Sequence[Draft[Master]]]:
    """Read all masters that a drop has, and the drafts that they came from.

    One that cannot be read is left out: work that names it waits in a case, all other goes on.
    """
    found: dict[str, tuple[Master, ...]] = {}
    drafts: list[Draft[Master]] = []
    for kind in kinds:
        of_kind = each_once(kind.drafts(contents))
        drafts += of_kind
        found[kind.stem] = tuple(
            draft.record.model_copy(update={"connection": contents.connection})
            for draft in of_kind
            if draft.record is not None
        )
    return Masters(**found), drafts  # type: ignore[arg-type]  # Each kind's stem is its member.
