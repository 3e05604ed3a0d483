"""The world of the suites for master data: one kind of record in a system, and a way behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, Protocol

import pytest

from canonical.cross_reference import MasterKind
from canonical.masters import Employee, Master, Masters, Task
from connectors.base.capabilities import MasterChangeSource, MasterDataSource, MasterDataTarget
from connectors.base.manifest import MasterOperation
from connectors.base.master_writes import MasterAnswer, MasterLook, MasterQuery, MasterWrite
from connectors.base.rate_budget import RateBudget
from connectors.conformance.posting_world import PostingNetwork

YES: Final = "yes"
NO: Final = "no"
# Personal data that a test plants in a record, and looks for where it must not be.
PRIVATE: Final = "Zebedee Quillfeather"


@dataclass(frozen=True, slots=True)
class HeldMaster:
    """One record as the system's own people see it.

    `values` are fields by the names of the canonical record, as a `MasterWrite` says them, each
    that the manifest promises included; `others` is whatever else the system keeps of it.
    """

    id: str
    code: str
    values: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)


class MasterWorld(Protocol):
    """What a connector's tests provide: a system with records of one kind; one world a kind.

    `network` is used by all connectors that the world makes; its writes are the requests that
    make or change something. All other methods reach the system another way. Its clock stands
    still until a test moves it, so that equal instants are the rule.
    """

    network: PostingNetwork
    secret: str
    kind: MasterKind
    # How many records one page of the connector's holds; small.
    page_size: int
    # Whether the system lets anybody delete a record of this kind.
    removes: bool

    @property
    def now(self) -> datetime:
        """The system's clock, in UTC."""
        ...

    def pass_time(self, seconds: int) -> None:
        """Let so much time go by, with whatever is under way at the system."""
        ...

    def sample(self, number: int) -> MasterWrite:
        """A new record that the system will take, with a value in each field that it keeps.

        Samples have other codes and other values, as far as a field has more than one; the same
        number gives the same. `active` is "yes", and the parent, if they need one, is there.
        """
        ...

    def make(self, write: MasterWrite, *, seconds_ago: int = 0) -> str:
        """Make that record now, as a person would; gives its id.

        With `seconds_ago` it carries an older stamp than the moment in which it appears.
        """
        ...

    def change(self, record: str, values: Mapping[str, str]) -> None:
        """Change some fields of a record, as a person would; "" takes a value away."""
        ...

    def remove(self, record: str) -> None:
        """Delete a record, as a person would; asked for only where `removes`."""
        ...

    def held(self) -> Sequence[HeldMaster]:
        """Every record of the kind that there is, archived ones included."""
        ...


class MasterSourceWorld(MasterWorld, Protocol):
    """A `MasterWorld` whose masters can be read."""

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None
    ) -> MasterDataSource: ...

    def make_unreadable(self, private: str) -> None:
        """Let the system show one record of the wrong shape, with a text in it that is private."""
        ...


class MasterChangesWorld(MasterWorld, Protocol):
    """A `MasterWorld` that tells what changed."""

    # How far back the feed reaches; None if it does for ever.
    feed_seconds: int | None
    # After how long a deletion is shown at the latest; 0 where the feed shows it.
    deletions_within_seconds: int

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None
    ) -> MasterChangeSource: ...


class MasterTargetWorld(MasterWorld, Protocol):
    """A `MasterWorld` in which records can be made and changed."""

    # The fields whose value can be taken away, by the names of the canonical record.
    clearable: frozenset[str]

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None
    ) -> MasterDataTarget: ...

    def refused(self) -> MasterWrite:
        """A new record that the system will refuse for what it says."""
        ...

    def look_alikes(self, write: MasterWrite) -> Sequence[MasterWrite]:
        """Records that a careless eye takes for this one, and the system does not.

        Codes in another case, without an accent, with a space or a digit more.
        """
        ...

    def ignore(self, name: str) -> None:
        """Let the next write that has this field be answered as ever, and the field not kept."""
        ...


def operation_of(world: MasterTargetWorld) -> MasterOperation:
    """What the manifest says about writing the world's kind."""
    operation = world.connect().manifest.master_operation(world.kind)
    assert operation is not None, f"the manifest has no operation for masters of kind {world.kind}"
    return operation


def records_of(masters: Masters, kind: MasterKind) -> Sequence[Master]:
    """All records of one kind."""
    match kind:
        case MasterKind.LEGAL_ENTITY:
            return masters.legal_entities
        case MasterKind.CUSTOMER:
            return masters.customers
        case MasterKind.EMPLOYEE:
            return masters.employees
        case MasterKind.PROJECT:
            return masters.projects
        case MasterKind.TASK:
            return masters.tasks
        case MasterKind.DIMENSION_VALUE:
            return masters.dimension_values
        case MasterKind.ACCOUNT:
            return masters.accounts
        case MasterKind.TAX_CODE:
            return masters.tax_codes
        case MasterKind.CURRENCY:
            return masters.currencies


def values_of(record: Master, names: Sequence[str]) -> Mapping[str, str]:
    """A record's fields as a write says them."""
    return {name: _text(getattr(record, name)) for name in names}


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return YES if value else NO
        case date():
            return value.isoformat()
        case _:
            return str(value)


def query_for(writes: Sequence[MasterWrite]) -> MasterQuery:
    """The look that shows whether the records of these writes are there."""
    parents = {each.parent for each in writes if each.kind is MasterKind.TASK and each.parent}
    return MasterQuery(
        kind=writes[0].kind,
        ids=tuple(each.id for each in writes if each.id is not None),
        keys=tuple(key for each in writes for key in keys_of(each)),
        parents=tuple(sorted(parents)),
    )


def keys_of(write: MasterWrite) -> Sequence[str]:
    """The exact keys by which people know the record."""
    email = write.values.get("email") if write.kind is MasterKind.EMPLOYEE else None
    return (write.code, email) if email else (write.code,)


def seen(look: MasterLook, write: MasterWrite) -> Sequence[Master]:
    """The records of a look that are the one of a write, by id or by exact key."""
    found = records_of(look.masters, write.kind)
    if write.id is not None:
        return [each for each in found if each.id == write.id]
    return [each for each in found if _is_of(each, write)]


def _is_of(record: Master, write: MasterWrite) -> bool:
    keys = keys_of(write)
    if isinstance(record, Task):
        # A task's code may be a number that its system gives: it is known by its name.
        return record.project == write.parent and record.name == write.values.get("name")
    return record.code in keys or (isinstance(record, Employee) and record.email in keys)


def held_for(world: MasterWorld, write: MasterWrite) -> Sequence[HeldMaster]:
    """The records that the system holds for a write, by exact key; twins are two."""
    keys = keys_of(write)
    is_person = write.kind is MasterKind.EMPLOYEE
    return [
        each
        for each in world.held()
        if each.code in keys or (is_person and each.values.get("email") in keys)
    ]


def held_as(world: MasterWorld, record: str) -> HeldMaster:
    """The record that the system holds under an id."""
    [held] = [each for each in world.held() if each.id == record]
    return held


def changing(world: MasterTargetWorld, record: str) -> MasterWrite:
    """A change of every field that can be changed, away from the values of sample 1."""
    fields = operation_of(world).fields
    if not fields:
        pytest.skip("nothing of this kind is changed through this connector")
    sample = world.sample(2)
    values = {name: value for name, value in sample.values.items() if name in fields}
    if "active" in fields:
        values["active"] = NO
    # The code is the record's own: it is not among the fields, and stays.
    return replace(sample, id=record, code=world.sample(1).code, values=values)


async def all_written(
    target: MasterDataTarget, writes: Sequence[MasterWrite]
) -> Sequence[MasterAnswer]:
    """Write as the platform does where nothing goes wrong: look, write, and go on with the rest."""
    answers: list[MasterAnswer] = []
    while len(answers) < len(writes):
        rest = writes[len(answers) :]
        look = await target.find_masters([query_for(rest)])
        told = await target.write_masters(rest, look.evidence)
        assert 0 < len(told) <= len(rest), "an answer for each write that was tried, and for one"
        answers += told
    return answers


def agrees(held: HeldMaster, write: MasterWrite) -> None:
    """What was written is what is held, in each field that the write names."""
    assert {name: held.values.get(name) for name in write.values} == write.values


async def looks_as_held(
    world: MasterTargetWorld, target: MasterDataTarget, write: MasterWrite
) -> None:
    """A look shows what the system holds, and not what it was asked to hold."""
    [record] = seen(await target.find_masters([query_for([write])]), write)
    held = held_as(world, record.id)
    names = sorted(operation_of(world).fields)
    assert values_of(record, names) == {name: held.values[name] for name in names}
