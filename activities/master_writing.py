"""Master writing: written down, sent once, and read back; what is not seen is not believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from activities.master_batch import Batch, kept
from activities.master_decisions import Decider, Planned
from canonical.masters import Master
from connectors.base.capabilities import MasterDataTarget
from connectors.base.errors import ConflictError, TransientError
from connectors.base.manifest import MasterOperation
from connectors.base.master_writes import (
    MasterAnswer,
    MasterQuery,
    MasterRefused,
    MasterUnsettled,
    MasterWritten,
)
from rules.master_sync import text_of
from rules.ownership import FIELDS_OF
from store import master_writes, masters
from store.database import Database
from store.master_issues import Issue
from store.master_writes import NewWrite

# Without a hint from the system, what was not done is tried again after so long.
_AGAIN_SECONDS = 2


@dataclass(slots=True)
class Written:
    """What came of the writes to one system."""

    # Record made or found, by the owner's id.
    made: dict[str, str] = field(default_factory=dict)
    # By the owner's id: the system, and the values that are the same there now.
    agreed: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    issues: list[tuple[str, Issue]] = field(default_factory=list)
    # What has to be looked at again, and after how many seconds.
    again: dict[str, int] = field(default_factory=dict)
    count: int = 0


class MasterWriting:
    """Sends writes to one system after the other."""

    def __init__(self, database: Database, batch: Batch, decider: Decider) -> None:
        self._database = database
        self._batch = batch
        self._decider = decider

    async def write(
        self, connection: str, target: MasterDataTarget, planned: Sequence[Planned]
    ) -> Written:
        """Write all that is planned for a system, in calls as large as it takes them."""
        written = Written()
        # What can go in one call stands together: changes of one form, new records of one parent.
        planned = sorted(planned, key=_form)
        operation = self._decider.operations[connection]
        size = max(1, operation.bulk.lines_max) if operation.bulk.mode != "NONE" else len(planned)
        for start in range(0, len(planned), size):
            some = planned[start : start + size]
            ids, answers = await self._send(connection, target, some, written)
            seen = await self._look_back(connection, target, some, answers, written)
            # What said yes and is not shown stays unanswered: a later look tells, and not before.
            shown = [(ids[one.owner_id], "DONE", "") for one in seen]
            async with self._database.transaction() as database:
                await master_writes.settle(database, shown)
        return written

    async def _send(
        self,
        connection: str,
        target: MasterDataTarget,
        planned: Sequence[Planned],
        written: Written,
    ) -> tuple[Mapping[str, UUID], Sequence[MasterAnswer]]:
        batch, again = self._batch, _AGAIN_SECONDS
        async with self._database.transaction() as database:
            ids = await master_writes.begin(
                database,
                batch.kind,
                batch.owner,
                connection,
                [
                    NewWrite(one.owner_id, one.write.id, one.write.code, one.write.values)
                    for one in planned
                ],
            )
        answers: Sequence[MasterAnswer] = ()
        said = "not tried"
        try:
            answers = await target.write_masters(
                [one.write for one in planned], batch.looks[connection].evidence
            )
        except TransientError as error:
            said, again = error.code, error.retry_after_seconds or again
        except ConflictError as error:
            said = error.code
        settled = [
            (one, "REFUSED", answer.code)
            for one, answer in zip(ids, answers, strict=False)
            if isinstance(answer, MasterRefused)
        ]
        # What was not tried has not left.
        settled += [(one, "NOTHING_DONE", said) for one in ids[len(answers) :]]
        async with self._database.transaction() as database:
            await master_writes.settle(database, settled)
        operation = self._decider.operations[connection]
        for one, answer in zip(planned, answers, strict=False):
            if isinstance(answer, MasterUnsettled):
                written.again[one.owner_id] = unsettled_seconds(operation)
        for one in planned[len(answers) :]:
            written.again[one.owner_id] = again
        by_owner = {one.owner_id: it for one, it in zip(planned, ids, strict=True)}
        return by_owner, answers

    async def _look_back(
        self,
        connection: str,
        target: MasterDataTarget,
        planned: Sequence[Planned],
        answers: Sequence[MasterAnswer],
        written: Written,
    ) -> list[Planned]:
        """Compare what is there now with what was written, field by field; gives what is there."""
        done = {
            answer.id: one
            for one, answer in zip(planned, answers, strict=False)
            if isinstance(answer, MasterWritten)
        }
        for one, answer in zip(planned, answers, strict=False):
            if isinstance(answer, MasterRefused):
                known = self._batch.known[one.owner_id]
                issue = self._decider.refused(one, known, answer.code, answer.message)
                written.issues.append((one.owner_id, issue))
        if not done:
            return []
        query = MasterQuery(self._batch.kind, ids=tuple(sorted(done)))
        look = await target.find_masters([query])
        found = {one.id: one for one in masters.records_of(look.masters, self._batch.kind)}
        async with self._database.transaction() as database:
            await kept(database, self._batch, connection, look)
        for record_id, one in done.items():
            record = found.get(record_id)
            if record is None:
                # It said yes and does not show it: only another look can tell.
                written.again[one.owner_id] = _AGAIN_SECONDS
                continue
            written.count += 1
            if one.write.id is None:
                written.made[one.owner_id] = record_id
            shown = {name: text_of(record, name) for name in one.write.values}
            same = {name: it for name, it in shown.items() if it == one.write.values[name]}
            known = self._batch.known[one.owner_id]
            written.agreed.append((one.owner_id, connection, same))
            if one.write.id is None:
                # What the new record owns came from its owner, who has it, too.
                owned = self._owned_by(connection, known.record, record)
                written.agreed.append((one.owner_id, self._batch.owner, owned))
            for name in shown.keys() - same.keys():
                issue = self._decider.ignored(
                    connection, known, name, one.write.values[name], shown[name]
                )
                written.issues.append((one.owner_id, issue))
        return [one for record_id, one in done.items() if record_id in found]

    def _owned_by(self, connection: str, record: Master, made: Master) -> Mapping[str, str]:
        ownership = self._batch.ownership
        return {
            name: text_of(made, name)
            for name in FIELDS_OF[self._batch.kind]
            if ownership.owner_of(name) == connection
            and text_of(made, name) == text_of(record, name)
        }


def unsettled_seconds(operation: MasterOperation) -> int:
    """How long to wait before what was not answered can be told."""
    return 0 if operation.refuses_twins else operation.quiet_seconds


def _form(one: Planned) -> tuple[bool, str, str, tuple[str, ...]]:
    write = one.write
    return (
        write.id is None,
        write.legal_entity or "",
        (write.parent or "") if write.id is None else "",
        () if write.id is None else tuple(sorted(write.values)),
    )
