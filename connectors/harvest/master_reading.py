"""Reading Harvest's masters: all of them, those that changed, and those that are looked for."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from canonical.cross_reference import MasterKind
from canonical.masters import Customer, Employee, Master, Masters, Project, Task
from connectors.base.master_writes import MasterChanges, MasterLook, MasterQuery
from connectors.base.records import RawRecord, parsed
from connectors.harvest import wire
from connectors.harvest.client import HarvestClient, HarvestOptions, instant
from connectors.harvest.manifest import OVERLAP_SECONDS
from connectors.harvest.master_mapping import (
    archived_tasks,
    customer,
    employee,
    project,
    readable,
    task,
)

M = TypeVar("M", bound=Master)
Records = Sequence[RawRecord]
_OVERLAP: Final = timedelta(seconds=OVERLAP_SECONDS)


class MasterReading:
    """Reads lists, each page by page, and never a record by itself."""

    def __init__(self, client: HarvestClient, options: HarvestOptions) -> None:
        self._client: Final = client
        self._at: Final = options.connection
        self._roles: Final = re.compile(options.cost_centre_role_pattern)
        self._codes: Final = re.compile(options.customer_code_pattern)

    async def everything(self) -> tuple[Masters, Records]:
        """Read users, clients, projects, tasks and assignments; the clients also as they came."""
        users = await self._client.all("/users", "users")
        clients = await self._client.all("/clients", "clients")
        projects = await self._client.all("/projects", "projects")
        tasks = await self._client.all("/tasks", "tasks")
        assignments = await self._client.all("/task_assignments", "task_assignments")
        masters = Masters(
            employees=self._employees(users),
            customers=self._customers(clients),
            projects=self._projects(projects),
            tasks=self._tasks(assignments, tasks),
        )
        return masters, clients

    async def changed_since(self, since: datetime) -> MasterChanges:
        """Read what changed; once a day everything, because no list shows what was deleted.

        The day is Harvest's and turns at midnight UTC, by the clock that it answers with.
        """
        asked = {"updated_since": instant(since)}
        users, told_at = await self._client.all_and_when("/users", "users", **asked)
        until = since if told_at is None else told_at - _OVERLAP
        if told_at is not None and told_at.date() > since.astimezone(told_at.tzinfo).date():
            return MasterChanges((await self.everything())[0], until, whole=True)
        clients = await self._client.all("/clients", "clients", **asked)
        projects = await self._client.all("/projects", "projects", **asked)
        masters = Masters(
            employees=self._employees(users),
            customers=self._customers(clients),
            projects=self._projects(projects),
            tasks=await self._tasks_changed(asked["updated_since"]),
        )
        return MasterChanges(masters, until)

    async def _tasks_changed(self, since: str) -> tuple[Task, ...]:
        """A task changes where it is assigned, and everywhere if the account's own does."""
        assigned = await self._client.all(
            "/task_assignments", "task_assignments", updated_since=since
        )
        changed = await self._client.all("/tasks", "tasks", updated_since=since)
        if not assigned and not changed:
            return ()
        everywhere = await self._client.all("/task_assignments", "task_assignments")
        tasks = await self._client.all("/tasks", "tasks")
        news = {_pair(each) for each in assigned} - {None}
        read = (parsed(one, wire.Task) for one in changed)
        moved = {each.id for each in read if not isinstance(each, str)}
        of_interest = [
            each
            for each in everywhere
            if (pair := _pair(each)) is not None and (pair in news or pair[1] in moved)
        ]
        return self._tasks(of_interest, tasks)

    async def find(self, queries: Sequence[MasterQuery]) -> MasterLook:
        """Read the lists of the kinds that are looked for: Harvest searches by nothing of ours."""
        asked = {query.kind for query in queries}
        masters = Masters()
        if MasterKind.EMPLOYEE in asked:
            found = self._employees(await self._client.all("/users", "users"))
            masters = masters.model_copy(update={"employees": _wanted(found, queries)})
        if MasterKind.CUSTOMER in asked:
            clients = self._customers(await self._client.all("/clients", "clients"))
            masters = masters.model_copy(update={"customers": _wanted(clients, queries)})
        if MasterKind.PROJECT in asked:
            projects = self._projects(await self._client.all("/projects", "projects"))
            masters = masters.model_copy(update={"projects": _wanted(projects, queries)})
        if MasterKind.TASK in asked:
            assigned = await self._client.all("/task_assignments", "task_assignments")
            tasks = self._tasks(assigned, await self._client.all("/tasks", "tasks"))
            masters = masters.model_copy(update={"tasks": _wanted(tasks, queries)})
        return MasterLook(masters)

    async def users(self) -> dict[str, wire.User]:
        """Every user that can be read, by id."""
        users = (parsed(one, wire.User) for one in await self._client.all("/users", "users"))
        return {str(each.id): each for each in users if not isinstance(each, str)}

    async def tasks_by_name(self) -> dict[str, int]:
        """The tasks of the account that are in use, by name."""
        tasks = (parsed(one, wire.Task) for one in await self._client.all("/tasks", "tasks"))
        return {
            each.name: each.id for each in tasks if not isinstance(each, str) and each.is_active
        }

    def _employees(self, users: Records) -> tuple[Employee, ...]:
        return readable(users, wire.User, lambda each: employee(each, self._at, self._roles))

    def _customers(self, clients: Records) -> tuple[Customer, ...]:
        return readable(clients, wire.Client, lambda each: customer(each, self._at, self._codes))

    def _projects(self, projects: Records) -> tuple[Project, ...]:
        return readable(projects, wire.Project, lambda each: project(each, self._at))

    def _tasks(self, assignments: Records, tasks: Records) -> tuple[Task, ...]:
        archived = archived_tasks(tasks)
        return readable(
            assignments, wire.TaskAssignment, lambda each: task(each, self._at, archived)
        )


def _pair(record: RawRecord) -> tuple[int, int] | None:
    assignment = parsed(record, wire.TaskAssignment)
    return None if isinstance(assignment, str) else (assignment.project.id, assignment.task.id)


def _wanted(found: Iterable[M], queries: Iterable[MasterQuery]) -> tuple[M, ...]:
    ids = {each for query in queries for each in query.ids}
    keys = {each for query in queries for each in query.keys}
    parents = {each for query in queries for each in query.parents}
    return tuple(
        each
        for each in found
        if each.id in ids
        or each.code in keys
        or (isinstance(each, Employee) and each.email in keys)
        or (isinstance(each, Task) and each.project in parents)
    )
