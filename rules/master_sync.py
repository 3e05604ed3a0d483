"""Master synchronisation: what each system is to be told of a record, and what people decide.

Pure. One identity is one record in each of several systems, linked one to one. Every field has one
owner, whose value the others receive; what a non-owner changed is never overwritten silently.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from canonical.cross_reference import MasterKind
from canonical.masters import Employee, Master, Task
from canonical.text import same_code
from rules.look_alikes import look_alikes
from rules.ownership import FIELDS_OF, KindOwnership

# How connectors call a record whose system gives no code: it is linked by people, and never made.
NO_CODE: Final = "(no "
# What was last seen to be the same on both sides, by connection and field.
Agreed = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Identity:
    """One thing in several systems: its record in each that has one, by connection.

    `expected` are connections whose record was linked and is not shown any more; `apart` are
    records, by connection and id, of which a person said that they are something else; `owners`
    own a field of this one record, because a person decided so.
    """

    kind: MasterKind
    records: Mapping[str, Master]
    expected: frozenset[str] = frozenset()
    agreed: Agreed = field(default_factory=dict)
    apart: frozenset[tuple[str, str]] = frozenset()
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Create:
    """A system that receives the record does not have it: make it, under the owner's code."""

    connection: str
    code: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """A system has a record of the very same key, which nobody has linked."""

    connection: str
    id: str


@dataclass(frozen=True, slots=True)
class Update:
    """Values that their owner changed and a system still has as they were."""

    connection: str
    id: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Agree:
    """Values that are the same on both sides now, and were not known to be."""

    connection: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that somebody who does not own it changed: people decide, with both in sight."""

    connection: str
    field: str
    owner: str
    owner_value: str
    value: str


@dataclass(frozen=True, slots=True)
class Twin:
    """Records that may be the same thing under another spelling: a person links or creates."""

    connection: str
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """A system no longer shows a record that its owner still has."""

    connection: str


Action = Create | Link | Update | Agree | Conflict | Twin | Gone


def plan(
    identity: Identity,
    unlinked: Mapping[str, Sequence[Master]],
    ownership: KindOwnership,
    held: Mapping[str, frozenset[str]],
) -> list[Action]:
    """Say what is to be done about one identity whose owner has a record of it.

    `unlinked` are the records of each system that are linked to nothing; `held` are the fields that
    can be written there: where it has none, records are linked and nothing else. A record without
    its owner's plans nothing: nobody creates it, and nobody takes it away (DOMAIN rule 40).
    """
    owned = identity.records.get(ownership.owner)
    if owned is None:
        return []
    actions: list[Action] = []
    for connection in ownership.receivers:
        if connection in identity.records:
            continue
        if connection in identity.expected:
            if owned.active:
                actions.append(Gone(connection))
        else:
            fields = held.get(connection, frozenset())
            there = unlinked.get(connection, ())
            actions.extend(_missing(identity, owned, connection, there, fields))
    for connection in ownership.connections:
        if connection in identity.records:
            fields = held.get(connection, frozenset())
            actions.extend(_fields(identity, connection, ownership, fields))
    return actions


def _missing(
    identity: Identity,
    owned: Master,
    connection: str,
    unlinked: Sequence[Master],
    fields: frozenset[str],
) -> Iterator[Action]:
    """By the exact key, else by a person where a twin may be meant, else made anew."""
    others = [one for one in unlinked if (connection, one.id) not in identity.apart]
    same = [one for one in others if same_key(one, owned)]
    if len(same) == 1:
        yield Link(connection, same[0].id)
        return
    if not owned.active:
        # Nobody needs it made; who has left is linked all the same, for last hours still come.
        return
    alike = same or look_alikes(owned, others)
    if alike:
        yield Twin(connection, tuple(sorted(one.id for one in alike)))
    elif fields and not owned.code.startswith(NO_CODE):
        values = {name: text_of(owned, name) for name in FIELDS_OF[identity.kind] if name in fields}
        yield Create(connection, owned.code, {name: one for name, one in values.items() if one})


def _fields(
    identity: Identity, connection: str, ownership: KindOwnership, fields: frozenset[str]
) -> Iterator[Action]:
    record = identity.records[connection]
    told: dict[str, str] = {}
    same: dict[str, str] = {}
    for name in FIELDS_OF[identity.kind]:
        owner = identity.owners.get(name) or ownership.owner_of(name)
        owned = identity.records.get(owner)
        if owner == connection or owned is None or name not in fields:
            continue
        wanted, found = text_of(owned, name), text_of(record, name)
        agreed = identity.agreed.get((connection, name))
        if wanted == found:
            if agreed != wanted:
                same[name] = wanted
        elif agreed == found or (agreed is None and not found):
            # As both had it, or where nobody ever filled anything in.
            told[name] = wanted
        elif wanted or agreed:
            # Of what an owner never had a value it has nothing to say.
            yield Conflict(connection, name, owner, wanted, found)
    if told:
        yield Update(connection, record.id, told)
    if same:
        yield Agree(connection, same)


def same_key(one: Master, other: Master) -> bool:
    """Whether two records of a kind have the very same key.

    People by e-mail address where both have one, tasks by name (of one project), all else by code.
    """
    if isinstance(one, Employee) and isinstance(other, Employee) and one.email and other.email:
        return _address(one.email) == _address(other.email)
    if isinstance(one, Task):
        return same_code(one.name) == same_code(other.name)
    return same_code(one.code) == same_code(other.code)


def _address(email: str) -> str:
    return email.strip().casefold()


def text_of(record: Master, name: str) -> str:
    """A field's value as text; nothing where the record has none."""
    value: Any = getattr(record, name, None)
    if value is None:
        return ""
    return "yes" if value is True else "no" if value is False else str(value)


def in_order(kinds: Iterable[MasterKind]) -> list[MasterKind]:
    """What others depend on comes first: customer, project, task; cost centres before people."""
    return sorted(kinds, key=_ORDER.index)


_ORDER = (
    MasterKind.LEGAL_ENTITY,
    MasterKind.DIMENSION_VALUE,
    MasterKind.CUSTOMER,
    MasterKind.EMPLOYEE,
    MasterKind.PROJECT,
    MasterKind.TASK,
    MasterKind.ACCOUNT,
    MasterKind.TAX_CODE,
    MasterKind.CURRENCY,
)
