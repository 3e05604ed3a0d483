"""Master writes: what a system is asked to make or change in its master data, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from canonical.cross_reference import MasterKind
from canonical.masters import Master, Masters


@dataclass(frozen=True, slots=True)
class MasterQuery:
    """Which records of one kind are looked for: those with any of these ids or exact keys.

    A key is the record's code; of an employee also the e-mail address. Tasks have no key of their
    own: `parents` are ids of projects, and all their tasks are looked for. A look may give more
    than it was asked for, never less; what it does not give does not exist.
    """

    kind: MasterKind
    ids: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MasterLook:
    """What a system showed, archived records included; `evidence` is what its guard needs.

    What the guard compares was read before the records were.
    """

    masters: Masters
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MasterWrite:
    """One record to be made, or fields of one to be changed.

    `values` are fields by the names of the canonical record, as text ("yes" and "no" for what is
    true or false, a day as YYYY-MM-DD, "" takes a value away); of a new record they hold what its
    owner knows of it. `id` is the record's in the system that is written to; None makes one.
    `parent` is the id, there, of a project's customer or a task's project.
    """

    kind: MasterKind
    code: str
    values: Mapping[str, str]
    id: str | None = None
    legal_entity: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class MasterWritten:
    """It is made or changed, as far as the system says; `id` is the record's."""

    id: str


@dataclass(frozen=True, slots=True)
class MasterRefused:
    """The system looked at it and said no: `code` is stable, `message` in its own words."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class MasterUnsettled:
    """It was sent and no clear answer came: only a later look can tell."""

    message: str


MasterAnswer = MasterWritten | MasterRefused | MasterUnsettled


@dataclass(frozen=True, slots=True)
class GoneMaster:
    """A record that its system has deleted."""

    kind: MasterKind
    id: str


@dataclass(frozen=True, slots=True)
class MasterChanges:
    """What changed in a system since an instant.

    `until` (UTC) is from when on to ask the next time; asking again for the same shows the same.
    `whole`: the feed does not reach back so far, so that everything was read instead, and what is
    not in `masters` is gone.
    """

    masters: Masters
    until: datetime
    gone: tuple[GoneMaster, ...] = ()
    whole: bool = False


def joined(looks: Sequence[MasterLook]) -> MasterLook:
    """Put looks together; what two of them showed is there once."""
    found: dict[str, dict[str, Master]] = {}
    evidence: dict[str, str] = {}
    for one in looks:
        evidence |= one.evidence
        for name in Masters.model_fields:
            found.setdefault(name, {}).update({it.id: it for it in getattr(one.masters, name)})
    masters = Masters.model_validate({name: tuple(of.values()) for name, of in found.items()})
    return MasterLook(masters, evidence)
