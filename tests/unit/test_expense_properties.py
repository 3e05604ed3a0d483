"""What holds for every expense report: it balances, nothing is lost, parts sum to their whole."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.expense import (
    AdvanceStep,
    AdvanceUse,
    Allocation,
    ExpenseItem,
    ExpenseReport,
    ItemTax,
    Mileage,
    Owed,
    PaidBy,
)
from canonical.expense_document import ExpenseRole
from canonical.money import Money, minor_units
from rules.expense_amounts import split_by_largest_remainder
from rules.expense_checks import Line, Ready, check_report
from rules.expense_consistency import posted_items
from rules.expense_policy import ExpensePolicy, MileageRow
from rules.expense_posting import post_report
from rules.expense_record import posting_record
from tests.unit.building import DAY, NOON
from tests.unit.expense_building import POLICY, expense_facts, item, policies, report

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
KILOMETRE = MileageRow(unit="km", currency="EUR", per_unit=Decimal("0.3"))
HALF_EVEN = POLICY.model_copy(update={"rounding": "HALF_EVEN", "mileage": (KILOMETRE,)})


def money(currency: str, largest: int = 10**12) -> st.SearchStrategy[Money]:
    return st.integers(-largest, largest).map(
        lambda minor: Money(amount=Decimal(minor).scaleb(-minor_units(currency)), currency=currency)
    )


@st.composite
def taxes(draw: st.DrawFn, currency: str) -> ItemTax:
    return ItemTax(
        country=draw(st.sampled_from(["DE", "GB", None])),
        code=draw(st.sampled_from(["V1", None])),
        amount=draw(money(currency, 10**6)),
        reclaimable=draw(st.none() | money(currency, 10**6)),
    )


@st.composite
def allocations(draw: st.DrawFn, currency: str) -> tuple[Allocation, ...]:
    count = draw(st.integers(0, 4))
    given_amounts = draw(st.booleans())
    return tuple(
        Allocation(
            id=f"a{number}",
            share=Decimal(100) / 4 if count == 4 else Decimal(100 // max(count, 1)),
            gross=draw(money(currency)) if given_amounts else None,
            net=draw(st.none() | money(currency)),
            owed_to=draw(st.none() | st.sampled_from(list(Owed))),
            project=draw(st.sampled_from(["P-1", None])),
            taxes=tuple(draw(st.lists(taxes(currency), max_size=3))),
        )
        for number in range(count)
    )


@st.composite
def items(draw: st.DrawFn, currency: str, number: int) -> ExpenseItem:
    amount = draw(money(currency))
    abroad = draw(st.none() | CURRENCIES.flatmap(lambda one: money(one, 10**14)))
    return ExpenseItem(
        id=f"i{number}",
        part_of=draw(st.none() | st.sampled_from(["i0", "i1"])),
        type_code=draw(st.sampled_from(["TAXI", "DINNR"])),
        type_name="Taxi",
        transaction_date=DAY,
        paid_by=draw(st.sampled_from(list(PaidBy))),
        owed_to=draw(st.sampled_from(list(Owed))),
        billable=draw(st.booleans()),
        personal=draw(st.booleans()),
        tax_receipt=draw(st.booleans()),
        approved=amount,
        amount=amount,
        transaction=abroad or amount,
        exchange_rate=draw(st.none() | st.decimals("1E-10", "1E17", places=10)),
        exchange_direction=draw(st.sampled_from(["multiply", "divide"])),
        mileage=draw(
            st.none()
            | st.decimals("0", "1E17", places=2).map(lambda one: Mileage(distance=one, unit="km"))
        ),
        allocations=draw(allocations(currency)),
    )


@st.composite
def reports(draw: st.DrawFn) -> ExpenseReport:
    currency = draw(CURRENCIES)
    count = draw(st.integers(0, 5))
    return ExpenseReport(
        connection="concur",
        id="doc1",
        number="R-1",
        employee="E-7",
        cost_centre="CC-100",
        home_country="DE",
        currency=currency,
        report_date=DAY,
        items=tuple(draw(items(currency, number)) for number in range(count)),
        advances=tuple(
            AdvanceUse(
                id=f"adv{number}",
                step=draw(st.sampled_from(list(AdvanceStep))),
                amount=draw(money(currency)),
                owed_to=draw(st.sampled_from([Owed.EMPLOYEE, Owed.CARD_ISSUER])),
            )
            for number in range(draw(st.integers(0, 2)))
        ),
        changed_at=NOON,
    )


@given(reports(), st.sampled_from([POLICY, HALF_EVEN, ExpensePolicy()]))
def test_every_report_balances_however_wrong_it_is(
    report: ExpenseReport, policy: ExpensePolicy
) -> None:
    posting = post_report(report, policy)

    assert sum(one.amount.amount for one in posting.lines) == 0
    assert sum(row.amount.amount for row in posting_record(posting)) == 0
    assert {one.amount.currency for one in posting.lines} <= {report.currency}
    rounded = sum(one.amount.amount for one in posting.lines if one.role is ExpenseRole.ROUNDING)
    assert posting.residual.amount == rounded


@given(reports())
def test_a_report_without_problems_pays_each_item_to_the_cent(report: ExpenseReport) -> None:
    posting = post_report(report, POLICY)
    if posting.problems:
        return
    costs = sum(
        one.amount.amount
        for one in posting.lines
        if one.item in {item.id for item in report.items} and one.item is not None
    )
    business = [one for one in posted_items(report) if not one.personal]
    private = [
        portion
        for one in posted_items(report)
        if one.personal
        for portion in (one.allocations or (Allocation(id="-"),))
        if (portion.owed_to or one.owed_to) is not Owed.EMPLOYEE
    ]
    if not private:
        assert costs == sum((one.amount.amount for one in business), Decimal(0))


@given(reports())
def test_the_same_report_gives_the_same_lines(report: ExpenseReport) -> None:
    again = ExpenseReport.model_validate_json(report.model_dump_json())

    assert post_report(report, POLICY) == post_report(again, POLICY)


@given(reports())
def test_what_may_be_posted_is_a_document_whose_total_is_the_employees_part(
    report: ExpenseReport,
) -> None:
    facts = expense_facts(currencies={}, accounts={}, tax_codes={})
    line = Line(report, 1, {"account": "6600", "tax_code": "VST-19", "project": "P-1"})

    result = check_report(line, facts, policies())

    if isinstance(result, Ready):
        posting = post_report(report, POLICY)
        assert result.body.payable == posting.payable
        assert len(result.body.lines) == sum(
            one.role is not ExpenseRole.EMPLOYEE_PAYABLE for one in posting.lines
        )


@given(CURRENCIES.flatmap(money), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_parts_sum_to_their_whole_and_no_part_is_a_unit_off(
    total: Money, weights: list[int]
) -> None:
    if sum(weights) == 0:
        with pytest.raises(ValueError, match="weights"):
            split_by_largest_remainder(total, [Decimal(one) for one in weights])
        return

    parts = split_by_largest_remainder(total, [Decimal(one) for one in weights])

    assert sum(part.amount_minor for part in parts) == total.amount_minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount_minor * sum(weights) - total.amount_minor * weight) < sum(weights)


@pytest.mark.parametrize("weights", [["-1", "2"], ["-1"], []])
def test_weights_that_are_none_are_refused(weights: list[Any]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split_by_largest_remainder(
            Money(amount=Decimal(1), currency="EUR"), [Decimal(one) for one in weights]
        )


def test_amounts_that_would_add_up_to_no_amount_any_more_are_refused() -> None:
    most = Money(amount=Decimal(10) ** 15 / 4, currency="EUR")
    two = [item_of(most, name) for name in ("i1", "i2")]

    with pytest.raises(ValidationError, match="less than 10"):
        report_of(*two)
    report_of(item_of(Money(amount=Decimal(10) ** 14, currency="EUR"), "i1"))


def item_of(amount: Money, name: str) -> ExpenseItem:
    return item(item_id=name).model_copy(update={"amount": amount, "approved": amount})


def report_of(*items: ExpenseItem) -> ExpenseReport:
    return report(*items)
