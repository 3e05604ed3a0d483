"""Workbooks are read as exactly as text, or refused: no binary float becomes money or time."""

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from canonical.time_entry import TimeEntry
from connectors.base.capabilities import SourceRecord
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.contract_source import engagement
from connectors.flatfile import workbooks
from tests.connectors.flatfile.test_time_drop import GOOD, only, put, records, rejected
from tests.connectors.flatfile.time_world import TITLES, TimeWorld
from tests.connectors.flatfile.workbook import rewritten, workbook
from tests.connectors.flatfile.world import DropWorld

PRIVATE = "Zebedee Quillfeather"


@pytest.fixture
def world(tmp_path: Path) -> TimeWorld:
    made = TimeWorld(tmp_path / "drop")
    (made.folder / "time.csv").unlink()
    return made


def book(*lines: dict[str, Any], **given: Any) -> bytes:
    """A workbook of time entries."""
    return workbook([TITLES, *([line.get(one) for one in TITLES] for line in lines)], **given)


async def read(world: TimeWorld, data: bytes, **options: Any) -> list[SourceRecord[TimeEntry]]:
    """What a workbook says."""
    world.put("time.xlsx", data)
    return await records(world, **options)


async def test_a_workbook_says_what_a_table_says(world: TimeWorld) -> None:
    typed = {
        "hours": 7.5,
        "billable": True,
        "approved": True,
        "work_date": date(2026, 1, 5),
        "rate": 150.25,
        "currency": "EUR",
    }
    [record] = await read(world, book({**GOOD, **typed}), decimal_comma=True)
    assert record.trouble is None
    (world.folder / "time.xlsx").unlink()
    put(world, {**GOOD, "rate": "150.25", "currency": "EUR"})
    assert record.record == await only(world)


@pytest.mark.parametrize(
    ("stored", "seconds"),
    [
        ("7.5", 27_000),
        ("8", 28_800),
        ("0.1", 360),
        ("2.1099999999999999", 7_596),  # 2.11, as programs write the float of it.
        ("7.7699999999999996", 27_972),
        ("0.33329999999999999", 1_200),
        ("1E1", 36_000),
        ("0.25000000000000000", 900),
    ],
)
async def test_a_number_is_the_decimal_that_people_see(
    world: TimeWorld, stored: str, seconds: int
) -> None:
    data = rewritten(book({**GOOD, "hours": 777}), lambda xml: xml.replace("777", stored))
    [record] = await read(world, data)
    assert record.record is not None
    assert record.record.seconds == seconds


@pytest.mark.parametrize(
    "stored", ["0.30000000000000004", "0.33333333333333331", "7.12345", "1E300", "1E15", "0.00001"]
)
async def test_a_number_that_is_not_exact_is_refused_and_never_rounded(
    world: TimeWorld, stored: str
) -> None:
    data = rewritten(book({**GOOD, "hours": 777}), lambda xml: xml.replace("777", stored))
    [record] = await read(world, data)
    assert "column hours: a computed number that is not exact" in (record.trouble or "")
    assert stored not in (record.trouble or "")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (datetime(2026, 1, 5, 12), "a moment has no zone"),  # noqa: DTZ001  As cells have them.
        (time(7, 30), "write it as a decimal number"),
        (timedelta(hours=7, minutes=30), "write it as a decimal number"),
        ("=1/0", "its result is not in the file"),
        ("#N/A", "it shows an error"),
    ],
    ids=str,
)
async def test_a_cell_that_is_no_text_and_no_number_is_named(
    world: TimeWorld, cell: Any, said: str
) -> None:
    bad, good = await read(world, book({**GOOD, "hours": cell}, {**GOOD, "id": "T-2"}))
    assert good.record is not None
    assert said in (bad.trouble or "")
    assert (bad.trouble or "").startswith("time.xlsx, line 2: column hours: ")
    assert [line[:2] for line in rejected(world)] == [("time.xlsx", "2")]


async def test_a_formula_counts_by_its_result(world: TimeWorld) -> None:
    data = book({**GOOD, "hours": "=3+4.5"})
    data = rewritten(data, lambda xml: re.sub(r"<v ?/>|<v></v>", "<v>7.5</v>", xml))
    [record] = await read(world, data)
    assert record.record is not None
    assert record.record.seconds == 27_000


async def test_a_sheet_that_lies_about_its_extent_is_read_whole(world: TimeWorld) -> None:
    data = book(GOOD, {**GOOD, "id": "T-2"})
    extent = re.compile(r'<dimension ref="[^"]*"')
    lies = rewritten(data, lambda xml: extent.sub('<dimension ref="A1"', xml))
    assert [one.source_id for one in await read(world, lies)] == ["T-1", "T-2"]


async def test_empty_lines_count_for_nothing_but_keep_their_numbers(world: TimeWorld) -> None:
    data = book(GOOD, {}, {}, {**GOOD, "id": "T-2", "hours": "x"})
    bad = (await read(world, data))[1]
    assert (bad.trouble or "").startswith("time.xlsx, line 5: ")


async def test_a_cell_beyond_the_header_line_is_trouble(world: TimeWorld) -> None:
    lines = [TITLES, [GOOD.get(one) for one in TITLES] + ["what is this"]]
    [record] = await read(world, workbook(lines))
    assert "beyond the header line" in (record.trouble or "")


def another_sheet(made: Workbook) -> None:
    made.create_sheet("notes").append([PRIVATE])


def hidden_sheet(made: Workbook) -> None:
    another_sheet(made)
    made["notes"].sheet_state = "hidden"


async def test_of_two_sheets_nobody_can_tell_which_counts(world: TimeWorld) -> None:
    assert len(await read(world, book(GOOD, also=hidden_sheet))) == 1
    with pytest.raises(ConnectionConfigError) as told:
        await read(world, book(GOOD, also=another_sheet))
    assert told.value.code == "file_unreadable"
    assert "2 visible sheets" in str(told.value)


@pytest.mark.parametrize(
    ("titles", "said"),
    [
        ([], "does not have the column"),
        ([*TITLES, "extra"], "is not known"),
        ([*TITLES, "id"], "twice"),
        ([one for one in TITLES if one != "hours"], "does not have the column hours"),
    ],
)
async def test_a_sheet_with_other_columns_is_no_table(
    world: TimeWorld, titles: list[str], said: str
) -> None:
    with pytest.raises(ConnectionConfigError) as told:
        await read(world, workbook([titles]))
    assert told.value.code == "file_unreadable"
    assert said in str(told.value)


async def test_a_workbook_that_was_cut_at_any_place_is_not_written_to_its_end_yet(
    world: TimeWorld,
) -> None:
    whole = book(GOOD)
    for kept in range(1, len(whole), 397):
        with pytest.raises(TransientError) as told:
            await read(world, whole[:kept])
        assert told.value.code == "file_cut"


async def test_a_workbook_whose_parts_are_broken_says_so_without_a_word_of_them(
    world: TimeWorld,
) -> None:
    data = book({**GOOD, "note": PRIVATE, "hours": 777})
    broken = [
        rewritten(data, lambda xml: xml[: len(xml) // 2]),
        rewritten(data, lambda _: PRIVATE),
        rewritten(data, lambda xml: xml.replace("<v>777", f"<v>{PRIVATE}")),
        rewritten(data, lambda _: "", "xl/workbook.xml"),
        rewritten(data, lambda _: "", "[Content_Types].xml"),
    ]
    nothing = io.BytesIO()
    with zipfile.ZipFile(nothing, "w") as archive:
        archive.writestr("readme.txt", PRIVATE)
    for each in (*broken, nothing.getvalue()):
        with pytest.raises(ConnectionConfigError) as told:
            await read(world, each)
        assert told.value.code == "file_unreadable"
        assert "Zebedee" not in f"{told.value} {told.value.__cause__!r}"


async def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(
    world: TimeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "UNPACKED_BYTES_MAX", 100)
    monkeypatch.setattr(workbooks, "load_workbook", pytest.fail)
    with pytest.raises(ConnectionConfigError) as told:
        await read(world, book(GOOD))
    assert told.value.code == "file_too_large"


async def test_a_sheet_has_a_largest_count_of_lines(
    world: TimeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "LINES_MAX", 1)
    assert len(await read(world, book(GOOD))) == 1
    with pytest.raises(ConnectionConfigError) as told:
        await read(world, book(GOOD, {**GOOD, "id": "T-2"}))
    assert "more than 1 lines" in str(told.value)


async def test_contracts_may_be_kept_in_workbooks_too(tmp_path: Path) -> None:
    drop = DropWorld(tmp_path / "drop")
    drop.agree(engagement("ENG-1"))
    as_text = await drop.records()
    for name in ("engagements", "contract_lines"):
        table = (drop.folder / f"{name}.csv").read_text()
        lines = [line.split(",") for line in table.splitlines()]
        (drop.folder / f"{name}.xlsx").write_bytes(workbook(lines))
        (drop.folder / f"{name}.csv").unlink()
    as_workbooks = await drop.records()
    assert [one.trouble for one in as_workbooks] == [None]
    assert [one.record and one.record.record for one in as_workbooks] == [
        one.record and one.record.record for one in as_text
    ]
    assert "engagements.xlsx" in await drop.connect().check()


async def test_a_record_in_a_table_and_in_its_workbook_is_one_trouble(tmp_path: Path) -> None:
    drop = DropWorld(tmp_path / "drop")
    drop.put("purchase_orders.csv", "id,number", "PO-1,1")
    (drop.folder / "purchase_orders.xlsx").write_bytes(workbook([["id", "number"], ["PO-1", 1]]))
    [(name, trouble)] = await drop.troubles()
    assert name == "purchase_order/PO-1"
    assert "purchase_orders.csv, line 2 and purchase_orders.xlsx, line 2" in trouble
