"""Writing Harvest's masters: one record after the other, and a look where one is refused."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from canonical.cross_reference import MasterKind
from connectors.base.errors import ConflictError, RejectedError
from connectors.base.in_turn import as_second_step, written_in_turn
from connectors.base.master_writes import MasterAnswer, MasterQuery, MasterWrite
from connectors.harvest import wire
from connectors.harvest.client import HarvestClient, HarvestOptions
from connectors.harvest.mapping import task_id
from connectors.harvest.master_bodies import (
    OF_THE_ACTIVE,
    Body,
    client_body,
    project_body,
    record_id,
    user_body,
)
from connectors.harvest.master_reading import MasterReading

Write = Callable[[MasterWrite], Awaitable[str]]


class MasterWriting:
    """One attempt for each write; what the account knows already is read once for all of them."""

    def __init__(
        self, client: HarvestClient, reading: MasterReading, options: HarvestOptions
    ) -> None:
        self._client: Final = client
        self._reading: Final = reading
        self._roles: Final = re.compile(options.cost_centre_role_pattern)
        self._codes: Final = re.compile(options.customer_code_pattern)

    async def write(self, writes: Sequence[MasterWrite]) -> Sequence[MasterAnswer]:
        """Make or change records of one kind."""
        kinds = {each.kind for each in writes}
        match kinds.pop() if len(kinds) == 1 else None:
            case MasterKind.CUSTOMER:
                return await written_in_turn(writes, self._client_written)
            case MasterKind.PROJECT:
                return await written_in_turn(writes, self._project_written)
            case MasterKind.EMPLOYEE:
                return await written_in_turn(writes, await self._user_writer(writes))
            case MasterKind.TASK:
                tasks = await self._reading.tasks_by_name()
                return await written_in_turn(writes, lambda each: self._task_assigned(each, tasks))
            case _:
                return await written_in_turn(writes, _refused)

    async def _client_written(self, write: MasterWrite) -> str:
        return await self._sent("/clients", write, client_body(write, self._codes))

    async def _project_written(self, write: MasterWrite) -> str:
        return await self._sent("/projects", write, project_body(write))

    async def _user_writer(self, writes: Sequence[MasterWrite]) -> Write:
        changes = any(each.id is not None for each in writes)
        known = await self._reading.users() if changes else {}

        async def write(each: MasterWrite) -> str:
            user = known.get(each.id or "")
            if each.id is not None and user is None:
                raise RejectedError("no_such_record", "there is no such user, or it is unreadable")
            roles = () if user is None else user.roles or ()
            body = user_body(each, roles, self._roles)
            if user is not None and not user.is_active and body.get("is_active"):
                return await self._brought_back(each, body)
            return await self._sent("/users", each, body)

        return write

    async def _brought_back(self, write: MasterWrite, body: Body) -> str:
        """Name and address cannot be changed while a user is inactive: first things first."""
        later = {name: body.pop(name) for name in list(body) if name in OF_THE_ACTIVE}
        made = await self._sent("/users", write, body)
        if later:
            await as_second_step(self._sent("/users", write, later))
        return made

    async def _task_assigned(self, write: MasterWrite, tasks: Mapping[str, int]) -> str:
        """A task of the account becomes one of a project; the account's own people make."""
        if write.id is not None:
            raise RejectedError("not_changed_here", "tasks are not changed through the API")
        if write.parent is None or write.code not in tasks:
            raise RejectedError("unknown_task", "the account has no task of this name in use")
        project, task = record_id(write.parent), tasks[write.code]
        path = f"/projects/{project}/task_assignments"
        try:
            await self._client.create(path, {"task_id": task}, wire.Ref)
        except RejectedError as refusal:
            raise await self._meant(write, refusal) from None
        return task_id(project, task)

    async def _sent(self, path: str, write: MasterWrite, body: Body) -> str:
        if write.id is not None:
            record = record_id(write.id)
            if not body:
                return write.id
            return str((await self._client.change(f"{path}/{record}", body, wire.Ref)).id)
        try:
            return str((await self._client.create(path, body, wire.Ref)).id)
        except RejectedError as refusal:
            raise await self._meant(write, refusal) from None

    async def _meant(self, write: MasterWrite, refusal: RejectedError) -> Exception:
        """Whether what was refused is there already, from an attempt before: a look tells."""
        email = write.values.get("email")
        query = MasterQuery(
            write.kind,
            keys=(write.code, email) if email else (write.code,),
            parents=(write.parent,) if write.kind is MasterKind.TASK and write.parent else (),
        )
        found = (await self._reading.find([query])).masters
        tasks = (each for each in found.tasks if each.code == write.code)
        there = (*found.customers, *found.projects, *found.employees, *tasks)
        return ConflictError("is_there", refusal.code) if there else refusal


async def _refused(write: MasterWrite) -> str:
    raise RejectedError("not_written_here", f"Harvest takes no {write.kind}")
