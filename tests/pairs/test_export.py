"""Time, expenses and invoices into a folder that an ERP imports: once each, whatever happens."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from sandbox.expense_month import SHAPES
from tests.e2e.conftest import NewNamespace
from tests.pairs.books import findings
from tests.pairs.conftest import Opened
from tests.pairs.export import ExportSide, Trouble
from tests.pairs.month import PlayedMonth
from tests.pairs.sources import Sources

pytestmark = pytest.mark.exhaustive

_TAXES: Final = {"PRJ-1001": Decimal(19), "PRJ-1002": Decimal(19)}
_BILLED: Final = ("PRJ-1001", "PRJ-1002", "PRJ-1003", "PRJ-1010")
_OF_INVOICES: Final = (Trouble.LOST_ANSWER, Trouble.SLOW_COMMIT, Trouble.FULL)


@pytest.mark.parametrize(
    ("days", "lines"),
    [
        (2, 80),
        pytest.param(8, 330, marks=[pytest.mark.exhaustive, pytest.mark.timeout(600)]),
    ],
)
async def test_a_month_is_exported_once_through_every_trouble_and_a_worker_taken_for_dead(
    opened: Opened, tmp_path: Path, new_namespace: NewNamespace, *, days: int, lines: int
) -> None:
    sources = Sources(tmp_path / "contracts", ExportSide.entities)
    erp = ExportSide(tmp_path / "export", sources.firm)
    storm, namespace = erp.storm, await new_namespace()
    month = PlayedMonth(sources, erp, opened, namespace, _TAXES)
    month.people_work(days)
    storm.deal([*Trouble, *Trouble])

    async with opened(sources, erp, namespace=namespace) as platform:
        await platform.refresh()
        await platform.poll()
        assert await platform.cases() == []
    assert len(month.entries) >= lines

    month.people_change_their_minds()
    month.reports += sources.release_shapes(SHAPES[:2], first=5)
    storm.freeze_after_naming()
    async with opened(sources, erp, namespace=namespace, drain_seconds=0) as killed:
        await killed.read_time()
        await storm.stands_still()

    async with opened(sources, erp, namespace=namespace) as platform:
        await platform.quiet_time_passes()
        await platform.reread_time()
        await platform.poll()
        # Whoever was taken for dead goes on with what it had begun.
        storm.thaw()
        storm.deal(_OF_INVOICES, calm_between=3)
        await month.bill(platform, _BILLED)
        await month.credit_in_part(platform, "PRJ-1001")
        await platform.tell()
        swept = await platform.sweep()
        assert (swept.adopted, swept.duplicates, swept.altered, swept.missing) == (0, 0, 0, 0)
        assert await platform.cases() == []
    await erp.strays_grow_old()

    found = findings(month.expected(), erp.books())
    assert found == [], "\n".join(found)
    assert storm.left() == []
    assert [one for one in Trouble if storm.fired[one] < 2] == []
