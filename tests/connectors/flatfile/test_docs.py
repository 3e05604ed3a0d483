"""docs/connectors/flatfile.md: every file that it shows is read as it stands there."""

import json
import re
from collections import Counter
from pathlib import Path

from connectors.conformance.invoice_status import issued
from connectors.flatfile.connector import _FILES
from connectors.flatfile.contract_parts import TABLES
from connectors.flatfile.milestones import ACCEPTANCES, BILLING_SCHEDULE
from connectors.flatfile.purchase_orders import PURCHASE_ORDERS
from connectors.flatfile.rate_cards import COLUMNS, RATES
from tests.connectors.flatfile.world import DropWorld, connected

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = (CHECKOUT / "docs" / "connectors" / "flatfile.md").read_text()
SHOWN = dict(re.findall(r"^### `(\S+)`\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


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
