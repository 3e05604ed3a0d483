"""A drop is read as it stood at one moment, or not at all: absence in it has to be evidence."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.contract_source import engagement
from connectors.flatfile import drop
from connectors.flatfile.writing import engagements_as_tables
from tests.connectors.flatfile.world import DropWorld

HEADS = "engagements.csv"
Meddle = Callable[[Path], None]


@pytest.fixture
def meddle(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Meddle]]:
    """What is done to a file as soon as it was read, one for each reading of `HEADS`."""
    plans: list[Meddle] = []
    read = drop._read

    def read_and_meddle(path: Path, *given: Any) -> Any:
        found = read(path, *given)
        if path.name == HEADS and plans:
            plans.pop(0)(path)
        return found

    monkeypatch.setattr(drop, "_read", read_and_meddle)
    yield plans
    assert plans == []


def grow(path: Path) -> None:
    """Write one line more."""
    with path.open("a") as file:
        file.write("ENG-9,ENG-9,late,DE01,CUST-1,DE,yes\n")


def touch(path: Path) -> None:
    """Write the same again, later."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def replace(path: Path) -> None:
    """Put another file in its place that has the same length and was written at the same time."""
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes().replace(b"ENG-1", b"ENG-7"))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def another(path: Path) -> None:
    """Let a file appear that was not there."""
    path.with_name("engagements.jsonl").write_text("{}\n")


@pytest.mark.parametrize("change", [grow, touch, another])
async def test_what_changes_while_it_is_read_is_read_again_and_then_left_for_later(
    world: DropWorld, meddle: list[Meddle], change: Meddle
) -> None:
    world.agree(engagement("ENG-1"))
    original = (world.folder / HEADS).read_text()

    def back(path: Path) -> None:
        path.with_name("engagements.jsonl").unlink(missing_ok=True)
        path.write_text(original)

    meddle[:] = [change, back]
    pages = world.connect().contracts()
    with pytest.raises(TransientError) as told:
        await anext(pages)
    assert told.value.code == "drop_changing"
    assert [each.source_id for each in (await anext(pages)).records] == ["engagement/ENG-1"]


async def test_a_file_that_vanishes_while_it_is_read_is_not_taken_for_there(
    world: DropWorld, meddle: list[Meddle]
) -> None:
    world.agree(engagement("ENG-1"))
    meddle[:] = [Path.unlink]
    with pytest.raises(ConnectionConfigError) as told:
        await anext(world.connect().contracts())
    assert told.value.code == "no_drop"


async def test_a_file_that_was_replaced_meanwhile_is_read_in_its_new_form(
    world: DropWorld, meddle: list[Meddle]
) -> None:
    world.agree(engagement("ENG-1"))
    spare = world.folder / "contract_lines.csv"
    spare.write_text(spare.read_text().replace("ENG-1", "ENG-7"))
    meddle[:] = [replace]
    page = await anext(world.connect().contracts())
    assert [each.source_id for each in page.records] == ["engagement/ENG-7"]
    assert [each.trouble for each in page.records] == [None]


async def test_an_empty_file_is_yet_to_be_written_and_says_nothing(world: DropWorld) -> None:
    for name in (HEADS, "engagements.jsonl", "acceptances.csv"):
        (world.folder / name).write_bytes(b"")
        with pytest.raises(TransientError) as told:
            await world.records()
        assert told.value.code == "file_empty"
        assert name in str(told.value)
        world.agree()
    assert await world.records() == []


async def test_json_that_was_cut_is_not_written_to_its_end_yet(world: DropWorld) -> None:
    path = world.folder / "engagements.jsonl"
    text = engagement("ENG-1").model_dump_json(exclude={"connection"})
    path.write_text(f"{text}\n{text[:50]}")
    with pytest.raises(TransientError) as told:
        await world.records()
    assert told.value.code == "file_cut"
    assert "engagements.jsonl, line 2" in str(told.value)
    path.write_text(text)
    assert [each.source_id for each in await world.records()] == ["engagement/ENG-1"]


async def test_a_folder_without_engagements_is_no_drop_and_never_means_that_all_are_gone(
    world: DropWorld,
) -> None:
    (world.folder / HEADS).unlink()
    for reading in (world.records, world.connect().check):
        with pytest.raises(ConnectionConfigError) as told:
            await reading()
        assert told.value.code == "no_drop"
    world.put(HEADS, engagements_as_tables([])[HEADS].strip())
    assert await world.records() == []


async def test_a_folder_that_is_not_there_is_named_with_what_to_do(world: DropWorld) -> None:
    world.break_down()
    for reading in (world.records, world.connect().check):
        with pytest.raises(ConnectionConfigError) as told:
            await reading()
        assert told.value.code == "no_folder"
        assert str(world.folder) in str(told.value)
        assert "option 'folder'" in str(told.value)


async def test_a_folder_in_a_files_place_is_refused(world: DropWorld) -> None:
    (world.folder / "rates.csv").unlink()
    (world.folder / "rates.csv").mkdir()
    with pytest.raises(ConnectionConfigError) as told:
        await world.records()
    assert told.value.code == "not_a_file"


async def test_files_have_a_largest_size_and_a_largest_count_of_lines(
    world: DropWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.agree(engagement("ENG-1"), engagement("ENG-2"))
    monkeypatch.setattr("connectors.flatfile.tables.LINES_MAX", 1)
    with pytest.raises(ConnectionConfigError) as told:
        await world.records()
    assert told.value.code == "file_unreadable"
    monkeypatch.setattr(drop, "FILE_BYTES_MAX", 10)
    with pytest.raises(ConnectionConfigError) as told:
        await world.records()
    assert told.value.code == "file_too_large"


async def test_a_check_names_what_is_there(world: DropWorld) -> None:
    (world.folder / "rates.csv").unlink()
    said = await world.connect().check()
    assert str(world.folder) in said
    assert "engagements.csv" in said
    assert "rates.csv" not in said


async def test_other_files_do_not_matter(world: DropWorld) -> None:
    world.agree(engagement("ENG-1"))
    (world.folder / ".engagements.csv").write_text("half a fi")
    (world.folder / "README.txt").write_bytes(b"\xff")
    assert [each.source_id for each in await world.records()] == ["engagement/ENG-1"]
