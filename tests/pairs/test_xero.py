"""Time, expenses and invoices into Xero: once each, whatever happens on the way."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from sandbox.expense_month import SHAPES
from tests.e2e.conftest import NewNamespace
from tests.pairs.books import findings
from tests.pairs.conftest import Opened
from tests.pairs.month import PlayedMonth
from tests.pairs.sources import Sources
from tests.pairs.storm import IN_READS, IN_WRITES, Fault, assert_every_fault_struck
from tests.pairs.xero import ALLOCATION, DOCUMENT, READ, REMOVE, TIME, XeroSide

pytestmark = pytest.mark.exhaustive

_TAXES: Final = {"PRJ-1001": Decimal(19), "PRJ-1002": Decimal(19), "PRJ-1005": Decimal(19)}
_BILLED: Final = ("PRJ-1001", "PRJ-1002", "PRJ-1003", "PRJ-1005")
_LATE: Final = SHAPES[:2]
_OF_INVOICES: Final = (Fault.LOST_ANSWER, Fault.SLOW_COMMIT, Fault.HTML_AFTER)
_UNANSWERED: Final = (
    *(Fault.LOST_ANSWER, Fault.SLOW_COMMIT, Fault.FAILED_AFTER, Fault.HTML_AFTER),
    Fault.STALE_LOOK,
)


@pytest.mark.parametrize(
    ("days", "lines"),
    [
        (3, 60),
        pytest.param(9, 190, marks=[pytest.mark.exhaustive, pytest.mark.timeout(600)]),
    ],
)
async def test_a_month_reaches_xero_once_through_every_fault_and_two_killed_workers(
    opened: Opened, tmp_path: Path, new_namespace: NewNamespace, *, days: int, lines: int
) -> None:
    sources = Sources(tmp_path / "contracts", XeroSide.entities)
    erp = XeroSide(sources.firm)
    wire, namespace = erp.wire, await new_namespace()
    month = PlayedMonth(sources, erp, opened, namespace, _TAXES)
    month.people_work(days)

    async with opened(sources, erp, namespace=namespace) as platform:
        await platform.refresh()
        for what in (TIME, DOCUMENT):
            wire.deal(what, IN_WRITES, calm_between=0)
        wire.deal(READ, IN_READS, calm_between=20)
        await platform.poll()
        assert await platform.cases() == []
    assert len(month.entries) >= lines

    month.people_change_their_minds()
    wire.deal(REMOVE, _UNANSWERED)
    await month.killed_at(wire.freeze_after(TIME), lambda one: one.read_time())
    month.reports += sources.release_shapes(_LATE, first=5)
    await month.killed_at(wire.freeze_after(DOCUMENT), lambda one: one.read_reports())

    async with opened(sources, erp, namespace=namespace) as platform:
        await platform.reread_time()
        await platform.settled()
        wire.deal(DOCUMENT, _OF_INVOICES)
        wire.deal(ALLOCATION, [Fault.LOST_ANSWER])
        await month.bill(platform, _BILLED)
        await month.credit_in_part(platform, "PRJ-1001")
        await wire.subside()
        await platform.tell()
        # What lists do not show yet is neither missing nor to be posted again.
        swept = await platform.sweep()
        assert (swept.adopted, swept.duplicates, swept.altered, swept.missing) == (0, 0, 0, 0)
        erp.let_news_be_shown()
        swept = await platform.sweep()
        assert (swept.adopted, swept.duplicates, swept.altered, swept.missing) == (0, 0, 0, 0)
        assert await platform.cases() == []

    found = findings(month.expected(), erp.books())
    assert found == [], "\n".join(found)
    assert_every_fault_struck(wire)
    assert wire.late.total() > 0
