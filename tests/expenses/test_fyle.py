"""Nothing in the workflow is Concur's: Fyle as the only source, into the same real ERP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from temporalio.client import WorkflowExecutionStatus

from connectors.fyle.simulated_state import SimulatedExpense
from connectors.fyle.wire import Fund, ReportState
from sandbox.temporal_server import TemporalServer
from sandbox.tryton.expense_desk import SupplierInvoice
from sandbox.tryton.expense_seed import CARD_CLEARING, EMPLOYEE_ADVANCES, INPUT_TAX_ACCOUNT
from tests.e2e.conftest import NewNamespace
from tests.e2e.final_check import assert_stands
from tests.expenses.final_check import assert_invariants_hold, assert_nothing_is_stuck
from tests.expenses.fyle_systems import (
    ENTITY,
    EXPORT,
    LOOK,
    PAY,
    WHY,
    FylePlatform,
    FyleSystems,
    booked,
    fyle_platform,
)
from tests.expenses.systems import POST, ErpSide
from tests.invariants.snapshot import source_entry
from tests.server_fixtures import FreshDatabase

pytestmark = pytest.mark.erp

RUNNING = {WorkflowExecutionStatus.RUNNING}
ENDED = {WorkflowExecutionStatus.COMPLETED}
# What is asked of Tryton for numbers and payments.
SEARCH = "model.account.invoice.search_read"
Opened = Callable[[FyleSystems], AbstractAsyncContextManager[FylePlatform]]


@pytest.fixture(scope="module")
async def opened(
    erp_side: ErpSide,
    fresh_database: FreshDatabase,
    migrated: str,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,
) -> Opened:
    """Open a platform whose ledger knows the masters of both sides and nothing else."""

    @asynccontextmanager
    async def on(template: str, systems: FyleSystems) -> AsyncIterator[FylePlatform]:
        ledger, namespace = await fresh_database(template), await new_namespace()
        async with fyle_platform(ledger, temporal_server.address, namespace, systems) as platform:
            yield platform

    async with on(migrated, FyleSystems(erp_side)) as first:
        await first.refresh()
    with_masters = urlsplit(first.dsn).path.removeprefix("/")
    return lambda systems: on(with_masters, systems)


@pytest.fixture
async def local(opened: Opened, erp_side: ErpSide) -> AsyncIterator[FylePlatform]:
    """A platform with a Fyle of its own; at its end nothing may be stuck."""
    async with opened(FyleSystems(erp_side)) as platform:
        yield platform
        await assert_all_is_well(platform)


async def assert_all_is_well(platform: FylePlatform) -> None:
    """Hold the end state to the invariants, and what is booked to what is released, to the cent."""
    await platform.settled()
    systems = platform.systems
    released = {ReportState.PAYMENT_PROCESSING, ReportState.PAID}
    approved = [
        source_entry(
            connection="fyle",
            entry_id=one.id,
            approved=one.state in released,
            seconds=0,
            work_date=date.min,
        )
        for one in systems.fyle.reports.values()
    ]
    await assert_invariants_hold(platform, await systems.invoices(), approved)
    await assert_nothing_is_stuck(platform)
    for report in systems.fyle.reports:
        posted = [one for one in await systems.invoices(report) if one.posted]
        if posted and systems.report(report).state in released:
            assert booked(*posted) == systems.approved(report)


# Every kind of report.


@dataclass(frozen=True)
class Expected:
    """What the ERP must hold of a report: what is owed, by account, and what is passed on."""

    owed: str
    accounts: Mapping[str, str]
    passed_on: tuple[str, ...] = ()


Kind = Callable[[FyleSystems], Sequence[SimulatedExpense]]
TRAVEL, LODGING, MEALS, MILEAGE, PER_DIEM = "6600", "6610", "6620", "6630", "6640"
CARD = Fund.COMPANY_CARD
KINDS: Mapping[str, tuple[Kind, Expected]] = {
    "cash": (
        lambda fyle: [fyle.spent("34.50"), fyle.spent("12.05", "TRAIN")],
        Expected("46.55", {TRAVEL: "46.55"}),
    ),
    "tax": (
        lambda fyle: [
            fyle.spent("267.50", "LODNG", tax="VAT7", tax_amount=Decimal("17.50")),
            fyle.spent("35.70", "DINNR", tax="VAT19", tax_amount=Decimal("5.70")),
        ],
        Expected("303.20", {LODGING: "250.00", MEALS: "30.00", INPUT_TAX_ACCOUNT: "23.20"}),
    ),
    "card": (
        lambda fyle: [fyle.spent("412.30", "AIRFR", fund=CARD, card_amount="412.30")],
        Expected("0.00", {TRAVEL: "412.30", CARD_CLEARING: "-412.30"}),
    ),
    "card_and_cash": (
        lambda fyle: [fyle.spent("295.00", "AIRFR", fund=CARD), fyle.spent("41.20")],
        Expected("41.20", {TRAVEL: "336.20", CARD_CLEARING: "-295.00"}),
    ),
    "billable": (
        lambda fyle: [
            fyle.spent("389.00", "AIRFR", is_billable=True),
            fyle.spent("61.30", is_billable=True),
            fyle.spent("18.75", "DINNR"),
        ],
        Expected("469.05", {TRAVEL: "450.30", MEALS: "18.75"}, passed_on=("389.00", "61.30")),
    ),
    "negative": (
        lambda fyle: [fyle.spent("-75.40", "LODNG")],
        Expected("-75.40", {LODGING: "-75.40"}),
    ),
    "own cost": (
        lambda fyle: [
            fyle.spent("80.00", "LODNG"),
            fyle.spent("14.00", "ENTOT", is_reimbursable=False),
        ],
        Expected("80.00", {LODGING: "80.00"}),
    ),
    "two cost centres": (
        lambda fyle: [
            fyle.spent("29.99", split_group_id="txSplit", cost_center_id=1),
            fyle.spent("20.00", split_group_id="txSplit", cost_center_id=2),
        ],
        Expected("49.99", {TRAVEL: "49.99"}),
    ),
    "mileage": (
        lambda fyle: [
            fyle.spent("63.00", "MILEG", distance="210", distance_unit="KM", mileage_rate="0.30")
        ],
        Expected("63.00", {MILEAGE: "63.00"}),
    ),
    "allowance of two days": (
        lambda fyle: [
            fyle.spent("56.00", "PERDM", per_diem_place="Hamburg", per_diem_days=Decimal(2))
        ],
        Expected("56.00", {PER_DIEM: "56.00"}),
    ),
    "abroad": (
        lambda fyle: [
            fyle.spent("141.18", "LODNG", foreign_currency="GBP", foreign_amount=Decimal("120.00"))
        ],
        Expected("141.18", {LODGING: "141.18"}),
    ),
    "advance": (
        lambda fyle: [fyle.spent("70.00", "DINNR"), fyle.spent("30.00", fund=Fund.ADVANCE)],
        Expected("70.00", {MEALS: "70.00", TRAVEL: "30.00", EMPLOYEE_ADVANCES: "-30.00"}),
    ),
}


@dataclass(frozen=True)
class Posted:
    """One report of every kind, posted and told."""

    platform: FylePlatform
    reports: Mapping[str, str]

    @property
    def systems(self) -> FyleSystems:
        """Fyle and the ERP."""
        return self.platform.systems


@pytest.fixture(scope="module")
async def posted(opened: Opened, erp_side: ErpSide) -> AsyncIterator[Posted]:
    """One report of every kind, each by somebody else."""
    systems = FyleSystems(erp_side)
    reports = {
        kind: systems.release(*make(systems), who=number % len(systems.people))
        for number, (kind, (make, _)) in enumerate(KINDS.items())
    }
    async with opened(systems) as platform:
        await platform.poll()
        await platform.tell()
        yield Posted(platform, reports)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_released_report_of_this_kind_is_posted_once_and_to_the_cent(
    posted: Posted, kind: str
) -> None:
    systems, report, expected = posted.systems, posted.reports[kind], KINDS[kind][1]
    invoice = await systems.invoice(report)

    assert invoice.total == Decimal(expected.owed)
    assert (invoice.number or "").startswith("SCN-" if invoice.total < 0 else "SUP-")
    accounts = {code: amount for code, amount in invoice.accounts.items() if amount}
    assert accounts == {code: Decimal(amount) for code, amount in expected.accounts.items()}
    assert booked(invoice) == systems.approved(report)
    assert (invoice.legal_entity, invoice.currency) == (ENTITY, "EUR")
    passed_on = await systems.desk.disbursements(invoice.reference.split()[0])
    assert sorted(str(one.amount) for one in passed_on) == sorted(expected.passed_on)
    assert {one.project for one in passed_on} <= {systems.project().code}


async def test_every_posted_report_shows_as_exported_with_its_document(posted: Posted) -> None:
    systems = posted.systems
    for report in posted.reports.values():
        invoice = await systems.invoice(report)
        reference = invoice.reference.split()[0]
        assert systems.told(report) == ["posted"]
        assert systems.exported(report) == [f"{invoice.number} ({reference})"]
        shown = {one.summary for one in systems.report(report).expenses}
        assert {(one.state, one.url) for one in shown if one} == {
            ("COMPLETE", WHY.replace("{reference}", reference))
        }
        assert None not in shown
    names = {one.name for one in systems.fyle.exports.values()}
    assert all(name.startswith(f"Ledgerway {ENTITY} ") for name in names)


async def test_reading_what_we_told_again_posts_and_tells_nothing_more(posted: Posted) -> None:
    # Telling moves the reports' stamps in Fyle, so all of them come once more.
    before = len(await posted.systems.invoices())
    await posted.platform.poll()
    outcome = await posted.platform.tell()
    assert outcome.told == 0
    assert len(await posted.systems.invoices()) == before == len(KINDS)
    assert await posted.platform.cases() == []
    await assert_all_is_well(posted.platform)


async def test_an_erp_that_does_not_tell_a_document_s_number_holds_no_news_up(
    local: FylePlatform,
) -> None:
    systems = local.systems
    report = systems.taxi("34.40")
    await local.poll()
    invoice = await systems.invoice(report)
    systems.erp.wire.lose_answers(SEARCH)
    await local.tell()
    assert systems.exported(report) == [f"{invoice.id} ({invoice.reference.split()[0]})"]
    await local.look_and_tell()
    assert systems.told(report) == ["posted"]


# Payments.


async def _post(platform: FylePlatform, *reports: str) -> list[SupplierInvoice]:
    await platform.poll()
    await platform.look_and_tell()
    return [await platform.systems.invoice(one) for one in reports]


async def test_a_payment_in_the_erp_makes_the_report_paid_and_one_taken_back_unpaid_again(
    local: FylePlatform,
) -> None:
    systems, desk = local.systems, local.systems.desk
    report, other = systems.taxi("61.10"), systems.taxi("62.20")
    invoice, _ = await _post(local, report, other)

    # Fyle knows no part of a payment.
    await desk.pay(invoice.id, invoice.posting_date, Decimal("20.00"))
    await local.look_and_tell()
    assert systems.told(report) == ["posted"]
    await desk.pay(invoice.id, invoice.posting_date)
    await local.look_and_tell()
    assert systems.report(report).state is ReportState.PAID
    await assert_stands(local.workflow(report), ENDED)

    await desk.take_last_payment_back(invoice.id)
    await local.look_and_tell()
    assert systems.report(report).state is ReportState.PAYMENT_PROCESSING
    await assert_stands(local.workflow(report), RUNNING)
    await desk.pay(invoice.id, invoice.posting_date)
    await local.look_and_tell()
    assert systems.told(report) == ["posted", "paid", "payment_reversed", "paid"]
    assert systems.told(other) == ["posted"]
    assert systems.report(other).state is ReportState.PAYMENT_PROCESSING
    await assert_stands(local.workflow(report), ENDED)


async def test_a_report_that_nobody_is_owed_for_is_paid_once_it_is_posted(
    local: FylePlatform,
) -> None:
    systems = local.systems
    report = systems.release(systems.spent("412.30", "AIRFR", fund=CARD))
    await _post(local, report)
    assert systems.told(report) == ["posted", "paid"]
    await assert_stands(local.workflow(report), ENDED)


async def test_a_bulk_call_that_is_refused_for_one_report_leaves_the_others_told(
    local: FylePlatform,
) -> None:
    systems, desk = local.systems, local.systems.desk
    reports = [systems.taxi(f"{70 + n}.10") for n in range(3)]
    for invoice in await _post(local, *reports):
        await desk.pay(invoice.id, invoice.posting_date)
    await local.watch()
    # One is sent back after we looked, while we tell Fyle that all are paid.
    under_way = systems.wire.delay(PAY)
    sent = systems.wire.sent[PAY]
    telling = asyncio.create_task(local.tell())
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
    (refused,) = await local.rows("SELECT source_id, code FROM outbox WHERE state = 'REFUSED'")
    assert dict(refused) == {"source_id": bad, "code": "report_is_approver_inquiry"}
    await local.poll()
    # It was sent back, so what is booked of it is taken back, paid or not.
    (booked_, reversal) = await systems.invoices(bad)
    assert (booked_.total, reversal.total) == (Decimal("70.10"), Decimal("-70.10"))


async def test_an_export_that_is_refused_for_one_report_leaves_the_others_exported(
    local: FylePlatform,
) -> None:
    systems = local.systems
    reports = [systems.taxi(f"{80 + n}.10") for n in range(3)]
    await local.poll()
    under_way = systems.wire.delay(EXPORT)
    telling = asyncio.create_task(local.tell())
    await asyncio.wait_for(under_way.reached.wait(), 30)
    bad, *good = reports
    kept = systems.report(bad)
    systems.fyle.delete([bad])
    under_way.go_on.set()
    outcome = await telling
    systems.fyle.reports[bad] = kept

    assert (outcome.told, outcome.refused) == (2, 1)
    assert [systems.told(one) for one in good] == [["posted"]] * 2
    assert systems.exported(bad) == []


# Reports that are sent back, changed, or rejected.


async def test_a_report_that_is_sent_back_before_it_is_claimed_posts_nothing_until_released_again(
    local: FylePlatform,
) -> None:
    systems = local.systems
    report, other = systems.taxi("31.10"), systems.taxi("32.20")
    # It is read, and sent back while we claim it.
    claiming = systems.wire.delay(LOOK)
    polling = asyncio.create_task(local.poll())
    await asyncio.wait_for(claiming.reached.wait(), 30)
    systems.send_back(report)
    claiming.go_on.set()
    await polling
    assert await systems.invoices(report) == ()
    await local.poll()
    await systems.invoice(other)
    assert await systems.invoices(report) == ()
    assert await local.cases() == []

    systems.release_again(report)
    await local.poll()
    await local.tell()
    await systems.invoice(report)
    assert systems.told(report) == ["posted"]


async def test_a_stopped_report_that_is_sent_back_posts_nothing_and_needs_nobody_any_more(
    local: FylePlatform,
) -> None:
    systems = local.systems
    report = systems.taxi("33.30", is_billable=True, project_id=None)
    await local.poll()
    case = await local.case_of("missing_project")
    await local.visible(case)

    systems.send_back(report)
    await local.poll()
    await local.closed(case)
    await local.tell()
    assert await systems.invoices(report) == ()
    assert systems.told(report) == []
    await assert_stands(local.workflow(report), ENDED)

    systems.change(report, project_id=1)
    systems.release_again(report)
    await local.poll()
    assert (await systems.invoice(report)).total == Decimal("33.30")


async def test_a_report_that_is_sent_back_while_its_posting_is_under_way_is_taken_back(
    local: FylePlatform,
) -> None:
    systems = local.systems
    report = systems.taxi("36.60")
    systems.erp.wire.hold(POST)
    await local.read()
    await local.until("SELECT unknown_since IS NOT NULL FROM posting")
    systems.send_back(report)
    await local.read()
    await local.until("SELECT withdrawn FROM posting")
    # It arrives, and is settled once nothing can be under way any more.
    assert await systems.erp.wire.release() == 1
    await local.quiet_time_passes()
    await local.workflow(report).signal("document_changed")
    await local.settled()
    booked_, reversal = await systems.invoices(report)
    assert (booked_.total, reversal.total) == (Decimal("36.60"), Decimal("-36.60"))
    await assert_stands(local.workflow(report), ENDED)


async def test_released_reports_that_are_changed_are_reversed_and_replaced(
    local: FylePlatform,
) -> None:
    systems = local.systems
    in_place, unseen, seen = reports = [systems.taxi(f"4{n}.25") for n in range(3)]
    first = await _post(local, *reports)

    # One is changed as it is; two are sent back, mended and released, between polls and over one.
    systems.send_back(seen)
    await local.poll()
    systems.send_back(unseen)
    for number, report in enumerate(reports):
        systems.change(report, amount=Decimal(f"5{number}.75"))
    systems.release_again(unseen, seen)
    await local.poll()
    await local.look_and_tell()

    for number, report in enumerate(reports):
        before, reversal, replacement = await systems.invoices(report)
        assert before.id == first[number].id
        assert reversal.total == -before.total == Decimal(f"-4{number}.25")
        assert (reversal.number or "").startswith("SCN-")
        assert booked(replacement) == systems.approved(report)
        assert systems.exported(report)[-1].startswith(f"{replacement.number} ")
        assert systems.told(report) == ["posted", "posted"]
        await systems.desk.pay(replacement.id, replacement.posting_date)
    await local.look_and_tell()
    assert [systems.report(one).state for one in (in_place, unseen, seen)] == [ReportState.PAID] * 3


async def test_a_rejected_report_goes_back_with_the_reason_and_is_posted_once_it_is_mended(
    local: FylePlatform,
) -> None:
    systems = local.systems
    report = systems.taxi("55.50", is_billable=True, project_id=None)
    await local.poll()
    await local.resolve(
        await local.case_of("missing_project"), kind="reject", reason="Which project pays this?"
    )
    await local.tell()

    assert systems.told(report) == ["failed"]
    (reason,) = systems.reasons(report)
    assert "Which project pays this?" in reason
    (expense,) = systems.report(report).expenses
    assert expense.summary is not None
    assert (expense.summary.state, expense.summary.error_type) == ("ERROR", "MAPPING")
    assert await systems.invoices(report) == ()
    # Fyle shows it as released still, and it stays rejected however often it is read.
    await local.poll()
    assert await local.cases() == []
    assert await systems.invoices(report) == ()

    systems.send_back(report)
    systems.change(report, project_id=1)
    systems.release_again(report)
    await local.poll()
    await local.tell()
    assert (await systems.invoice(report)).total == Decimal("55.50")
    assert systems.told(report) == ["failed", "posted"]
