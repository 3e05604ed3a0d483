"""The lines of an expense report along each axis: who paid, whose cost, taxes, shares, advances."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from canonical.exact import Rounding
from canonical.exception_case import Cause
from canonical.expense import (
    AdvanceStep,
    ExpenseItem,
    ExpenseReport,
    Mileage,
    Owed,
    PaidBy,
    PerDiem,
)
from canonical.expense_document import ExpenseRole
from rules.expense_lines import ExpensePosting
from rules.expense_policy import ExpensePolicy, MileageRow, PerDiemRow, TaxRow
from rules.expense_posting import post_report
from rules.expense_record import posting_record
from tests.unit.building import DAY
from tests.unit.expense_building import (
    POLICY,
    advance,
    allocation,
    euro,
    item,
    on_card,
    report,
    taxed,
    vat,
)

Lines = list[tuple[str, str]]


def posted(*items: ExpenseItem, policy: ExpensePolicy = POLICY, **changes: Any) -> ExpensePosting:
    return post_report(report(*items, **changes), policy)


def lines(posting: ExpensePosting) -> Lines:
    return [(one.role.value, str(one.amount.amount)) for one in posting.lines]


def causes(posting: ExpensePosting) -> list[Cause]:
    return [one.cause for one in posting.problems]


@pytest.mark.parametrize(
    "payee",
    [
        (PaidBy.EMPLOYEE, Owed.EMPLOYEE, "employee_payable"),
        (PaidBy.INDIVIDUAL_CARD, Owed.EMPLOYEE, "employee_payable"),
        (PaidBy.INDIVIDUAL_CARD, Owed.CARD_ISSUER, "card_clearing"),
        (PaidBy.COMPANY_CARD, Owed.CARD_ISSUER, "card_clearing"),
        (PaidBy.ADVANCE, Owed.ADVANCE, "advance"),
        (PaidBy.VENDOR, Owed.VENDOR, "vendor_payable"),
    ],
    ids=lambda payee: f"{payee[0]} to {payee[1]}",
)
@pytest.mark.parametrize("billable", [False, True])
@pytest.mark.parametrize("personal", [False, True])
@pytest.mark.parametrize("amount", ["100.00", "-100.00"])
def test_the_credit_follows_who_is_owed_and_the_debit_whose_cost_it_is(
    payee: tuple[PaidBy, Owed, str], billable: bool, personal: bool, amount: str
) -> None:
    paid_by, owed_to, credit = payee
    cost = item(
        amount,
        paid_by=paid_by,
        owed_to=owed_to,
        billable=billable,
        personal=personal,
        allocations=(allocation(project="P-1"),),
    )

    posting = posted(cost)

    opposite = str(-Decimal(amount))
    if not personal:
        assert lines(posting) == [("expense", amount), (credit, opposite)]
    elif owed_to is Owed.EMPLOYEE:
        assert lines(posting) == []
        assert causes(posting) == [Cause.NOTHING_TO_POST]
    else:
        assert lines(posting) == [("employee_receivable", amount), (credit, opposite)]
    passed_on = [(one.project, str(one.amount.amount)) for one in posting.recharges]
    assert passed_on == ([("P-1", amount)] if billable and not personal else [])


def test_only_the_parts_of_an_itemised_bill_are_posted() -> None:
    whole = item("325.00", "bill")
    parts = (item("250.00", "room", part_of="bill"), item("75.00", "meal", part_of="bill"))

    posting = posted(whole, *parts)

    assert lines(posting) == [
        ("expense", "250.00"), ("expense", "75.00"), ("employee_payable", "-325.00"),
    ]  # fmt: skip
    assert posting.problems == ()


def test_parts_that_do_not_sum_to_their_bill_are_a_problem() -> None:
    posting = posted(item("325.00", "bill"), item("250.00", "room", part_of="bill"))

    assert Cause.AMOUNT_DISAGREES in causes(posting)


@pytest.mark.parametrize(
    ("amount", "shares", "expected"),
    [
        ("100.00", ("33.33", "33.33", "33.34"), ["33.33", "33.33", "33.34"]),
        ("0.05", ("50", "50"), ["0.03", "0.02"]),
        ("10.00", ("33.3333333333", "33.3333333333", "33.3333333334"), ["3.33", "3.33", "3.34"]),
        ("-10.01", ("50", "50"), ["-5.01", "-5.00"]),
        ("0.01", ("25", "75"), ["0.01"]),
    ],
)
def test_percentages_are_split_by_largest_remainder(
    amount: str, shares: tuple[str, ...], expected: list[str]
) -> None:
    split = tuple(
        allocation(f"a{n}", share=Decimal(share), cost_centre=f"CC-{n}")
        for n, share in enumerate(shares)
    )

    posting = posted(item(amount, allocations=split))

    assert [text for role, text in lines(posting) if role == "expense"] == expected
    assert lines(posting)[-1] == ("employee_payable", str(-Decimal(amount)))
    assert posting.residual.amount == 0


@pytest.mark.parametrize("shares", [("50", "49"), ("50", "51"), ("0",)])
def test_shares_that_are_no_whole_are_a_problem(shares: tuple[str, ...]) -> None:
    split = tuple(allocation(f"a{n}", share=Decimal(one)) for n, one in enumerate(shares))

    posting = posted(item(allocations=split))

    assert causes(posting) == [Cause.AMOUNT_DISAGREES]
    assert sum(one.amount.amount for one in posting.lines) == 0


def test_a_part_that_is_owed_to_another_party_is_credited_there() -> None:
    split = (
        allocation("a1", gross=euro("21.00")),
        allocation("a2", gross=euro("14.00"), owed_to=Owed.CARD_ISSUER),
    )

    posting = posted(item("35.00", allocations=split))

    assert lines(posting)[2:] == [("employee_payable", "-21.00"), ("card_clearing", "-14.00")]


def test_what_rounding_leaves_is_shown_on_its_own_account_and_paid() -> None:
    split = tuple(allocation(f"a{n}", gross=euro("33.33")) for n in range(3))

    posting = posted(item("100.00", allocations=split))

    assert ("rounding", "0.01") in lines(posting)
    assert posting.residual == euro("0.01")
    assert posting.payable == euro("100.00")
    assert posting.problems == ()


def test_more_than_rounding_between_an_item_and_its_shares_is_a_problem() -> None:
    split = tuple(allocation(f"a{n}", gross=euro("33.32")) for n in range(3))

    posting = posted(item("100.00", allocations=split))

    assert causes(posting) == [Cause.AMOUNT_DISAGREES]
    assert posting.residual.amount == 0


@pytest.mark.parametrize(
    ("row", "changes", "recovered"),
    [
        ({}, {}, "19.00"),
        ({"recoverable_percent": Decimal(50)}, {}, "9.50"),
        ({"receipt": "tax"}, {"tax_receipt": False}, None),
        ({"receipt": "any"}, {"tax_receipt": False}, "19.00"),
        ({"receipt": "any"}, {"tax_receipt": False, "has_receipt": False}, None),
        ({"receipt": "none"}, {"tax_receipt": False, "has_receipt": False}, "19.00"),
        ({"types": ("MEALS",)}, {}, None),
        ({"types": ("TAXI",)}, {}, "19.00"),
        ({"valid_from": date(2026, 10, 2)}, {}, None),
        ({"valid_from": DAY, "valid_until": DAY}, {}, "19.00"),
        ({"valid_until": date(2026, 9, 30)}, {}, None),
        ({"authority": "DEVAT"}, {}, None),
        ({"code": "V9"}, {}, None),
    ],
)
def test_the_table_decides_what_can_be_recovered_where_the_source_does_not(
    row: dict[str, Any], changes: dict[str, Any], recovered: str | None
) -> None:
    values = {"country": "DE", "recoverable_percent": Decimal(100), "erp_tax": "VST-19"}
    policy = POLICY.model_copy(update={"taxes": (TaxRow(**{**values, **row}),)})

    posting = posted(taxed("119.00", vat("19.00"), **changes), policy=policy)

    found = {one.role: one for one in posting.lines}
    tax = found.get(ExpenseRole.TAX_RECOVERABLE)
    assert (str(tax.amount.amount) if tax else None) == recovered
    if tax:
        assert (tax.tax_code, str(tax.tax_base.amount if tax.tax_base else "")) == (
            "VST-19",
            "100.00",
        )
    else:
        assert "no row of the tax table" in posting.warnings[0]
    assert lines(posting)[0] == ("expense", "100.00")


@pytest.mark.parametrize(("rounding", "recovered"), [("HALF_UP", "0.03"), ("HALF_EVEN", "0.02")])
def test_tax_is_rounded_once_and_the_rest_takes_what_is_left(
    rounding: Rounding, recovered: str
) -> None:
    half = TaxRow(country="DE", recoverable_percent=Decimal(50))
    policy = POLICY.model_copy(update={"taxes": (half,), "rounding": rounding})

    posting = posted(taxed("1.00", vat("0.05")), policy=policy)

    rest = str(Decimal("0.05") - Decimal(recovered))
    assert lines(posting)[1:3] == [("tax_recoverable", recovered), ("tax_non_recoverable", rest)]


def test_what_the_source_recovers_counts_whatever_the_table_says() -> None:
    posting = posted(taxed("119.00", vat("19.00", "7.00")))

    assert lines(posting)[1:3] == [("tax_recoverable", "7.00"), ("tax_non_recoverable", "12.00")]
    assert posting.problems == ()


@pytest.mark.parametrize(
    ("tax", "cause"),
    [
        (vat("19.00", "19.01"), Cause.TAX_DISAGREES),
        (vat("19.00", "-1.00"), Cause.TAX_DISAGREES),
        (vat("-19.00", "1.00"), Cause.TAX_DISAGREES),
        (vat("19.00", "19.00", country="GB"), Cause.FOREIGN_TAX),
    ],
)
def test_recovery_that_cannot_be_is_a_problem(tax: Any, cause: Cause) -> None:
    assert causes(posted(taxed("119.00", tax))) == [cause]


def test_foreign_tax_is_never_recovered_by_the_table_and_stays_within_its_cost_on_paper() -> None:
    british = TaxRow(country="GB", recoverable_percent=Decimal(100), erp_tax="VST-GB")
    policy = POLICY.model_copy(update={"taxes": (british,)})

    posting = posted(taxed("120.00", vat("20.00", country="GB"), country="GB"), policy=policy)

    assert lines(posting)[:2] == [("expense", "100.00"), ("tax_non_recoverable", "20.00")]
    (cost, payee) = posting_record(posting)
    assert (cost.role.value, str(cost.amount.amount)) == ("expense", "120.00")
    assert payee.side == "credit"


def test_a_legal_entity_may_be_registered_in_more_than_one_country() -> None:
    british = TaxRow(country="GB", recoverable_percent=Decimal(100), erp_tax="VST-GB")
    policy = POLICY.model_copy(update={"taxes": (british,), "tax_registrations": ("DE", "GB")})

    posting = posted(taxed("120.00", vat("20.00", country="GB")), policy=policy)

    assert ("tax_recoverable", "20.00") in lines(posting)


def test_a_personal_cost_carries_no_tax_and_recovering_some_is_a_problem() -> None:
    private = on_card(
        "119.00", personal=True, allocations=(allocation(taxes=(vat("19.00", "19.00"),)),)
    )

    posting = posted(private)

    assert lines(posting)[0] == ("employee_receivable", "119.00")
    assert causes(posting) == [Cause.TAX_DISAGREES]


@pytest.mark.parametrize(
    ("net", "residual", "problem"),
    [("100.00", "0.00", False), ("99.99", "0.01", False), ("100.01", "-0.01", False),
     ("99.98", "0.00", True)],
)  # fmt: skip
def test_a_net_amount_that_misses_by_more_than_rounding_is_a_problem(
    net: str, residual: str, problem: bool
) -> None:
    share = allocation(gross=euro("119.00"), net=euro(net), taxes=(vat("19.00", "0.00"),))

    posting = posted(item("119.00", allocations=(share,)))

    assert str(posting.residual.amount) == residual
    assert (causes(posting) == [Cause.TAX_DISAGREES]) is problem
    assert sum(one.amount.amount for one in posting.lines) == 0


def test_an_amount_net_of_recovered_tax_is_compared_too() -> None:
    share = allocation(
        gross=euro("119.00"), net_of_reclaim=euro("110.00"), taxes=(vat("19.00", "19.00"),)
    )

    assert causes(posted(item("119.00", allocations=(share,)))) == [Cause.TAX_DISAGREES]


@pytest.mark.parametrize(
    ("approved", "rate", "direction", "outcome"),
    [
        ("26.88", "0.89294902", "divide", "right"),
        ("26.87", "0.89294902", "divide", "right"),
        ("26.90", "0.89294902", "divide", "too much"),
        ("20.00", "0.89294902", "divide", "in part"),
        ("21.43", "0.89294902", "multiply", "right"),
        ("26.88", None, "multiply", "unchecked"),
    ],
)
def test_foreign_money_is_converted_at_the_rate_of_its_day(
    approved: str, rate: str | None, direction: str, outcome: str
) -> None:
    spent = item(
        approved,
        transaction=euro("24.00", "USD"),
        exchange_rate=Decimal(rate) if rate else None,
        exchange_direction=direction,
    )

    posting = posted(spent)

    assert lines(posting)[0] == ("expense", approved)
    assert (causes(posting) == [Cause.AMOUNT_DISAGREES]) is (outcome == "too much")
    assert len(posting.warnings) == (1 if outcome in {"in part", "unchecked"} else 0)


def test_a_card_counts_with_what_was_settled_whatever_a_rate_would_make_of_it() -> None:
    charged = on_card(
        "56.10",
        transaction=euro("55.10", "USD"),
        settled=euro("56.10"),
        exchange_rate=Decimal("2.0"),
    )

    assert posted(charged).problems == ()
    differs = charged.model_copy(update={"settled": euro("56.11")})
    assert causes(posted(differs)) == [Cause.AMOUNT_DISAGREES]


def test_a_negative_total_is_owed_by_the_employee_and_never_skipped() -> None:
    posting = posted(item("-50.00"))

    assert lines(posting) == [("expense", "-50.00"), ("employee_payable", "50.00")]
    assert posting.payable == euro("-50.00")
    assert [row.side for row in posting_record(posting)] == ["credit", "debit"]


@pytest.mark.parametrize(
    ("advances", "expected"),
    [
        (
            [("300.00", AdvanceStep.ISSUED)],
            [("advance", "300.00"), ("employee_payable", "-400.00")],
        ),
        ([("60.00", AdvanceStep.APPLIED)], [("advance", "-60.00"), ("employee_payable", "-40.00")]),
        ([("100.00", AdvanceStep.APPLIED)], [("advance", "-100.00")]),
        (
            [("185.00", AdvanceStep.APPLIED)],
            [("advance", "-185.00"), ("employee_payable", "85.00")],
        ),
        (
            [("100.00", AdvanceStep.APPLIED), ("85.00", AdvanceStep.RETURNED)],
            [("advance", "-100.00"), ("advance", "-85.00"), ("employee_receivable", "85.00")],
        ),
    ],
    ids=["issued", "applied", "used up", "more than all", "applied and returned"],
)
def test_an_advance_is_owed_back_until_it_is_used_or_returned(
    advances: list[tuple[str, AdvanceStep]], expected: Lines
) -> None:
    used = tuple(advance(amount, step) for amount, step in advances)

    posting = posted(item("100.00"), advances=used)

    assert lines(posting)[1:] == expected


def test_an_advance_that_was_drawn_with_a_card_is_owed_to_its_issuer() -> None:
    drawn = advance("300.00", AdvanceStep.ISSUED, owed_to=Owed.CARD_ISSUER)

    assert lines(posted(advances=(drawn,))) == [("advance", "300.00"), ("card_clearing", "-300.00")]


@pytest.mark.parametrize(
    ("rate", "right"), [("0.80", True), ("1.25", True), ("0.90", False), ("1", True)]
)
def test_an_advance_in_foreign_money_must_agree_with_its_rate(rate: str, right: bool) -> None:
    amount = "80.00" if rate != "1" else "100.00"
    drawn = advance(
        amount,
        AdvanceStep.ISSUED,
        transaction=euro("100.00", "USD"),
        exchange_rate=Decimal(rate),
    )

    posting = posted(advances=(drawn,))

    assert (posting.problems == ()) is right
    assert (len(posting.warnings) == 1) is (rate == "1")


MILEAGE = ExpensePolicy(
    mileage=(
        MileageRow(
            unit="km", currency="EUR", per_unit=Decimal("0.25"), valid_until=date(2025, 12, 31)
        ),
        MileageRow(unit="km", vehicle="BIKE", currency="EUR", per_unit=Decimal("0.05")),
        MileageRow(unit="km", currency="EUR", per_unit=Decimal("0.30")),
    )
)


@pytest.mark.parametrize(
    ("amount", "changes", "outcome"),
    [
        ("30.00", {}, "right"),
        ("30.01", {}, "too much"),
        ("29.99", {}, "less"),
        ("25.00", {"transaction_date": date(2025, 6, 1)}, "right"),
        ("5.00", {"mileage": Mileage(distance=Decimal(100), unit="km", vehicle="BIKE")}, "right"),
        ("30.00", {"mileage": Mileage(distance=Decimal(100), unit="mi")}, "unchecked"),
    ],
)
def test_a_distance_is_worth_what_the_table_says_for_its_day_and_vehicle(
    amount: str, changes: dict[str, Any], outcome: str
) -> None:
    driven = item(amount, **{"mileage": Mileage(distance=Decimal(100), unit="km"), **changes})

    posting = posted(driven, policy=MILEAGE)

    assert (causes(posting) == [Cause.OVER_RATE]) is (outcome == "too much")
    assert len(posting.warnings) == (1 if outcome in {"less", "unchecked"} else 0)


PER_DIEM = ExpensePolicy(
    per_diem=(
        PerDiemRow(
            place="DE",
            currency="EUR",
            amount=Decimal("28.00"),
            breakfast_percent=Decimal(20),
            lunch_percent=Decimal(40),
            dinner_percent=Decimal(40),
        ),
    )
)


@pytest.mark.parametrize(
    ("meals", "amount", "right"),
    [
        ((), "28.00", True),
        ((), "28.01", False),
        (("breakfast",), "22.40", True),
        (("breakfast",), "28.00", False),
        (("breakfast", "lunch", "dinner"), "0.01", False),
    ],
)
def test_a_days_allowance_is_what_the_table_says_less_the_meals_that_were_provided(
    meals: Any, amount: str, right: bool
) -> None:
    day = item(amount, per_diem=PerDiem(place="DE", meals_provided=meals))

    assert (posted(day, policy=PER_DIEM).problems == ()) is right


@pytest.mark.parametrize(
    ("meal", "conflict"),
    [
        ({"type_code": "DINNR"}, True),
        ({"type_code": "DINNR", "transaction_date": date(2026, 10, 2)}, False),
        ({"type_code": "DINNR", "personal": True, "owed_to": Owed.CARD_ISSUER}, False),
        ({"type_code": "TAXI"}, False),
    ],
)
def test_a_meal_on_the_day_of_an_allowance_is_a_conflict(
    meal: dict[str, Any], conflict: bool
) -> None:
    allowance = item("28.00", per_diem=PerDiem(place="DE"))

    posting = posted(allowance, item("30.00", "i2", **meal), policy=PER_DIEM)

    assert (causes(posting) == [Cause.PER_DIEM_MEAL_CONFLICT]) is conflict


def test_tax_on_mileage_and_allowances_is_recovered_by_an_explicit_row_only() -> None:
    driven = taxed("119.00", vat("19.00"), mileage=Mileage(distance=Decimal(1), unit="km"))
    by_name = POLICY.taxes[0].model_copy(update={"types": ("TAXI",)})

    assert ("tax_non_recoverable", "19.00") in lines(posted(driven))
    explicit = POLICY.model_copy(update={"taxes": (by_name,)})
    assert ("tax_recoverable", "19.00") in lines(posted(driven, policy=explicit))


def test_a_billable_cost_is_passed_on_net_of_what_tax_is_recovered() -> None:
    share = allocation(project="P-1", taxes=(vat("19.00", "9.00"),))

    posting = posted(item("119.00", billable=True, allocations=(share,)))

    (passed_on,) = posting.recharges
    assert (passed_on.project, passed_on.item, passed_on.amount) == ("P-1", "i1", euro("110.00"))


def test_a_billable_cost_without_a_project_is_a_problem_unless_policy_says_otherwise() -> None:
    assert causes(posted(item(billable=True))) == [Cause.MISSING_PROJECT]
    lenient = POLICY.model_copy(update={"billable_needs_project": False})
    assert posted(item(billable=True), policy=lenient).problems == ()


@pytest.mark.parametrize(
    ("type_code", "source_account", "expected"),
    [
        ("MEALS", "474230", "6640"),
        ("TAXI", "474230", "6650"),
        ("TAXI", "999999", "6600"),
        ("TAXI", None, "6600"),
    ],
)
def test_the_account_of_a_cost_goes_by_type_then_by_the_sources_account_then_by_default(
    type_code: str, source_account: str | None, expected: str
) -> None:
    policy = POLICY.model_copy(update={"accounts_by_source": {"474230": "6650"}})
    cost = item(type_code=type_code, allocations=(allocation(account=source_account),))

    assert posted(cost, policy=policy).lines[0].account == expected


def test_a_report_that_says_another_total_than_its_items_is_a_problem_and_still_balances() -> None:
    posting = posted(item("100.00"), total=euro("99.99"))

    assert causes(posting) == [Cause.TOTAL_DISAGREES]
    assert lines(posting) == [("expense", "100.00"), ("employee_payable", "-100.00")]


@pytest.mark.parametrize(
    ("taxes", "labels"),
    [
        ([vat("10.00", "10.00")], ["VAT"]),
        ([vat("10.00", "0.00")], ["Non-deductible VAT Expense"]),
        ([vat("10.00", "5.00")], ["VAT", "Non-deductible VAT Expense"]),
        ([vat("4.00", "0.00"), vat("6.00", "3.00")], ["Tax Type 1", "Tax Type 2"]),
        ([vat("4.00", "4.00"), vat("6.00", "6.00")], ["Tax Type 1", "Tax Type 2"]),
        ([vat("4.00", "2.00"), vat("6.00", "3.00")], ["VAT", "Non-deductible VAT Expense"]),
    ],
)
def test_the_record_names_taxes_as_saps_posting_records_do(
    taxes: list[Any], labels: list[str]
) -> None:
    rows = posting_record(posted(taxed("110.00", *taxes)))

    assert [row.label for row in rows] == ["Taxi", *labels, "Employee Vendor"]
    assert sum(row.amount.amount for row in rows) == 0


def test_every_line_names_its_rule_and_says_why() -> None:
    about: ExpenseReport = report(
        taxed("119.00", vat("19.00", "9.00")),
        on_card("14.00", "i2", personal=True),
        item(
            "10.00", "i3", allocations=tuple(allocation(f"a{n}", share=Decimal(50)) for n in "12")
        ),
        advances=(advance("5.00", AdvanceStep.APPLIED),),
    )

    posting = post_report(about, POLICY)

    assert all(one.rule.code.startswith("expense-") and one.why for one in posting.lines)
    assert {one.rule.code for one in posting.lines} == {
        "expense-cost", "expense-tax", "expense-personal", "expense-allocation",
        "expense-advance", "expense-payee",
    }  # fmt: skip
    assert posting.policy_version == "2026-01"


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (item(), "TAXI of 2026-10-01: net of tax, account 6600 by default"),
        (item(type_code="MEALS"), "MEALS of 2026-10-01: net of tax, account 6640 by type"),
        (
            item(
                "26.88",
                transaction=euro("24.00", "USD"),
                exchange_rate=Decimal("0.89294902"),
                exchange_direction="divide",
            ),
            "24.00 USD divided by 0.89294902",
        ),
        (item("26.88", transaction=euro("24.00", "USD")), "24.00 USD at no known rate"),
        (on_card("56.10", settled=euro("56.10")), "charged to the card with 56.10 EUR"),
        (
            item("30.00", mileage=Mileage(distance=Decimal(100), unit="km")),
            "100 km at 0.30 EUR by the table",
        ),
        (item("28.00", per_diem=PerDiem(place="DE")), "28.00 EUR a day by the table"),
        (
            item(allocations=(allocation("a1", share=Decimal(60)), allocation(share=Decimal(40)))),
            "60 % of the item, by largest remainder",
        ),
    ],
)
def test_a_cost_says_what_was_spent_at_which_rate_and_why_on_its_account(
    cost: ExpenseItem, said: str
) -> None:
    rates = {"mileage": MILEAGE.mileage, "per_diem": PER_DIEM.per_diem}

    posting = posted(cost, policy=POLICY.model_copy(update=rates))

    assert said in posting.lines[0].why
