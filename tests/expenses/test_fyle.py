"""Nothing in the workflow is Concur's: Fyle as the only source, into the same real ERP."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pytest
from temporalio.client import WorkflowExecutionStatus

from connectors.fyle.simulated_state import SimulatedExpense
from connectors.fyle.wire import Fund, ReportState
from sandbox.tryton.expense_seed import CARD_CLEARING, EMPLOYEE_ADVANCES, INPUT_TAX_ACCOUNT
from tests.e2e.final_check import assert_stands
from tests.expenses.conftest import FyleOpened
from tests.expenses.fyle_platform import FylePlatform, assert_all_is_well
from tests.expenses.fyle_systems import ENTITY, WHY, FyleSystems, booked
from tests.expenses.systems import ErpSide

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

RUNNING = {WorkflowExecutionStatus.RUNNING}
ENDED = {WorkflowExecutionStatus.COMPLETED}
# What is asked of Tryton for numbers and payments.
SEARCH = "model.account.invoice.search_read"


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
async def posted(fyle_opened: FyleOpened, erp_side: ErpSide) -> AsyncIterator[Posted]:
    """One report of every kind, each by somebody else."""
    systems = FyleSystems(erp_side)
    reports = {
        kind: systems.release(*make(systems), who=number % len(systems.people))
        for number, (kind, (make, _)) in enumerate(KINDS.items())
    }
    async with fyle_opened(systems) as platform:
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
        shown = [one.summary for one in systems.report(report).expenses]
        assert {(one.state, one.url) for one in shown if one} == {
            ("COMPLETE", WHY.replace("{reference}", reference))
        }
        assert None not in shown
    names = {one.name for one in systems.organisation.exports.values()}
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
    fyle: FylePlatform,
) -> None:
    systems = fyle.systems
    report = systems.taxi("34.40")
    await fyle.poll()
    invoice = await systems.invoice(report)
    systems.erp.wire.lose_answers(SEARCH)
    await fyle.tell()
    assert systems.exported(report) == [f"{invoice.id} ({invoice.reference.split()[0]})"]
    await fyle.look_and_tell()
    assert systems.told(report) == ["posted"]


# Payments.


async def test_a_payment_in_the_erp_makes_the_report_paid_and_one_taken_back_unpaid_again(
    fyle: FylePlatform,
) -> None:
    systems, desk = fyle.systems, fyle.systems.desk
    report, other = systems.taxi("61.10"), systems.taxi("62.20")
    invoice, _ = await fyle.posted(report, other)

    # Fyle knows no part of a payment.
    await desk.pay(invoice.id, invoice.posting_date, Decimal("20.00"))
    await fyle.look_and_tell()
    assert systems.told(report) == ["posted"]
    await desk.pay(invoice.id, invoice.posting_date)
    await fyle.look_and_tell()
    assert systems.report(report).state is ReportState.PAID
    await assert_stands(fyle.workflow(report), ENDED)

    await desk.take_last_payment_back(invoice.id)
    await fyle.look_and_tell()
    assert systems.report(report).state is ReportState.PAYMENT_PROCESSING
    await assert_stands(fyle.workflow(report), RUNNING)
    await desk.pay(invoice.id, invoice.posting_date)
    await fyle.look_and_tell()
    assert systems.told(report) == ["posted", "paid", "payment_reversed", "paid"]
    assert systems.told(other) == ["posted"]
    assert systems.report(other).state is ReportState.PAYMENT_PROCESSING
    await assert_stands(fyle.workflow(report), ENDED)


async def test_a_report_that_nobody_is_owed_for_is_paid_once_it_is_posted(
    fyle: FylePlatform,
) -> None:
    systems = fyle.systems
    report = systems.release(systems.spent("412.30", "AIRFR", fund=CARD))
    await fyle.posted(report)
    assert systems.told(report) == ["posted", "paid"]
    await assert_stands(fyle.workflow(report), ENDED)
