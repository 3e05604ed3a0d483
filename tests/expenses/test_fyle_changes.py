"""Whatever people do to a report in Fyle while it is carried, the ERP's books follow it once."""

import asyncio
from decimal import Decimal

import pytest
from temporalio.client import WorkflowExecutionStatus

from tests.e2e.final_check import assert_stands
from tests.expenses.fyle_platform import FylePlatform
from tests.expenses.fyle_systems import EXPORT, LOOK, PAY, booked
from tests.expenses.systems import POST

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

ENDED = {WorkflowExecutionStatus.COMPLETED}


async def test_a_bulk_call_that_is_refused_for_one_report_leaves_the_others_told(
    fyle: FylePlatform,
) -> None:
    systems, desk = fyle.systems, fyle.systems.desk
    reports = [systems.taxi(f"{70 + n}.10") for n in range(3)]
    for invoice in await fyle.posted(*reports):
        await desk.pay(invoice.id, invoice.posting_date)
    await fyle.watch()
    # One is sent back after we looked, while we tell Fyle that all are paid.
    under_way = systems.wire.delay(PAY)
    sent = systems.wire.sent[PAY]
    telling = asyncio.create_task(fyle.tell())
    await asyncio.wait_for(under_way.reached.wait(), 30)
    bad, *good = reports
    systems.send_back(bad)
    under_way.go_on.set()
    outcome = await telling

    assert (outcome.told, outcome.refused) == (2, 1)
    # All three were refused together, and the good ones told without the bad one.
    assert systems.wire.sent[PAY] == sent + 2
    assert [systems.told(one) for one in good] == [["posted", "paid"]] * 2
    assert systems.told(bad) == ["posted"]
    (refused,) = await fyle.rows("SELECT source_id, code FROM outbox WHERE state = 'REFUSED'")
    assert dict(refused) == {"source_id": bad, "code": "report_is_approver_inquiry"}
    await fyle.poll()
    # It was sent back, so what is booked of it is taken back, paid or not.
    (booked_, reversal) = await systems.invoices(bad)
    assert (booked_.total, reversal.total) == (Decimal("70.10"), Decimal("-70.10"))


async def test_an_export_that_is_refused_for_one_report_leaves_the_others_exported(
    fyle: FylePlatform,
) -> None:
    systems = fyle.systems
    reports = [systems.taxi(f"{80 + n}.10") for n in range(3)]
    await fyle.poll()
    under_way = systems.wire.delay(EXPORT)
    telling = asyncio.create_task(fyle.tell())
    await asyncio.wait_for(under_way.reached.wait(), 30)
    bad, *good = reports
    kept = systems.report(bad)
    systems.organisation.delete([bad])
    under_way.go_on.set()
    outcome = await telling
    systems.organisation.reports[bad] = kept

    assert (outcome.told, outcome.refused) == (2, 1)
    assert [systems.told(one) for one in good] == [["posted"]] * 2
    assert systems.exported(bad) == []


async def test_a_report_that_is_sent_back_before_it_is_claimed_posts_nothing_until_released_again(
    fyle: FylePlatform,
) -> None:
    systems = fyle.systems
    report, other = systems.taxi("31.10"), systems.taxi("32.20")
    # It is read, and sent back while we claim it.
    claiming = systems.wire.delay(LOOK)
    polling = asyncio.create_task(fyle.poll())
    await asyncio.wait_for(claiming.reached.wait(), 30)
    systems.send_back(report)
    claiming.go_on.set()
    await polling
    assert await systems.invoices(report) == ()
    await fyle.poll()
    await systems.invoice(other)
    assert await systems.invoices(report) == ()
    assert await fyle.cases() == []

    systems.release_again(report)
    await fyle.poll()
    await fyle.tell()
    await systems.invoice(report)
    assert systems.told(report) == ["posted"]


async def test_a_stopped_report_that_is_sent_back_posts_nothing_and_needs_nobody_any_more(
    fyle: FylePlatform,
) -> None:
    systems = fyle.systems
    report = systems.taxi("33.30", is_billable=True, project_id=None)
    await fyle.poll()
    case = await fyle.case_of("missing_project")
    await fyle.visible(case)

    systems.send_back(report)
    await fyle.poll()
    await fyle.closed(case)
    await fyle.tell()
    assert await systems.invoices(report) == ()
    assert systems.told(report) == []
    await assert_stands(fyle.workflow(report), ENDED)

    systems.change(report, project_id=1)
    systems.release_again(report)
    await fyle.poll()
    assert (await systems.invoice(report)).total == Decimal("33.30")


async def test_a_report_that_is_sent_back_while_its_posting_is_under_way_is_taken_back(
    fyle: FylePlatform,
) -> None:
    systems = fyle.systems
    report = systems.taxi("36.60")
    systems.erp.wire.hold(POST)
    await fyle.read()
    await fyle.until("SELECT unknown_since IS NOT NULL FROM posting")
    systems.send_back(report)
    await fyle.read()
    await fyle.until("SELECT withdrawn FROM posting")
    # It arrives, and is settled once nothing can be under way any more.
    assert await systems.erp.wire.release() == 1
    await fyle.quiet_time_passes()
    await fyle.workflow(report).signal("document_changed")
    await fyle.settled()
    booked_, reversal = await systems.invoices(report)
    assert (booked_.total, reversal.total) == (Decimal("36.60"), Decimal("-36.60"))
    await assert_stands(fyle.workflow(report), ENDED)


async def test_released_reports_that_are_changed_are_reversed_and_replaced(
    fyle: FylePlatform,
) -> None:
    systems = fyle.systems
    in_place, unseen, seen = reports = [systems.taxi(f"4{n}.25") for n in range(3)]
    first = await fyle.posted(*reports)

    # One is changed as it is; two are sent back, mended and released, between polls and over one.
    systems.send_back(seen)
    await fyle.poll()
    systems.send_back(unseen)
    for number, report in enumerate(reports):
        systems.change(report, amount=Decimal(f"5{number}.75"))
    systems.release_again(unseen, seen)
    await fyle.poll()
    await fyle.look_and_tell()

    for number, report in enumerate(reports):
        before, reversal, replacement = await systems.invoices(report)
        assert before.id == first[number].id
        assert reversal.total == -before.total == Decimal(f"-4{number}.25")
        assert (reversal.number or "").startswith("SCN-")
        assert booked(replacement) == systems.approved(report)
        assert systems.exported(report)[-1].startswith(f"{replacement.number} ")
        assert systems.told(report) == ["posted", "posted"]
    *_, last = await systems.invoices(in_place)
    await systems.desk.pay(last.id, last.posting_date)
    await fyle.look_and_tell()
    assert systems.told(in_place) == ["posted", "posted", "paid"]


async def test_a_rejected_report_goes_back_with_the_reason_and_is_posted_once_it_is_mended(
    fyle: FylePlatform,
) -> None:
    systems = fyle.systems
    report = systems.taxi("55.50", is_billable=True, project_id=None)
    await fyle.poll()
    await fyle.resolve(
        await fyle.case_of("missing_project"), kind="reject", reason="Which project pays this?"
    )
    await fyle.tell()

    assert systems.told(report) == ["failed"]
    (reason,) = systems.reasons(report)
    assert "Which project pays this?" in reason
    (expense,) = systems.report(report).expenses
    assert expense.summary is not None
    assert (expense.summary.state, expense.summary.error_type) == ("ERROR", "MAPPING")
    assert await systems.invoices(report) == ()
    # Fyle shows it as released still, and it stays rejected however often it is read.
    await fyle.poll()
    assert await fyle.cases() == []
    assert await systems.invoices(report) == ()

    systems.send_back(report)
    systems.change(report, project_id=1)
    systems.release_again(report)
    await fyle.poll()
    await fyle.tell()
    assert (await systems.invoice(report)).total == Decimal("55.50")
    assert systems.told(report) == ["failed", "posted"]
