"""Concur's documents as reports of ours: what each member means, and what is refused."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.expense import AdvanceStep, ExpenseItem, ExpenseReport, Mileage, Owed, PaidBy
from connectors.base.capabilities import SourceRecord
from connectors.concur.mapping import raw_documents, source_records
from connectors.concur.reading import Reading
from rules.expense_policy import ExpensePolicy
from rules.expense_posting import post_report
from tests.connectors.concur.golden import Row, case, cases, our_rows

HERE = Reading("concur")
Change = Callable[[dict[str, Any]], None]


def page_of(case_id: str = "1.3-report") -> dict[str, Any]:
    page: dict[str, Any] = json.loads(case(case_id).page)
    return page


def read(page: dict[str, Any], reading: Reading = HERE) -> SourceRecord[ExpenseReport]:
    (record,) = source_records(json.dumps(page).encode(), reading)
    return record


def report(page: dict[str, Any], reading: Reading = HERE) -> ExpenseReport:
    record = read(page, reading)
    assert record.record is not None, record.trouble
    return record.record


def document_in(page: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = page["fIDocuments"][0]["document"]
    return document


def entry(**changes: Any) -> dict[str, Any]:
    """A page with one entry, a cash expense of 24.30 unless a change says otherwise."""
    page = page_of()
    document_in(page)["expenseEntry"][0] |= changes
    return page


def item(page: dict[str, Any], reading: Reading = HERE) -> ExpenseItem:
    (found,) = report(page, reading).items
    return found


def journal(payee: str, gross: str, payer: str = "COMP", **more: Any) -> dict[str, Any]:
    amounts = {"amountGross": float(gross)}
    return {"journalPayer": payer, "journalPayee": payee, **amounts, **more}


def allocation(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"allocationId": "a", "allocationPercentage": 100, "journal": list(rows), **more}


def booked(gross: str, *allocations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A page with one entry of an amount, allocated."""
    page = entry(entryApprovedAmount=float(gross), allocation=list(allocations), **more)
    document_in(page)["report"]["totalApprovedAmount"] = float(gross)
    return page


def test_the_head_of_a_report_is_kept_with_its_approval_and_dates() -> None:
    page = page_of("2.3-report")
    document_in(page)["report"] |= {"reportNumber": "W4JPAB", "lastApproverId": "someone"}

    found = report(page)

    assert (found.id, found.number) == ("c24e213de1514b21a403aac205e51ec4", "W4JPAB")
    assert (found.employee, found.currency, found.home_country) == ("24340", "CAD", "CA")
    assert (found.legal_entity, found.cost_centre) == ("4500", "70-AUT")
    assert found.report_date == date(2019, 7, 4)
    assert found.changed_at == datetime(2019, 7, 4, 7, 10, 15, 167000, UTC)
    assert found.approval is not None
    assert (found.approval.approver, found.approval.revision) == ("someone", "1")
    assert found.total is not None
    assert found.total.amount == Decimal(100)


def test_a_report_without_a_number_goes_by_its_id() -> None:
    assert report(page_of()).number == "473498AF26AE45A094A6"


@pytest.mark.parametrize(
    ("status", "approved"),
    [("READY", True), ("ACKNOWLEDGED", True), (None, True), ("RECALLED", False), ("VOID", False)],
)
def test_a_document_stands_until_it_is_recalled(status: str | None, approved: bool) -> None:
    page = page_of()
    page["fIDocuments"][0]["docStatus"] = status

    record = read(page)

    assert record.approved is approved
    assert record.record is not None
    assert (record.record.approval is not None) is approved


def test_a_document_as_text_reads_as_the_same_document() -> None:
    page = page_of("2.3-report")
    page["fIDocuments"][0]["document"] = json.dumps(document_in(page))

    assert report(page) == report(page_of("2.3-report"))


def test_members_that_are_unknown_or_null_make_no_difference() -> None:
    page = entry(
        somethingNew={"deep": [1]}, cardTransactionID=None, mileage=None, entryVendorCode=5
    )

    assert report(page) == report(page_of())


def test_amounts_that_are_spelt_differently_are_the_same_revision() -> None:
    text = case("1.3-report").page
    assert b"24.3" in text

    (spelt,) = source_records(text.replace(b"24.3", b"24.300"), HERE)

    assert spelt.record is not None
    assert spelt.record.financial_hash == report(page_of()).financial_hash


@pytest.mark.parametrize(
    ("payer", "payee", "gross", "paid_by", "owed_to"),
    [
        ("COMP", "EMPL", "24.30", PaidBy.EMPLOYEE, Owed.EMPLOYEE),
        ("COMP", "IBIP", "24.30", PaidBy.INDIVIDUAL_CARD, Owed.EMPLOYEE),
        ("COMP", "IBCP", "24.30", PaidBy.INDIVIDUAL_CARD, Owed.CARD_ISSUER),
        ("COMP", "CBCP", "24.30", PaidBy.COMPANY_CARD, Owed.CARD_ISSUER),
        ("COMP", "COPD", "24.30", PaidBy.VENDOR, Owed.EMPLOYEE),
        ("EMPL", "COMP", "-24.30", PaidBy.EMPLOYEE, Owed.EMPLOYEE),
        ("CBCP", "COMP", "-24.30", PaidBy.COMPANY_CARD, Owed.CARD_ISSUER),
        # A refund comes back from whoever was paid, which was not the employee.
        ("COPD", "COMP", "-24.30", PaidBy.VENDOR, Owed.CARD_ISSUER),
    ],
)
def test_the_journal_says_how_it_was_paid_and_whom_the_company_owes(
    payer: str, payee: str, gross: str, paid_by: PaidBy, owed_to: Owed
) -> None:
    found = item(booked(gross, allocation(journal(payee, gross, payer))))

    assert (found.paid_by, found.owed_to) == (paid_by, owed_to)
    assert found.amount.amount == Decimal(gross)


def test_an_individual_card_that_the_employee_settles_is_told_by_its_payment_code() -> None:
    page = booked("24.30", allocation(journal("EMPL", "24.30")), reportEntryPatKey="IBIP")

    assert item(page).paid_by is PaidBy.INDIVIDUAL_CARD


def test_what_company_paid_means_is_the_tenants_to_say() -> None:
    page = booked("24.30", allocation(journal("COPD", "24.30")))

    assert item(page, Reading("concur", company_paid=Owed.VENDOR)).owed_to is Owed.VENDOR


def test_a_personal_cost_has_the_amount_that_the_company_pays_and_nothing_approved() -> None:
    rows = (journal("CBCP", "14.00"), journal("COMP", "-14.00", "EMPL"))

    found = item(booked("0", allocation(*rows), entryIsPersonal="Y"))

    assert (found.amount.amount, found.approved.amount) == (Decimal(14), Decimal(0))
    assert (found.personal, found.owed_to) == (True, Owed.CARD_ISSUER)


def test_a_personal_cost_that_the_employee_paid_has_no_third_party() -> None:
    found = item(booked("0", entryIsPersonal="Y"))

    assert (found.amount.amount, found.owed_to) == (Decimal(0), Owed.EMPLOYEE)
    assert not found.allocations


def test_rows_of_one_party_and_account_are_one_allocation_and_others_one_each() -> None:
    rows = (
        journal("EMPL", "5.00", journalAccountCode="105"),
        journal("IBCP", "14.00", journalAccountCode="105"),
        journal("EMPL", "16.00", journalAccountCode="105"),
        journal("EMPL", "1.00", journalAccountCode="106"),
    )

    found = item(booked("36.00", allocation(*rows)))

    assert [(one.id, one.account, one.owed_to, str(one.gross.amount if one.gross else None))
            for one in found.allocations] == [
        ("a", "105", None, "21.00"),
        ("a.2", "105", Owed.CARD_ISSUER, "14.00"),
        ("a.3", "106", None, "1.00"),
    ]  # fmt: skip


def test_the_tax_of_an_allocation_that_two_are_paid_for_is_split_with_it() -> None:
    rows = (
        journal("EMPL", "79.33", amountNetOfTax=66.66),
        journal("IBCP", "39.67", amountNetOfTax=33.34),
    )
    tax = {"amountTax": 19, "amountReclaim": 9.5, "locationCountryCode": "DE"}

    found = item(booked("119.00", allocation(*rows, tax=[tax])))

    split = [one.taxes[0] for one in found.allocations]
    assert [str(one.amount.amount) for one in split] == ["12.67", "6.33"]
    assert [str(one.reclaimable.amount) for one in split if one.reclaimable] == ["6.34", "3.16"]


def test_cost_objects_come_from_the_allocation_then_the_entry_then_the_report() -> None:
    page = booked(
        "24.30",
        allocation(journal("EMPL", "24.30"), allocationCustom2Code="DE01"),
        entryOrgUnit2Code="UK01",
        entryOrgUnit4Code="CC-200",
        entryOrgUnit5Code=None,
    )
    document_in(page)["report"] |= {"reportOrgUnit5Code": "P-1", "reportOrgUnit4Code": "CC-100"}
    document_in(page)["employee"]["employeeOrgUnit4Code"] = "CC-999"

    (found,) = item(page).allocations

    assert (found.legal_entity, found.cost_centre, found.project) == ("DE01", "CC-200", "P-1")


def test_which_field_means_what_is_the_tenants_to_say() -> None:
    page = booked("24.30", allocation(journal("EMPL", "24.30"), allocationCustom7Code="CC-7"))

    (found,) = item(page, Reading("concur", cost_centre_field=7)).allocations

    assert found.cost_centre == "CC-7"


@pytest.mark.parametrize(
    ("code", "has_receipt", "tax_receipt"),
    [("T", True, True), ("R", True, False), ("N", False, False), (None, False, False)],
)
def test_a_receipt_proves_tax_only_if_it_is_a_tax_receipt(
    code: str | None, has_receipt: bool, tax_receipt: bool
) -> None:
    found = item(entry(entryReceiptType=code))

    assert (found.has_receipt, found.tax_receipt) == (has_receipt, tax_receipt)


def test_receipts_are_kept_by_the_ids_under_which_concur_hands_them_out() -> None:
    found = item(entry(entryReceiptId="IMG1", entryElectronicReceiptId="E1"))

    assert [one.id for one in found.receipts] == ["IMG1", "E1"]


def test_foreign_money_keeps_its_rate_and_direction_to_ten_places() -> None:
    found = item(
        entry(
            entryCurrAlphaCode="EUR",
            reportEntryTransactionAmount=24,
            entryExchangeRate=1.01814882032668,
            entryExchangeRateDirection="D",
        )
    )

    assert (str(found.transaction.amount), found.transaction.currency) == ("24.00", "EUR")
    assert (found.exchange_rate, found.exchange_direction) == (Decimal("1.0181488203"), "divide")


def test_a_card_counts_with_what_its_feed_settled_for_this_entry_of_the_charge() -> None:
    split = next(one for one in report(page_of("6.2.3-report")).items if not one.personal)

    assert split.settled is not None
    assert (str(split.settled.amount), split.settled.currency) == ("700.00", "USD")


def test_a_distance_is_what_was_driven_for_the_firm_in_the_tenants_unit() -> None:
    driven = {"totalDistance": 60, "personalDistance": 12.5}

    assert item(entry(mileage=driven)).mileage == Mileage(distance=Decimal("47.5"), unit="mi")
    in_km = Reading("concur", distance_unit="km")
    assert item(entry(mileage=driven), in_km).mileage == Mileage(
        distance=Decimal("47.5"), unit="km"
    )


def test_an_allowance_is_told_by_its_expense_type_and_its_place() -> None:
    page = entry(expenseTypeCode="PERDM", entryLocationName="Berlin")

    found = item(page, Reading("concur", per_diem_types=frozenset({"PERDM"})))

    assert found.per_diem is not None
    assert found.per_diem.place == "Berlin"
    assert item(page).per_diem is None


@pytest.mark.parametrize(
    ("rows", "returned", "expected"),
    [
        ([-245, -55], 0, [(AdvanceStep.APPLIED, "300.00")]),
        ([-85, -245], 85, [(AdvanceStep.RETURNED, "85.00"), (AdvanceStep.APPLIED, "245.00")]),
        ([-100], 40, [(AdvanceStep.RETURNED, "40.00"), (AdvanceStep.APPLIED, "60.00")]),
        ([-30, -30], 50, [(AdvanceStep.RETURNED, "50.00"), (AdvanceStep.APPLIED, "10.00")]),
        ([-50], None, [(AdvanceStep.APPLIED, "50.00")]),
    ],
)
def test_what_a_report_uses_of_an_advance_is_told_from_what_is_returned(
    rows: list[int], returned: int | None, expected: list[tuple[AdvanceStep, str]]
) -> None:
    page = page_of()
    document_in(page)["report"]["cashAdvanceReturnsAmount"] = returned
    document_in(page)["cashAdvanceApplication"] = [
        {
            "cashAdvanceId": "adv",
            "cashAdvanceApplicationAmount": amount,
            "cashAdvanceTransactionType": 2,
        }
        for amount in rows
    ]

    found = report(page).advances

    assert [(one.step, str(one.amount.amount)) for one in found] == expected


@pytest.mark.parametrize(
    ("kind", "amount", "step"),
    [(1, 50, AdvanceStep.ISSUED), (1, -50, AdvanceStep.RETURNED), (3, -50, AdvanceStep.APPLIED),
     (3, 50, AdvanceStep.ISSUED)],
)  # fmt: skip
def test_other_kinds_of_advance_transaction_go_by_their_sign(
    kind: int, amount: int, step: AdvanceStep
) -> None:
    page = page_of()
    document_in(page)["cashAdvanceApplication"] = [
        {
            "cashAdvanceId": "adv",
            "cashAdvanceApplicationAmount": amount,
            "cashAdvanceTransactionType": kind,
        }
    ]

    (found,) = report(page).advances

    assert (found.step, str(found.amount.amount)) == (step, "50.00")


@pytest.mark.parametrize(
    ("changes", "step", "owed_to"),
    [
        ({}, AdvanceStep.ISSUED, Owed.EMPLOYEE),
        ({"debitOrCredit": "CR", "payer": "EMPL", "payee": "COMP"}, AdvanceStep.RETURNED,
         Owed.EMPLOYEE),
        ({"payee": "CBCP"}, AdvanceStep.ISSUED, Owed.CARD_ISSUER),
    ],
)  # fmt: skip
def test_a_cash_advance_is_a_document_without_items(
    changes: dict[str, str], step: AdvanceStep, owed_to: Owed
) -> None:
    page = page_of("5.1.1-advance")
    document_in(page)["journalData"][0] |= changes

    found = report(page)

    assert found.items == ()
    assert [(one.step, one.owed_to, str(one.amount.amount)) for one in found.advances] == [
        (step, owed_to, "7000.00")
    ]
    assert found.number == "E2A086D30B88AE4683BC48ADE47B8116"


def _drop(*path: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        inner: Any = document
        for name in path[:-1]:
            inner = inner[0][name] if isinstance(inner, list) else inner[name]
        (inner[0] if isinstance(inner, list) else inner).pop(path[-1])

    return change


def _put(value: Any, *path: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        inner: Any = document
        for name in path[:-1]:
            inner = inner[0][name] if isinstance(inner, list) else inner[name]
        (inner[0] if isinstance(inner, list) else inner)[path[-1]] = value

    return change


ENTRY = "expenseEntry"
JOURNAL = (ENTRY, "allocation", "journal")
TROUBLES: dict[str, tuple[Change, str]] = {
    "no employee": (_drop("employee"), "employee"),
    "no currency": (_drop("report", "employeeCurrencyAlphaCode"), "employeeCurrencyAlphaCode"),
    "a currency that is none": (_put("Euro", "report", "employeeCurrencyAlphaCode"), "currency"),
    "no approved amount": (_drop(ENTRY, "entryApprovedAmount"), "entryApprovedAmount"),
    "an amount in text": (_put("24.30", ENTRY, "entryApprovedAmount"), "not a number"),
    "an amount that is true": (_put(True, ENTRY, "entryApprovedAmount"), "not a number"),
    "too many decimals": (_put(24.305, ENTRY, "entryApprovedAmount"), "at most 2 decimals"),
    "not known whether personal": (_drop(ENTRY, "entryIsPersonal"), "entryIsPersonal"),
    "a flag of another kind": (_put(1, ENTRY, "entryIsPersonal"), "neither Y nor N"),
    "no date": (_drop(ENTRY, "entryDate"), "entryDate"),
    "a date before our time": (_put("1970-01-01T00:00:00.000Z", ENTRY, "entryDate"), "2000"),
    "a direction of another kind": (_put("X", ENTRY, "entryExchangeRateDirection"), "neither M"),
    "no journal": (_put([], *JOURNAL), "journal"),
    "a party that is not known": (_put("XXXX", *JOURNAL, "journalPayee"), "not known"),
    "a row between others": (_put("IBCP", *JOURNAL, "journalPayer"), "not between"),
    "a row with itself": (_put("COMP", *JOURNAL, "journalPayee"), "not between"),
    "money back above nothing": (
        lambda document: (
            _put("EMPL", *JOURNAL, "journalPayer")(document),
            _put("COMP", *JOURNAL, "journalPayee")(document),
        )[0],
        "below nothing",
    ),
    "a share beyond all": (_put(101, ENTRY, "allocation", "allocationPercentage"), "share"),
    "more returned than advanced": (
        _put(10, "report", "cashAdvanceReturnsAmount"), "more is returned",
    ),
    "an advance of another kind": (
        _put(
            [{"cashAdvanceId": "a", "cashAdvanceApplicationAmount": -5,
              "cashAdvanceTransactionType": 9}],
            "cashAdvanceApplication",
        ),
        "cashAdvanceTransactionType",
    ),
    "a country that is none": (_put("Germany", ENTRY, "entryCountryCode"), "country"),
    "a distance below nothing": (_put({"totalDistance": -1}, ENTRY, "mileage"), "distance"),
}  # fmt: skip


@pytest.mark.parametrize("name", TROUBLES)
def test_what_cannot_be_understood_is_said_by_its_member_and_keeps_its_id(name: str) -> None:
    change, said = TROUBLES[name]
    page = page_of()
    change(document_in(page))

    record = read(page)

    assert record.record is None
    assert said in (record.trouble or "")
    assert record.source_id == page["fIDocuments"][0]["id"]


def test_a_personal_cost_whose_two_sides_differ_is_for_a_person() -> None:
    rows = (journal("CBCP", "14.00"), journal("COMP", "-9.00", "EMPL"))

    record = read(booked("0", allocation(*rows), entryIsPersonal="Y"))

    assert "two sides" in (record.trouble or "")


def test_no_trouble_repeats_what_a_person_wrote() -> None:
    page = entry(entryDescription=["dinner with Jo"], entryVendorDescription={"name": "Jo's"})

    trouble = read(page).trouble or ""

    assert trouble
    assert "Jo" not in trouble


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for name, one in value.items():
            found += _paths(one, (*path, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            found += _paths(one, (*path, number))
    return found


POISON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.sampled_from([0.001, 1e300, float("nan"), float("inf")]),
    st.text(max_size=5),
    st.sampled_from(["\x00", "\ud800", "Y", "COMP", "2019-01-01", "x" * 5000]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@settings(max_examples=300)
@given(st.sampled_from(range(len(cases()))), st.data())
def test_no_document_however_spoilt_raises_and_what_is_read_balances(
    number: int, data: st.DataObject
) -> None:
    page = json.loads(cases()[number].page)
    path = data.draw(st.sampled_from(_paths(page["fIDocuments"])))
    inner: Any = page["fIDocuments"]
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = data.draw(POISON)

    for record in source_records(json.dumps(page).encode(), HERE):
        assert (record.record is None) is (record.trouble is not None)
        if record.record is not None:
            posting = post_report(record.record, ExpensePolicy())
            assert sum(one.amount.amount for one in posting.lines) == 0


def test_a_page_of_nothing_that_we_know_is_refused() -> None:
    with pytest.raises(ValueError, match="content"):
        raw_documents(b'{"somethingElse": []}')


# What SAP's page of use cases shows beside the documents that it publishes: 2.4, 2.5, 4.1, 6.1.7.


def test_a_partly_deductible_tax_is_shown_in_two_rows() -> None:
    row = journal("EMPL", "55.00", amountNetOfTax=48.68, amountNetOfReclaim=51.84)
    tax = {"amountTax": 6.32, "amountReclaim": 3.16, "locationCountryCode": "US"}

    rows = our_rows(post_report(report(booked("55", allocation(row, tax=[tax]))), ExpensePolicy()))

    assert [(one.label, str(one.amount)) for one in rows][1:] == [
        ("VAT", "3.16"),
        ("Non-deductible VAT Expense", "3.16"),
        ("Employee Vendor", "-55.00"),
    ]


def test_several_taxes_that_are_all_partly_deductible_are_shown_by_what_is_deductible() -> None:
    row = journal("EMPL", "55.00", amountNetOfTax=48.68, amountNetOfReclaim=51.84)
    taxes = [
        {"amountTax": 2.43, "amountReclaim": 1.22, "locationCountryCode": "US"},
        {"amountTax": 3.89, "amountReclaim": 1.94, "locationCountryCode": "US"},
    ]

    rows = our_rows(post_report(report(booked("55", allocation(row, tax=taxes))), ExpensePolicy()))

    assert [(one.label, str(one.amount)) for one in rows][1:] == [
        ("VAT", "3.16"),
        ("Non-deductible VAT Expense", "3.16"),
        ("Employee Vendor", "-55.00"),
    ]


def test_a_foreign_tax_that_is_not_claimed_stays_within_its_cost() -> None:
    row = journal("CBCP", "60.24", amountNetOfTax=50.20, amountNetOfReclaim=60.24)
    tax = {"amountTax": 10.04, "amountReclaim": 0, "locationCountryCode": "US"}
    page = booked("60.24", allocation(row, tax=[tax]), expenseTypeName="Room Rate")
    document_in(page)["report"]["homeCountryCode"] = "GB"

    rows = our_rows(post_report(report(page), ExpensePolicy()))

    assert list(rows) == [
        Row("Room Rate", Decimal("60.24"), "USD"),
        Row("Credit Card Vendor", Decimal("-60.24"), "USD"),
    ]


def test_a_cost_that_two_cost_centres_share_has_a_row_for_each() -> None:
    halves = [
        allocation(
            journal("EMPL", "12.50"),
            allocationId=name,
            allocationPercentage=50,
            allocationCustom4Code=centre,
        )
        for name, centre in (("a1", "0021-Bellevue1"), ("a2", "TOP"))
    ]

    posting = post_report(report(booked("25", *halves)), ExpensePolicy())

    assert [(one.cost_centre, str(one.amount.amount)) for one in posting.lines] == [
        ("0021-Bellevue1", "12.50"),
        ("TOP", "12.50"),
        (None, "-25.00"),
    ]
