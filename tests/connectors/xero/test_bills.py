"""Expense reports as Xero's bills: taxes to the cent, credit notes, and what is taken back."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.attestation import agrees
from canonical.expense_document import Disbursement, ExpenseDocumentLine, ExpenseRole
from canonical.posting import Executed, PostedDocument, PostingIntent
from connectors.base.errors import OutcomeUnknownError, RejectedError
from connectors.xero import Xero
from connectors.xero.simulated_ledger import pay
from tests.connectors.xero.firm import CARD, CENTRES, MEALS, PEOPLE, TRAVEL
from tests.connectors.xero.world import BillWorld, ReversalWorld

NON_RECOVERABLE, RECEIVABLE = ExpenseRole.TAX_NON_RECOVERABLE, ExpenseRole.EMPLOYEE_RECEIVABLE


async def booked(xero: Xero, intent: PostingIntent) -> PostedDocument:
    [outcome] = await xero.post([intent], {})
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    return outcome.document


async def agreeing(world: BillWorld, intent: PostingIntent) -> dict[str, Any]:
    """Post, see that Xero shows just that, in the answer and in a look-up; gives the record."""
    xero = world.connect()
    document = await booked(xero, intent)
    assert agrees(intent, document), document
    assert (await xero.find([intent]))[intent.reference] == (document,)
    return world.record(document.document_id)


async def test_a_tax_goes_with_the_cost_that_it_is_due_on(bills: BillWorld) -> None:
    report = bills.report(bills.cost("100.00"), bills.tax("19.00", "100.00"))
    record = await agreeing(bills, report)
    header, line = record["LineItems"]
    assert "AccountCode" not in header
    assert (line["TaxType"], line["TaxAmount"]) == ("INPUT2", Decimal("19.00"))
    assert (record["SubTotal"], record["Total"]) == (Decimal("100.00"), Decimal("119.00"))


async def test_a_tax_on_another_base_comes_to_nothing_but_itself(bills: BillWorld) -> None:
    lines = (
        bills.cost("119.00"),
        bills.cost("9.50", role=NON_RECOVERABLE, account=MEALS, label="not reclaimed"),
        bills.tax("9.50", "50.00"),
    )
    record = await agreeing(bills, bills.report(*lines))
    assert record["Total"] == Decimal("138.00")
    assert record["SubTotal"] == Decimal("128.50")
    taxed = [line for line in record["LineItems"] if line.get("TaxType") == "INPUT2"]
    assert [(line["LineAmount"], line["TaxAmount"]) for line in taxed] == [
        (Decimal("50.00"), Decimal("9.50"))
    ]


async def test_two_taxes_of_one_cost_are_both_kept(bills: BillWorld) -> None:
    taxes = (bills.tax("19.00", "100.00"), bills.tax("7.00", "100.00", label="another"))
    record = await agreeing(bills, bills.report(bills.cost("100.00"), *taxes))
    assert record["TotalTax"] == Decimal("26.00")


async def test_what_the_employee_owes_is_a_credit_note(bills: BillWorld) -> None:
    lines = (bills.cost("20.00"), bills.cost("-50.00", role=ExpenseRole.ADVANCE, account=CARD))
    record = await agreeing(bills, bills.report(*lines))
    assert record["Type"] == "ACCPAYCREDIT"
    assert record["RemainingCredit"] == Decimal("30.00")


async def test_a_report_that_comes_to_nothing_is_a_bill_that_is_paid(bills: BillWorld) -> None:
    lines = (bills.cost("50.00"), bills.cost("-50.00", role=ExpenseRole.CARD_CLEARING))
    record = await agreeing(bills, bills.report(*lines))
    assert (record["Type"], record["Status"]) == ("ACCPAY", "PAID")


async def test_amounts_of_a_currency_without_coins_stay_whole(bills: BillWorld) -> None:
    record = await agreeing(bills, bills.report(bills.cost("12345"), currency="JPY"))
    assert record["CurrencyCode"] == "JPY"


async def test_all_that_xero_has_no_field_for_stands_in_words(bills: BillWorld) -> None:
    passed_on = Disbursement(
        project="P-100",
        item="item; 1|2 [x]=%",
        incurred_date=date(2026, 3, 1),
        amount=Decimal("12.50"),
    )
    lines = (bills.cost("5.00", label="Taxi [night]; 20% more = yes", project=None),)
    report = bills.report(*lines, report_number="R 7/[8]; x=1", disbursements=(passed_on,))
    await agreeing(bills, report)


async def test_a_label_is_shown_to_people_as_it_is(bills: BillWorld) -> None:
    document = await booked(bills.connect(), bills.report(bills.cost("5.00", label="à la 日本 😀")))
    assert document.expense_document.lines[0].label == "à la 日本 😀"


async def test_a_cost_centre_that_is_dropped_without_a_word_shows(bills: BillWorld) -> None:
    report = bills.report(bills.cost("5.00", cost_centre="CC-900"))
    document = await booked(bills.connect(), report)
    assert document.expense_document.lines[0].cost_centre is None
    assert not agrees(report, document)


@pytest.mark.parametrize(
    ("report", "code"),
    [
        ({"account": "499"}, "account_archived"),
        ({"account": "090"}, "account_unfit"),
        ({"account": "4711"}, "account_unfit"),
    ],
)
async def test_an_account_that_takes_no_cost_is_named_by_its_code(
    bills: BillWorld, report: dict[str, Any], code: str
) -> None:
    with pytest.raises(RejectedError) as told:
        await bills.connect().post([bills.report(bills.cost("5.00", **report))], {})
    assert told.value.code == code
    assert report["account"] in str(told.value)


async def test_taxes_on_another_account_than_xeros_own_are_refused(bills: BillWorld) -> None:
    tax = bills.tax("19.00", "100.00", account="1576")
    with pytest.raises(RejectedError) as told:
        await bills.connect().post([bills.report(bills.cost("100.00"), tax)], {})
    assert told.value.code == "tax_account"
    assert bills.network.writes == []


async def test_a_locked_day_is_refused_with_a_code_of_its_own(bills: BillWorld) -> None:
    bills.xero.period_lock_date = date(2026, 3, 31)
    with pytest.raises(RejectedError) as told:
        await bills.connect().post([bills.report()], {})
    assert told.value.code == "period_locked"


async def test_what_stays_a_draft_is_removed_and_refused(bills: BillWorld) -> None:
    bills.misbehave(keeps_drafts=True)
    report = bills.report()
    with pytest.raises(RejectedError) as told:
        await bills.connect().post([report], {})
    assert told.value.code == "only_a_draft"
    [record] = bills.xero.documents["Invoices"].values()
    assert record["Status"] == "DELETED"
    assert await bills.connect().find([report]) == {}


async def test_a_draft_that_cannot_be_removed_is_left_to_a_look_up(bills: BillWorld) -> None:
    bills.misbehave(keeps_drafts=True, breaks_on='"Status":"DELETED"')
    with pytest.raises(OutcomeUnknownError):
        await bills.connect().post([bills.report()], {})


async def test_a_failure_that_is_there_to_stay_is_never_taken_for_a_refusal(
    bills: BillWorld,
) -> None:
    report = bills.report()
    bills.misbehave(breaks_on=report.reference, html_errors=True)
    for _ in range(3):
        with pytest.raises(OutcomeUnknownError) as told:
            await bills.connect().post([report], {})
        assert "<" not in str(told.value)
        assert "Kim" not in f"{told.value} {told.value.code}"
    assert await bills.connect().find([report]) == {}


async def test_a_key_that_has_expired_protects_nothing_and_both_documents_are_shown(
    bills: BillWorld,
) -> None:
    xero, report = bills.connect(), bills.report()
    first = await booked(xero, report)
    await bills.pass_time(360)
    second = await booked(xero, report)
    found = (await xero.find([report]))[report.reference]
    assert {each.document_id for each in found} == {first.document_id, second.document_id}
    swept = [each async for page in xero.documents_since(None) for each in page]
    assert [each.reference for each in swept] == [report.reference] * 2


async def test_a_key_within_its_life_is_sent_again_as_the_manifest_promises(
    bills: BillWorld,
) -> None:
    xero, report = bills.connect(), bills.report()
    first = await booked(xero, report)
    operation = xero.manifest.operation(report.kind)
    await bills.pass_time(operation.guard.ttl_seconds - 1)  # type: ignore[union-attr]
    assert await booked(xero, report) == first


class TestTakingBack:
    @pytest.fixture
    def reversals(self, made: Any) -> ReversalWorld:
        return made(ReversalWorld)

    async def test_a_report_is_taken_back_by_a_credit_note_that_settles_it(
        self, reversals: ReversalWorld
    ) -> None:
        lines = (reversals.cost("100.00"), reversals.tax("19.00", "100.00"))
        reversal = reversals.reversal(reversals.report(*lines))
        record = await agreeing(reversals, reversal)
        assert (record["Type"], record["Status"]) == ("ACCPAYCREDIT", "PAID")
        assert record["Date"] == reversal.period.posting_date
        original = reversals.record(reversal.corrects_document or "")
        assert (original["AmountDue"], original["AmountCredited"]) == (0, Decimal("119.00"))

    async def test_what_the_employee_owed_is_taken_back_by_a_bill(
        self, reversals: ReversalWorld
    ) -> None:
        report = reversals.report(reversals.cost("-30.00", role=RECEIVABLE, account=CARD))
        record = await agreeing(reversals, reversals.reversal(report))
        assert (record["Type"], record["Status"]) == ("ACCPAY", "PAID")

    async def test_what_is_paid_already_leaves_the_credit_note_open(
        self, reversals: ReversalWorld
    ) -> None:
        reversal = reversals.reversal(reversals.report(reversals.cost("100.00")))
        original = reversals.record(reversal.corrects_document or "")
        pay(reversals.xero, original["_id"], Decimal("60.00"), date(2026, 3, 20))
        record = await agreeing(reversals, reversal)
        assert record["RemainingCredit"] == Decimal("60.00")
        assert original["AmountDue"] == 0

    async def test_an_allocation_that_fails_costs_the_posting_nothing(
        self, reversals: ReversalWorld
    ) -> None:
        reversal = reversals.reversal(reversals.report(reversals.cost("100.00")))
        reversals.misbehave(breaks_on='{"Allocations"')
        record = await agreeing(reversals, reversal)
        assert record["RemainingCredit"] == Decimal("100.00")

    async def test_sending_a_reversal_again_allocates_nothing_twice(
        self, reversals: ReversalWorld
    ) -> None:
        reversal = reversals.reversal(reversals.report(reversals.cost("100.00")))
        xero = reversals.connect()
        first = await booked(xero, reversal)
        assert await booked(xero, reversal) == first
        assert len(reversals.record(first.document_id)["Allocations"]) == 1

    async def test_the_day_that_it_counts_on_is_not_the_reports(
        self, reversals: ReversalWorld
    ) -> None:
        reversal = reversals.reversal(reversals.report(), on=date(2026, 3, 31))
        document = await booked(reversals.connect(), reversal)
        reversals.record(document.document_id)["Date"] = date(2026, 3, 30)
        [moved] = (await reversals.connect().find([reversal]))[reversal.reference]
        assert moved.expense_document.posting_date == date(2026, 3, 30)
        assert not agrees(reversal, moved)

    async def test_only_what_carries_our_reference_is_taken_back(
        self, reversals: ReversalWorld
    ) -> None:
        reversal = reversals.reversal(reversals.report())
        foreign = await reversals.book_for_somebody_else()
        wrong = reversal.model_copy(update={"corrects_document": foreign})
        with pytest.raises(RejectedError) as told:
            await reversals.connect().post([wrong], {})
        assert told.value.code == "not_ours"
        assert reversals.network.writes == []


amounts = st.integers(-5_000_000, 5_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
words = st.text(min_size=1, max_size=40).filter(lambda text: text.strip())
codes = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
lines = st.builds(
    lambda role, amount, label, item, centre, project: ExpenseDocumentLine(
        role=role,
        account=CARD if role is ExpenseRole.CARD_CLEARING else TRAVEL,
        label=label,
        amount=amount,
        item=item,
        allocation="1",
        cost_centre=centre,
        project=project,
    ),
    st.sampled_from([ExpenseRole.EXPENSE, NON_RECOVERABLE, ExpenseRole.CARD_CLEARING]),
    amounts,
    words,
    codes,
    st.sampled_from([None, *CENTRES]),
    st.one_of(st.none(), codes),
)


@settings(max_examples=60, deadline=None)
@given(report=st.lists(lines, min_size=1, max_size=5), taxed=st.data(), number=codes)
async def test_whatever_a_report_says_is_read_back_as_it_was_sent(
    report: list[ExpenseDocumentLine], taxed: st.DataObject, number: str
) -> None:
    world = BillWorld()
    taxes = [
        world.tax(
            str(taxed.draw(amounts)),
            str(line.amount if taxed.draw(st.booleans()) else taxed.draw(amounts)),
            item=line.item,
            project=line.project,
            cost_centre=line.cost_centre,
        )
        for line in report
        if taxed.draw(st.booleans())
    ]
    intent = world.report(*report, *taxes, report_number=number, payee=PEOPLE[1])
    await agreeing(world, intent)
    assert world.spec.broken == []
