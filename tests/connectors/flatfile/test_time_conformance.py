"""A folder of time entries keeps what every source of time keeps.

The rules about wires and budgets are kept in a folder's own way: the reading is one, and whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from connectors.base.capabilities import (
    Acknowledgement,
    AcknowledgementSink,
    MasterDataSource,
    TimeEntrySource,
)
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.acknowledgement import AcknowledgementContract, AcknowledgementWorld
from connectors.conformance.http_contract import Tokens
from connectors.conformance.time_source import (
    MONDAY,
    PRIVATE,
    TimeEntrySourceContract,
    TimeSourceWorld,
    between,
    changed,
    in_window,
)
from connectors.flatfile import appending
from connectors.flatfile.time_drop import SYSTEM
from tests.connectors.flatfile.time_world import TimeWorld


class _InAFolder(TimeEntrySourceContract):
    form = "csv"

    @pytest.fixture
    def world(self, tmp_path: Path) -> TimeWorld:
        return TimeWorld(tmp_path / "drop", self.form)

    async def test_pages_in_a_circle_are_noticed(self, world: TimeSourceWorld) -> None:
        """Pages do not name each other: all of them are of one reading, whatever comes after."""
        assert isinstance(world, TimeWorld)
        first = [world.add(MONDAY, "1") for _ in range(world.page_size + 1)]
        pages = world.connect(Tokens()).time_entries_between(MONDAY, MONDAY)
        read = [*(await anext(pages)).records]
        for entry in first:
            world.delete(entry)
        async for page in pages:
            read += page.records
        assert sorted(each.source_id or "" for each in read) == sorted(first)

    async def test_a_broken_page_is_transient_and_shows_nothing_private(
        self, world: TimeSourceWorld
    ) -> None:
        """A file that is still being written."""
        assert isinstance(world, TimeWorld)
        world.put("time-late.jsonl", f'{{"id": "T-9", "note": "{PRIVATE}')
        with pytest.raises(TransientError) as told:
            await changed(world)
        assert told.value.code == "file_cut"
        assert PRIVATE not in f"{told.value!r} {told.value} {told.value.__cause__!r}"

    async def test_reading_takes_a_token_for_each_page_and_sends_nothing_without(
        self, world: TimeSourceWorld
    ) -> None:
        """A disk has no budget, and needs none."""
        assert isinstance(world, TimeWorld)
        added = [world.add(MONDAY, "1") for _ in range(3 * world.page_size)]
        source = world.connect(Tokens(0))
        pages = [page async for page in source.time_entries_between(MONDAY, MONDAY)]
        assert sum(len(page.records) for page in pages) == len(added)

    async def test_a_lost_page_is_transient_and_was_one_attempt(
        self, world: TimeSourceWorld
    ) -> None:
        """A share that is not mounted is for an operator, and never a drop without entries."""
        assert isinstance(world, TimeWorld)
        entry = world.add(MONDAY, "1")
        away = world.folder.with_name("away")
        world.folder.rename(away)
        for reading in (changed(world), between(world, MONDAY, MONDAY)):
            with pytest.raises(ConnectionConfigError) as told:
                await reading
            assert told.value.code == "no_folder"
        away.rename(world.folder)
        assert list(await in_window(world, MONDAY, MONDAY)) == [entry]


class TestTables(_InAFolder):
    pass


class TestLinesOfJson(_InAFolder):
    form = "jsonl"


class TestStatusFile(AcknowledgementContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> TimeWorld:
        return TimeWorld(tmp_path / "drop")

    async def test_a_refusal_is_final_and_stops_nobody_else(
        self, world: AcknowledgementWorld
    ) -> None:
        """What is not in the drop is refused, and nothing is written of it."""
        entry = world.add(MONDAY, "1")
        answers = await world.sink(Tokens()).acknowledge([told("T-9"), told(entry)])
        assert [(each.accepted, each.code) for each in answers] == [
            (False, "no_such_entry"),
            (True, "accepted"),
        ]
        assert world.references() == {entry: "LREF"}

    async def test_a_reference_that_was_not_kept_is_no_acceptance(
        self, world: AcknowledgementWorld
    ) -> None:
        """A disk that does not say that it has it."""
        entry = world.add(MONDAY, "1")
        with disk_fails(), pytest.raises(TransientError):
            await world.sink(Tokens()).acknowledge([told(entry)])

    async def test_the_budget_is_spent_and_not_exceeded(self, world: AcknowledgementWorld) -> None:
        """A disk has no budget, and needs none."""
        entry = world.add(MONDAY, "1")
        assert len(await world.sink(Tokens(0)).acknowledge([told(entry)])) == 1

    @pytest.mark.parametrize("trouble", ["throttled", "failing", "lost", "refused"])
    async def test_trouble_ends_the_batch_and_the_rest_waits(
        self, world: AcknowledgementWorld, trouble: str
    ) -> None:
        """Whatever a disk says, what it may have written is found by a repeat."""
        assert isinstance(world, TimeWorld)
        entries = [world.add(MONDAY, "1") for _ in range(3)]
        lines = [told(entry) for entry in entries]
        with disk_fails(trouble), pytest.raises(TransientError):
            await world.sink(Tokens()).acknowledge(lines)
        answers = await world.sink(Tokens()).acknowledge(lines)
        assert all(each.accepted for each in answers)
        assert [step["entry"] for step in world.steps()] == entries

    async def test_bad_credentials_are_for_an_operator(self, world: AcknowledgementWorld) -> None:
        """A folder that is not there is told nothing, and is not made anew."""
        assert isinstance(world, TimeWorld)
        entry = world.add(MONDAY, "1")
        world.folder.rename(world.folder.with_name("away"))
        with pytest.raises(ConnectionConfigError):
            await world.sink(Tokens()).acknowledge([told(entry)])
        assert not world.folder.exists()


class TestWorkbooks(_InAFolder):
    form = "xlsx"


def told(entry: str) -> Acknowledgement:
    """What is told of an entry."""
    return Acknowledgement(source_id=entry, reference="LREF", document_id="1")


@contextmanager
def disk_fails(why: str = "Input/output error") -> Iterator[None]:
    """Let the disk not say that it has anything."""

    def fails(_: int) -> None:
        raise OSError(5, why)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(appending.os, "fsync", fails)
        yield


def test_it_fills_each_role_that_its_manifest_claims(tmp_path: Path) -> None:
    drop = TimeWorld(tmp_path / "drop").connect(Tokens())
    roles = {TimeEntrySource, MasterDataSource, AcknowledgementSink}
    assert drop.manifest.capabilities == roles == SYSTEM.capabilities
    assert all(isinstance(drop, role) for role in roles)


def test_the_runtime_finds_what_it_needs_to_connect(tmp_path: Path) -> None:
    options = TypeAdapter(SYSTEM.options).validate_python(
        {"connection": "time", "folder": str(tmp_path), "approval_evidence": False}
    )
    drop = SYSTEM.connect(options, Tokens())
    assert drop.manifest.system == SYSTEM.name
    assert drop.manifest.approval is not None
    assert not drop.manifest.approval.approver
