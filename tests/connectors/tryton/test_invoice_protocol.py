"""DraftThenPost for customer invoices against the real ERP: races, lost answers, refusals.

Every interleaving is checked on the model; here it is seen that these documents follow it. Tryton
itself posts two invoices of one reference without a word.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from activities.attestation import agrees
from canonical.billing import InvoiceRole
from canonical.posting import Executed, PostingIntent, PostingKind, PostingOutcome
from connectors.base.errors import (
    ConflictError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.tryton import Tryton
from connectors.tryton.customer_books import CustomerBookReader
from tests.connectors.tryton.invoice_world import (
    CREATE,
    DELETE,
    POST,
    InvoiceWorld,
    hours,
    line,
)

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

RACERS = 3
FREE: dict[str, Any] = {"tax": None, "tax_rate": Decimal(0)}
DUE_BEFORE_TODAY = "user_warning:invoice_payment_term"


async def post(target: Tryton, intent: PostingIntent) -> PostingOutcome:
    """Make one attempt."""
    (outcome,) = await target.post([intent], await target.guard_evidence([intent]))
    return outcome


async def refusal(target: Tryton, intent: PostingIntent) -> str:
    """Make one attempt that must be refused; gives the code."""
    with pytest.raises(RejectedError) as refused:
        await post(target, intent)
    return refused.value.code


async def settled(world: InvoiceWorld, intent: PostingIntent) -> int:
    """Try until it is posted, as another worker would; then there is one document, as sent."""
    target = world.connect()
    for _ in range(10):
        try:
            outcome = await post(target, intent)
        except (ConflictError, TransientError):
            continue
        assert isinstance(outcome, Executed)
        break
    else:
        raise AssertionError("not posted in ten attempts")
    (held,) = await world.held(intent)
    assert held.posted
    (found,) = (await target.find([intent]))[intent.reference]
    assert found.document_id == outcome.document_id == str(held.id)
    assert agrees(intent, found)
    return held.id


async def test_racers_on_one_invoice_leave_one_invoice_and_one_number(
    invoices: InvoiceWorld,
) -> None:
    intent = invoices.intent(hours(3600, "150.00", "150.00"), line("50.00"))
    targets = [invoices.connect() for _ in range(RACERS)]
    await asyncio.gather(*(target.check() for target in targets))
    outcomes = await asyncio.gather(
        *(post(target, intent) for target in targets), return_exceptions=True
    )
    allowed = (Executed, ConflictError, TransientError, OutcomeUnknownError)
    assert [each for each in outcomes if not isinstance(each, allowed)] == []
    document = await settled(invoices, intent)
    booked = {each.document_id for each in outcomes if isinstance(each, Executed)}
    assert booked <= {str(document)}


async def test_a_lost_answer_to_creation_does_nothing_that_matters(invoices: InvoiceWorld) -> None:
    target, intent = invoices.connect(), invoices.intent()
    invoices.aim = CREATE
    invoices.network.lose_next_write()
    with pytest.raises(TransientError):
        await post(target, intent)
    assert await target.find([intent]) == {}
    assert [each.posted for each in await invoices.held(intent)] == [False]
    await settled(invoices, intent)


async def test_a_lost_answer_to_posting_is_looked_into(invoices: InvoiceWorld) -> None:
    target, intent = invoices.connect(), invoices.intent()
    invoices.network.lose_next_write()
    assert isinstance(await post(target, intent), Executed)
    assert invoices.sent(POST) == 1
    await settled(invoices, intent)


async def test_posting_that_is_still_under_way_is_unknown_and_counts_once_when_it_lands(
    invoices: InvoiceWorld,
) -> None:
    target, intent = invoices.connect(), invoices.intent()
    invoices.network.hold_next_write()
    with pytest.raises(OutcomeUnknownError):
        await post(target, intent)
    assert await target.find([intent]) == {}
    await invoices.network.release()
    await settled(invoices, intent)


async def test_a_draft_that_somebody_altered_is_replaced_and_never_posted(
    invoices: InvoiceWorld,
) -> None:
    target, intent = invoices.connect(), invoices.intent(line("100.00"), line("7.00"))
    invoices.aim = POST
    invoices.network.refuse_next_write()
    with pytest.raises((TransientError, OutcomeUnknownError)):
        await post(target, intent)
    (draft,) = await invoices.held(intent)
    values = {"unit_price": Decimal("99.00")}
    invoices.session.work_for(int(invoices.entity.id))
    await invoices.session.write("account.invoice.line", [draft.lines[0].id], values)
    assert await settled(invoices, intent) != draft.id


async def test_what_lost_requests_left_behind_is_swept(invoices: InvoiceWorld) -> None:
    target, intent = invoices.connect(), invoices.intent()
    invoices.aim = CREATE
    invoices.network.lose_next_write()
    with pytest.raises(TransientError):
        await post(target, intent)
    now = datetime.now(UTC)
    assert await target.remove_stray_drafts(now - timedelta(hours=1)) == 0
    assert await target.remove_stray_drafts(now + timedelta(minutes=1)) >= 1
    assert await invoices.held(intent) == ()


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "no such tax": ("tax_unknown", {"tax": "VAT99"}),
    "a tax on purchases": ("tax_unknown", {"tax": "VAT19-IN"}),
    "another rate": ("tax_rate_differs", {"tax_rate": Decimal(16)}),
    "a rate without a tax": ("tax_incomplete", {"tax": None}),
    "more decimals than money has": ("draft_differs", {"amount": Decimal("10.005")}),
}


@pytest.mark.parametrize(("code", "given"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_the_books_do_not_take_is_refused_by_name_and_leaves_nothing(
    invoices: InvoiceWorld, code: str, given: dict[str, Any]
) -> None:
    target = invoices.connect()
    intent = invoices.intent(line("10.00").model_copy(update=given))
    assert await refusal(target, intent) == code
    assert await invoices.held(intent) == ()


async def test_a_role_without_an_account_is_refused_by_name(invoices: InvoiceWorld) -> None:
    books = CustomerBookReader(invoices.connect()._client, {InvoiceRole.WORK: "4400"})
    with pytest.raises(RejectedError) as refused:
        await books.read(invoices.intent(), {})
    assert refused.value.code == "revenue_account_missing"


async def test_a_tax_that_does_not_apply_on_the_tax_point_date_is_refused(
    invoices: InvoiceWorld,
) -> None:
    """Tryton would leave it out of what it computes, and bill the rest."""
    company = ["company", "=", int(invoices.entity.id)]
    named = [["description", "=", "VAT0-OUT"], company]
    tax = await invoices.session.find_one("account.tax", named)
    starts = invoices.day + timedelta(days=1)
    await invoices.session.write("account.tax", [tax], {"start_date": starts})
    try:
        later = invoices.intent(line("10.00", tax="VAT0-OUT", tax_rate=Decimal("0.00")))
        assert await refusal(invoices.connect(), later) == "tax_not_valid"
    finally:
        await invoices.session.write("account.tax", [tax], {"start_date": None})


async def test_a_customer_that_is_not_there_and_a_reversal_are_refused(
    invoices: InvoiceWorld,
) -> None:
    target = invoices.connect()
    assert await refusal(target, invoices.intent(customer="99999")) == "customer_unknown"
    turned = invoices.intent().model_copy(update={"kind": PostingKind.REVERSAL})
    assert await refusal(target, turned) == "credit_note_needed"


async def test_a_closed_period_is_refused_by_name(invoices: InvoiceWorld) -> None:
    target, intent = invoices.connect(), invoices.intent()
    closing = invoices.day.replace(day=1) - timedelta(days=1)
    period = intent.period.model_copy(update={"posting_date": closing})
    async with invoices.closed(closing):
        told = await refusal(target, intent.model_copy(update={"period": period}))
    assert told == "period_closed"
    assert await invoices.held(intent) == ()


async def test_an_invoice_dated_before_one_that_has_its_number_is_refused_by_name(
    invoices: InvoiceWorld,
) -> None:
    target = invoices.connect()
    await invoices.posted(target, invoices.intent())
    earlier = invoices.intent(invoice_date=invoices.last_day)
    same_year = earlier.period.model_copy(update={"posting_date": invoices.billing_day})
    earlier = earlier.model_copy(update={"period": same_year})
    assert await refusal(target, earlier) == "later_invoice_numbered"
    assert await invoices.held(earlier) == ()


async def test_a_warning_is_a_refusal_until_a_person_accepts_it_by_its_name(
    invoices: InvoiceWorld,
) -> None:
    """An invoice of two months ago is overdue when it is written, which Tryton asks about."""
    target = invoices.connect()
    intent = invoices.intent(
        line("90.00", **FREE),
        legal_entity=invoices.other_entity.id,
        currency="USD",
        invoice_date=invoices.month.before().first_day,
    )
    assert await refusal(target, intent) == DUE_BEFORE_TODAY
    assert await invoices.held(intent) == ()
    other = intent.model_copy(update={"accepted": ("user_warning:invoice_date_future",)})
    assert await refusal(target, other) == DUE_BEFORE_TODAY
    accepted = intent.model_copy(update={"accepted": (DUE_BEFORE_TODAY,)})
    assert isinstance(await post(target, accepted), Executed)
    (bill,) = await invoices.held(intent)
    assert (bill.posted, bill.total, bill.state) == (True, Decimal("90.00"), "posted")
    assert invoices.sent(DELETE) >= 2


async def test_what_a_prepayment_pays_in_full_is_due_on_no_day_and_nobody_is_asked(
    invoices: InvoiceWorld,
) -> None:
    target = invoices.connect()
    intent = invoices.intent(
        hours(3600, "90.00", "90.00", "USD", **FREE),
        line("-90.00", InvoiceRole.DRAW, **FREE),
        legal_entity=invoices.other_entity.id,
        currency="USD",
        invoice_date=invoices.last_day,
    )
    assert isinstance(await post(target, intent), Executed)
    (bill,) = await invoices.held(intent)
    assert (bill.posted, bill.total, bill.state) == (True, Decimal("0.00"), "paid")
