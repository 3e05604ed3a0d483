"""Every kind of report comes into the ERP's books to the cent, and the books stay even."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any, Final

import pytest

from connectors.concur.simulated_documents import EntryTax, cash_advance
from sandbox.expense_month import SHAPES, Claimant, Entry
from sandbox.temporal_server import TemporalServer
from sandbox.tryton.expense_desk import SupplierInvoice
from sandbox.tryton.expense_seed import (
    CARD_CLEARING,
    EMPLOYEE_ADVANCES,
    EMPLOYEE_RECEIVABLE,
    INPUT_TAX_ACCOUNT,
)
from tests.e2e.conftest import NewNamespace
from tests.expenses.conftest import FreshLedger
from tests.expenses.expense_platform import ExpensePlatform, expense_platform
from tests.expenses.final_check import assert_all_is_well
from tests.expenses.systems import ErpSide, ExpenseSystems

pytestmark = pytest.mark.erp

TRAVEL, LODGING, MEALS, MILEAGE, PER_DIEM, TELECOM = "6600", "6610", "6620", "6630", "6640", "6650"
NON_DEDUCTIBLE = "6695"
_CAR, _HOTEL, _DINNER = ("CARRT", "Car Rental"), ("LODNG", "Room Rate"), ("DINNR", "Dinner")


@dataclass(frozen=True)
class Expected:
    """What the ERP must hold of a report: what is owed, per account, tax and cost centre."""

    owed: str
    accounts: Mapping[str, str]
    tax: Mapping[str, str] = field(default_factory=dict)
    centres: Mapping[str, str] | None = None
    passed_on: tuple[str, ...] = ()


def _half_recovered(who: Claimant) -> list[Entry]:
    """A meal of whose tax a half may be reclaimed."""
    tax = EntryTax("VAT19", Decimal("19.00"), Decimal("9.50"))
    return [who.spent(1, "119.00", 3, kind=_DINNER, tax=tax, receipt="T")]


def _advanced(who: Claimant) -> list[Entry]:
    return [who.spent(1, "245.00", 17, kind=_CAR), who.spent(2, "70.00", 17, kind=_DINNER)]


def _little(who: Claimant) -> list[Entry]:
    return [who.spent(1, "60.00", 18, kind=_HOTEL)]


_BY_NAME: Final[Mapping[str, Callable[[Claimant], list[Entry]]]] = {
    **{shape.__name__.removeprefix("_"): shape for shape in SHAPES},
    "half_recovered": _half_recovered,
    "advanced": _advanced,
    "little": _little,
}
EXPECTED: Final[Mapping[str, Expected]] = {
    "cash": Expected(
        "165.40",
        {TRAVEL: "155.36", INPUT_TAX_ACCOUNT: "10.04"},
        tax={"VAT7-IN": "10.04"},
        centres={"CC-100": "155.36"},
    ),
    "hotel": Expected(
        "327.00",
        {LODGING: "250.00", MEALS: "50.00", INPUT_TAX_ACCOUNT: "27.00"},
        tax={"VAT7-IN": "17.50", "VAT19-IN": "9.50"},
    ),
    "card": Expected("0.00", {TRAVEL: "498.40", CARD_CLEARING: "-498.40"}),
    "card_and_cash": Expected("41.20", {TRAVEL: "336.20", CARD_CLEARING: "-295.00"}),
    "personal_on_card": Expected(
        "35.00",
        {LODGING: "250.00", TRAVEL: "35.00", EMPLOYEE_RECEIVABLE: "14.00", CARD_CLEARING: "-264"},
        centres={"CC-100": "285.00"},
    ),
    "own_card": Expected("22.60", {TRAVEL: "176.40", MEALS: "22.60", CARD_CLEARING: "-176.40"}),
    "billable": Expected(
        "469.05", {TRAVEL: "450.30", MEALS: "18.75"}, passed_on=("389.00", "61.30")
    ),
    "allocated": Expected(
        "59.89", {TELECOM: "49.99", TRAVEL: "9.90"}, centres={"CC-100": "39.89", "CC-200": "20.00"}
    ),
    "mileage": Expected("63.00", {MILEAGE: "63.00"}),
    "allowances": Expected("56.00", {PER_DIEM: "56.00"}),
    "abroad": Expected("141.18", {LODGING: "141.18"}),
    "refund": Expected("-75.40", {LODGING: "-75.40"}, centres={"CC-100": "-75.40"}),
    "nothing_owed": Expected("0.00", {TRAVEL: "505.25", CARD_CLEARING: "-505.25"}),
    "half_recovered": Expected(
        "119.00",
        {MEALS: "100.00", NON_DEDUCTIBLE: "9.50", INPUT_TAX_ACCOUNT: "9.50"},
        tax={"VAT19-IN": "9.50"},
        centres={"CC-100": "109.50"},
    ),
    "advance paid out": Expected("300.00", {EMPLOYEE_ADVANCES: "300.00"}, centres={}),
    # More is spent than was advanced.
    "advanced": Expected("15.00", {TRAVEL: "245.00", MEALS: "70.00", EMPLOYEE_ADVANCES: "-300.00"}),
    # Of a hundred that were advanced sixty are spent, and forty come back.
    "little": Expected(
        "0.00",
        {LODGING: "60.00", EMPLOYEE_ADVANCES: "-100.00", EMPLOYEE_RECEIVABLE: "40.00"},
    ),
}
_ADVANCES: Final[Mapping[str, dict[str, Any]]] = {
    "advanced": {"advances": (("ADV-A", Decimal(300)),)},
    "little": {"advances": (("ADV-B", Decimal(100)),), "returned": Decimal(40)},
}
IN_DOLLARS: Final = ("card_and_cash", "billable", "refund")


@dataclass(frozen=True)
class Booked:
    """All shapes in the books, and how the books stood before."""

    platform: ExpensePlatform
    documents: Mapping[str, str]
    before: Mapping[str, Mapping[str, Decimal]]
    after: Mapping[str, Mapping[str, Decimal]]

    async def invoice(self, shape: str) -> SupplierInvoice:
        """The invoice of a shape."""
        return await self.platform.systems.invoice(self.documents[shape])


@pytest.fixture(scope="module")
async def booked(
    erp_side: ErpSide,
    fresh_ledger: FreshLedger,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,
) -> AsyncIterator[Booked]:
    """One report of every shape in euros and some in dollars, posted and told."""
    systems = ExpenseSystems(erp_side)
    german, american = systems.claimant(), systems.claimant(entity="US01")
    documents = {shape: _release(systems, german, shape) for shape in EXPECTED}
    documents |= {f"{shape} in dollars": _release(systems, american, shape) for shape in IN_DOLLARS}
    namespace, ledger = await new_namespace(), await fresh_ledger()
    async with expense_platform(ledger, temporal_server.address, namespace, systems) as platform:
        before = await _balances(systems)
        # One after the other, as the ERP numbers them: a busy machine takes its time.
        await platform.poll(seconds_max=100)
        await platform.look_and_tell()
        yield Booked(platform, documents, before, await _balances(systems))


def _release(systems: ExpenseSystems, who: Claimant, shape: str) -> str:
    if shape == "advance paid out":
        number = systems.new_number()
        at = datetime.combine(who.days[0], time(9), UTC)
        content = cash_advance(
            number, who.employee.code, Decimal("300.00"), at, currency=who.currency
        )
        return systems.company.release(content)
    advance = _ADVANCES.get(shape, {})
    content = systems.report(who, _BY_NAME[shape](who), advances=advance.get("advances", ()))
    content["report"]["cashAdvanceReturnsAmount"] = advance.get("returned", Decimal(0))
    return systems.company.release(content)


async def _balances(systems: ExpenseSystems) -> dict[str, dict[str, Decimal]]:
    return {
        entity.code: await systems.desk.trial_balance(entity.code)
        for entity in systems.firm.legal_entities
    }


def _amounts(told: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {code: amount for code, amount in told.items() if amount}


def _exactly(expected: Mapping[str, str]) -> dict[str, Decimal]:
    return {code: Decimal(amount) for code, amount in expected.items()}


@pytest.mark.parametrize("shape", EXPECTED)
async def test_a_report_of_this_shape_is_booked_to_the_cent_by_account_tax_and_cost_centre(
    booked: Booked, shape: str
) -> None:
    expected, invoice = EXPECTED[shape], await booked.invoice(shape)

    assert invoice.total == Decimal(expected.owed)
    assert _amounts(invoice.accounts) == _exactly(expected.accounts)
    taxes = {tax.code: Decimal(0) for tax in invoice.taxes}
    for tax in invoice.taxes:
        taxes[tax.code] += tax.amount
    assert taxes == _exactly(expected.tax)
    if expected.centres is not None:
        assert _amounts(invoice.cost_centres) == _exactly(expected.centres)
    assert (invoice.legal_entity, invoice.currency) == ("DE01", "EUR")
    assert invoice.payee == booked.platform.systems.claimant().employee.code


@pytest.mark.parametrize("shape", EXPECTED)
async def test_what_a_shape_debits_in_the_general_ledger_it_credits(
    booked: Booked, shape: str
) -> None:
    invoice = await booked.invoice(shape)
    moved = await booked.platform.systems.moved_by(invoice)

    assert sum(moved.values()) == 0
    lines = {code: moved.get(code, Decimal(0)) for code in EXPECTED[shape].accounts}
    assert lines == _exactly(EXPECTED[shape].accounts)
    # What is left is the employee's account.
    rest = [amount for code, amount in moved.items() if code not in EXPECTED[shape].accounts]
    assert sum(rest) == -invoice.total


async def test_the_trial_balance_is_even_before_and_after_and_moved_by_just_these_reports(
    booked: Booked,
) -> None:
    for entity, after in booked.after.items():
        before = booked.before[entity]
        assert sum(before.values()) == 0
        assert sum(after.values()) == 0
        moved = {code: after[code] - before.get(code, Decimal(0)) for code in after}
        if entity == "DE01":
            expected = [_exactly(one.accounts) for one in EXPECTED.values()]
            accounts = {code for one in expected for code in one}
            assert {code: moved[code] for code in accounts} == {
                code: sum(one.get(code, Decimal(0)) for one in expected) for code in accounts
            }


async def test_a_report_that_comes_to_less_than_nothing_is_a_credit_note(booked: Booked) -> None:
    invoice = await booked.invoice("refund")

    assert (invoice.number or "").startswith("SCN-")
    assert invoice.left_to_pay <= 0


async def test_what_a_customer_pays_for_is_passed_on_to_the_project_with_its_exact_amount(
    booked: Booked,
) -> None:
    systems = booked.platform.systems
    for shape, entity in (("billable", "DE01"), ("billable in dollars", "US01")):
        passed_on = await systems.passed_on(booked.documents[shape])
        assert sorted(str(one.amount) for one in passed_on) == ["389.00", "61.30"]
        assert {one.project for one in passed_on} == {systems.claimant(entity=entity).project.code}
        # The employee is paid by the invoice alone.
        assert [one.payments for one in passed_on] == [0, 0]
    for shape in set(EXPECTED) - {"billable"}:
        assert await systems.passed_on(booked.documents[shape]) == ()


async def test_a_company_in_dollars_books_the_same_shapes_in_dollars(booked: Booked) -> None:
    for shape in IN_DOLLARS:
        invoice = await booked.invoice(f"{shape} in dollars")
        assert (invoice.legal_entity, invoice.currency) == ("US01", "USD")
        assert _amounts(invoice.accounts) == _exactly(EXPECTED[shape].accounts)
        assert sum((await booked.platform.systems.moved_by(invoice)).values()) == 0


async def test_concur_heard_of_every_report_once_with_the_number_of_its_document(
    booked: Booked,
) -> None:
    for document in booked.documents.values():
        posted, *paid = booked.platform.systems.document(document).told
        invoice = await booked.platform.systems.invoice(document)
        assert (posted.status, posted.reference) == ("success", invoice.number)
        # What owes the employee nothing is paid as it stands.
        assert [one.status for one in paid] == ["CP"] * (invoice.left_to_pay <= 0)


async def test_all_is_well_and_approved_equals_booked_by_entity_currency_tax_and_centre(
    booked: Booked,
) -> None:
    await assert_all_is_well(booked.platform)
