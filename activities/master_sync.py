"""Master sync: brings what owners say of masters to the systems that receive them, once each."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from temporalio import activity

from activities import master_batch
from activities.case_openings import CaseOpenings
from activities.connector_errors import as_application_error
from activities.master_batch import Batch
from activities.master_causes import root_cause_of
from activities.master_decisions import Decider, Decisions, news_in, settled_by
from activities.master_surroundings import surroundings
from activities.master_writing import MasterWriting, Written
from activities.waking import Waking
from canonical.cross_reference import CrossReference, MasterKind
from canonical.messages import MasterBatch, MasterKindRef
from connectors.base.capabilities import MasterDataTarget
from connectors.base.connections import Connections
from connectors.base.errors import ConnectionConfigError, ConnectorError, TransientError
from connectors.base.manifest import MasterOperation
from rules.policies import Policies
from store import (
    cases,
    master_identities,
    master_issues,
    master_links,
    master_releases,
    master_writes,
    masters,
)
from store.database import Connection, Database
from store.documents import Touched
from store.master_issues import Issue
from store.postings import Who

_LOG: Final = logging.getLogger(__name__)
BATCH_MAX: Final = 200
# A system that does not answer and gives no hint is asked again after so long.
_ABSENT_SECONDS: Final = 15
# Two synchronisations never write at the same time: any number, as long as it is always the same.
_ALONE: Final = 5_207_432
_BY_EXACT_KEY: Final = "exact key"
_MADE: Final = "master data sync"
_WHO: Final = "master data sync"


@dataclass(slots=True)
class _Outcome:
    """What a batch came to, before it is kept."""

    decisions: dict[str, Decisions] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)
    references: list[CrossReference] = field(default_factory=list)


class MasterSyncActivities:
    """Looks, decides, writes and reads back, one batch of identities at a time."""

    def __init__(
        self,
        database: Database,
        connections: Connections,
        policies: Policies,
        waking: Waking,
        *,
        tenant: str,
        routes: Mapping[str, str],
    ) -> None:
        self._database = database
        self._connections = connections
        self._policies = policies
        self._waking = waking
        self._tenant = tenant
        # Where the documents of each source go.
        self._routes = routes

    @activity.defn
    async def sync_masters(self, ref: MasterKindRef) -> MasterBatch:
        """Bring some identities of a kind up to date everywhere; safe to repeat at any time."""
        try:
            return await self.sync(MasterKind(ref.kind))
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def sync(self, kind: MasterKind, limit: int = BATCH_MAX) -> MasterBatch:
        """The same, outside Temporal."""
        ownership = self._policies.ownership.kinds[kind]
        async with self._alone():
            async with self._database.transaction() as connection:
                news = await master_identities.take(connection, kind, ownership.owner, limit)
                batch = await master_batch.loaded(connection, kind, ownership, news)
            if not news:
                return MasterBatch()
            targets = self._targets(batch)
            await self._look(batch, targets)
            decider = await self._decider(batch, targets)
            outcome = _Outcome()
            await self._link(batch, decider, outcome)
            await self._write(batch, decider, targets, outcome)
            return await self._keep(batch, outcome, more=len(news) == limit)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Be the only one; a worker that died lets go with its connection."""
        async with self._database.connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ALONE):
                raise TransientError("sync_under_way", "another worker synchronises masters")
            try:
                yield
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", _ALONE)

    def _targets(self, batch: Batch) -> dict[str, tuple[MasterDataTarget, MasterOperation]]:
        """The systems that can be told of this kind: receivers, and the owner of what it lacks."""
        found = {}
        writable = self._connections.all_filling(MasterDataTarget)
        others_own = batch.ownership.fields or any(one.owners for one in batch.known.values())
        for name in batch.ownership.connections:
            target = writable.get(name)
            operation = target.manifest.master_operation(batch.kind) if target else None
            if target and operation and (name != batch.owner or others_own):
                found[name] = (target, operation)
        return found

    async def _look(
        self, batch: Batch, targets: Mapping[str, tuple[MasterDataTarget, MasterOperation]]
    ) -> None:
        async with self._database.transaction() as connection:
            await master_batch.look_around(connection, batch)
        for name, (target, _) in targets.items():
            try:
                batch.looks[name] = await master_batch.look(batch, name, target)
            except (TransientError, ConnectionConfigError) as error:
                # The others go on; this one hears of it once it answers again.
                hint = error.retry_after_seconds if isinstance(error, TransientError) else None
                batch.absent[name] = hint or _ABSENT_SECONDS
                _LOG.warning("masters: %s does not answer (%s)", name, error.code)
        async with self._database.transaction() as connection:
            for name in batch.ownership.receivers:
                if name in batch.absent:
                    continue
                if name not in targets:
                    linked = [one.links[name] for one in batch.known.values() if name in one.links]
                    # Nobody can be asked: it is as it was read last.
                    there = await masters.some_of(connection, name, batch.kind, linked)
                    open_ = batch.unlinked.get(name, ())
                    batch.looks[name] = master_batch.as_read(batch.kind, there, open_)
                else:
                    await master_batch.kept(connection, batch, name, batch.looks[name])
                    master_batch.seen(batch, name)

    async def _decider(
        self, batch: Batch, targets: Mapping[str, tuple[MasterDataTarget, MasterOperation]]
    ) -> Decider:
        erps = frozenset(self._routes.values())
        async with self._database.transaction() as connection:
            for name in erps & set(batch.ownership.receivers):
                batch.around[name] = await surroundings(connection, name)
            above = master_batch.ABOVE.get(batch.kind)
            waits = await master_issues.waiting_of(connection, above) if above else ()
        operations = {
            name: operation for name, (_, operation) in targets.items() if name not in batch.absent
        }
        return Decider(batch, self._policies, operations, erps, frozenset(waits))

    async def _link(self, batch: Batch, decider: Decider, outcome: _Outcome) -> None:
        """Link what has the very same key, and decide on the fields with what is linked then."""
        found = {owner_id: decider.on(one) for owner_id, one in batch.known.items()}
        outcome.references = [
            self._reference(batch, owner_id, connection, record_id, _BY_EXACT_KEY)
            for owner_id, decisions in found.items()
            for connection, record_id in decisions.links
        ]
        if outcome.references:
            async with self._database.transaction() as connection:
                await master_links.link(connection, outcome.references)
                await master_batch.reload_links(connection, batch)
            found = {owner_id: decider.on(one) for owner_id, one in batch.known.items()}
        outcome.decisions = found
        await self._settle_what_a_look_has_told(batch, decider, found)

    async def _settle_what_a_look_has_told(
        self, batch: Batch, decider: Decider, found: Mapping[str, Decisions]
    ) -> None:
        """Writes that nobody answered: what is there was made; what is not, is made again.

        At once if the system refuses twins, else after nothing can be under way any more.
        """
        now = datetime.now(UTC)
        told = []
        for one in batch.under_way:
            decisions = found.get(one.owner_id)
            known = batch.known.get(one.owner_id)
            operation = decider.operations.get(one.connection)
            if decisions is None or known is None or operation is None:
                continue
            left = operation.quiet_seconds - int((now - one.sent_at).total_seconds())
            if not one.makes or one.connection in known.links:
                told.append((one.id, "DONE", "not answered; seen by a later look"))
            elif operation.refuses_twins or left <= 0:
                told.append((one.id, "NOTHING_DONE", "not answered; a later look shows nothing"))
            else:
                decisions.waits_seconds = left
                decisions.writes = [
                    it for it in decisions.writes if it.connection != one.connection
                ]
        async with self._database.transaction() as connection:
            await master_writes.settle(connection, told)

    async def _write(
        self,
        batch: Batch,
        decider: Decider,
        targets: Mapping[str, tuple[MasterDataTarget, MasterOperation]],
        outcome: _Outcome,
    ) -> None:
        writing = MasterWriting(self._database, batch, decider)
        for name, (target, _) in targets.items():
            planned = [
                it
                for decisions in outcome.decisions.values()
                for it in decisions.writes
                if it.connection == name
            ]
            if planned:
                outcome.written[name] = await writing.write(name, target, planned)

    async def _keep(self, batch: Batch, outcome: _Outcome, *, more: bool) -> MasterBatch:
        """Keep what came of it, in one transaction, and let go what waited for it."""
        kind, owner = batch.kind, batch.owner
        made = [
            self._reference(batch, owner_id, connection, record_id, _MADE)
            for connection, written in outcome.written.items()
            for owner_id, record_id in written.made.items()
        ]
        async with self._database.transaction() as connection:
            await master_links.link(connection, made)
            await master_identities.agree(connection, kind, owner, _agreed(outcome))
            touched, told = await self._keep_issues(connection, batch, outcome)
            linked = sorted({one.source_id for one in (*made, *outcome.references)})
            if linked:
                await master_identities.mark_dependents(connection, kind, owner, linked)
                await master_identities.mark_asked_about(connection, kind, owner)
                await self._link_through(connection, batch)
                touched += await master_releases.let_go_of_known(
                    connection, kind, owner, linked, Who(_WHO, "the record is there now", owner)
                )
            again = _again(batch, outcome)
            await master_identities.done_with(
                connection, kind, owner, [one for one in batch.news if one.owner_id not in again]
            )
            for seconds in sorted(set(again.values())):
                ids = [one for one, it in again.items() if it == seconds]
                await master_identities.later(connection, kind, owner, ids, seconds)
        await self._waking.wake(touched)
        return MasterBatch(
            looked=len(batch.news),
            written=sum(one.count for one in outcome.written.values()),
            linked=len(linked),
            more=more,
            again_in_seconds=min(again.values(), default=None),
            cases=tuple(sorted(told)),
        )

    async def _keep_issues(
        self, connection: Connection, batch: Batch, outcome: _Outcome
    ) -> tuple[list[Touched], set[UUID]]:
        """Open a case for each new issue, and close those that are none any more."""
        now: list[Issue] = []
        for owner_id, decisions in outcome.decisions.items():
            now.extend(decisions.issues)
            for written in outcome.written.values():
                now.extend(issue for of, issue in written.issues if of == owner_id)
        # Nothing was decided about systems that did not answer.
        open_ = [one for one in batch.issues if one.issue.connection not in batch.absent]
        new = news_in(open_, now)
        openings = {
            one.place: CaseOpenings(self._tenant, self._policies, batch.owner, one.connection).of(
                root_cause_of(batch.kind, batch.owner, one), datetime.now(UTC)
            )
            for one in new
        }
        who = Who(_WHO, "systems do not agree", f"masters/{batch.kind}")
        found = await cases.open_cases(connection, openings.values(), who)
        kept = [(one, found[openings[one.place].root_cause]) for one in new]
        await master_issues.keep(connection, batch.kind, batch.owner, kept)
        ended = settled_by(open_, now)
        await master_issues.close(connection, [one.id for one in ended])
        closed = master_batch.case_ids(ended)
        touched = await master_releases.let_go_of_settled(connection, sorted(closed), who)
        if kept or ended:
            for source in self._routes:
                await masters.is_news(connection, source)
        return touched, {*closed, *(case for _, case in kept)}

    async def _link_through(self, connection: Connection, batch: Batch) -> None:
        """Sources whose records were linked are linked to their ERP's, too."""
        receivers = batch.ownership.receivers
        for source, target in self._routes.items():
            if source in receivers and target in receivers:
                await master_links.link_through(connection, batch.kind, batch.owner, source, target)

    def _reference(
        self, batch: Batch, owner_id: str, connection: str, record_id: str, made_by: str
    ) -> CrossReference:
        return CrossReference(
            kind=batch.kind,
            source=batch.owner,
            source_id=owner_id,
            target=connection,
            target_id=record_id,
            made_by=made_by,
        )


def _agreed(outcome: _Outcome) -> list[tuple[str, str, Mapping[str, str]]]:
    """What is the same now: found so, or read back after it was written."""
    found = [
        (owner_id, connection, values)
        for owner_id, decisions in outcome.decisions.items()
        for connection, values in decisions.agreed
    ]
    written = [one for written in outcome.written.values() for one in written.agreed]
    return [*found, *written]


def _again(batch: Batch, outcome: _Outcome) -> dict[str, int]:
    """Which identities have to be looked at again, and after how many seconds."""
    absent = max(batch.absent.values(), default=None)
    again = {} if absent is None else dict.fromkeys(batch.known, absent)
    for owner_id, decisions in outcome.decisions.items():
        waits: Sequence[int | None] = [
            decisions.waits_seconds,
            *(one.again.get(owner_id) for one in outcome.written.values()),
        ]
        told = [one for one in waits if one is not None]
        if told:
            again[owner_id] = max(*told, again.get(owner_id, 0))
    return again
