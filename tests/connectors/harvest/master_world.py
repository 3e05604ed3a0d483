"""A simulated Harvest account in the words of the suites for masters, one kind at a time."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import httpx

from canonical.cross_reference import MasterKind
from connectors.base.master_writes import MasterWrite
from connectors.conformance.master_world import NO, YES, HeldMaster
from connectors.conformance.posting_world import PostingNetwork
from connectors.harvest.simulated_state import (
    AccountState,
    SimulatedAssignment,
    SimulatedClient,
    SimulatedMasters,
    SimulatedProject,
    SimulatedTask,
    SimulatedUser,
)
from tests.connectors.harvest.world import ACME, STATE, WEBSITE, HarvestWorld

KINDS: Final = (MasterKind.CUSTOMER, MasterKind.PROJECT, MasterKind.EMPLOYEE, MasterKind.TASK)
_LISTS: Final[Mapping[MasterKind, str]] = dict(
    zip(KINDS, ("clients", "projects", "users", "assignments"), strict=True)
)
_CURRENCIES: Final = ("EUR", "CHF", "USD")
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "active": ("is_active",),
    "cost_centre": ("roles",),
    "role": ("roles",),
    "currency": ("currency",),
    "email": ("email",),
}
_FIRST_TASK: Final = 8_000_000


class HarvestMasterWorld(HarvestWorld):
    """A world of each suite for masters, which begins without a record of its kind."""

    removes = True
    feed_seconds = None
    deletions_within_seconds = 86_400

    def __init__(self, kind: MasterKind) -> None:
        client = SimulatedClient(id=ACME, name="CUST-900 Acme")
        project = SimulatedProject(id=WEBSITE, client_id=ACME, name="Website", code="P-1001")
        with_client = kind is not MasterKind.CUSTOMER
        super().__init__(
            AccountState(
                token=STATE.token,
                clients=(client,) if with_client else (),
                projects=(project,) if kind is MasterKind.TASK else (),
            )
        )
        self.kind = kind
        self.network: PostingNetwork = PostingNetwork(self.spec, is_write)
        self.clearable = (
            frozenset({"cost_centre", "role"}) if kind is MasterKind.EMPLOYEE else frozenset()
        )
        self._made = 500
        self.misbehave(rate_limit_calls=100_000)

    def sample(self, number: int) -> MasterWrite:
        name = f"Ännchen O'Neill {number}"
        match self.kind:
            case MasterKind.CUSTOMER:
                values = {"name": name, "active": YES, "currency": _CURRENCIES[number % 3]}
                return MasterWrite(self.kind, f"CUST-{number}", values)
            case MasterKind.PROJECT:
                values = {"name": name, "active": YES}
                return MasterWrite(self.kind, f"P-{number}", values, parent=str(ACME))
            case MasterKind.EMPLOYEE:
                values = {
                    "name": name,
                    "active": YES,
                    "email": f"person{number}@firm.example",
                    "cost_centre": f"CC-{100 + number}",
                    "role": f"Consultant {number}",
                }
                return MasterWrite(self.kind, f"E-{number}", values)
            case _:
                self._task(f"Task {number}")
                values = {"name": f"Task {number}", "active": YES}
                return MasterWrite(self.kind, f"Task {number}", values, parent=str(WEBSITE))

    def refused(self) -> MasterWrite:
        sample = self.sample(99)
        match self.kind:
            case MasterKind.CUSTOMER:
                return replace(sample, values={**sample.values, "currency": "XXX"})
            case MasterKind.PROJECT:
                return replace(sample, parent="4711")
            case MasterKind.EMPLOYEE:
                # Harvest needs a last name.
                return replace(sample, values={**sample.values, "name": "Cher"})
            case _:
                return replace(sample, code="No such task")

    def look_alikes(self, write: MasterWrite) -> Sequence[MasterWrite]:
        spelled: Sequence[Callable[[str], str]] = (
            str.lower,
            lambda code: code[:1] + "́" + code[1:],
            lambda code: f"{code}0",
        )
        others = [replace(write, code=each(write.code)) for each in spelled]
        if self.kind is MasterKind.EMPLOYEE:
            addresses = ("person10@firm.example", "pérson1@firm.example", "person1@firm.exampl")
            pairs = zip(others, addresses, strict=True)
            return [replace(one, values={**one.values, "email": each}) for one, each in pairs]
        if self.kind is MasterKind.TASK:
            for each in others:
                self._task(each.code)
        return others

    def make(self, write: MasterWrite, *, seconds_ago: int = 0) -> str:
        self._made += 1
        stamp = self.now - timedelta(seconds=seconds_ago)
        values = self._members(write.values, write.code)
        match self.kind:
            case MasterKind.CUSTOMER:
                client = SimulatedClient(id=self._made, updated_at=stamp, **values)
                self.account.put(SimulatedMasters(clients=(client,)))
            case MasterKind.PROJECT:
                project = SimulatedProject(
                    id=self._made, client_id=ACME, code=write.code, updated_at=stamp, **values
                )
                self.account.put(SimulatedMasters(projects=(project,)))
            case MasterKind.EMPLOYEE:
                user = SimulatedUser(id=self._made, updated_at=stamp, **values)
                self.account.put(SimulatedMasters(users=(user,)))
            case _:
                task = self._task(write.code)
                assigned = SimulatedAssignment(
                    project_id=WEBSITE, task_id=task, updated_at=stamp, is_active=True
                )
                self.account.put(SimulatedMasters(assignments=(assigned,)))
                return f"{WEBSITE}/{task}"
        return str(self._made)

    def change(self, record: str, values: Mapping[str, str]) -> None:  # type: ignore[override]  # A master's, not an entry's.
        name, known = _LISTS[self.kind], self._record(record)
        news = self._members(values, self._code_of(known), known)
        if self.kind is MasterKind.TASK and "name" in news:
            task = self.account.book.tasks[known.task_id]
            renamed = {"name": news.pop("name"), "updated_at": None}
            self.account.put(SimulatedMasters(tasks=(task.model_copy(update=renamed),)))
        changed = known.model_copy(update={"updated_at": None, **news})
        self.account.put(SimulatedMasters(**{name: (changed,)}))

    def remove(self, record: str) -> None:
        key: Any = (WEBSITE, int(record.split("/")[1])) if "/" in record else int(record)
        self.account.book.remove(_LISTS[self.kind], key)

    def held(self) -> Sequence[HeldMaster]:
        return [self._held(each) for each in getattr(self.account.book, _LISTS[self.kind]).values()]

    def make_unreadable(self, private: str) -> None:
        self.spec.tolerant = True
        wrong = json.dumps(dict.fromkeys(("id", "name", "email", "client", "is_active"), private))
        member = "task_assignments" if self.kind is MasterKind.TASK else _LISTS[self.kind]
        self.misbehave(poison_of={member: (wrong,)})

    def ignore(self, name: str) -> None:
        of_name = ("first_name", "last_name") if self.kind is MasterKind.EMPLOYEE else ("name",)
        self.network.alter_next_write(without(_MEMBERS.get(name, of_name)))

    def _record(self, record: str) -> Any:
        key: Any = (WEBSITE, int(record.split("/")[1])) if "/" in record else int(record)
        return getattr(self.account.book, _LISTS[self.kind])[key]

    def _code_of(self, known: Any) -> str:
        return known.name.split(" ")[0] if self.kind is MasterKind.CUSTOMER else ""

    def _members(self, values: Mapping[str, str], code: str, known: Any = None) -> dict[str, Any]:
        """The members of Harvest's record for these values."""
        members: dict[str, Any] = {}
        if "active" in values:
            members["is_active"] = values["active"] == YES
        if "name" in values and self.kind is MasterKind.EMPLOYEE:
            members["first_name"], _, members["last_name"] = values["name"].partition(" ")
        elif "name" in values:
            is_client = self.kind is MasterKind.CUSTOMER
            members["name"] = f"{code} {values['name']}" if is_client else values["name"]
        members |= {name: values[name] for name in ("currency", "email") if name in values}
        if {"role", "cost_centre"} & values.keys():
            now = self._held(known).values if known else {}
            both = [values.get(name, now.get(name, "")) for name in ("role", "cost_centre")]
            members["roles"] = tuple(each for each in both if each)
        return members

    def _held(self, known: Any) -> HeldMaster:
        active = {"active": YES if known.is_active else NO}
        match self.kind:
            case MasterKind.CUSTOMER:
                code, _, name = known.name.partition(" ")
                values = {"name": name, "currency": known.currency}
                return HeldMaster(str(known.id), code, active | values, {"to": str(known.address)})
            case MasterKind.PROJECT:
                others = {"client": str(known.client_id), "billable": str(known.is_billable)}
                return HeldMaster(str(known.id), known.code, active | {"name": known.name}, others)
            case MasterKind.EMPLOYEE:
                centres = [each for each in known.roles if each.startswith("CC-")]
                roles = [each for each in known.roles if each not in centres]
                values = {
                    "name": f"{known.first_name} {known.last_name}",
                    "email": known.email,
                    "cost_centre": centres[0] if centres else "",
                    "role": roles[0] if roles else "",
                }
                others = {"contractor": str(known.is_contractor)}
                return HeldMaster(str(known.id), str(known.id), active | values, others)
            case _:
                name = self.account.book.tasks[known.task_id].name
                return HeldMaster(f"{WEBSITE}/{known.task_id}", name, active | {"name": name})

    def _task(self, name: str) -> int:
        """The id of a task of the account; it is made if there is none of this name."""
        tasks = self.account.book.tasks
        found = [each.id for each in tasks.values() if each.name == name]
        if found:
            return found[0]
        made = SimulatedTask(id=_FIRST_TASK + len(tasks), name=name)
        self.account.put(SimulatedMasters(tasks=(made,)))
        return made.id


def without(members: Sequence[str]) -> Callable[[bytes], bytes]:
    """A system that takes members of a write for nothing."""

    def altered(write: bytes) -> bytes:
        body = json.loads(write)
        return json.dumps({key: each for key, each in body.items() if key not in members}).encode()

    return altered


def is_write(request: httpx.Request) -> bool:
    return request.method in {"POST", "PATCH"}
