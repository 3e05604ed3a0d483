"""What every source of time keeps to: complete pages, honest approvals, news that is not missed."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import date, datetime, timedelta
from typing import Protocol

import pytest

from canonical.time_entry import TimeEntry
from connectors.base.capabilities import (
    MasterDataSource,
    SourcePage,
    SourceRecord,
    TimeEntrySource,
)
from connectors.base.errors import TransientError
from connectors.base.level import Level
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import FaultyNetwork, Tokens
from connectors.conformance.levels import at, rules_at

MONDAY = date(2026, 1, 5)
# Personal data that a test plants in a record, and looks for where it must not be.
PRIVATE = "Zebedee Quillfeather"


class TimeSourceWorld(Protocol):
    """What a connector's tests provide: its simulated system, ready to be worked in.

    Its clock stands still until a test moves it, so that equal instants are the rule.
    """

    network: FaultyNetwork
    secret: str
    # How many entries one page of the connector's holds; small.
    page_size: int

    @property
    def now(self) -> datetime:
        """The system's clock, in UTC."""
        ...

    def connect(self, budget: RateBudget, *, secret: str | None = None) -> TimeEntrySource: ...

    def pass_time(self, seconds: int) -> None: ...

    def add(self, day: date, hours: str, *, person: int = 1, note: str = "") -> str:
        """Book work of one of two people, 1 or 2, not approved; gives the entry's id."""
        ...

    def approve(self, entry: str) -> None: ...

    def withdraw(self, entry: str) -> None: ...

    def lock(self, entry: str) -> None:
        """Make it unchangeable in any way that is no approval, as archiving a project does."""
        ...

    def start_timer(self, entry: str) -> None: ...

    def change(self, entry: str, *, hours: str | None = None, note: str | None = None) -> None: ...

    def delete(self, entry: str) -> None: ...

    def add_unreadable(self, private: str) -> None:
        """Let the system show one record of the wrong shape, with a text in it that is private."""
        ...

    def send_pages_in_a_circle(self) -> None: ...

    def break_next_page(self) -> None: ...


@rules_at(Level.READS)
class TimeEntrySourceContract:
    """Inherit it with a fixture `world`: a `TimeSourceWorld`, new for each test."""

    async def test_all_pages_come_without_loss_or_duplicate(self, world: TimeSourceWorld) -> None:
        count = 3 * world.page_size + 1
        added = [world.add(MONDAY + timedelta(days=n % 5), "1") for n in range(count)]
        news = await _records(changed(world))
        week = await _records(between(world, MONDAY, MONDAY + timedelta(days=6)))
        for records in (news, week):
            assert sorted(record.source_id or "" for record in records) == sorted(added)

    async def test_pages_in_a_circle_are_noticed(self, world: TimeSourceWorld) -> None:
        world.add(MONDAY, "1")
        world.send_pages_in_a_circle()
        with pytest.raises(TransientError):
            await changed(world)

    async def test_a_broken_page_is_transient_and_shows_nothing_private(
        self, world: TimeSourceWorld
    ) -> None:
        world.add(MONDAY, "1", note=PRIVATE)
        world.break_next_page()
        with pytest.raises(TransientError) as told:
            await changed(world)
        causes = f"{told.value!r} {told.value} {told.value.__cause__!r}"
        assert not _words(PRIVATE) & _words(causes)

    @at(Level.INCREMENTAL)
    async def test_an_entry_changed_at_the_very_instant_is_read_again(
        self, world: TimeSourceWorld
    ) -> None:
        entry = world.add(MONDAY, "1")
        assert entry in await news(world, world.now)
        assert entry in await news(world, world.now + timedelta(microseconds=1)), (
            "an instant between two ticks of the system's clock must be rounded down"
        )

    @at(Level.INCREMENTAL)
    async def test_equal_instants_at_the_edge_of_a_page_lose_nothing(
        self, world: TimeSourceWorld
    ) -> None:
        world.pass_time(60)
        together = {world.add(MONDAY, "1") for _ in range(world.page_size + 1)}
        assert together <= (await news(world, world.now)).keys()

    @at(Level.INCREMENTAL)
    async def test_the_instant_of_a_change_is_the_one_at_which_it_was_made(
        self, world: TimeSourceWorld
    ) -> None:
        entry = world.add(MONDAY, "1")
        # A local time that is taken for UTC is wrong by an hour at least.
        since = (await in_window(world, MONDAY, MONDAY))[entry].changed_at
        assert world.now - timedelta(minutes=1) <= since <= world.now
        assert entry in await news(world, since)

    @at(Level.INCREMENTAL)
    async def test_what_did_not_change_is_no_news(self, world: TimeSourceWorld) -> None:
        before = world.add(MONDAY, "1")
        world.pass_time(60)
        after = world.add(MONDAY, "1")
        read = await news(world, world.now)
        assert after in read
        assert before not in read

    @at(Level.INCREMENTAL)
    async def test_a_change_is_news(self, world: TimeSourceWorld) -> None:
        entry = world.add(MONDAY, "1")
        world.pass_time(60)
        world.change(entry, hours="2.5")
        assert (await news(world, world.now))[entry].seconds == 9_000

    async def test_a_window_includes_both_its_ends_and_nothing_else(
        self, world: TimeSourceWorld
    ) -> None:
        days = [MONDAY + timedelta(days=n) for n in range(-1, 4)]
        entries = [world.add(day, "1") for day in days]
        read = await in_window(world, days[1], days[3])
        assert sorted(read) == sorted(entries[1:4])
        assert [read[entry].work_date for entry in entries[1:4]] == days[1:4]

    async def test_hours_are_exact(self, world: TimeSourceWorld) -> None:
        exact = {"0.01": 36, "7.77": 27_972, "0.1": 360, "2.11": 7_596, "8": 28_800}
        entries = {world.add(MONDAY, hours): seconds for hours, seconds in exact.items()}
        read = await in_window(world, MONDAY, MONDAY)
        assert {entry: read[entry].seconds for entry in entries} == entries

    async def test_only_an_approval_approves(self, world: TimeSourceWorld) -> None:
        draft, locked, running, good = (world.add(MONDAY, "1") for _ in range(4))
        world.lock(locked)
        world.start_timer(running)
        world.approve(running)
        world.approve(good)
        records = await _records(between(world, MONDAY, MONDAY))
        told = {record.source_id: record.approved for record in records}
        assert told == {draft: False, locked: False, running: False, good: True}
        for record in records:
            assert record.record is not None
            assert (record.record.approval is not None) is record.approved

    async def test_an_approval_claims_no_more_evidence_than_the_manifest(
        self, world: TimeSourceWorld
    ) -> None:
        entry = world.add(MONDAY, "1")
        world.approve(entry)
        promised = world.connect(Tokens()).manifest.approval
        approval = (await in_window(world, MONDAY, MONDAY))[entry].approval
        assert promised is not None
        assert approval is not None
        assert (approval.approver is not None) is promised.approver
        assert (approval.approved_at is not None) is promised.instant
        assert (approval.revision is not None) is promised.revision

    @at(Level.INCREMENTAL)
    async def test_a_withdrawn_approval_is_seen(self, world: TimeSourceWorld) -> None:
        entry = world.add(MONDAY, "1")
        world.approve(entry)
        assert (await in_window(world, MONDAY, MONDAY))[entry].approval is not None
        world.withdraw(entry)
        assert (await in_window(world, MONDAY, MONDAY))[entry].approval is None

    @at(Level.INCREMENTAL)
    async def test_a_deletion_is_visible_by_comparing_a_window(
        self, world: TimeSourceWorld
    ) -> None:
        gone, *stay = (world.add(MONDAY, "1") for _ in range(world.page_size + 2))
        before = (await in_window(world, MONDAY, MONDAY)).keys()
        world.delete(gone)
        assert before - (await in_window(world, MONDAY, MONDAY)).keys() == {gone}
        assert before >= set(stay)

    async def test_one_persons_week_is_one_timesheet(self, world: TimeSourceWorld) -> None:
        first = world.add(MONDAY, "1")
        last = world.add(MONDAY + timedelta(days=6), "1")
        next_week = world.add(MONDAY + timedelta(days=7), "1")
        colleague = world.add(MONDAY, "1", person=2)
        records = await _records(between(world, MONDAY, MONDAY + timedelta(days=7)))
        sheets = {record.source_id: record.document_id for record in records}
        assert sheets[first] == sheets[last]
        assert len(set(sheets.values())) == 3  # first and last share theirs
        people = {record.source_id: record.employee for record in records}
        assert people[first] == people[next_week] != people[colleague]
        for record in records:
            assert record.record is not None
            assert record.record.timesheet == record.document_id
            assert record.record.employee == record.employee

    @at(Level.INCREMENTAL)
    async def test_only_what_is_financial_changes_the_hash(self, world: TimeSourceWorld) -> None:
        entry = world.add(MONDAY, "1")
        before = (await in_window(world, MONDAY, MONDAY))[entry].financial_hash
        world.change(entry, note="another text")
        assert (await in_window(world, MONDAY, MONDAY))[entry].financial_hash == before
        world.change(entry, hours="1.01")
        assert (await in_window(world, MONDAY, MONDAY))[entry].financial_hash != before

    async def test_an_unreadable_record_harms_no_neighbour(self, world: TimeSourceWorld) -> None:
        good = {world.add(MONDAY, "1") for _ in range(2 * world.page_size)}
        world.add_unreadable(PRIVATE)
        records = await _records(changed(world))
        readable = {record.source_id for record in records if record.record is not None}
        unreadable = [record for record in records if record.record is None]
        assert readable == good
        assert len(unreadable) == 1, "what cannot be read is shown, not dropped"
        assert unreadable[0].trouble
        assert unreadable[0].raw
        assert all((each.record is None) is (each.trouble is not None) for each in records)

    async def test_trouble_names_no_value(self, world: TimeSourceWorld) -> None:
        world.add_unreadable(PRIVATE)
        troubles = [record.trouble or "" for record in await _records(changed(world))]
        assert any(troubles)
        assert not _words(PRIVATE) & _words(" ".join(troubles))

    async def test_reading_takes_a_token_for_each_page_and_sends_nothing_without(
        self, world: TimeSourceWorld
    ) -> None:
        for _ in range(3 * world.page_size):
            world.add(MONDAY, "1")
        budget = Tokens(2)
        with pytest.raises(TransientError) as told:
            await _read(world.connect(budget).time_entries_between(MONDAY, MONDAY))
        assert told.value.retry_after_seconds == Tokens.WAIT_SECONDS
        assert len(world.network.requests) == 2

    async def test_a_lost_page_is_transient_and_was_one_attempt(
        self, world: TimeSourceWorld
    ) -> None:
        world.add(MONDAY, "1")
        world.network.lose_next_answer()
        with pytest.raises(TransientError):
            await changed(world)
        assert len(world.network.requests) == 1

    async def test_whatever_an_entry_names_is_among_the_masters(
        self, world: TimeSourceWorld
    ) -> None:
        entries = [world.add(MONDAY, "1", person=person) for person in (1, 2)]
        source = world.connect(Tokens())
        if not isinstance(source, MasterDataSource):
            pytest.skip("the source masters nothing")
        masters = await source.masters()
        read = await in_window(world, MONDAY, MONDAY)
        for entry in (read[each] for each in entries):
            assert entry.employee in {each.id for each in masters.employees}
            assert entry.project in {each.id for each in masters.projects}
            assert (entry.task, entry.project) in {
                (each.id, each.project) for each in masters.tasks
            }
            assert entry.customer in {None, *(each.id for each in masters.customers)}


async def _read(pages: AsyncIterator[SourcePage[TimeEntry]]) -> list[SourcePage[TimeEntry]]:
    return [page async for page in pages]


async def changed(
    world: TimeSourceWorld, since: datetime | None = None
) -> list[SourcePage[TimeEntry]]:
    """Read all that changed since an instant, or since long ago."""
    source = world.connect(Tokens())
    return await _read(source.time_entries_changed_since(since or world.now - timedelta(days=365)))


async def between(world: TimeSourceWorld, first: date, last: date) -> list[SourcePage[TimeEntry]]:
    """Read a window."""
    return await _read(world.connect(Tokens()).time_entries_between(first, last))


async def news(world: TimeSourceWorld, since: datetime) -> Mapping[str, TimeEntry]:
    """The readable entries that changed since an instant, by id."""
    return _by_id(await changed(world, since))


async def in_window(world: TimeSourceWorld, first: date, last: date) -> Mapping[str, TimeEntry]:
    """The readable entries of a window, by id."""
    return _by_id(await between(world, first, last))


def _by_id(pages: list[SourcePage[TimeEntry]]) -> Mapping[str, TimeEntry]:
    entries = (record.record for page in pages for record in page.records)
    return {entry.id: entry for entry in entries if entry is not None}


async def _records(
    reading: Awaitable[list[SourcePage[TimeEntry]]],
) -> list[SourceRecord[TimeEntry]]:
    return [record for page in await reading for record in page.records]


def _words(text: str) -> set[str]:
    return set(text.lower().replace("'", " ").replace('"', " ").split())
