"""Whatever stands in a file of time, expenses or masters: it is read, or told, and breaks none."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base.capabilities import SourceRecord
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.http_contract import Tokens
from connectors.flatfile import FlatFileOptions, expense_drop, export, time_drop
from connectors.flatfile.expense_parts import TABLES as EXPENSES
from connectors.flatfile.masters import OF_AN_ERP
from connectors.flatfile.options import ApprovedDropOptions
from connectors.flatfile.periods import PERIODS
from connectors.flatfile.time_entries import COLUMNS as TIME
from tests.connectors.flatfile.expense_world import as_table, head, item, report_in_json
from tests.connectors.flatfile.test_time_drop import GOOD
from tests.connectors.flatfile.workbook import workbook

_LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)
BEARABLE: Final = {"file_unreadable", "file_empty", "file_cut", "no_drop", "line_without_id"}
COLUMNS: Final = (
    {"time": TIME, **EXPENSES}
    | {kind.stem: kind.columns for kind in OF_AN_ERP}
    | {PERIODS.stem: PERIODS.columns}
)
_often = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_cells = st.text(max_size=12) | st.sampled_from(
    [
        "T-1",
        "yes",
        "EUR",
        "-0",
        "1e9",
        "NaN",
        "0" * 30,
        "9" * 5000,
        "2026-13-01",
        "٣",
        "\0",
        "%",
        "/",
    ]
)
_values = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.text(max_size=3), max_size=2)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples, of which each replaces a file."""
    path = tmp_path_factory.mktemp("poison")
    for stem, columns in COLUMNS.items():
        titles = (*columns.required, *columns.optional)
        (path / f"{stem}.csv").write_text(",".join(titles) + "\n")
    (path / "expense_reports.csv").write_text(as_table("expense_reports", [head("R-1")]))
    (path / "expense_items.csv").write_text(as_table("expense_items", [item("R-1")]))
    return path


async def _is_borne(folder: Path) -> None:
    """Read all that the folder can be read as."""
    options = ApprovedDropOptions("any", str(folder))
    time, expenses = time_drop.connect(options, Tokens()), expense_drop.connect(options, Tokens())
    erp = export.connect(FlatFileOptions("any", str(folder)), Tokens())

    async def reports() -> Sequence[SourceRecord[Any]]:
        return [one async for page in expenses.expense_reports(None) for one in page.records]

    async def entries() -> Sequence[SourceRecord[Any]]:
        pages = time.time_entries_changed_since(_LONG_AGO)
        return [one async for page in pages for one in page.records]

    for reading in (entries, reports):
        records = await _tried(reading)
        for each in records or ():
            assert (each.record is None) is bool(each.trouble)
            for text in (each.raw, each.trouble or "", each.source_id or ""):
                assert "\0" not in text
                text.encode()
        ids = [each.source_id for each in records or () if each.source_id]
        assert len(ids) == len(set(ids))
    await _tried(time.masters)
    await _tried(erp.masters)
    await _tried(erp.posting_periods)


async def _tried(reading: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await reading()
    except (ConnectionConfigError, TransientError) as trouble:
        if trouble.code not in BEARABLE:
            raise
        return None


async def test_without_poison_all_of_it_is_read(folder: Path) -> None:
    options = ApprovedDropOptions("any", str(folder))
    pages = expense_drop.connect(options, Tokens()).expense_reports(None)
    assert [one.trouble async for page in pages for one in page.records] == [None]
    erp = export.connect(FlatFileOptions("any", str(folder)), Tokens())
    assert await erp.posting_periods() == []
    assert not (await erp.masters()).employees


@given(stem=st.sampled_from(sorted(COLUMNS)), data=st.data())
@_often
async def test_any_bytes_are_borne(folder: Path, stem: str, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from([".csv", ".jsonl", ".xlsx"]))
    path = folder / f"{stem}{form}"
    before = path.read_bytes() if path.exists() else None
    try:
        path.write_bytes(data.draw(st.binary(max_size=300)))
        await _is_borne(folder)
    finally:
        _put_back(path, before)


@given(
    stem=st.sampled_from(sorted(COLUMNS)),
    rows=st.lists(st.lists(_cells, min_size=1, max_size=22), max_size=3),
)
@_often
async def test_any_cells_below_a_good_header_are_borne(
    folder: Path, stem: str, rows: list[list[str]]
) -> None:
    path = folder / f"{stem}.csv"
    before = path.read_bytes()
    width = before.splitlines()[0].count(b",") + 1
    try:
        with path.open("a", encoding="utf-8", errors="surrogatepass", newline="") as file:
            for row in rows:
                cells = [*row, *[""] * width][:width]
                file.write(",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n")
        await _is_borne(folder)
    finally:
        _put_back(path, before)


_REPORT: Final = report_in_json("R-9", amount="10.00", note="", approved=True)
_OBJECTS: Final[Mapping[str, Mapping[str, Any]]] = {"time": GOOD, "expense_reports": _REPORT}


@given(stem=st.sampled_from(sorted(_OBJECTS)), data=st.data())
@_often
async def test_any_value_of_json_is_borne(folder: Path, stem: str, data: st.DataObject) -> None:
    whole = dict(_OBJECTS[stem])
    member = data.draw(st.sampled_from(sorted(whole)))
    path = folder / f"{stem}-poison.jsonl"
    try:
        path.write_text(json.dumps({**whole, member: data.draw(_values)}) + "\n")
        await _is_borne(folder)
    finally:
        path.unlink()


@given(
    stem=st.sampled_from(sorted(COLUMNS)),
    row=st.lists(
        st.none()
        | st.booleans()
        | st.integers(-(10**18), 10**18)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.dates()
        | st.datetimes()
        | st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), max_size=8),
        min_size=1,
        max_size=20,
    ),
)
@settings(_often, max_examples=60)
async def test_any_cells_of_a_workbook_are_borne(folder: Path, stem: str, row: list[Any]) -> None:
    columns = COLUMNS[stem]
    path = folder / f"{stem}.xlsx"
    try:
        path.write_bytes(workbook([(*columns.required, *columns.optional), row]))
        await _is_borne(folder)
    finally:
        path.unlink(missing_ok=True)


def _put_back(path: Path, before: bytes | None) -> None:
    if before is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(before)
