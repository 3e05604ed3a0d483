"""Master synchronisation: what each system is to be told of a record, and what people decide.

Pure. One identity is one record in each of several systems, linked one to one. Every field has one
owner, whose value the others receive; what a non-owner changed is never overwritten silently.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from canonical.cross_reference import MasterKind
from canonical.masters import Master
from canonical.text import same_code
from rules.ownership import FIELDS_OF, KindOwnership

# What was last seen to be the same on both sides, by connection and field.
Agreed = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Identity:
    """One thing in several systems: its record in each that has one, by connection.

    `expected` are connections whose record was linked and is not shown any more.
    """

    kind: MasterKind
    records: Mapping[str, Master]
    expected: frozenset[str] = frozenset()
    agreed: Agreed = field(default_factory=dict)


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
    identity: Identity, unlinked: Mapping[str, Sequence[Master]], ownership: KindOwnership
) -> list[Action]:
    """Say what is to be done about one identity whose owner has a record of it.

    `unlinked` are the records of each system that are linked to nothing. A record without its
    owner's plans nothing: nobody creates it, and nobody takes it away (DOMAIN rule 40).
    """
    owned = identity.records.get(ownership.owner)
    if owned is None:
        return []
    actions: list[Action] = []
    for connection in ownership.connections:
        if connection == ownership.owner:
            continue
        if connection in identity.records:
            continue
        if connection in identity.expected:
            actions.append(Gone(connection))
        elif owned.active:
            actions.append(_missing(identity, owned, connection, unlinked.get(connection, ())))
    for connection in ownership.connections:
        if connection in identity.records:
            actions.extend(_fields(identity, connection, ownership))
    return actions


def _missing(
    identity: Identity, owned: Master, connection: str, unlinked: Sequence[Master]
) -> Action:
    """By the exact key, else by a person where a twin may be meant, else made anew."""
    same = [one for one in unlinked if same_code(one.code) == same_code(owned.code)]
    if len(same) == 1:
        return Link(connection, same[0].id)
    alike = same or [one for one in unlinked if looks_like(one, owned)]
    if alike:
        return Twin(connection, tuple(sorted(one.id for one in alike)))
    values = {name: text_of(owned, name) for name in FIELDS_OF[identity.kind]}
    return Create(connection, owned.code, {name: one for name, one in values.items() if one})


def _fields(identity: Identity, connection: str, ownership: KindOwnership) -> Iterator[Action]:
    record = identity.records[connection]
    told: dict[str, str] = {}
    same: dict[str, str] = {}
    for name in FIELDS_OF[identity.kind]:
        owner = ownership.owner_of(name)
        owned = identity.records.get(owner)
        if owner == connection or owned is None:
            continue
        wanted, found = text_of(owned, name), text_of(record, name)
        agreed = identity.agreed.get((connection, name))
        if wanted == found:
            if agreed != wanted:
                same[name] = wanted
        elif agreed == found:
            told[name] = wanted
        else:
            yield Conflict(connection, name, owner, wanted, found)
    if told:
        yield Update(connection, record.id, told)
    if same:
        yield Agree(connection, same)


def looks_like(one: Master, other: Master) -> bool:
    """Whether two records differ only by case, accents, spaces or punctuation of code or name."""
    return plain(one.code) == plain(other.code) or (
        bool(plain(one.name)) and plain(one.name) == plain(other.name)
    )


def plain(text: str) -> str:
    """Bring a name to the form in which spellings of it compare equal."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in apart if one.isalnum())


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
