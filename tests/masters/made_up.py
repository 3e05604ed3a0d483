"""Systems of masters that exist only in tests: a dictionary each, and faults on order."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from canonical.cross_reference import MasterKind
from canonical.masters import Customer, DimensionValue, Employee, Master, Masters, Project, Task
from connectors.base.errors import TransientError
from connectors.base.guard import Guard, UniqueReference
from connectors.base.manifest import Manifest, MasterOperation
from connectors.base.master_writes import (
    GoneMaster,
    MasterAnswer,
    MasterChanges,
    MasterLook,
    MasterQuery,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from rules.ownership import FIELDS_OF
from store.masters import records_of

MODEL: Final[Mapping[MasterKind, type[Master]]] = {
    MasterKind.CUSTOMER: Customer,
    MasterKind.EMPLOYEE: Employee,
    MasterKind.PROJECT: Project,
    MasterKind.TASK: Task,
    MasterKind.DIMENSION_VALUE: DimensionValue,
}
_MEMBER: Final = {
    MasterKind.CUSTOMER: "customers",
    MasterKind.EMPLOYEE: "employees",
    MasterKind.PROJECT: "projects",
    MasterKind.TASK: "tasks",
    MasterKind.DIMENSION_VALUE: "dimension_values",
}
_ABOVE: Final = {MasterKind.PROJECT: "customer", MasterKind.TASK: "project"}
_DAYS: Final = frozenset({"active_from", "active_until"})


@dataclass
class MadeUpSystem:
    """Keeps records of any kind; `lose`, `ignore` and `refuse` say what happens to writes."""

    name: str
    guard: Guard = field(default_factory=UniqueReference)
    records: dict[tuple[MasterKind, str], Master] = field(default_factory=dict)
    # What changed since the last reading, and what was deleted.
    news: set[tuple[MasterKind, str]] = field(default_factory=set)
    gone: set[tuple[MasterKind, str]] = field(default_factory=set)
    others: Masters = field(default_factory=Masters)
    writes: int = 0
    looks: int = 0
    # How many of the next writes are carried out and never answered.
    lost: int = 0
    # What happens when a write has been carried out: a test may raise.
    after_write: Callable[[], None] | None = None
    # Fields that are answered for and never change, by code of the record.
    ignoring: dict[str, str] = field(default_factory=dict)
    refusing: set[str] = field(default_factory=set)
    away: bool = False
    # How many of the next looks show nothing that was just written.
    blind: int = 0
    # Whether a look shows all there are, whatever was asked for.
    shows_all: bool = False
    # What the platform has made.
    fresh: set[tuple[MasterKind, str]] = field(default_factory=set)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def manifest(self) -> Manifest:
        return Manifest(
            system=self.name,
            title=self.name,
            capabilities=frozenset(),
            verified_against="nothing",
            documented_at="nowhere",
            master_operations=tuple(
                MasterOperation(kind, frozenset(FIELDS_OF[kind]), self.guard) for kind in MODEL
            ),
        )

    async def check(self) -> str:
        return self.name

    async def close(self) -> None:
        """Nothing is open."""

    # What people do there.

    def put(self, kind: MasterKind, code: str, record_id: str | None = None, **given: Any) -> str:
        """Make or replace a record."""
        record_id = record_id or f"{self.name}-{next(self.ids)}"
        known = self.records.get((kind, record_id))
        values = {} if known is None else known.model_dump()
        values |= {"connection": self.name, "id": record_id, "code": code, "name": code, **given}
        if kind is MasterKind.DIMENSION_VALUE:
            values["dimension"] = "cost_centre"
        self.records[kind, record_id] = MODEL[kind].model_validate(values)
        self.news.add((kind, record_id))
        self.gone.discard((kind, record_id))
        return record_id

    def change(self, kind: MasterKind, record_id: str, **given: Any) -> None:
        """Change a record's values."""
        record = self.records[kind, record_id]
        self.records[kind, record_id] = record.model_copy(update=given)
        self.news.add((kind, record_id))

    def remove(self, kind: MasterKind, record_id: str) -> None:
        """Delete a record."""
        del self.records[kind, record_id]
        self.news.discard((kind, record_id))
        self.gone.add((kind, record_id))

    def of(self, kind: MasterKind) -> dict[str, Master]:
        """All records of a kind by id."""
        return {it: one for (of, it), one in self.records.items() if of is kind}

    # What the platform asks.

    async def masters(self) -> Masters:
        self._answers()
        self.news.clear()
        self.gone.clear()
        return self._as_masters(list(self.records))

    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        self._answers()
        changed = self._as_masters(sorted(self.news))
        gone = tuple(GoneMaster(*one) for one in sorted(self.gone))
        self.news.clear()
        self.gone.clear()
        return MasterChanges(changed, until=datetime.now(UTC), gone=gone)

    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        self._answers()
        self.looks += 1
        hidden = self.fresh if self.blind else set[tuple[MasterKind, str]]()
        self.blind = max(0, self.blind - 1)
        found = [
            key
            for query in queries
            for key, one in self.records.items()
            if key[0] is query.kind
            and key not in hidden
            and (
                self.shows_all
                or one.id in query.ids
                or one.code in query.keys
                or ((getattr(one, "email", None) or "").casefold() in query.keys)
                or (isinstance(one, Task) and one.project in query.parents)
            )
        ]
        return MasterLook(self._as_masters(found), {"looked": str(self.looks)})

    async def write_masters(
        self, writes: Sequence[MasterWrite], evidence: Mapping[str, str]
    ) -> Sequence[MasterAnswer]:
        self._answers()
        answers: list[MasterAnswer] = []
        for one in writes:
            if one.code in self.refusing:
                answers.append(MasterRefused("not_wanted", "we do not want it"))
                continue
            answer = self._carried_out(one)
            if self.after_write is not None:
                self.after_write()
            if self.lost and isinstance(answer, MasterWritten):
                self.lost -= 1
                answers.append(MasterUnsettled("lost"))
                break
            answers.append(answer)
        return answers

    def _carried_out(self, one: MasterWrite) -> MasterAnswer:
        self.writes += 1
        values: dict[str, Any] = {
            name: _read(name, text)
            for name, text in one.values.items()
            if self.ignoring.get(one.code) != name
        }
        if one.id is not None:
            if (one.kind, one.id) not in self.records:
                return MasterRefused("unknown", "there is no such record")
            self.change(one.kind, one.id, **values)
            return MasterWritten(one.id)
        twins = [it for it in self.of(one.kind).values() if it.code == one.code]
        if isinstance(self.guard, UniqueReference) and twins and one.kind is not MasterKind.TASK:
            return MasterRefused("code_taken", "there is one of this code")
        if one.parent is not None:
            values[_ABOVE[one.kind]] = one.parent
        made = self.put(one.kind, one.code, legal_entity=one.legal_entity, **values)
        self.fresh.add((one.kind, made))
        return MasterWritten(made)

    def _as_masters(self, keys: Sequence[tuple[MasterKind, str]]) -> Masters:
        found: dict[str, list[Master]] = {
            name: list(records_of(self.others, kind)) for kind, name in _MEMBER.items()
        }
        for kind, record_id in keys:
            found[_MEMBER[kind]].append(self.records[kind, record_id])
        rest = {name: getattr(self.others, name) for name in ("legal_entities", "currencies")}
        return Masters.model_validate({name: tuple(one) for name, one in found.items()} | rest)

    def _answers(self) -> None:
        if self.away:
            raise TransientError("not_there")


def _read(name: str, text: str) -> Any:
    if name == "active":
        return text == "yes"
    if name in _DAYS:
        return datetime.fromisoformat(text).date() if text else None
    return text or None
