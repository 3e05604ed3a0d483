"""A folder of expense reports keeps what every source of them keeps, in a folder's own way."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from connectors.base.capabilities import ExpenseReportSink, ExpenseReportSource
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.expense_source import (
    PRIVATE,
    ExpenseReportSinkContract,
    ExpenseReportSourceContract,
    claimed_reports,
    posted,
    records,
)
from connectors.conformance.expense_source import ExpenseWorld as AnyWorld
from connectors.conformance.http_contract import Tokens
from connectors.flatfile import appending
from connectors.flatfile.expense_drop import SYSTEM
from tests.connectors.flatfile.expense_world import ExpenseWorld


class _Source(ExpenseReportSourceContract):
    as_json = False

    @pytest.fixture
    def world(self, tmp_path: Path) -> ExpenseWorld:
        return ExpenseWorld(tmp_path / "drop", as_json=self.as_json)

    async def test_pages_in_a_circle_are_noticed(self, world: AnyWorld) -> None:
        """Pages do not name each other: all of them are of one reading, whatever comes after."""
        first = [world.release("10.00") for _ in range(world.page_size + 1)]
        pages = world.connect(Tokens()).expense_reports(None)
        read = [*(await anext(pages)).records]
        world.release("10.00")
        async for page in pages:
            read += page.records
        assert sorted(each.source_id or "" for each in read) == sorted(first)

    async def test_a_broken_page_is_transient_and_shows_nothing_private(
        self, world: AnyWorld
    ) -> None:
        """A file that is still being written."""
        assert isinstance(world, ExpenseWorld)
        world.put("expense_reports-late.jsonl", f'{{"id": "R-9", "name": "{PRIVATE}')
        with pytest.raises(TransientError) as told:
            await records(world)
        assert told.value.code == "file_cut"
        assert PRIVATE not in f"{told.value!r} {told.value} {told.value.__cause__!r}"

    async def test_a_lost_page_is_transient_and_was_one_attempt(self, world: AnyWorld) -> None:
        """A file that is yet to be written."""
        assert isinstance(world, ExpenseWorld)
        world.put("expense_items-late.csv", "")
        with pytest.raises(TransientError) as told:
            await records(world)
        assert told.value.code == "file_empty"

    async def test_nothing_is_read_without_a_token(self, world: AnyWorld) -> None:
        """A disk has no budget, and needs none."""
        world.release("10.00")
        pages = world.connect(Tokens(0)).expense_reports(None)
        assert [len(page.records) async for page in pages] == [1]

    async def test_bad_credentials_are_for_an_operator(self, world: AnyWorld) -> None:
        """A folder that is not there is what a folder has in place of credentials."""
        assert isinstance(world, ExpenseWorld)
        world.folder.rename(world.folder.with_name("away"))
        with pytest.raises(ConnectionConfigError):
            await records(world)


class TestTables(_Source):
    pass


class TestLinesOfJson(_Source):
    as_json = True


class TestStatusFile(ExpenseReportSinkContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> ExpenseWorld:
        return ExpenseWorld(tmp_path / "drop")

    @pytest.mark.parametrize("trouble", ["throttled", "failing", "lost", "refused"])
    async def test_in_trouble_the_rest_waits_and_is_told_once_in_the_end(
        self, world: AnyWorld, trouble: str
    ) -> None:
        """Whatever a disk says, what it may have written is found by a repeat."""
        reports = await claimed_reports(world, 3)
        news = [posted(report) for report in reports]

        def fails(_: int) -> None:
            raise OSError(5, trouble)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(appending.os, "fsync", fails)
            with pytest.raises(TransientError):
                await world.connect(Tokens()).tell(news)
        answers = await world.connect(Tokens()).tell(news)
        assert all(each.accepted for each in answers)
        assert [len(world.told(report)) for report in reports] == [1, 1, 1]

    async def test_nothing_is_told_without_a_token(self, world: AnyWorld) -> None:
        """A disk has no budget, and needs none."""
        [report] = await claimed_reports(world, 1)
        [answer] = await world.connect(Tokens(0)).tell([posted(report)])
        assert answer.accepted

    async def test_a_stranger_tells_nothing(self, world: AnyWorld) -> None:
        """A folder that is not there is told nothing, and is not made anew."""
        assert isinstance(world, ExpenseWorld)
        [report] = await claimed_reports(world, 1)
        world.folder.rename(world.folder.with_name("away"))
        with pytest.raises(ConnectionConfigError):
            await world.connect(Tokens()).tell([posted(report)])
        assert not world.folder.exists()


def test_it_fills_each_role_that_its_manifest_claims(tmp_path: Path) -> None:
    drop = ExpenseWorld(tmp_path / "drop").connect(Tokens())
    roles = {ExpenseReportSource, ExpenseReportSink}
    assert drop.manifest.capabilities == roles == SYSTEM.capabilities
    assert all(isinstance(drop, role) for role in roles)


def test_the_runtime_finds_what_it_needs_to_connect(tmp_path: Path) -> None:
    options = TypeAdapter(SYSTEM.options).validate_python(
        {"connection": "expenses", "folder": str(tmp_path)}
    )
    assert SYSTEM.connect(options, Tokens()).manifest.system == SYSTEM.name
