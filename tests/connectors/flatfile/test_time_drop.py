"""What a folder says of time: whose, when, by whose approval, and what is wrong with a line."""

import csv
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from canonical.money import HourlyRate
from canonical.time_entry import TimeEntry
from connectors.base.capabilities import SourceRecord
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.http_contract import Tokens
from connectors.conformance.time_source import MONDAY, PRIVATE, changed, in_window
from tests.connectors.flatfile.time_world import MASTERS, TimeWorld

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
GOOD = {
    "id": "T-1",
    "employee": "E-1",
    "project": "PRJ-1",
    "task": "Analysis",
    "work_date": "2026-01-05",
    "hours": "7.5",
    "billable": "yes",
    "approved": "yes",
    "approved_by": "mara",
    "approved_at": "2026-01-12T10:00:00+01:00",
}


@pytest.fixture
def world(tmp_path: Path) -> TimeWorld:
    return TimeWorld(tmp_path / "drop")


def put(world: TimeWorld, *lines: dict[str, str], name: str = "time.csv") -> Path:
    """Put a table there; it is the only one unless it has another name."""
    return world.put(name, world.as_table(list(lines)))


async def records(world: TimeWorld, **options: Any) -> list[SourceRecord[TimeEntry]]:
    """All that a folder says."""
    pages = world.connect(Tokens(), **options).time_entries_changed_since(LONG_AGO)
    return [record async for page in pages for record in page.records]


async def only(world: TimeWorld, **options: Any) -> TimeEntry:
    """The one good entry."""
    [record] = await records(world, **options)
    assert record.trouble is None
    assert record.record is not None
    return record.record


def rejected(world: TimeWorld, kind: str = "time") -> list[tuple[str, ...]]:
    """What stands in the file beside the drop, without its header line."""
    path = world.folder / f"rejected_{kind}.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [tuple(line) for line in csv.reader(file)][1:]


async def test_a_line_says_all_of_an_entry_exactly(world: TimeWorld) -> None:
    priced = {"customer": "CUST-001", "rate": "150.2525", "currency": "EUR", "note": "Kick-off"}
    put(world, {**GOOD, "hours": "0.3333", **priced})
    entry = await only(world)
    assert (entry.id, entry.employee, entry.project, entry.task) == (
        *("T-1", "E-1", "PRJ-1"),
        "PRJ-1/Analysis",
    )
    assert (entry.seconds, entry.work_date, entry.note) == (1200, MONDAY, "Kick-off")
    assert entry.bill_rate == HourlyRate(amount=Decimal("150.2525"), currency="EUR")
    assert entry.customer == "CUST-001"
    assert entry.approval is not None
    assert entry.approval.approver == "mara"
    assert entry.approval.approved_at == datetime(2026, 1, 12, 9, tzinfo=UTC)


async def test_the_same_line_is_the_same_entry_in_a_table_and_in_json(world: TimeWorld) -> None:
    put(world, GOOD)
    in_table = await only(world)
    (world.folder / "time.csv").unlink()
    as_json = (
        '{"id":"T-1","employee":"E-1","project":"PRJ-1","task":"Analysis",'
        '"work_date":"2026-01-05","hours":"7.5","billable":true,"approved":true,'
        '"approved_by":"mara","approved_at":"2026-01-12T10:00:00+01:00","customer":null}\n'
    )
    world.put("time.jsonl", as_json)
    assert await only(world, decimal_comma=True) == in_table


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        ({"hours": "7,5"}, "hours"),
        ({"hours": "1e1"}, "hours"),
        ({"hours": "1001"}, "hours"),
        ({"work_date": "05.01.2026"}, "work_date"),
        ({"billable": ""}, "billable"),
        ({"billable": "perhaps"}, "billable"),
        ({"approved": ""}, "approved"),
        ({"approved_by": ""}, "approved_by"),
        ({"approved_at": "2026-01-12T10:00:00"}, "approved_at"),
        ({"rate": "150.00"}, "currency"),
        ({"task": ""}, "task"),
        ({"employee": ""}, "employee"),
    ],
    ids=str,
)
async def test_a_wrong_cell_is_named_by_its_column_and_told_beside_the_drop(
    world: TimeWorld, wrong: dict[str, str], column: str
) -> None:
    put(world, {**GOOD, "note": PRIVATE, **wrong}, {**GOOD, "id": "T-2"})
    bad, good = await records(world)
    assert good.record is not None
    assert bad.record is None
    assert bad.source_id == "T-1"
    assert f"column {column}: " in (bad.trouble or "")
    assert {line[:3] for line in rejected(world)} == {("time.csv", "2", column)}
    assert not [line for line in rejected(world) if PRIVATE in line[3]]


async def test_what_was_mended_is_rejected_no_more(world: TimeWorld) -> None:
    put(world, {**GOOD, "hours": "x"})
    await records(world)
    assert len(rejected(world)) == 1
    put(world, GOOD)
    await records(world)
    assert not (world.folder / "rejected_time.csv").exists()


async def test_a_file_of_rejections_that_says_the_same_is_not_written_again(
    world: TimeWorld,
) -> None:
    put(world, {**GOOD, "hours": "x"})
    await records(world)
    before = (world.folder / "rejected_time.csv").stat()
    await records(world)
    assert (world.folder / "rejected_time.csv").stat() == before
    assert [one for one in world.folder.iterdir() if one.name.startswith(".")] == []


async def test_a_disk_that_cannot_take_rejections_costs_the_reading_nothing(
    world: TimeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    put(world, {**GOOD, "hours": "x"}, {**GOOD, "id": "T-2"})
    with monkeypatch.context() as patched:
        patched.setattr("connectors.flatfile.rejected.os.fsync", full)
        assert [one.trouble is None for one in await records(world)] == [False, True]
    assert [one for one in world.folder.iterdir() if "rejected" in one.name] == []


async def test_the_same_id_twice_is_one_trouble_wherever_the_lines_are(world: TimeWorld) -> None:
    put(world, GOOD, {**GOOD, "id": "T-2"})
    put(world, {**GOOD, "hours": "8"}, name="time-late.csv")
    twice, good = sorted(await records(world), key=lambda one: one.trouble is None)
    assert good.source_id == "T-2"
    assert twice.source_id == "T-1"
    assert "it stands 2 times, time-late.csv, line 2 and time.csv, line 2" in (twice.trouble or "")
    assert [line[:2] for line in rejected(world)] == [("time-late.csv", "2"), ("time.csv", "2")]
    assert twice.document_id == "E-1-2026-01-05"
    assert twice.approved is True


async def test_of_two_lines_that_contradict_each_other_nothing_is_told_that_differs(
    world: TimeWorld,
) -> None:
    put(world, GOOD, {**GOOD, "approved": "no", "work_date": "2026-01-19"})
    [twice] = await records(world)
    assert (twice.employee, twice.work_date, twice.approved) == ("E-1", None, None)


async def test_codes_compare_equal_however_their_accents_are_written(world: TimeWorld) -> None:
    put(world, {**GOOD, "employee": "Ame\u0301lie", "project": "Caf\u00e9", "task": "A/B"})
    entry = await only(world)
    assert (entry.employee, entry.project, entry.task) == ("Amélie", "Café", "Café/A%2FB")


async def test_without_evidence_nothing_is_promised_and_what_is_there_is_kept(
    world: TimeWorld,
) -> None:
    put(world, {**GOOD, "approved_at": ""})
    entry = await only(world, approval_evidence=False)
    assert entry.approval is not None
    assert (entry.approval.approver, entry.approval.approved_at) == ("mara", None)


async def test_a_line_without_an_id_keeps_a_window_from_being_compared(world: TimeWorld) -> None:
    put(world, GOOD, {**GOOD, "id": ""})
    assert [one.source_id for one in await records(world)] == ["T-1", None]
    with pytest.raises(ConnectionConfigError) as told:
        await in_window(world, MONDAY, MONDAY)
    assert told.value.code == "line_without_id"
    assert "time.csv, line 3" in str(told.value)


async def test_a_line_whose_day_cannot_be_read_is_in_every_window(world: TimeWorld) -> None:
    put(world, {**GOOD, "work_date": "some day"})
    pages = world.connect(Tokens()).time_entries_between(date(2027, 1, 1), date(2027, 1, 2))
    assert [one.source_id async for page in pages for one in page.records] == ["T-1"]


async def test_a_file_that_arrives_long_after_it_was_written_is_news(world: TimeWorld) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=60)
    outside = world.folder.with_name("elsewhere.csv")
    outside.write_text(world.as_table([GOOD]))
    os.utime(outside, (begun.timestamp() - 86_400, begun.timestamp() - 86_400))
    (world.folder / "time.csv").unlink()
    outside.rename(world.folder / "time.csv")
    [page] = await changed(world, begun)
    assert [one.source_id for one in page.records] == ["T-1"]


async def test_what_one_file_says_no_more_an_older_one_may_say_and_counts(
    world: TimeWorld,
) -> None:
    put(world, {**GOOD, "hours": "1"}, name="time-older.csv")
    world.pass_time(60)
    put(world, {**GOOD, "hours": "2"}, {**GOOD, "id": "T-2"}, name="time-newer.csv")
    (world.folder / "time.csv").unlink()
    [twice, _] = await records(world)
    assert twice.trouble
    assert twice.changed_at is not None
    world.pass_time(60)
    put(world, {**GOOD, "id": "T-2"}, name="time-newer.csv")
    mended = (await in_window(world, MONDAY, MONDAY))["T-1"]
    assert mended.seconds == 3600
    assert mended.changed_at > twice.changed_at


async def test_nothing_is_read_where_no_file_changed(
    world: TimeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, GOOD)
    world.pass_time(60)
    monkeypatch.setattr("connectors.flatfile.time_drop.read_drop", pytest.fail)
    assert [page.records for page in await changed(world, world.now)] == [()]


async def test_a_folder_without_time_is_no_drop_and_never_means_that_all_is_gone(
    world: TimeWorld,
) -> None:
    (world.folder / "time.csv").unlink()
    source = world.connect(Tokens())
    for reading in (changed(world), in_window(world, MONDAY, MONDAY), source.check()):
        with pytest.raises(ConnectionConfigError) as told:
            await reading
        assert told.value.code == "no_drop"


async def test_a_check_names_what_is_there(world: TimeWorld) -> None:
    said = await world.connect(Tokens()).check()
    assert said.endswith("customers.csv, employees.csv, projects.csv, tasks.csv, time.csv")


async def test_too_many_files_are_no_drop(
    world: TimeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.flatfile.drop.FILES_MAX", 2)
    for number in range(3):
        put(world, name=f"time-{number}.csv")
    with pytest.raises(ConnectionConfigError) as told:
        await records(world)
    assert told.value.code == "too_many_files"


async def test_masters_are_known_by_their_codes(world: TimeWorld) -> None:
    world.put("legal_entities.csv", "code,name,currency\nDE01,Firm GmbH,EUR\n")
    world.put("dimension_values.csv", "dimension,code,name,legal_entity\ncost_centre,100,,DE01\n")
    masters = await world.connect(Tokens()).masters()
    assert [one.email for one in masters.employees] == ["ana@firm.example", None]
    assert {one.connection for one in masters.employees} == {"time"}
    assert [(one.id, one.code, one.customer) for one in masters.projects] == [
        ("PRJ-1", "PRJ-1", "CUST-001")
    ]
    assert [(one.id, one.code, one.project) for one in masters.tasks] == [
        ("PRJ-1/Analysis", "Analysis", "PRJ-1")
    ]
    assert [one.id for one in masters.dimension_values] == ["cost_centre/DE01/100"]
    assert [(one.id, one.currency) for one in masters.legal_entities] == [("DE01", "EUR")]


async def test_a_master_that_cannot_be_read_is_left_out_and_told_beside_the_drop(
    world: TimeWorld,
) -> None:
    lines = "E-3,Cleo,,maybe\nE-4,Dan,,no\nE-5,Eve,,\nE-5,Eve,,\n"
    world.put("employees.csv", f"code,name,email,active\n{lines}")
    masters = await world.connect(Tokens()).masters()
    assert [(one.code, one.active) for one in masters.employees] == [("E-4", False)]
    assert [line[:3] for line in rejected(world, "masters")] == [
        ("employees.csv", "2", "active"),
        ("employees.csv", "4", ""),
        ("employees.csv", "5", ""),
    ]


async def test_no_masters_at_all_are_no_masters_and_not_the_end_of_all(world: TimeWorld) -> None:
    for name in MASTERS:
        (world.folder / name).unlink()
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect(Tokens()).masters()
    assert told.value.code == "no_drop"


async def test_masters_and_time_are_read_apart_and_neither_forgets_the_others_rejections(
    world: TimeWorld,
) -> None:
    put(world, {**GOOD, "hours": "x"})
    world.put("tasks.csv", "project,name\n,Analysis\n")
    await records(world)
    await world.connect(Tokens()).masters()
    assert len(rejected(world)) == len(rejected(world, "masters")) == 1


async def test_a_file_without_bytes_is_yet_to_be_written(world: TimeWorld) -> None:
    world.put("time-new.csv", b"")
    with pytest.raises(TransientError) as told:
        await records(world)
    assert told.value.code == "file_empty"
