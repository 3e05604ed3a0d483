"""Master records looked up in Tryton: by id or exact key, with the stamps that a write needs."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from canonical.cross_reference import MasterKind
from canonical.masters import Masters
from connectors.base.master_writes import MasterLook, MasterQuery
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.master_mapping import Companies, customers, readable
from connectors.tryton.master_wire import (
    AccountLook,
    EmployeeLook,
    EmployeeParty,
    PartyLook,
    RootRow,
    WorkLook,
    stamps_of,
)
from connectors.tryton.wire import (
    AnalyticAccountRow,
    EmployeeRow,
    ProjectWorkRow,
    Row,
    StampRow,
    TimesheetWorkRow,
    row_from,
)
from connectors.tryton.work_mapping import WORKS_DEPTH_MAX, Works, project_mark, work_of

# Without it Tryton leaves inactive records out, leavers among them.
ACTIVE_OR_NOT: Final[Context] = {"active_test": False}
# Names of projects, tasks and cost centres can be translated, and each process of the server keeps
# what it has read of them: another one shows the old name after a change (measured: every time).
# Asked for fuzzy translations too, Tryton reads its tables; English, the source, is never fuzzy.
_AS_IT_IS: Final[Context] = {**ACTIVE_OR_NOT, "fuzzy_translation": True}
_WILDCARDS: Final = re.compile(r"([%_\\])")

PARTY: Final = "party.party"
COMPANY: Final = "company.company"
EMPLOYEE: Final = "company.employee"
WORK: Final = "project.work"
ACCOUNT: Final = "analytic_account.account"


class MasterFinding:
    """Looks, a handful of calls each, however many records are asked for."""

    def __init__(
        self,
        client: TrytonClient,
        options: TrytonOptions,
        companies: Callable[[], Awaitable[Companies]],
    ) -> None:
        self._client: Final = client
        self._options: Final = options
        self.companies: Final = companies

    async def look(self, query: MasterQuery) -> MasterLook:
        """Show the records that a query names.

        The stamps of the parents through which missing ones would be made were read before; a
        record's own came with it, in the answer of one transaction.
        """
        companies = await self.companies()
        parents = await self._stamps_of_parents(query, companies)
        match query.kind:
            case MasterKind.CUSTOMER:
                look = await self._customers(query, companies)
            case MasterKind.EMPLOYEE:
                look = await self._employees(query, companies)
            case MasterKind.PROJECT:
                domain = [["type", "=", "project"], _either(query, _project_keys)]
                rows = await self.all(WorkLook, WORK, domain)
                found = Masters(projects=Works(companies, rows).projects())
                look = MasterLook(found, stamps_of(WORK, rows))
            case MasterKind.TASK:
                look = await self._tasks(query, companies)
            case _:
                look = await self._cost_centres(query, companies)
        return MasterLook(look.masters, {**look.evidence, **parents})

    async def _customers(self, query: MasterQuery, companies: Companies) -> MasterLook:
        """Customers. A person's party has a code like one, and is none unless asked for by id."""
        domain = _either(query, lambda keys: [["code", "in", keys]])
        rows = await self.all(PartyLook, PARTY, domain)
        asked = {int(one) for one in query.ids}
        staff = await self.staff([one["id"] for one in rows if one["id"] not in asked])
        return MasterLook(
            Masters(customers=customers(companies, rows, staff)), stamps_of(PARTY, rows)
        )

    async def _employees(self, query: MasterQuery, companies: Companies) -> MasterLook:
        domain = _either(query, _employee_keys)
        rows = await self.all(EmployeeLook, EMPLOYEE, domain)
        found = Masters(employees=readable(EmployeeRow, rows, companies.employee))
        people = stamps_of(PARTY, [one["party."] for one in rows])
        return MasterLook(found, {**people, **stamps_of(EMPLOYEE, rows)})

    async def _cost_centres(self, query: MasterQuery, companies: Companies) -> MasterLook:
        domain = [
            ["root.name", "=", self._options.cost_centre_root],
            ["type", "=", "normal"],
            _either(query, lambda keys: [["code", "in", keys]]),
        ]
        rows = await self.all(AccountLook, ACCOUNT, domain)
        found = readable(AnalyticAccountRow, rows, companies.cost_centre)
        return MasterLook(Masters(dimension_values=found), stamps_of(ACCOUNT, rows))

    async def _tasks(self, query: MasterQuery, companies: Companies) -> MasterLook:
        """Tasks of projects, or by the id that time is booked on.

        A project comes no later than its tasks, by whose creation its stamp moves: they are read
        in the order of their ids, and a new task has the highest.
        """
        parents = [int(one) for one in query.parents]
        sheets = await self._sheets([["id", "in", [int(one) for one in query.ids]]], query.ids)
        origins = [work_of(row_from(TimesheetWorkRow, one)) for one in sheets]
        domain = ["OR", ["id", "in", [*origins, *parents]], ["parent", "in", parents]]
        works = await self.all(WorkLook, WORK, domain)
        rows = [row_from(ProjectWorkRow, one) for one in works]
        for _ in range(WORKS_DEPTH_MAX):
            above = sorted({it.parent for it in rows if it.parent} - {it.id for it in rows})
            if not above:
                break
            higher = await self.all(WorkLook, WORK, [["id", "in", above]])
            works += higher
            rows += [row_from(ProjectWorkRow, one) for one in higher]
        known = {*origins}
        below = [f"{WORK},{it.id}" for it in rows if it.type == "task" and it.id not in known]
        sheets += await self._sheets([["origin", "in", below]], below)
        found = readable(TimesheetWorkRow, sheets, Works(companies, works).task)
        return MasterLook(Masters(tasks=found), stamps_of(WORK, works))

    async def _sheets(self, domain: list[Any], wanted: Sequence[Any]) -> list[Any]:
        return await self.all(TimesheetWorkRow, "timesheet.work", domain) if wanted else []

    async def _stamps_of_parents(self, query: MasterQuery, companies: Companies) -> dict[str, str]:
        match query.kind:
            case MasterKind.EMPLOYEE if query.keys:
                return await self.stamps(COMPANY, [int(one.id) for one in companies.all])
            case MasterKind.DIMENSION_VALUE if query.keys:
                return await self.stamps(ACCOUNT, sorted((await self.roots()).values()))
            case _:
                return {}

    async def stamps(self, model: str, ids: Sequence[int]) -> dict[str, str]:
        """Read the stamps of records; one that is gone has none."""
        return stamps_of(model, await self.all(StampRow, model, [["id", "in", list(ids)]]))

    async def roots(self) -> dict[int, int]:
        """The root of the cost centres, by company."""
        domain = [["name", "=", self._options.cost_centre_root], ["type", "=", "root"]]
        rows = [row_from(RootRow, one) for one in await self.all(RootRow, ACCOUNT, domain)]
        return {row.company: row.id for row in rows}

    async def staff(self, parties: Sequence[int]) -> frozenset[str]:
        """Which of these parties are people of ours."""
        if not parties:
            return frozenset()
        rows = await self.all(EmployeeParty, EMPLOYEE, [["party", "in", list(parties)]])
        return frozenset(str(row_from(EmployeeParty, one).party) for one in rows)

    async def parties(self, codes: Sequence[str]) -> dict[str, PartyLook]:
        """The parties that have these codes, whoever they are."""
        rows = await self.all(PartyLook, PARTY, [["code", "in", list(codes)]])
        found = [row_from(PartyLook, one) for one in rows]
        return {one.code: one for one in found if one.code is not None}

    async def all(self, kind: type[Row], model: str, domain: Sequence[Any]) -> list[Any]:
        """Read all records of a domain as they are now, archived ones included."""
        pages = self._client.pages(kind, model, domain, list, _AS_IT_IS)
        return [value async for page in pages for value in page]


def _either(query: MasterQuery, by_keys: Callable[[list[str]], list[Any]]) -> list[Any]:
    ids = [int(one) for one in query.ids]
    return ["OR", ["id", "in", ids], *(by_keys(list(query.keys)) if query.keys else ())]


def _employee_keys(keys: list[str]) -> list[Any]:
    # An address is the same in whatever case it was typed.
    addresses = [_literal(one) for one in keys if "@" in one]
    return [
        ["party.code", "in", keys],
        *(["party.contact_mechanisms.value", "ilike", one] for one in addresses),
    ]


def _project_keys(keys: list[str]) -> list[Any]:
    marks = [_literal(project_mark(one)) for one in keys]
    return [["number", "in", keys], *(["comment", "like", f"%{one}%"] for one in marks)]


def _literal(text: str) -> str:
    """A pattern for exactly this text."""
    return _WILDCARDS.sub(r"\\\1", text)
