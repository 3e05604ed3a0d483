"""Checks on expense reports: each root cause, what a person can do, and what the ERP is told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from canonical.exception_case import ACCEPTABLE, Cause
from canonical.expense import AdvanceStep, ExpenseReport, PerDiem
from canonical.expense_document import ExpenseRole
from canonical.posting_period import PeriodState
from canonical.time_entry import Approval
from rules.expense_checks import Line, Ready, Stopped, check_report, value_of
from rules.expense_policy import ExpensePolicy
from rules.facts import Facts
from rules.policies import ClosedPeriodPolicy, Policies
from tests.unit.building import DAY, cost_centre, employee, legal_entity, period, project
from tests.unit.expense_building import (
    ACCOUNTS,
    POLICY,
    account,
    advance,
    allocation,
    currency,
    euro,
    expense_facts,
    item,
    on_card,
    policies,
    report,
    tax_code,
    taxed,
    vat,
)

YESTERDAY = DAY - timedelta(days=1)
BILLABLE = report(item(billable=True))
RECOVERED = report(taxed("119.00", vat("19.00", "19.00")))


def line(of: ExpenseReport | None = None, **changes: Any) -> Line:
    return Line(**{"report": of or report(item()), "revision": 1, "amendments": {}, **changes})


def paid(**changes: Any) -> dict[str, Any]:
    return {"employees_by_code": {"E-7": employee(**{"party": "70", **changes})}}


def ready(about: Line, facts: Facts | None = None, by: Policies | None = None) -> Ready:
    result = check_report(about, facts or expense_facts(), by or policies())
    assert isinstance(result, Ready), result
    return result


def stopped(about: Line, facts: Facts | None = None, by: Policies | None = None) -> Stopped:
    result = check_report(about, facts or expense_facts(), by or policies())
    assert isinstance(result, Stopped), result
    return result


# One situation for each cause: the line, the facts, the policies, and what it is about.
Situation = tuple[Line, Mapping[str, Any], Policies, str]
SITUATIONS: dict[Cause, Situation] = {
    Cause.UNKNOWN_EMPLOYEE: (
        line(report(item(), employee="E-9")),
        {},
        policies(),
        "harvest employee E-9",
    ),
    Cause.OTHER_LEGAL_ENTITY: (
        line(report(item(), legal_entity="UK01")),
        {},
        policies(),
        "UK01",
    ),
    Cause.SELF_APPROVED: (
        line(report(item(), approval=Approval(approver="E-7"))),
        {},
        policies(),
        "R-1",
    ),
    Cause.INACTIVE_PAYEE: (line(), paid(party=None), policies(), "E-7"),
    Cause.EXPENSE_BEFORE_HIRE: (
        line(),
        paid(active_from=DAY + timedelta(days=1)),
        policies(),
        "E-7",
    ),
    Cause.LEAVER: (line(), paid(active=False, active_until=YESTERDAY), policies(), "E-7"),
    Cause.TOTAL_DISAGREES: (
        line(report(item("100.00"), total=euro("99.00"))),
        {},
        policies(),
        "R-1",
    ),
    Cause.AMOUNT_DISAGREES: (
        line(report(on_card("100.00", settled=euro("101.00")))),
        {},
        policies(),
        "R-1 Taxi",
    ),
    Cause.TAX_DISAGREES: (
        line(report(taxed("119.00", vat("19.00", "20.00")))),
        {},
        policies(),
        "R-1 Taxi",
    ),
    Cause.FOREIGN_TAX: (
        line(report(taxed("120.00", vat("20.00", "20.00", country="GB")))),
        {},
        policies(),
        "R-1 Taxi",
    ),
    Cause.PER_DIEM_MEAL_CONFLICT: (
        line(
            report(
                item("28.00", type_code="PERDM", per_diem=PerDiem(place="Berlin")),
                item("30.00", "i2", type_code="DINNR", type_name="Dinner"),
            )
        ),
        {},
        policies(),
        "R-1",
    ),
    Cause.MISSING_PROJECT: (line(BILLABLE), {}, policies(), "R-1 Taxi"),
    Cause.UNKNOWN_PROJECT: (
        line(report(item(billable=True, allocations=(allocation(project="P-9"),)))),
        {},
        policies(),
        "P-9",
    ),
    Cause.CLOSED_PROJECT: (
        line(report(item(billable=True, allocations=(allocation(project="P-1"),)))),
        {"projects_by_code": {"P-1": project(active=False)}},
        policies(),
        "P-1",
    ),
    Cause.NOTHING_TO_POST: (line(report(item(personal=True))), {}, policies(), "R-1"),
    Cause.DUPLICATE_REPORT: (
        line(others=(report(item(item_id="other"), id="doc0", number="R-0"),)),
        {},
        policies(),
        "R-1",
    ),
    Cause.CLOSED_PERIOD: (
        line(),
        {"calendars": {"DE01": (period("2026-10", PeriodState.CLOSED),)}},
        policies(closed_period=ClosedPeriodPolicy.HOLD),
        "2026-10",
    ),
    Cause.NO_POSTING_PERIOD: (line(), {"calendars": {"DE01": ()}}, policies(), "2026-10"),
    Cause.UNKNOWN_CURRENCY: (
        line(report(item(currency="CHF"), currency="CHF")),
        {},
        policies(),
        "CHF",
    ),
    Cause.UNKNOWN_ACCOUNT: (
        line(),
        {},
        policies(POLICY.model_copy(update={"account_default": "9999"})),
        "9999",
    ),
    Cause.MISSING_TAX_CODE: (
        line(RECOVERED),
        {},
        policies(POLICY.model_copy(update={"taxes": ()})),
        "DE",
    ),
    Cause.MISSING_DIMENSION: (
        line(report(item(), cost_centre=None)),
        paid(cost_centre=None),
        policies(),
        "cost centre of E-7",
    ),
    Cause.INACTIVE_DIMENSION: (
        line(),
        {"cost_centres": {("DE01", "CC-100"): cost_centre(active=False)}},
        policies(),
        "CC-100",
    ),
}


@pytest.mark.parametrize("cause", SITUATIONS, ids=str)
def test_each_root_cause_stops_the_report_and_says_what_to_do_next(cause: Cause) -> None:
    about, known, by, subject = SITUATIONS[cause]

    result = stopped(about, expense_facts(**known), by)

    assert result.root_cause.cause is cause
    assert result.root_cause.subject == subject
    words = ("retry", "amend", "reject", "accept", "corrected in the source", "split", "Waive")
    assert any(word.lower() in result.root_cause.sentence.lower() for word in words)
    assert result.value == value_of(about.report)


@pytest.mark.parametrize("cause", sorted(ACCEPTABLE & set(SITUATIONS)), ids=str)
def test_what_a_person_may_vouch_for_passes_once_it_is_accepted(cause: Cause) -> None:
    about, known, by, _ = SITUATIONS[cause]

    accepted = replace(about, amendments={f"accept:{cause}": "seen the invoice"})

    ready(accepted, expense_facts(**known), by)


@pytest.mark.parametrize(
    ("cause", "amendments", "known"),
    [
        (Cause.MISSING_PROJECT, {"project": "P-1"}, {}),
        (Cause.UNKNOWN_PROJECT, {"project": "P-1"}, {}),
        (Cause.UNKNOWN_ACCOUNT, {"account": "6640"}, {}),
        (Cause.MISSING_TAX_CODE, {"tax_code": "VST-19"}, {}),
        (Cause.MISSING_DIMENSION, {"cost_centre": "CC-100"}, paid(cost_centre=None)),
        (Cause.UNKNOWN_EMPLOYEE, {"employee": "E-7"}, {}),
    ],
)
def test_what_a_person_puts_in_its_place_is_posted(
    cause: Cause, amendments: Mapping[str, str], known: Mapping[str, Any]
) -> None:
    about, _, by, _ = SITUATIONS[cause]

    result = ready(replace(about, amendments=amendments), expense_facts(**known), by)

    (posted,) = [one for one in result.body.lines if one.role is ExpenseRole.EXPENSE]
    assert result.body.payee == "70"
    if "project" in amendments:
        assert posted.project == "P-1"
        assert [one.project for one in result.body.disbursements] == ["P-1"]
    elif "account" in amendments:
        assert posted.account == "6640"
    elif "cost_centre" in amendments:
        assert posted.cost_centre == "CC-100"
    elif "tax_code" in amendments:
        assert [one.tax for one in result.body.lines if one.tax_base] == ["VST-19"]


def test_an_amendment_leaves_the_codes_alone_that_can_be_used() -> None:
    about = line(
        report(
            item(item_id="i1", type_code="MEALS"),
            item(item_id="i2", type_code="OTHER"),
        ),
        amendments={"account": "6969"},
    )
    by = policies(POLICY.model_copy(update={"account_default": None}))

    result = ready(about, by=by)

    assert {one.item: one.account for one in result.body.lines} == {"i1": "6640", "i2": "6969"}


def test_reports_that_share_a_cause_share_it_whole_so_that_it_is_fixed_once() -> None:
    without = policies(POLICY.model_copy(update={"account_default": None}))
    causes = {
        stopped(line(report(item(), number=number, id=number)), by=without).root_cause
        for number in ("R-1", "R-2")
    }

    assert len(causes) == 1


def test_the_last_report_of_a_leaver_is_still_payable() -> None:
    gone = paid(active=False, active_until=DAY)

    assert ready(line(), expense_facts(**gone)).body.payable == euro("100.00")


def test_an_employee_who_is_inactive_without_a_date_of_leaving_is_a_case() -> None:
    gone = expense_facts(**paid(active=False))

    assert stopped(line(), gone).root_cause.cause is Cause.INACTIVE_PAYEE


def test_a_personal_cost_before_hire_stops_nothing() -> None:
    about = line(report(item(), on_card("14.00", "i2", personal=True, transaction_date=YESTERDAY)))

    ready(about, expense_facts(**paid(active_from=DAY)))


def test_the_employee_is_found_by_the_code_that_hr_and_erp_share_or_else_by_cross_reference() -> (
    None
):
    by_reference = expense_facts(employees_by_code={}, employees={"E-7": employee(party="71")})

    assert ready(line()).body.payee == "70"
    assert ready(line(), by_reference).body.payee == "71"


def test_a_report_with_costs_of_another_legal_entity_is_not_split_here() -> None:
    about = line(report(item(allocations=(allocation(legal_entity="UK01"),))))

    cause = stopped(about, expense_facts()).root_cause

    assert (cause.cause, cause.legal_entity) == (Cause.OTHER_LEGAL_ENTITY, "DE01")


def test_a_report_for_an_entity_that_the_employee_does_not_belong_to_is_a_case() -> None:
    known = {"DE01": legal_entity(), "UK01": legal_entity("UK01", id="2", currency="GBP")}
    about = line(report(item(), legal_entity="UK01"))

    cause = stopped(about, expense_facts(legal_entities=known)).root_cause

    assert (cause.cause, cause.legal_entity) == (Cause.OTHER_LEGAL_ENTITY, "UK01")


def test_a_closed_period_moves_the_posting_and_keeps_the_date_of_the_latest_cost() -> None:
    calendar = (period("2026-10", PeriodState.CLOSED), period("2026-11"))

    result = ready(line(), expense_facts(calendars={"DE01": calendar}))

    assert result.body.posting_date == date(2026, 11, 1)
    assert result.body.document_date == DAY
    assert result.period.prior_period


def test_the_period_is_that_of_the_latest_cost_not_of_the_report() -> None:
    about = line(report(item(transaction_date=date(2026, 10, 30)), report_date=date(2026, 11, 3)))

    assert ready(about).period.posting_date == date(2026, 10, 30)


def test_another_report_is_no_duplicate_if_a_single_amount_differs() -> None:
    other = report(item("100.01"), id="doc0", number="R-0")

    ready(line(others=(other,)))


def test_a_later_revision_of_the_same_report_is_no_duplicate_of_it() -> None:
    ready(line(others=(report(item()),)))


def test_a_tax_code_that_is_closed_in_the_erp_stops_the_report() -> None:
    closed = expense_facts(tax_codes={("DE01", "VST-19"): tax_code(active=False)})

    assert stopped(line(RECOVERED), closed).root_cause.subject == "VST-19"


def test_an_account_that_was_closed_before_the_posting_date_stops_the_report() -> None:
    known = {("DE01", code): account(code) for code in ACCOUNTS}
    known["DE01", "6600"] = account("6600", active_until=YESTERDAY)

    assert stopped(line(), expense_facts(accounts=known)).root_cause.subject == "6600"


def test_a_currency_that_is_switched_off_in_the_erp_is_unknown() -> None:
    off = expense_facts(currencies={"EUR": currency("EUR", active=False)})

    assert stopped(line(), off).root_cause.cause is Cause.UNKNOWN_CURRENCY


def test_an_erp_that_lists_no_accounts_is_not_asked_about_them() -> None:
    silent = expense_facts(accounts={}, tax_codes={}, currencies={})

    assert ready(line(RECOVERED), silent).body.payable == euro("119.00")


def test_no_cost_centre_is_sent_where_none_is_asked_for() -> None:
    result = ready(line(), by=policies(required_dimensions=()))

    assert [one.cost_centre for one in result.body.lines] == [None]
    assert result.dimensions == ()


def test_the_document_has_every_line_but_the_employees_own_part_which_is_its_total() -> None:
    about = line(
        report(
            taxed("119.00", vat("19.00", "9.50"), item_id="hotel"),
            on_card("50.00", "meal", type_code="MEALS", type_name="Meals"),
            on_card("14.00", "film", personal=True, type_name="Movie"),
            advances=(advance("100.00", AdvanceStep.APPLIED),),
        )
    )

    body = ready(about).body

    told = [
        (one.role.value, one.account, str(one.amount), one.tax, one.cost_centre)
        for one in body.lines
    ]
    assert told == [
        ("expense", "6600", "100.00", None, "CC-100"),
        ("tax_recoverable", "1406", "9.50", "VST-19", None),
        ("tax_non_recoverable", "6600", "9.50", None, "CC-100"),
        ("expense", "6640", "50.00", None, "CC-100"),
        ("employee_receivable", "1340", "14.00", None, None),
        ("advance", "1341", "-100.00", None, None),
        ("card_clearing", "1360", "-64.00", None, None),
    ]
    assert body.payable == euro("19.00")
    assert body.lines[1].tax_base == Decimal("100.00")


@pytest.mark.parametrize(
    ("about", "payable"),
    [
        (report(on_card("100.00")), "0.00"),
        (report(item("-50.00")), "-50.00"),
        (report(item("100.00"), advances=(advance("400.00", AdvanceStep.APPLIED),)), "-300.00"),
        (report(advances=(advance("300.00", AdvanceStep.ISSUED),)), "300.00"),
    ],
    ids=["a card pays all", "a refund", "an advance pays more than all", "an advance is paid out"],
)
def test_the_payable_is_exactly_the_employees_part(about: ExpenseReport, payable: str) -> None:
    assert ready(line(about)).body.payable == euro(payable)


def test_a_report_that_is_too_large_for_a_document_stops_and_says_so() -> None:
    many = tuple(allocation(f"a{n}", share=Decimal(1), gross=euro("1")) for n in range(100))
    about = report(*(item("100.00", f"i{n}", allocations=many) for n in range(41)))

    cause = stopped(line(about)).root_cause

    assert cause.cause is Cause.UNREADABLE_LINE
    assert "4000" in cause.sentence


def test_warnings_come_with_a_report_that_may_be_posted() -> None:
    about = line(report(taxed("119.00", vat("19.00"), tax_receipt=False)))

    result = ready(about)

    assert len(result.warnings) == 1
    assert "tax table" in result.warnings[0]


def test_no_sentence_names_a_person_or_repeats_what_one_wrote() -> None:
    about = line(
        report(item(vendor="Jo's Cab", note="met Quentin", billable=True), name="Jo's trip")
    )
    employees = {"E-7": employee(party=None)}
    for known in ({}, {"employees_by_code": employees}):
        said = stopped(about, expense_facts(**known)).root_cause.sentence
        assert not any(word in said for word in ("Jo", "Quentin"))


def test_the_default_policy_names_no_account_and_so_posts_nothing_on_a_guess() -> None:
    cause = stopped(line(), by=policies(ExpensePolicy())).root_cause

    assert cause.cause is Cause.UNKNOWN_ACCOUNT
