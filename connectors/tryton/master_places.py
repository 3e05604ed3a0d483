"""Where in Tryton a master record is made, and which records keep what is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from canonical.cross_reference import MasterKind
from connectors.base.errors import ConflictError, RejectedError
from connectors.base.master_writes import MasterWrite
from connectors.tryton import master_bodies as bodies
from connectors.tryton.client import TrytonOptions
from connectors.tryton.master_finding import (
    ACCOUNT,
    COMPANY,
    EMPLOYEE,
    PARTY,
    WORK,
    MasterFinding,
)
from connectors.tryton.master_wire import EmployeeParty, WorkStatusRow
from connectors.tryton.wire import ProjectWorkRow, TimesheetWorkRow, row_from
from connectors.tryton.work_mapping import work_of

Targets = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Parent:
    """Through which record others are made, and in which of its members."""

    model: str
    member: str
    id: int
    company: int

    @property
    def key(self) -> str:
        """Names its stamp, in evidence and in the context of a write."""
        return f"{self.model},{self.id}"


class MasterPlaces:
    """Asks Tryton for what a write needs to know beside what was looked for."""

    def __init__(self, options: TrytonOptions, finding: MasterFinding) -> None:
        self._options: Final = options
        self._finding: Final = finding

    async def targets(self, kind: MasterKind, ids: Sequence[str]) -> Targets:
        """Which records keep the values of ours: by model, our id to theirs."""
        own = {one: int(one) for one in ids}
        domain = [["id", "in", list(own.values())]]
        match kind:
            case MasterKind.EMPLOYEE:
                rows = await self._finding.all(EmployeeParty, EMPLOYEE, domain)
                people = [row_from(EmployeeParty, one) for one in rows]
                return {EMPLOYEE: own, PARTY: {str(one.id): one.party for one in people}}
            case MasterKind.TASK:
                rows = await self._finding.all(TimesheetWorkRow, "timesheet.work", domain)
                sheets = [row_from(TimesheetWorkRow, one) for one in rows]
                return {WORK: {str(one.id): work_of(one) for one in sheets}}
            case MasterKind.CUSTOMER:
                return {PARTY: own}
            case MasterKind.PROJECT:
                return {WORK: own}
            case _:
                return {ACCOUNT: own}

    async def status(self, one: MasterWrite) -> bodies.Values:
        """What says of a project or task whether it is done, if a change is about that."""
        if "active" not in one.values or one.kind not in (MasterKind.PROJECT, MasterKind.TASK):
            return {}
        done = not bodies.is_active(one)
        of_kind = "project" if one.kind is MasterKind.PROJECT else "task"
        rows = await self._finding.all(WorkStatusRow, "project.work.status", [])
        for row in (row_from(WorkStatusRow, value) for value in rows):
            if (row.progress == 1) is done and of_kind in (row.types or ()):
                return {"status": row.id, "progress": 1 if done else None}
        raise RejectedError("no_status", f"no status for a {of_kind} that is done: {done}")

    async def company_of(self, write: MasterWrite) -> int:
        """The company that a record is to belong to; RejectedError if Tryton has none of it."""
        for one in (await self._finding.companies()).all:
            if write.legal_entity is not None and one.code == write.legal_entity:
                return int(one.id)
        raise RejectedError("unknown_legal_entity", f"no company {write.legal_entity}")

    async def parent_of(self, write: MasterWrite) -> Parent:
        """Through which record this one is made; RejectedError where that is not there."""
        if write.kind is MasterKind.TASK:
            if write.parent is None:
                raise RejectedError("no_project", "a task belongs to a project")
            rows = await self._finding.all(ProjectWorkRow, WORK, [["id", "=", int(write.parent)]])
            if not rows:
                raise ConflictError("moved", "the project is not there any more")
            project = row_from(ProjectWorkRow, rows[0])
            return Parent(WORK, "children", project.id, project.company)
        company = await self.company_of(write)
        if write.kind is MasterKind.EMPLOYEE:
            return Parent(COMPANY, "employees", company, company)
        root = (await self._finding.roots()).get(company)
        if root is None:
            raise RejectedError("no_root", f"no root '{self._options.cost_centre_root}'")
        return Parent(ACCOUNT, "childs", root, company)
