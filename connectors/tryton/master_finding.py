"""Master records looked up in Tryton: by id or exact key, with the stamps that a write needs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from canonical.cross_reference import MasterKind
from canonical.masters import Masters
from canonical.text import same_code
from connectors.base.errors import ConflictError, RejectedError
from connectors.base.master_writes import MasterLook, MasterQuery, MasterWrite
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.master_mapping import Companies, Works, readable
from connectors.tryton.wire import (
    AnalyticAccountRow,
    CustomerRow,
    EmployeeRow,
    ProjectWorkRow,
    Row,
    StampRow,
    TimesheetWorkRow,
    row_from,
)

# Without it Tryton leaves inactive records out, leavers among them.
_ACTIVE_OR_NOT: Final[Context] = {"active_test": False}
_IDS_MAX: Final = 500
CHILDREN: Final = frozenset({MasterKind.EMPLOYEE, MasterKind.TASK, MasterKind.DIMENSION_VALUE})
_LIKE: Final = re.compile(r"([%_\\])")


@dataclass(frozen=True, slots=True)
class Parent:
    """Through which record others are made, and in which of its members."""

    model: str
    member: str
    id: int
    company: int

    @property
    def stamp_key(self) -> str:
        """Names its stamp, in evidence and in the context of a write."""
        return f"{self.model},{self.id}"


class _RootRow(Row):
    company: int


class _StatusRow(Row):
    progress: Any
    types: Any


def project_mark(code: str) -> str:
    """What a project that was made here carries in its comment, beside what people write there."""
    return f"[ledgerway:{code}]"


class MasterFinding:
    """Looks, a handful of calls each, however many records are asked for."""

    def __init__(
        self,
        client: TrytonClient,
        options: TrytonOptions,
        companies: Callable[[], Any],
    ) -> None:
        self._client: Final = client
        self._options: Final = options
        self._read_companies: Final = companies

    async def look(self, query: MasterQuery) -> MasterLook:
        """Show the records that a query names; stamps were read before them."""
        companies: Companies = await self._read_companies()
        stamps = await self._stamps(query, companies)
        match query.kind:
            case MasterKind.CUSTOMER:
                domain = _either(query, lambda keys: [["code", "in", keys]])
                rows = await self._all(CustomerRow, "party.party", domain)
                found = Masters(customers=readable(CustomerRow, rows, companies.customer))
            case MasterKind.EMPLOYEE:
                domain = _either(
                    query,
                    lambda keys: [
                        ["party.code", "in", keys],
                        ["party.contact_mechanisms.value", "in", keys],
                    ],
                )
                rows = await self._all(EmployeeRow, "company.employee", domain)
                found = Masters(employees=readable(EmployeeRow, rows, companies.employee))
            case MasterKind.PROJECT:
                domain = [["type", "=", "project"], _either(query, _project_keys)]
                rows = await self._all(ProjectWorkRow, "project.work", domain)
                found = Masters(projects=Works(companies, rows).projects())
            case MasterKind.TASK:
                found = await self._tasks(query, companies)
            case _:
                domain = [
                    ["root.name", "=", self._options.cost_centre_root],
                    ["type", "=", "normal"],
                    _either(query, lambda keys: [["code", "in", keys]]),
                ]
                rows = await self._all(AnalyticAccountRow, "analytic_account.account", domain)
                found = Masters(
                    dimension_values=readable(AnalyticAccountRow, rows, companies.cost_centre)
                )
        return MasterLook(found, stamps)

    async def _tasks(self, query: MasterQuery, companies: Companies) -> Masters:
        """Tasks of projects, or by the id that time is booked on."""
        parents = [int(one) for one in query.parents]
        sheets: list[Any] = []
        if query.ids:
            ids = [int(one) for one in query.ids]
            sheets = await self._all(TimesheetWorkRow, "timesheet.work", [["id", "in", ids]])
        origins = [
            int(row_from(TimesheetWorkRow, one).origin.split(",")[1])  # type: ignore[union-attr]
            for one in sheets
            if row_from(TimesheetWorkRow, one).origin
        ]
        domain = ["OR", ["id", "in", [*origins, *parents]], ["parent", "in", parents]]
        works = await self._all(ProjectWorkRow, "project.work", domain)
        rows = [row_from(ProjectWorkRow, one) for one in works]
        above = sorted({one.parent for one in rows if one.parent} - {one.id for one in rows})
        if above:
            works += await self._all(ProjectWorkRow, "project.work", [["id", "in", above]])
        if parents:
            below = [f"project.work,{one.id}" for one in rows if one.type == "task"]
            sheets += await self._all(TimesheetWorkRow, "timesheet.work", [["origin", "in", below]])
        tree = Works(companies, works)
        once = {one["id"]: one for one in sheets}
        return Masters(tasks=readable(TimesheetWorkRow, list(once.values()), tree.task))

    async def _stamps(self, query: MasterQuery, companies: Companies) -> dict[str, str]:
        """The stamps of the parents through which missing records would be made."""
        match query.kind:
            case MasterKind.EMPLOYEE if query.keys:
                model, ids = "company.company", [int(one.id) for one in companies.all]
            case MasterKind.TASK if query.parents:
                model, ids = "project.work", [int(one) for one in query.parents]
            case MasterKind.DIMENSION_VALUE if query.keys:
                roots = await self._roots()
                model, ids = "analytic_account.account", sorted(roots.values())
            case _:
                return {}
        pages = self._client.pages(StampRow, model, [["id", "in", ids]], list, _ACTIVE_OR_NOT)
        rows = [row_from(StampRow, one) async for page in pages for one in page]
        return {f"{model},{row.id}": row.stamp for row in rows}

    async def _roots(self) -> dict[int, int]:
        """The root of the cost centres, by company."""
        rows = await self._all(
            _RootRow,
            "analytic_account.account",
            [["name", "=", self._options.cost_centre_root], ["type", "=", "root"]],
        )
        return {row.company: row.id for row in (row_from(_RootRow, one) for one in rows)}

    async def company_id(self, write: MasterWrite) -> int:
        """The company that a record is to belong to; RejectedError if Tryton has none of it."""
        companies: Companies = await self._read_companies()
        for one in companies.all:
            if write.legal_entity is not None and one.code == write.legal_entity:
                return int(one.id)
        raise RejectedError("unknown_legal_entity", f"no company {write.legal_entity}")

    async def parent_of(self, write: MasterWrite) -> Parent:
        """Through which record this one is made; RejectedError where that is not there."""
        if write.kind is MasterKind.TASK:
            if write.parent is None:
                raise RejectedError("no_project", "a task belongs to a project")
            rows = await self._all(ProjectWorkRow, "project.work", [["id", "=", int(write.parent)]])
            if not rows:
                raise ConflictError("moved", "the project is not there any more")
            project = row_from(ProjectWorkRow, rows[0])
            return Parent("project.work", "children", project.id, project.company)
        company = await self.company_id(write)
        if write.kind is MasterKind.EMPLOYEE:
            return Parent("company.company", "employees", company, company)
        root = (await self._roots()).get(company)
        if root is None:
            raise RejectedError("no_root", f"no root '{self._options.cost_centre_root}'")
        return Parent("analytic_account.account", "childs", root, company)

    async def children(self, parent: Parent, writes: Sequence[MasterWrite]) -> list[str]:
        """The ids of what was just made through a parent, in the order of the writes."""
        kind = writes[0].kind
        codes = tuple(one.code for one in writes)
        query = (
            MasterQuery(kind, parents=(str(parent.id),))
            if kind is MasterKind.TASK
            else MasterQuery(kind, keys=codes)
        )
        look = await self.look(query)
        if kind is MasterKind.TASK:
            by_name = {same_code(one.name): one.id for one in look.masters.tasks}
            return [by_name[same_code(one.values.get("name", one.code))] for one in writes]
        people, values = look.masters.employees, look.masters.dimension_values
        by_code = {(one.legal_entity, same_code(one.code)): one.id for one in (*people, *values)}
        return [by_code[one.legal_entity, same_code(one.code)] for one in writes]

    async def party(self, code: str) -> int | None:
        """The party of a code, if there is one."""
        rows = await self._all(CustomerRow, "party.party", [["code", "=", code]])
        return int(rows[0]["id"]) if rows else None

    async def written_through(
        self, kind: MasterKind, ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, int]]:
        """Which records keep the values of ours: by model, our id to theirs."""
        own = {one: int(one) for one in ids}
        match kind:
            case MasterKind.EMPLOYEE:
                rows = await self._all(
                    EmployeeRow, "company.employee", [["id", "in", list(own.values())]]
                )
                people = [row_from(EmployeeRow, one) for one in rows]
                return {
                    "company.employee": own,
                    "party.party": {str(one.id): one.party.id for one in people},
                }
            case MasterKind.TASK:
                rows = await self._all(
                    TimesheetWorkRow, "timesheet.work", [["id", "in", list(own.values())]]
                )
                sheets = [row_from(TimesheetWorkRow, one) for one in rows]
                return {
                    "project.work": {
                        str(one.id): int((one.origin or "project.work,0").split(",")[1])
                        for one in sheets
                    }
                }
            case MasterKind.CUSTOMER:
                return {"party.party": own}
            case MasterKind.PROJECT:
                return {"project.work": own}
            case _:
                return {"analytic_account.account": own}

    async def status(self, kind: MasterKind, *, done: bool) -> dict[str, Any]:
        """The status that says whether a project or task is done, and its progress."""
        rows = await self._all(_StatusRow, "project.work.status", [])
        of_kind = "project" if kind is MasterKind.PROJECT else "task"
        fitting = [
            row
            for row in (row_from(_StatusRow, one) for one in rows)
            if (row.progress == 1) is done and of_kind in (row.types or ())
        ]
        if not fitting:
            raise RejectedError("no_status", f"no status for a {of_kind} that is done: {done}")
        return {"status": fitting[0].id, "progress": 1 if done else None}

    async def _all(self, kind: type[Row], model: str, domain: Sequence[Any]) -> list[Any]:
        pages = self._client.pages(kind, model, domain, list, _ACTIVE_OR_NOT)
        return [value async for page in pages for value in page]


def _either(query: MasterQuery, by_keys: Callable[[list[str]], list[Any]]) -> list[Any]:
    ids = [int(one) for one in query.ids]
    return ["OR", ["id", "in", ids], *(by_keys(list(query.keys)) if query.keys else ())]


def _project_keys(keys: list[str]) -> list[Any]:
    marks = [f"%{_LIKE.sub(chr(92) + chr(92) + '1', project_mark(one))}%" for one in keys]
    return [["number", "in", keys], *(["comment", "like", one] for one in marks)]
