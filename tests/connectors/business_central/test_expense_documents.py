"""Expense reports in Business Central: whole, once, and taken back; whatever the answers do."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from canonical.expense_document import Disbursement, ExpenseRole
from canonical.posting import Executed, PostedDocument, PostingIntent, Unknown
from connectors.base.errors import (
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.business_central import BusinessCentral
from connectors.business_central.simulated_query import Record
from tests.connectors.business_central.document_world import (
    DAY,
    ExpenseWorld,
    cost,
    expense_line,
    input_tax,
)

LATER = date(2026, 4, 2)


@pytest.fixture
def world() -> Iterator[ExpenseWorld]:
    world = ExpenseWorld()
    yield world
    assert world.spec.broken == []


async def posted(erp: BusinessCentral, intent: PostingIntent) -> PostedDocument:
    [outcome] = await erp.post([intent], {})
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    return outcome.document


def only(world: ExpenseWorld, intent: PostingIntent) -> tuple[str, Record]:
    """The one document that there is of a reference, and of which kind it is."""
    [(entity, header)] = world.papers(intent.reference)
    return entity, header


async def refused(world: ExpenseWorld, intent: PostingIntent) -> RejectedError:
    """Post what is refused; nothing of it may be left."""
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert world.papers(intent.reference) == []
    assert not [name for name in world.private if name in str(told.value)]
    return told.value


async def test_a_report_is_a_purchase_invoice_that_reads_back_to_the_cent(
    world: ExpenseWorld,
) -> None:
    intent = world.expense(
        cost("84.03", project="P-100", allocation="2"),
        input_tax("15.97", "84.03"),
        expense_line(ExpenseRole.TAX_NON_RECOVERABLE, "0.07"),
        expense_line(ExpenseRole.CARD_CLEARING, "-50.00"),
        disbursements=(
            Disbursement(project="P-100", item="11", incurred_date=DAY, amount=Decimal("84.03")),
        ),
    )
    document = await posted(world.connect(), intent)
    assert document.body == intent.body
    entity, header = only(world, intent)
    assert (entity, header["status"]) == ("purchaseInvoices", "Open")
    assert header["totalAmountIncludingTax"] == Decimal("50.07")
    entries = {
        row["accountNumber"]: row["debitAmount"] - row["creditAmount"]
        for row in world.company.rows("generalLedgerEntries")
    }
    assert entries == {
        "6600": Decimal("84.03"),
        "1570": Decimal("15.97"),
        "6695": Decimal("0.07"),
        "1590": Decimal("-50.00"),
    }


@pytest.mark.parametrize(
    ("amounts", "entity"),
    [
        (("10.00", "-10.00"), "purchaseInvoices"),
        (("10.00", "-30.00"), "purchaseCreditMemos"),
        (("0.00", "0.01"), "purchaseInvoices"),
    ],
)
async def test_a_report_that_is_owed_to_the_company_is_a_credit_memo(
    world: ExpenseWorld, amounts: tuple[str, ...], entity: str
) -> None:
    intent = world.expense(*(cost(amount) for amount in amounts))
    document = await posted(world.connect(), intent)
    assert document.body == intent.body
    assert only(world, intent)[0] == entity


async def test_cost_centres_and_projects_are_dimensions_of_their_lines(
    world: ExpenseWorld,
) -> None:
    intent = world.expense(cost("1.00", project="P-200"), cost("2.00", cost_centre="CC-200"))
    document = await posted(world.connect(project_dimension="PROJECT"), intent)
    assert document.body == intent.body
    set_on = {(row["code"], row["valueCode"]) for row in world.company.rows("dimensionSetLines")}
    assert set_on == {("DEPARTMENT", "CC-100"), ("DEPARTMENT", "CC-200"), ("PROJECT", "P-200")}


async def test_a_default_cost_centre_of_the_erp_gives_way_to_the_line_s_own(
    world: ExpenseWorld,
) -> None:
    world.company.facts["default_dimensions"] = {"DEPARTMENT": "CC-200"}
    intent = world.expense(cost("1.00"), cost("2.00", cost_centre="CC-200"))
    assert (await posted(world.connect(), intent)).body == intent.body
    without = world.expense(cost("1.00", cost_centre=None))
    assert (await refused(world, without)).code == "draft_differs"


@pytest.mark.parametrize("aim", ["/purchaseInvoices", "/$batch"])
@pytest.mark.parametrize("trouble", ["lost", "500", "held"])
async def test_no_answer_to_a_draft_has_booked_nothing_and_the_next_attempt_books_once(
    world: ExpenseWorld, aim: str, trouble: str
) -> None:
    intent, erp = world.intent(), world.connect()
    world.aim = aim
    match trouble:
        case "lost":
            world.network.lose_next_write()
        case "held":
            world.network.hold_next_write()
        case _:
            world.network.answer_next_write(500, carried_out=True)
    with pytest.raises(TransientError):
        await erp.post([intent], {})
    assert await world.held(intent.reference) == []
    document = await posted(erp, intent)
    await world.network.release()
    assert document.body == intent.body
    assert await world.held(intent.reference) == [document.document_id]


async def test_a_lost_answer_to_posting_is_settled_by_a_look(world: ExpenseWorld) -> None:
    intent = world.intent()
    world.network.lose_next_write()
    document = await posted(world.connect(), intent)
    assert await world.held(intent.reference) == [document.document_id]
    assert len(world.network.writes) == 1


async def test_posting_that_is_under_way_is_unknown_and_never_posted_beside(
    world: ExpenseWorld,
) -> None:
    intent, erp = world.intent(), world.connect()
    world.network.hold_next_write()
    with pytest.raises(OutcomeUnknownError):
        await erp.post([intent], {})
    document = await posted(world.connect(), intent)
    await world.network.release()
    assert await world.held(intent.reference) == [document.document_id]


async def test_an_answer_in_html_proves_nothing(world: ExpenseWorld) -> None:
    intent = world.intent()
    html = b"<html><body>The service is unavailable.</body></html>"
    world.network.answer_next_write(503, body=html, carried_out=False)
    with pytest.raises(OutcomeUnknownError):
        await world.connect().post([intent], {})
    assert await world.held(intent.reference) == []


async def test_a_failure_that_stays_is_never_a_refusal_and_leaves_one_draft_at_most(
    world: ExpenseWorld,
) -> None:
    intent, erp = world.intent(), world.connect()
    for _ in range(3):
        world.network.answer_next_write(500, carried_out=False)
        with pytest.raises(OutcomeUnknownError):
            await erp.post([intent], {})
    assert len(await world.drafts(intent.reference)) == 1
    await posted(erp, intent)


async def test_throttled_before_posting_waits_and_uses_the_draft_that_is_there(
    world: ExpenseWorld,
) -> None:
    intent = world.intent()
    world.network.answer_next_write(429, {"Retry-After": "30"}, carried_out=False)
    with pytest.raises(TransientError) as told:
        await world.connect().post([intent], {})
    assert told.value.retry_after_seconds == 30
    [draft] = await world.drafts(intent.reference)
    assert (await posted(world.connect(), intent)).document_id == draft


async def test_what_was_posted_and_not_seen_since_is_unknown(world: ExpenseWorld) -> None:
    intent = world.intent()
    world.network.break_after_next_write(requests=1_000)
    with pytest.raises(OutcomeUnknownError):
        await world.connect().post([intent], {})
    assert len(await world.held(intent.reference)) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"posting_date": date(2025, 12, 30)}, "period_closed"),
        ({"payee": "11111111-1111-1111-1111-111111111111"}, "vendor_unknown"),
        ({"payee": "Kim"}, "payee_unknown"),
        ({"currency": "CHF"}, "currency_unknown"),
        ({"lines": (cost("1.00", account="4711"),)}, "account_unknown"),
        ({"lines": (cost("1.00", cost_centre="CC-999"),)}, "dimension_value_unknown"),
        ({"lines": (cost("1.00", tax="VAT-OF-MARS"),)}, "not_in_related_table"),
    ],
)
async def test_a_refusal_has_a_code_by_its_cause_and_leaves_nothing(
    world: ExpenseWorld, change: dict[str, object], code: str
) -> None:
    assert (await refused(world, world.expense(**change))).code == code


async def test_a_blocked_vendor_is_refused_without_naming_anybody(world: ExpenseWorld) -> None:
    for vendor in world.company.rows("vendors"):
        vendor["blocked"] = "All"
    assert (await refused(world, world.intent())).code == "refused"


async def test_a_document_with_more_lines_than_a_request_may_take_is_refused(
    world: ExpenseWorld,
) -> None:
    intent = world.expense(*(cost("1.00") for _ in range(501)))
    assert (await refused(world, intent)).code == "too_many_lines"


@pytest.mark.parametrize("reference", ["{}A", "X{}", "R-2026-0042"])
async def test_a_reference_that_would_not_be_found_again_is_never_sent(
    world: ExpenseWorld, reference: str
) -> None:
    intent = world.intent()
    other = intent.model_copy(update={"reference": reference.format(intent.reference)})
    assert (await refused(world, other)).code == "reference_unfit"
    assert world.network.requests == []


@pytest.mark.parametrize("dropped", ["taxCode", "postingDate", "quantity", "currencyCode"])
async def test_what_the_erp_drops_silently_is_refused_before_it_counts(
    world: ExpenseWorld, dropped: str
) -> None:
    world.company.dropped = frozenset({dropped})
    intent = world.expense(posting_date=LATER, currency="USD")
    error = await refused(world, intent)
    assert error.code in ("draft_differs", "nothing_to_post")


async def test_what_the_erp_sets_by_itself_when_it_posts_is_shown_as_it_is(
    world: ExpenseWorld,
) -> None:
    world.company.facts["set_on_posting"] = {"postingDate": LATER.isoformat()}
    intent = world.intent()
    document = await posted(world.connect(), intent)
    assert document.expense_document.posting_date == LATER
    assert document.body != intent.body


async def test_a_draft_under_review_is_left_to_those_who_review_it(world: ExpenseWorld) -> None:
    intent = world.intent()
    await world.draft(intent)
    _, header = only(world, intent)
    header["status"] = "In Review"
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert told.value.code == "in_review"
    assert only(world, intent)[1] is header


async def test_a_draft_that_a_person_changed_is_replaced_and_not_posted(
    world: ExpenseWorld,
) -> None:
    intent = world.intent()
    spoiled = await world.draft(intent)
    header = only(world, intent)[1]
    [line, *_] = world.company.rows("purchaseInvoiceLines", documentId=header["id"])
    line["amountIncludingTax"] = Decimal("1.00")
    document = await posted(world.connect(), intent)
    assert document.document_id != spoiled
    assert document.body == intent.body
    assert len(world.papers(intent.reference)) == 1


async def test_two_documents_of_one_reference_are_shown_and_neither_is_taken(
    world: ExpenseWorld,
) -> None:
    intent = world.intent()
    await world.book(intent)
    header = only(world, intent)[1]
    world.company.insert("purchaseInvoices", {**header, "id": None})
    [outcome] = await world.connect().post([intent], {})
    assert isinstance(outcome, Unknown)
    assert outcome.code == "several_documents"


async def test_a_reversal_is_a_credit_memo_on_the_invoice_and_reads_like_it(
    world: ExpenseWorld,
) -> None:
    erp, intent = world.connect(), world.intent()
    original = await posted(erp, intent)
    reversal = world.reversal(intent, original.document_id, posting_date=LATER)
    document = await posted(erp, reversal)
    assert document.body == intent.body
    entity, memo = only(world, reversal)
    assert (entity, memo["postingDate"]) == ("purchaseCreditMemos", LATER.isoformat())
    assert memo["invoiceId"] == original.document_id.rpartition("/")[2]
    net = sum(
        row["debitAmount"] - row["creditAmount"]
        for row in world.company.rows("generalLedgerEntries")
    )
    assert net == 0
    assert (await erp.find([reversal]))[reversal.reference] == (document,)
    assert (await posted(erp, reversal)).document_id == document.document_id


async def test_what_the_company_was_owed_is_taken_back_by_an_invoice(world: ExpenseWorld) -> None:
    erp, intent = world.connect(), world.expense(cost("-30.00"))
    original = await posted(erp, intent)
    reversal = world.reversal(intent, original.document_id)
    assert (await posted(erp, reversal)).body == intent.body
    assert only(world, reversal)[0] == "purchaseInvoices"


async def test_documents_are_listed_by_change_and_by_posting_date(world: ExpenseWorld) -> None:
    erp = world.connect(page_size=2)
    intents = [world.expense(cost(f"{n}.00")) for n in range(1, 6)]
    ids = {(await posted(erp, intent)).document_id for intent in intents}
    world.company.insert("purchaseInvoices", {"vendorInvoiceNumber": "LIDL-1", "status": "Open"})
    before, after = (datetime.now(UTC) + timedelta(hours=n) for n in (-1, 1))
    assert {one.document_id async for page in erp.documents_since(before) for one in page} == ids
    assert [one async for page in erp.documents_since(after) for one in page] == []
    entity = world.company.id
    within = erp.documents_between(entity, DAY, DAY)
    assert {one.document_id async for page in within for one in page} == ids
    without = erp.documents_between(entity, LATER, LATER)
    assert [one async for page in without for one in page] == []


async def test_only_drafts_of_ours_that_have_not_moved_are_strays(world: ExpenseWorld) -> None:
    intent, fresh = world.intent(), world.intent()
    await world.draft(intent)
    border = datetime.now(UTC) + timedelta(seconds=30)
    world.pass_time(60)
    await world.draft(fresh)
    theirs = world.company.insert(
        "purchaseInvoices", {"vendorInvoiceNumber": "2026-0815", "status": "Draft"}
    )
    assert await world.connect().remove_stray_drafts(border) == 1
    assert await world.drafts(intent.reference) == []
    assert len(await world.drafts(fresh.reference)) == 1
    assert world.company.get("purchaseInvoices", theirs["id"]) is theirs


async def test_a_document_that_cannot_be_read_is_an_error_to_a_look_up_and_not_absent(
    world: ExpenseWorld,
) -> None:
    intent = world.intent()
    await world.book(intent)
    world.spec.tolerant = True
    only(world, intent)[1]["totalAmountIncludingTax"] = "much"
    with pytest.raises(ConnectorError):
        await world.connect().find([intent])
    with pytest.raises(ConnectorError):
        await world.connect().post([intent], {})
