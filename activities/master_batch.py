"""Master batches: some identities of one kind, with all that is known of them, ready for rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from canonical.cross_reference import MasterKind
from canonical.masters import Customer, Employee, Master, Masters, Project, Task
from canonical.text import same_code
from connectors.base.capabilities import MasterDataTarget
from connectors.base.master_writes import MasterLook, MasterQuery
from rules.look_alikes import spelled_alike
from rules.master_governance import Surroundings
from rules.master_sync import Action, Identity, plan, same_key
from rules.ownership import KindOwnership
from store import master_identities, master_issues, master_links, master_writes, masters
from store import master_surroundings as stored
from store.database import Connection
from store.master_identities import Known, News
from store.master_issues import OpenIssue
from store.master_writes import UnderWay


@dataclass(slots=True)
class Batch:
    """Identities of one kind: what the ledger knows, and what their systems show right now."""

    kind: MasterKind
    ownership: KindOwnership
    news: Sequence[News]
    known: dict[str, Known]
    issues: list[OpenIssue]
    under_way: list[UnderWay]
    # By connection: the records that nobody has linked, and where parents are there.
    unlinked: dict[str, list[Master]] = field(default_factory=dict)
    parents: dict[str, Mapping[str, str]] = field(default_factory=dict)
    looks: dict[str, MasterLook] = field(default_factory=dict)
    around: dict[str, Surroundings] = field(default_factory=dict)
    # Codes that several records of the owner have, with the ids of those.
    twice: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # The owner's records in use, and whether each is linked to any.
    siblings: Sequence[tuple[Master, bool]] = ()
    # The exact keys of all that the owner has.
    keys_taken: frozenset[str] = frozenset()
    # Systems that do not answer now, and after how many seconds to ask again: nothing is decided
    # about them.
    absent: dict[str, int] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """Whose records name the identities."""
        return self.ownership.owner

    def shown(self, connection: str) -> dict[str, Master]:
        """What a system has just shown, by id."""
        look = self.looks.get(connection)
        records = masters.records_of(look.masters, self.kind) if look else ()
        return {one.id: one for one in records}

    def planned(self, one: Known, held: Mapping[str, frozenset[str]]) -> list[Action]:
        """What rules say about one identity."""
        records: dict[str, Master] = {self.owner: self._owned(one)}
        for connection, record_id in one.links.items():
            found = self.shown(connection).get(record_id)
            if found is not None and connection in self.ownership.receivers:
                records[connection] = found
        answering = tuple(one for one in self.ownership.receivers if one not in self.absent)
        identity = Identity(
            self.kind,
            records,
            expected=frozenset(one.links),
            agreed=one.agreed,
            apart=frozenset(one.apart),
            owners=one.owners,
        )
        ownership = self.ownership.model_copy(update={"receivers": answering})
        return plan(identity, self._candidates(one), ownership, held)

    def _owned(self, one: Known) -> Master:
        seen = self.shown(self.owner).get(one.owner_id, one.record)
        # What its owner has deleted is used no more; nobody takes it away elsewhere.
        return seen.model_copy(update={"active": False}) if one.gone else seen

    def _candidates(self, one: Known) -> Mapping[str, Sequence[Master]]:
        """Records that may be this one: tasks only where their project is.

        What has the very key of another of the owner's records is that one, linked already or not.
        """
        if not isinstance(one.record, Task):
            return {
                connection: [
                    it
                    for it in found
                    if same_key(it, one.record) or self.keys_taken.isdisjoint(keys_of(it))
                ]
                for connection, found in self.unlinked.items()
            }
        return {
            connection: [
                it
                for it in found
                if isinstance(it, Task) and it.project == self.parent(one, connection)
            ]
            for connection, found in self.unlinked.items()
        }

    def parent(self, one: Known, connection: str) -> str | None:
        """Where the customer of a project, or the project of a task, is in a system."""
        above = above_of(one.record)
        return self.parents.get(connection, {}).get(above) if above else None

    def spelled_alike(self, one: Known) -> list[str]:
        """The owner's other records, linked or older, that differ from a new one by spelling."""
        by_name = self.kind in _BY_NAME
        return [
            it.id
            for it, linked in self.siblings
            if it.id != one.owner_id
            and (linked or it.id < one.owner_id)
            and (self.owner, it.id) not in one.apart
            and same_code(it.code) != same_code(one.record.code)
            and spelled_alike(one.record, it, by_name=by_name)
        ]

    def issues_of(self, owner_id: str) -> list[OpenIssue]:
        """The open issues of one identity."""
        return [one for one in self.issues if one.issue.owner_id == owner_id]


async def loaded(
    connection: Connection, kind: MasterKind, ownership: KindOwnership, news: Sequence[News]
) -> Batch:
    """Read all that the ledger knows of identities with news."""
    ids = [one.owner_id for one in news]
    owner = ownership.owner
    return Batch(
        kind,
        ownership,
        news,
        await master_identities.known(connection, kind, owner, ids),
        await master_issues.open_of(connection, kind, owner, ids),
        await master_writes.under_way(connection, kind, owner, ids),
    )


async def reload_links(connection: Connection, batch: Batch) -> None:
    """Read again how the identities are linked, and what was agreed, after some were linked."""
    batch.known = await master_identities.known(
        connection, batch.kind, batch.owner, [one.owner_id for one in batch.news]
    )


async def look_around(connection: Connection, batch: Batch) -> None:
    """Read who might be meant elsewhere, and where parents are."""
    above = sorted({one for known in batch.known.values() if (one := above_of(known.record))})
    kind = ABOVE.get(batch.kind)
    codes = [one.record.code for one in batch.known.values()]
    batch.twice = await stored.codes_twice(connection, batch.kind, batch.owner, codes)
    if batch.kind in _ASKED_FOR_SPELLING and any(not one.links for one in batch.known.values()):
        batch.siblings = await stored.siblings(connection, batch.kind, batch.owner)
    if any(len(one.links) < len(batch.ownership.receivers) for one in batch.known.values()):
        owned = await masters.all_of(connection, batch.owner, batch.kind)
        batch.keys_taken = frozenset(key for one in owned for key in keys_of(one))
    for receiver in batch.ownership.receivers:
        if any(receiver not in one.links for one in batch.known.values()):
            batch.unlinked[receiver] = await masters.unlinked(
                connection, batch.kind, batch.owner, receiver
            )
        if kind is not None and above:
            batch.parents[receiver] = await master_links.target_ids(
                connection, kind, batch.owner, above, receiver
            )


async def look(batch: Batch, connection: str, target: MasterDataTarget) -> MasterLook:
    """Ask a system for the records of these identities, linked or of the same key, in one look."""
    missing = [one for one in batch.known.values() if connection not in one.links]
    linked = [
        one.owner_id if connection == batch.owner else one.links[connection]
        for one in batch.known.values()
        if connection == batch.owner or connection in one.links
    ]
    keys = {key for one in missing if not one.gone for key in keys_of(one.record)}
    parents = {it for one in missing if (it := batch.parent(one, connection))}
    is_task = batch.kind is MasterKind.TASK
    query = MasterQuery(
        batch.kind,
        ids=tuple(sorted(linked)),
        keys=() if connection == batch.owner or is_task else tuple(sorted(keys)),
        parents=tuple(sorted(parents)) if is_task else (),
    )
    if not (query.ids or query.keys or query.parents):
        return MasterLook(masters.NOTHING)
    return await target.find_masters([query])


def as_read(kind: MasterKind, there: Masters, open_: Sequence[Master]) -> MasterLook:
    """What a system that cannot be asked showed last: records that are linked, and all others."""
    found = {one.id: one for one in (*masters.records_of(there, kind), *open_)}
    return MasterLook(masters.of_kind(kind, found.values()))


async def kept(connection: Connection, batch: Batch, name: str, look: MasterLook) -> None:
    """Keep what a look has shown; what it shows of others than asked for is news about them."""
    changed = await masters.save_some(connection, name, look.masters, ())
    own = {
        one.owner_id if name == batch.owner else one.links.get(name) for one in batch.known.values()
    }
    others = [one for one in changed.ids_of(batch.kind) if one not in own]
    if others and name != batch.owner:
        others = await master_identities.owners_of(
            connection, batch.kind, batch.owner, name, others
        )
    await master_identities.mark(connection, batch.kind, batch.owner, others)


def seen(batch: Batch, connection: str) -> None:
    """What a look has just shown and nobody has linked may be what is missing, too.

    What was asked for by its key and is not shown is not there any more, whatever we remember.
    """
    linked = {one.links.get(connection) for one in batch.known.values()}
    asked = {key for one in batch.known.values() for key in keys_of(one.record)}
    known = {
        one.id: one for one in batch.unlinked.get(connection, ()) if asked.isdisjoint(keys_of(one))
    }
    shown = {it: one for it, one in batch.shown(connection).items() if it not in linked}
    batch.unlinked[connection] = list({**known, **shown}.values())


ABOVE: Mapping[MasterKind, MasterKind] = {
    MasterKind.PROJECT: MasterKind.CUSTOMER,
    MasterKind.TASK: MasterKind.PROJECT,
}


def above_of(record: Master) -> str | None:
    """What a record hangs on, by its own system's id."""
    match record:
        case Project():
            return record.customer
        case Task():
            return record.project
        case _:
            return None


def keys_of(record: Master) -> tuple[str, ...]:
    """By which exact keys a record is looked for in another system."""
    match record:
        case Employee() if record.email:
            return (same_code(record.code), record.email.strip().casefold())
        case Customer() | Project() | Employee():
            return (same_code(record.code),)
        case Task():
            return ()
        case _:
            return (same_code(record.code),)


# Kinds of which two spellings at their owner are asked about; projects share names, as people do.
_ASKED_FOR_SPELLING: Final = frozenset(
    {
        MasterKind.CUSTOMER,
        MasterKind.EMPLOYEE,
        MasterKind.PROJECT,
        MasterKind.DIMENSION_VALUE,
    }
)
_BY_NAME: Final = frozenset({MasterKind.CUSTOMER, MasterKind.DIMENSION_VALUE})


def case_ids(issues: Sequence[OpenIssue]) -> set[UUID]:
    """The cases of issues."""
    return {one.case_id for one in issues if one.case_id is not None}
