"""The master records of the simulated Harvest: listed, made and changed as its pages say."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from connectors.harvest.simulated_json import assignment_json, master_json, project_json
from connectors.harvest.simulated_master_bodies import (
    ClientBody,
    MasterBody,
    NewAssignment,
    NewClient,
    NewProject,
    NewUser,
    ProjectBody,
    UserBody,
)
from connectors.harvest.simulated_state import (
    Quirks,
    RefusedError,
    SimulatedAssignment,
    SimulatedClient,
    SimulatedMaster,
    SimulatedMasters,
    SimulatedProject,
    SimulatedTask,
    SimulatedUser,
)

M = TypeVar("M", bound=SimulatedMaster)
Record = dict[str, Any]
_FIRST_ID: Final = 20_000_000


class MasterBook:
    """All masters of an account. Methods raise KeyError for 404 and RefusedError for 422."""

    def __init__(
        self,
        state: SimulatedMasters,
        clock: Callable[[], datetime],
        on_change: Callable[[], None],
    ) -> None:
        self.users: Final[dict[int, SimulatedUser]] = {}
        self.clients: Final[dict[int, SimulatedClient]] = {}
        self.projects: Final[dict[int, SimulatedProject]] = {}
        self.tasks: Final[dict[int, SimulatedTask]] = {}
        self.assignments: Final[dict[tuple[int, int], SimulatedAssignment]] = {}
        self._clock: Final = clock
        self._on_change: Final = on_change
        self._next_id = _FIRST_ID
        self._keep(state)

    def put(self, masters: SimulatedMasters) -> None:
        """Add records, or replace those with the same id; they change as this happens."""
        lists = {name: getattr(masters, name) for name in SimulatedMasters.model_fields}
        self._keep(
            SimulatedMasters(
                **{name: tuple(map(self._stamped, each)) for name, each in lists.items()}
            )
        )
        self._on_change()

    def remove(self, name: str, record: int) -> None:
        """Delete a record without a trace, as people may whose records nothing refers to."""
        del getattr(self, name)[record]

    def _keep(self, masters: SimulatedMasters) -> None:
        self.users.update({each.id: each for each in masters.users})
        self.clients.update({each.id: each for each in masters.clients})
        self.projects.update({each.id: each for each in masters.projects})
        self.tasks.update({each.id: each for each in masters.tasks})
        self.assignments.update({(one.project_id, one.task_id): one for one in masters.assignments})

    def _stamped(self, record: M) -> M:
        if record.updated_at is not None:
            return record
        now = self._clock().astimezone(UTC).replace(microsecond=0)
        return record.model_copy(update={"updated_at": now})

    def listed(self, name: str, since: datetime | None) -> list[bytes]:
        """Give one list, the newest first: what changed since an instant, or everything."""
        newest_first = sorted(self._found(name), key=lambda each: int(each["id"]), reverse=True)
        return [
            json.dumps(each).encode()
            for each in newest_first
            if since is None or datetime.fromisoformat(each["updated_at"]) >= since
        ]

    def _found(self, name: str) -> Iterable[Record]:
        match name:
            case "users":
                return map(master_json, self.users.values())
            case "clients":
                return map(master_json, self.clients.values())
            case "projects":
                return map(self._project_json, self.projects.values())
            case "tasks":
                return map(master_json, self.tasks.values())
            case _:
                return self._assigned()

    def _project_json(self, project: SimulatedProject) -> Record:
        return project_json(project, self.clients[project.client_id])

    def _assigned(self) -> Iterator[Record]:
        assignments: Iterable[SimulatedAssignment] = self.assignments.values() or (
            SimulatedAssignment(project_id=project, task_id=task)
            for project in self.projects
            for task in self.tasks
        )
        for number, each in enumerate(assignments):
            project, task = self.projects[each.project_id], self.tasks[each.task_id]
            yield assignment_json(number, each, project, task)

    # What the API makes and changes.

    def make_client(self, body: NewClient, quirks: Quirks) -> Record:
        """Make a client; in the account's currency if none is given."""
        self._free_name(body.name or "", quirks, but=None)
        made = SimulatedClient(id=self._new_id(), **_given(body, quirks))
        self.put(SimulatedMasters(clients=(made,)))
        return master_json(self.clients[made.id])

    def change_client(self, record: int, body: ClientBody, quirks: Quirks) -> Record:
        """Change a client; one with active projects is not archived."""
        known = self.clients[record]
        if body.name is not None:
            self._free_name(body.name, quirks, but=record)
        projects = (each for each in self.projects.values() if each.client_id == record)
        if body.is_active is False and any(each.is_active for each in projects):
            raise RefusedError("A client with active projects can't be archived")
        self.put(SimulatedMasters(clients=(self._changed(known, body, quirks),)))
        return master_json(self.clients[record])

    def make_project(self, body: NewProject, quirks: Quirks) -> Record:
        """Make a project of a client that is there."""
        if body.client_id not in self.clients:
            raise RefusedError("Client can't be blank")
        made = SimulatedProject(id=self._new_id(), **_given(body, quirks))
        self.put(SimulatedMasters(projects=(made,)))
        return self._project_json(self.projects[made.id])

    def change_project(self, record: int, body: ProjectBody, quirks: Quirks) -> Record:
        """Change a project."""
        known = self.projects[record]
        if body.client_id is not None and body.client_id not in self.clients:
            raise RefusedError("Client can't be blank")
        self.put(SimulatedMasters(projects=(self._changed(known, body, quirks),)))
        return self._project_json(self.projects[record])

    def make_user(self, body: NewUser, quirks: Quirks) -> Record:
        """Make a user, whom Harvest then invites by mail."""
        self._free_address(body.email or "", but=None)
        made = SimulatedUser(id=self._new_id(), **_given(body, quirks))
        self.put(SimulatedMasters(users=(made,)))
        return master_json(self.users[made.id])

    def change_user(self, record: int, body: UserBody, quirks: Quirks) -> Record:
        """Change a user; name and address of one who is inactive cannot be."""
        known = self.users[record]
        if not known.is_active and body.names_the_person:
            raise RefusedError("Name and email can't be updated while the user is inactive")
        if body.email is not None:
            self._free_address(body.email, but=record)
        self.put(SimulatedMasters(users=(self._changed(known, body, quirks),)))
        return master_json(self.users[record])

    def assign(self, project: int, body: NewAssignment) -> Record:
        """Let a task be booked on a project."""
        if body.task_id not in self.tasks:
            raise RefusedError("Task can't be blank")
        if (project, body.task_id) in self.assignments:
            raise RefusedError("Task is already assigned to this project")
        made = SimulatedAssignment(
            project_id=project, task_id=body.task_id, is_active=body.is_active
        )
        known = self.projects[project]
        self.put(SimulatedMasters(assignments=(made,)))
        made, task = self.assignments[project, body.task_id], self.tasks[body.task_id]
        return assignment_json(len(self.assignments) - 1, made, known, task)

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _changed(self, known: M, body: MasterBody, quirks: Quirks) -> M:
        news = {"updated_at": None, **_given(body, quirks)}
        return known.model_copy(update=news)

    def _free_name(self, name: str, quirks: Quirks, *, but: int | None) -> None:
        others = (each.name for each in self.clients.values() if each.id != but)
        if name in others and not quirks.takes_taken_names:
            raise RefusedError("Name has already been taken")

    def _free_address(self, address: str, *, but: int | None) -> None:
        others = (each.email.lower() for each in self.users.values() if each.id != but)
        if address.lower() in others:
            raise RefusedError("Email has already been taken")


def _given(body: MasterBody, quirks: Quirks) -> Record:
    """The members that a request has and the simulator keeps, null for none at all."""
    kept = body.model_dump(exclude_unset=True, exclude_none=True, exclude=set(body.IGNORED))
    return {name: value for name, value in kept.items() if name not in quirks.drops}
