"""Time, expenses and invoices into Business Central: once each, whatever happens on the way."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from sandbox.expense_month import SHAPES
from tests.e2e.conftest import NewNamespace
from tests.pairs.books import Books, findings, work_of
from tests.pairs.business_central import (
    BATCH,
    DIMENSIONS,
    DRAFT,
    POST,
    READ,
    BusinessCentralSide,
    task_number,
)
from tests.pairs.conftest import Opened
from tests.pairs.month import PlayedMonth
from tests.pairs.sources import Sources
from tests.pairs.storm import IN_READS, IN_WRITES, Fault, assert_every_fault_struck

_TAXES: Final = {"PRJ-1001": Decimal(19), "PRJ-1002": Decimal(19), "PRJ-1005": Decimal(19)}
_BILLED: Final = ("PRJ-1001", "PRJ-1002", "PRJ-1003", "PRJ-1005", "PRJ-1010", "PRJ-1011")
_LATE: Final = SHAPES[:2]
_OF_INVOICES: Final = (Fault.LOST_ANSWER, Fault.SLOW_COMMIT, Fault.HTML_AFTER)
_UNANSWERED: Final = (
    *(Fault.LOST_ANSWER, Fault.SLOW_COMMIT, Fault.FAILED_AFTER, Fault.HTML_AFTER),
    Fault.STALE_LOOK,
)


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("days", "lines"), [(8, 330)])
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
        for what in (BATCH, POST):
            wire.deal(what, IN_WRITES)
        for what in (BATCH, DRAFT, DIMENSIONS):
            wire.deal(what, _UNANSWERED)
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
        wire.deal(DRAFT, _OF_INVOICES)
        wire.deal(POST, _OF_INVOICES)
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


async def test_of_a_transaction_that_ends_in_the_middle_each_good_line_is_booked_once(
    opened: Opened, tmp_path: Path
) -> None:
    sources = Sources(tmp_path / "contracts", BusinessCentralSide.entities)
    erp = BusinessCentralSide(sources.firm)
    good = [sources.staff.enter(on=day, hours=f"{day + 1}.5") for day in range(4)]
    bad = sources.staff.enter(task="Implementation", on=2)
    async with opened(sources, erp) as platform:
        await platform.refresh()
        # Closed since it was read; and code of the firm's own commits after each entry.
        erp.companies["DE01"].facts["tasks"]["PRJ-1001"] = (task_number("Analysis"),)
        erp.environment.quirks.commits_by_itself = True
        await platform.read_time()
        await platform.until(
            "SELECT count(*) FILTER (WHERE state = 'POSTED') = $1 FROM posting", len(good)
        )
        # That the refusal of the other speaks for all attempts is known after the quiet time.
        await platform.quiet_time_passes()
        week = sources.staff.timesheet_of(bad)
        await platform.client.get_workflow_handle(f"time-to-posting/harvest/{week}").signal(
            "document_changed"
        )
        await platform.settled()
        (case,) = await platform.cases()
        assert (case.cause, case.lines) == ("refused_by_erp", 1)

    expected = [one for one in work_of(sources) if one.note != f"private {bad}"]
    assert findings(Books(work=expected), erp.books()) == []
    assert erp.wire.sent[BATCH] > 1
