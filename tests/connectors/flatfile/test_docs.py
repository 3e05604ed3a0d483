"""docs/connectors/flatfile.md: every file that it shows is read as it stands there."""

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path

from connectors.conformance.http_contract import Tokens
from connectors.conformance.invoice_status import issued
from connectors.flatfile import FlatFileOptions, expense_drop, export, time_drop
from connectors.flatfile.connector import _FILES
from connectors.flatfile.contract_parts import TABLES
from connectors.flatfile.expense_parts import TABLES as EXPENSES
from connectors.flatfile.export_papers import PostedPaper, paper_of
from connectors.flatfile.export_shelf import Paper
from connectors.flatfile.masters import OF_A_SOURCE, OF_AN_ERP
from connectors.flatfile.milestones import ACCEPTANCES, BILLING_SCHEDULE
from connectors.flatfile.options import ApprovedDropOptions
from connectors.flatfile.periods import PERIODS
from connectors.flatfile.purchase_orders import PURCHASE_ORDERS
from connectors.flatfile.rate_cards import COLUMNS, RATES
from connectors.flatfile.time_entries import COLUMNS as TIME
from tests.connectors.flatfile.export_world import ExportWorld
from tests.connectors.flatfile.world import DropWorld, connected

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = (CHECKOUT / "docs" / "connectors" / "flatfile.md").read_text()
SHOWN = dict(re.findall(r"^### `(\S+)`\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


OF_WORK = dict(re.findall(r"^#### `(\S+)`\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


async def test_every_file_is_shown_and_all_of_them_are_read_together(world: DropWorld) -> None:
    assert sorted(SHOWN) == sorted(_FILES)
    for name, text in SHOWN.items():
        world.put(name, *text.splitlines())
    found = await world.records()
    assert [each.trouble for each in found if each.trouble] == []
    assert Counter((each.source_id or "").split("/")[0] for each in found) == {
        "engagement": 3,
        "rate_card": 2,
        "purchase_order": 1,
        "acceptance": 1,
        "erp_schedule_line": 3,
    }


def test_every_column_of_every_table_is_shown() -> None:
    tables = {
        **TABLES,
        RATES: COLUMNS,
        **{each.file: each.columns for each in (PURCHASE_ORDERS, ACCEPTANCES, BILLING_SCHEDULE)},
    }
    for name, columns in tables.items():
        assert set(SHOWN[name].splitlines()[0].split(",")) == columns.known, name


def test_every_file_of_work_and_masters_is_shown_with_columns_that_there_are() -> None:
    columns = (
        {kind.stem: kind.columns for kind in (*OF_AN_ERP, PERIODS)} | EXPENSES | {"time": TIME}
    )
    shown = {name.partition(".")[0]: text for name, text in OF_WORK.items() if ".csv" in name}
    assert shown.keys() == columns.keys()
    for stem, text in shown.items():
        titles = set(text.splitlines()[0].split(","))
        assert set(columns[stem].required) <= titles <= columns[stem].known, stem


def folder_of(tmp_path: Path, *stems: str) -> str:
    """A folder with the files that the page shows for these kinds of record."""
    for name, text in OF_WORK.items():
        if name.startswith(stems):
            (tmp_path / name).write_text(text)
    return str(tmp_path)


def rejections(tmp_path: Path) -> list[Path]:
    """Files beside the drop that say what is wrong in it."""
    return list(tmp_path.glob("rejected*"))


async def test_the_time_that_is_shown_is_read_with_its_masters(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "time", *(kind.stem for kind in OF_A_SOURCE))
    source = time_drop.connect(ApprovedDropOptions("time", folder), Tokens())
    pages = source.time_entries_between(date(2026, 10, 1), date(2026, 10, 31))
    found = [one async for page in pages for one in page.records]
    assert [(one.source_id, one.trouble) for one in found] == [
        ("T-1003", None),
        ("T-1001", None),
        ("T-1002", None),
    ]
    masters = await source.masters()
    assert {one.employee for one in found} == {one.id for one in masters.employees}
    assert {one.record.task for one in found if one.record} == {one.id for one in masters.tasks}
    assert rejections(tmp_path) == []


async def test_the_expenses_that_are_shown_are_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "expense")
    source = expense_drop.connect(ApprovedDropOptions("expenses", folder), Tokens())
    found = [one async for page in source.expense_reports(None) for one in page.records]
    assert [(one.source_id, one.trouble) for one in found] == [("R-2", None), ("R-1", None)]
    report = found[1].record
    assert report is not None
    assert report.total is not None
    assert report.total.amount == sum(one.approved.amount for one in report.items)


async def test_the_masters_and_the_document_of_an_erp_that_are_shown_are_read(
    tmp_path: Path,
) -> None:
    folder = folder_of(tmp_path, "periods", *(kind.stem for kind in OF_AN_ERP))
    target = export.connect(FlatFileOptions("erp", folder), Tokens())
    masters = await target.masters()
    assert all(masters.model_dump().values())
    assert [one.state for one in await target.posting_periods()] == ["CLOSED", "OPEN"]
    assert rejections(tmp_path) == []
    [shown] = re.findall(r'^\{"format".*$', PAGE, re.MULTILINE)
    reference = json.loads(shown)["reference"]
    read = PostedPaper(Paper(reference, shown.encode()))
    assert list(json.loads(shown)) == list(json.loads(paper_of(ExportWorld.line()).data))
    assert read.body.legal_entity in {one.id for one in masters.legal_entities}


async def test_a_told_step_has_the_members_that_are_shown(world: DropWorld) -> None:
    block = r"^## What the drop is told.*?```json\n(.*?)^```$"
    [shown] = re.findall(block, PAGE, re.MULTILINE | re.DOTALL)
    await connected(world.folder).tell_invoices([issued("CUST-001")])
    [told] = world.told()
    assert list(json.loads(shown)) == list(told)
    assert list(json.loads(shown)["lines"][0]) == list(told["lines"][0])


def test_every_code_of_an_error_is_named() -> None:
    folder = CHECKOUT / "connectors" / "flatfile"
    codes = {
        code
        for path in folder.glob("*.py")
        for code in re.findall(r'Error\(\s*"(\w+)"', path.read_text())
    }
    assert codes
    assert [code for code in sorted(codes) if f"`{code}`" not in PAGE] == []
