"""Time, expenses and invoices into Business Central: once each, whatever happens on the way."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from sandbox.expense_month import SHAPES
from tests.e2e.conftest import NewNamespace
from tests.pairs.books import findings
from tests.pairs.business_central import (
    BATCH,
    DIMENSIONS,
    DRAFT,
    POST,
    READ,
    BusinessCentralSide,
)
from tests.pairs.conftest import Opened
from tests.pairs.month import PlayedMonth
from tests.pairs.sources import Sources
from tests.pairs.storm import IN_READS, IN_WRITES, Fault, assert_every_fault_struck

_TAXES: Final = {"PRJ-1001": Decimal(19), "PRJ-1002": Decimal(19), "PRJ-1005": Decimal(19)}
_BILLED: Final = ("PRJ-1001", "PRJ-1002", "PRJ-1003", "PRJ-1005", "PRJ-1010", "PRJ-1011")
_LATE: Final = SHAPES[:2]
_UNANSWERED: Final = (
    *(Fault.LOST_ANSWER, Fault.SLOW_COMMIT, Fault.FAILED_AFTER, Fault.HTML_AFTER),
    Fault.STALE_LOOK,
)


@pytest.mark.parametrize(
    ("days", "lines"),
    [
        (2, 80),
        pytest.param(8, 330, marks=[pytest.mark.exhaustive, pytest.mark.timeout(600)]),
    ],
)
async def test_a_month_reaches_business_central_once_through_every_fault_and_two_killed_workers(
    opened: Opened, tmp_path: Path, new_namespace: NewNamespace, *, days: int, lines: int
) -> None:
    sources = Sources(tmp_path / "contracts", BusinessCentralSide.entities)
    erp = BusinessCentralSide(sources.firm)
    wire, namespace = erp.wire, await new_namespace()
    month = PlayedMonth(sources, erp, opened, namespace, _TAXES)
    month.people_work(days)

    async with opened(sources, erp, namespace=namespace) as platform:
        await platform.refresh()
        for what in (BATCH, DRAFT, POST):
            wire.deal(what, IN_WRITES)
        wire.deal(BATCH, _UNANSWERED)
        wire.deal(DIMENSIONS, _UNANSWERED)
        wire.deal(READ, IN_READS, calm_between=60)
        await platform.poll()
        assert await platform.cases() == []
    assert len(month.entries) >= lines

    month.people_change_their_minds()
    wire.deal(BATCH, _UNANSWERED)
    await month.killed_at(wire.freeze_after(BATCH), lambda one: one.read_time())
    month.reports += sources.release_shapes(_LATE, first=5)
    await month.killed_at(wire.freeze_before(POST), lambda one: one.read_reports())

    async with opened(sources, erp, namespace=namespace) as platform:
        await platform.quiet_time_passes()
        await platform.reread_time()
        await platform.settled()
        wire.deal(DRAFT, _UNANSWERED)
        wire.deal(POST, _UNANSWERED)
        await month.bill(platform, _BILLED)
        await month.credit_in_part(platform, "PRJ-1001")
        await wire.subside()
        erp.let_drafts_age()
        await platform.tell()
        swept = await platform.sweep()
        assert (swept.adopted, swept.duplicates, swept.altered, swept.missing) == (0, 0, 0, 0)
        assert await platform.cases() == []

    found = findings(month.expected(), erp.books())
    assert found == [], "\n".join(found)
    assert wire.left() == {}
    assert_every_fault_struck(wire)
    # Whatever was overtaken came too late to do anything: nothing of it counts.
    assert wire.late.total() > 0
