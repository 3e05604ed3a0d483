"""Master decisions: what of a plan is written, and what becomes an issue for people. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from activities.master_batch import Batch, above_of
from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause
from canonical.masters import Master
from connectors.base.manifest import MasterOperation
from connectors.base.master_writes import MasterWrite
from rules.master_governance import lacks
from rules.master_sync import Action, Agree, Conflict, Create, Gone, Link, Twin, Update
from rules.policies import Policies
from rules.time_checks import NO_LEGAL_ENTITY
from store.master_identities import Known
from store.master_issues import Issue, OpenIssue

_VALUE_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Planned:
    """A write to one system about one identity."""

    owner_id: str
    connection: str
    write: MasterWrite


@dataclass(slots=True)
class Decisions:
    """What is to be done about one identity."""

    links: list[tuple[str, str]] = field(default_factory=list)
    writes: list[Planned] = field(default_factory=list)
    agreed: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    # All issues that there are now; those that were open and are not among them are closed.
    issues: list[Issue] = field(default_factory=list)
    # It waits for what it hangs on, or for a write that nobody has answered.
    waits_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides on the identities of one batch."""

    batch: Batch
    policies: Policies
    operations: Mapping[str, MasterOperation]
    # The connections that documents are posted to.
    erps: frozenset[str]
    # The open issues of what these identities hang on: (connection, owner's id of it).
    above_waits: frozenset[tuple[str, str]]

    def held(self) -> Mapping[str, frozenset[str]]:
        """The fields that can be written, by connection."""
        return {name: one.fields for name, one in self.operations.items()}

    def on(self, one: Known) -> Decisions:
        """Decide on one identity."""
        decisions = Decisions()
        entity = self.legal_entity(one.record)
        if one.absent:
            # That it is not shown proves nothing: it may not have been readable, or not be ours to
            # see. Nobody elsewhere is told anything before a person has looked.
            if one.links:
                gone = self._issue(one, entity)(self.batch.owner, Cause.MASTER_GONE)
                decisions.issues.append(gone)
            return decisions
        actions = self.batch.planned(one, self.held())
        twice = self.batch.twice.get(one.record.code)
        if twice and any(isinstance(action, Create | Link | Twin) for action in actions):
            decisions.issues.append(
                self._issue(one, entity)(
                    self.batch.owner,
                    Cause.MASTER_INCOMPLETE,
                    value=f"its code stands more than once: {', '.join(twice)}"[:_VALUE_MAX],
                )
            )
            actions = [it for it in actions if not isinstance(it, Create | Link | Twin)]
        alike = self.batch.spelled_alike(one) if not one.links else []
        if alike and any(isinstance(action, Create) for action in actions):
            decisions.issues.append(
                self._issue(one, entity)(self.batch.owner, Cause.POSSIBLE_TWIN, candidates=alike)
            )
            actions = [it for it in actions if not isinstance(it, Create)]
        for action in actions:
            self._carry(action, one, entity, decisions)
        return decisions

    def legal_entity(self, record: Master) -> str | None:
        """Which legal entity a record belongs to, by its owner or by its code."""
        return record.legal_entity or self.batch.ownership.legal_entity_of(record.code)

    def _carry(self, action: Action, one: Known, entity: str | None, into: Decisions) -> None:
        issue = self._issue(one, entity)
        match action:
            case Link():
                into.links.append((action.connection, action.id))
            case Agree():
                into.agreed.append((action.connection, action.values))
            case Create():
                self._create(action, one, entity, into)
            case Update():
                self._update(action, one, entity, into)
            case Conflict():
                into.issues.append(
                    issue(
                        action.connection,
                        Cause.MASTER_CONFLICT,
                        field=action.field,
                        field_owner=action.owner,
                        owner_value=action.owner_value,
                        value=action.value,
                    )
                )
            case Twin():
                found = issue(action.connection, Cause.POSSIBLE_TWIN, candidates=action.candidates)
                into.issues.append(found)
            case Gone():
                into.issues.append(issue(action.connection, Cause.MASTER_GONE))

    def _create(self, action: Create, one: Known, entity: str | None, into: Decisions) -> None:
        operation = self.operations[action.connection]
        if not operation.creates:
            return
        above = above_of(one.record)
        parent = self.batch.parent(one, action.connection)
        missing = self._lacks(action, one, entity)
        if above is not None and parent is None:
            if (action.connection, above) in self.above_waits:
                # It waits with what it hangs on, whose case says what is to be done.
                return
            what = "customer" if self.batch.kind is MasterKind.PROJECT else "project"
            missing = [*missing, f"{action.connection} does not have its {what}"]
        if missing:
            found = self._issue(one, entity)(
                action.connection, Cause.MASTER_INCOMPLETE, value="; ".join(missing)[:_VALUE_MAX]
            )
            into.issues.append(found)
            return
        write = MasterWrite(
            self.batch.kind, action.code, action.values, legal_entity=entity, parent=parent
        )
        self._send(write, one, action.connection, into)

    def _update(self, action: Update, one: Known, entity: str | None, into: Decisions) -> None:
        values = dict(action.values)
        for known in self._open(one, action.connection, Cause.MASTER_WRITE_IGNORED):
            # It was written before and did not stay: not again by itself.
            if known.owner_value == values.get(known.field):
                del values[known.field]
                into.issues.append(known)
        if values:
            write = MasterWrite(
                self.batch.kind, one.record.code, values, id=action.id, legal_entity=entity
            )
            self._send(write, one, action.connection, into)

    def _send(
        self,
        write: MasterWrite,
        one: Known,
        connection: str,
        into: Decisions,
    ) -> None:
        """Write, unless the very same was refused before."""
        for known in self._open(one, connection, Cause.MASTER_REFUSED):
            if known.owner_value == as_one_text(write.values):
                into.issues.append(known)
                return
        into.writes.append(Planned(one.owner_id, connection, write))

    def _open(self, one: Known, connection: str, cause: Cause) -> Iterator[Issue]:
        """Issues that stand as they are until a person says to try again."""
        for it in self.batch.issues_of(one.owner_id):
            same = (it.issue.connection, it.issue.cause) == (connection, cause)
            if same and it.decision != "retry":
                yield it.issue

    def _lacks(self, action: Create, one: Known, entity: str | None) -> list[str]:
        around = self.batch.around.get(action.connection)
        if around is None or action.connection not in self.erps:
            return []
        return lacks(one.record, self.batch.kind, entity, around, self.policies)

    def _issue(self, one: Known, entity: str | None) -> "IssueMaker":
        return IssueMaker(one, entity or NO_LEGAL_ENTITY)

    def refused(self, planned: Planned, one: Known, code: str, message: str) -> Issue:
        """A system looked at a write and said no."""
        return self._issue(one, self.legal_entity(one.record))(
            planned.connection,
            Cause.MASTER_REFUSED,
            owner_value=as_one_text(planned.write.values),
            value=f"{code}: {message}"[:_VALUE_MAX],
        )

    def ignored(self, connection: str, one: Known, name: str, wanted: str, found: str) -> Issue:
        """A system said yes and shows another value."""
        owner = one.owners.get(name) or self.batch.ownership.owner_of(name)
        return self._issue(one, self.legal_entity(one.record))(
            connection,
            Cause.MASTER_WRITE_IGNORED,
            field=name,
            field_owner=owner,
            owner_value=wanted,
            value=found,
        )


@dataclass(frozen=True, slots=True)
class IssueMaker:
    """Makes issues about one identity."""

    one: Known
    legal_entity: str

    def __call__(
        self,
        connection: str,
        cause: Cause,
        *,
        field: str = "",
        field_owner: str = "",
        owner_value: str = "",
        value: str = "",
        candidates: Sequence[str] = (),
    ) -> Issue:
        return Issue(
            owner_id=self.one.owner_id,
            code=self.one.record.code,
            legal_entity=self.legal_entity,
            connection=connection,
            cause=cause,
            field=field,
            field_owner=field_owner,
            owner_value=owner_value,
            value=value,
            candidates=tuple(candidates),
        )


def as_one_text(values: Mapping[str, str]) -> str:
    """All values of a write in one form, to be told from another write."""
    return json.dumps(dict(values), sort_keys=True, ensure_ascii=False)


def settled_by(open_: Sequence[OpenIssue], now: Sequence[Issue]) -> list[OpenIssue]:
    """The open issues that are none any more; a correction plan stays until a person decides."""
    places = {one.place for one in now}
    return [
        one
        for one in open_
        if one.issue.place not in places and one.issue.cause is not Cause.RETROACTIVE_CHANGE
    ]


def news_in(open_: Sequence[OpenIssue], now: Sequence[Issue]) -> list[Issue]:
    """Issues that are new, or about other values than before: what a person waived stays waived."""
    known = {one.issue.place: one for one in open_}
    return [
        one
        for one in now
        if (was := known.get(one.place)) is None
        or was.issue != one
        or was.decision not in (None, "waive")
    ]
