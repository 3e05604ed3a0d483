"""Connectors to the made-up register that are each wrong in one way."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from canonical.masters import Customer, Masters
from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    TransientError,
)
from connectors.base.master_writes import (
    MasterAnswer,
    MasterChanges,
    MasterLook,
    MasterQuery,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from tests.connectors.conformance.made_up_masters import MadeUpMasters

Writes = Sequence[MasterWrite]
Answers = Sequence[MasterAnswer]
Row = Mapping[str, Any]


class ReadsTheFirstPage(MadeUpMasters):
    async def page(self, path: str, **asked: str) -> Any:
        return {**await super().page(path, **asked), "next": None}


class ReadsNamesCarelessly(MadeUpMasters):
    def customer(self, row: Row) -> Customer:
        return super().customer({**row, "name": row["name"].encode("ascii", "ignore").decode()})


class LeavesArchivedOnesOut(MadeUpMasters):
    def customers(self, rows: Sequence[Row]) -> tuple[Customer, ...]:
        return tuple(each for each in super().customers(rows) if each.active)


class LetsOneBadRecordSinkAll(MadeUpMasters):
    def customers(self, rows: Sequence[Row]) -> tuple[Customer, ...]:
        return tuple(map(self.customer, rows))


class LogsWhatItCannotRead(MadeUpMasters):
    def customers(self, rows: Sequence[Row]) -> tuple[Customer, ...]:
        logging.getLogger(__name__).debug("rows: %s", [row["name"] for row in rows])
        return super().customers(rows)


class TakesABrokenPageForTheLast(MadeUpMasters):
    async def page(self, path: str, **asked: str) -> Any:
        try:
            return await super().page(path, **asked)
        except TransientError:
            return {"customers": [], "gone": [], "next": None, "now": "", "stamp": ""}


class AsksAgainForALostPage(MadeUpMasters):
    async def page(self, path: str, **asked: str) -> Any:
        try:
            return await super().page(path, **asked)
        except TransientError:
            return await super().page(path, **asked)


class RoundsInstantsUp(MadeUpMasters):
    def asked_since(self, since: datetime) -> datetime:
        whole = super().asked_since(since)
        return whole if whole == since else whole + timedelta(seconds=1)


class IgnoresWhenItChanged(MadeUpMasters):
    def asked_since(self, since: datetime) -> datetime:
        return min(since, datetime(2026, 1, 6, tzinfo=UTC))


class RemembersWhatItReadFirst(MadeUpMasters):
    known: ClassVar[dict[str, Customer]] = {}

    def customer(self, row: Row) -> Customer:
        return self.known.setdefault(row["id"], super().customer(row))

    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        self.known.clear()
        await self.masters()
        self.known.update(
            {key: each.model_copy(update={"name": "?"}) for key, each in self.known.items()}
        )
        return await super().masters_changed_since(since)


class HidesDeletions(MadeUpMasters):
    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        return replace(await super().masters_changed_since(since), gone=())


class CallsArchivedOnesGone(MadeUpMasters):
    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        changes = await super().masters_changed_since(since)
        kept = tuple(each for each in changes.masters.customers if each.active)
        return replace(changes, masters=Masters(customers=kept))


class ShowsNewsOnce(MadeUpMasters):
    told: ClassVar[set[datetime]] = set()

    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        changes = await super().masters_changed_since(since)
        if since in self.told:
            self.told.clear()
            return replace(changes, masters=Masters(), gone=())
        self.told.add(since)
        return changes


class TakesTheClockForTheCursor(MadeUpMasters):
    def until(self, page: Row) -> datetime:
        return datetime.fromisoformat(page["now"])


class TakesTheNextSecondForTheCursor(MadeUpMasters):
    def until(self, page: Row) -> datetime:
        return datetime.fromisoformat(page["now"]) + timedelta(seconds=2)


class CallsTheNewsAll(MadeUpMasters):
    """Where the feed ends, it shows what the feed shows still."""

    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        changes = await super().masters_changed_since(since)
        return replace(changes, masters=Masters(), whole=False) if changes.whole else changes


class CutsNames(MadeUpMasters):
    def body(self, write: MasterWrite) -> dict[str, Any]:
        body = super().body(write)
        return {**body, "name": body["name"][:5]} if "name" in body else body


class MindsUnknownFields(MadeUpMasters):
    async def sent(self, write: MasterWrite, stamp: str) -> Row:
        if write.values.keys() - {"name", "active", "currency"}:
            raise OutcomeUnknownError("what is this")
        return await super().sent(write, stamp)


class NeedsEveryField(MadeUpMasters):
    async def sent(self, write: MasterWrite, stamp: str) -> Row:
        assert write.id or write.values["currency"]
        return await super().sent(write, stamp)


class MakesWhatItIsNotToMake(MadeUpMasters):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        [operation] = self.manifest.master_operations
        self.manifest = replace(
            self.manifest, master_operations=(replace(operation, creates=False),)
        )


class MakesNoneAsItSays(MakesWhatItIsNotToMake):
    """The good one of those that make none."""

    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        if any(each.id is None for each in writes):
            return [MasterRefused("not_made_here", "") for _ in writes]
        return await super().write_masters(writes, evidence)


class MakesInsteadOfChanging(MadeUpMasters):
    async def sent(self, write: MasterWrite, stamp: str) -> Row:
        other = replace(write, id=None, code=f"{write.code}'", values={"name": "-", **write.values})
        return await super().sent(other, stamp)


class SendsEveryFieldOfAChange(MadeUpMasters):
    def body(self, write: MasterWrite) -> dict[str, Any]:
        blank = {"currency": None, "active": True, "phone": ""} if write.id else {}
        return {**blank, **super().body(write)}


class SkipsEmptyValues(MadeUpMasters):
    def body(self, write: MasterWrite) -> dict[str, Any]:
        return {name: each for name, each in super().body(write).items() if each is not None}


class LooksAmongTheActive(MadeUpMasters):
    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        look = await super().find_masters(queries)
        kept = tuple(each for each in look.masters.customers if each.active)
        return replace(look, masters=Masters(customers=kept))


class LetsARefusalSinkTheRest(MadeUpMasters):
    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        answers = list(await super().write_masters(writes, evidence))
        refused = [each for each in answers if isinstance(each, MasterRefused)]
        return [refused[0]] * len(answers) if refused else answers


class CallsADeletedOneDone(MadeUpMasters):
    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        answers = await super().write_masters(writes, evidence)
        return [
            MasterWritten(write.id) if isinstance(each, MasterRefused) and write.id else each
            for write, each in zip(writes, answers, strict=False)
        ]


class AnswersOutOfOrder(MadeUpMasters):
    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        return list(await super().write_masters(writes, evidence))[::-1]


class AnswersForTheRestToo(MadeUpMasters):
    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        answers = list(await super().write_masters(writes, evidence))
        return [*answers, *(MasterUnsettled("later") for _ in writes[len(answers) :])]


class TakesNoTokenForUnsettled(MadeUpMasters):
    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        try:
            return await super().write_masters(writes, evidence)
        except TransientError:
            return [MasterUnsettled("trouble")]


class LooksOneByOne(MadeUpMasters):
    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        looks = [
            await super(LooksOneByOne, self).find_masters([MasterQuery(query.kind, (one,))])
            for query in queries
            for one in (*query.ids, *query.keys)
        ]
        found = tuple(each for look in looks for each in look.masters.customers)
        return MasterLook(Masters(customers=found), looks[-1].evidence)


class FindsSomethingAlways(MadeUpMasters):
    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        look = await super().find_masters(queries)
        [found, *_] = (await self.masters()).customers
        wanted = found.model_copy(update={"code": queries[0].keys[0]})
        return replace(look, masters=Masters(customers=(wanted,)))


class LooksWithHalfAnEye(MadeUpMasters):
    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        keys = {key.upper(): key for query in queries for key in query.keys}
        found = [
            each.model_copy(update={"code": keys[each.code.upper()]})
            for each in (await self.masters()).customers
            if each.code.upper() in keys
        ]
        look = await super().find_masters(queries)
        return replace(look, masters=Masters(customers=tuple(found)))


class RemembersWhatItWrote(MadeUpMasters):
    """A look shows what was meant, not what is there."""

    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        self.meant = writes
        return await super().write_masters(writes, evidence)

    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        look = await super().find_masters(queries)
        meant = {write.id: write for write in getattr(self, "meant", ())}
        shown = tuple(
            self.customer(
                {**each.model_dump(), **self.body(meant[each.id])}
                if each.id in meant
                else each.model_dump()
            )
            for each in look.masters.customers
        )
        return replace(look, masters=Masters(customers=shown))


class LooksIntoItsMemory(MadeUpMasters):
    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        if not hasattr(self, "known"):
            self.known = await super().find_masters(queries)
        return self.known


class CallsTheUnknownMade(MadeUpMasters):
    def unsettled(self, error: OutcomeUnknownError) -> MasterAnswer:
        return MasterWritten("0")


class CallsTheUnknownRefused(MadeUpMasters):
    def unsettled(self, error: OutcomeUnknownError) -> MasterAnswer:
        return MasterRefused(error.code, "")


class SendsAgainBlindly(MadeUpMasters):
    attempts: ClassVar[Iterator[int]] = itertools.count()

    async def sent(self, write: MasterWrite, stamp: str) -> Row:
        try:
            return await super().sent(write, stamp)
        except OutcomeUnknownError:
            return await super().sent(replace(write, code=f" {write.code}"), stamp)


class CallsAnEndedLoginDone(MadeUpMasters):
    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        try:
            return await super().write_masters(writes, evidence)
        except ConnectionConfigError:
            return [MasterWritten("0")]


class StopsAtTroubleWithoutAWord(MadeUpMasters):
    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        for write in writes:
            answers = await super().write_masters([write], evidence)
            if any(isinstance(each, MasterUnsettled) for each in answers):
                raise TransientError("trouble")
        return [MasterWritten("0") for _ in writes]


class TakesALostChangeForNone(MadeUpMasters):
    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        answers = await super().write_masters(writes, evidence)
        if any(isinstance(each, MasterUnsettled) for each in answers):
            raise ConflictError("again")
        return answers


class LooksJustBeforeItWrites(MadeUpMasters):
    """Compares with a stamp of its own, which is always the newest."""

    async def sent(self, write: MasterWrite, stamp: str) -> Row:
        look = await self.find_masters([MasterQuery(write.kind, ("0",))])
        return await super().sent(write, look.evidence["stamp"])


class CallsTakenARefusal(MadeUpMasters):
    async def write_masters(self, writes: Writes, evidence: Mapping[str, str]) -> Answers:
        try:
            return await super().write_masters(writes, evidence)
        except ConflictError as error:
            return [MasterRefused(error.code, "")]


class NumbersItsAttempts(MadeUpMasters):
    """Its spelling of the code is another one each time, as the world's eye does not see."""

    attempts: ClassVar[Iterator[int]] = itertools.count(1)

    def body(self, write: MasterWrite) -> dict[str, Any]:
        body = super().body(write)
        return body if write.id else {**body, "code": f"{write.code}-{next(self.attempts)}"}


class PromisesUniqueness(MadeUpMasters):
    """Says of a register that takes twins that it takes none."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        from connectors.base.guard import UniqueReference

        [operation] = self.manifest.master_operations
        claimed = replace(operation, guard=UniqueReference(), lag_max_seconds=0)
        self.manifest = replace(self.manifest, master_operations=(claimed,))


class PromisesLessLagThanThereIs(MadeUpMasters):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        [operation] = self.manifest.master_operations
        hasty = replace(operation, lag_max_seconds=0, in_flight_max_seconds=0)
        self.manifest = replace(self.manifest, master_operations=(hasty,))


class ShowsOneOfTwo(MadeUpMasters):
    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        look = await super().find_masters(queries)
        return replace(look, masters=Masters(customers=look.masters.customers[:1]))


class TakesThrottlingForUnsettled(MadeUpMasters):
    async def sent(self, write: MasterWrite, stamp: str) -> Row:
        try:
            return await super().sent(write, stamp)
        except ConnectorError as error:
            raise OutcomeUnknownError(error.code) from None
