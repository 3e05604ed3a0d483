"""What the real ERP shows of a period's invoices: the side of WIP that is not our own record."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from canonical.billing import CustomerInvoice, InvoiceRole
from canonical.posting import PostedDocument
from connectors.base.errors import TransientError
from connectors.tryton import Tryton
from tests.connectors.tryton.invoice_world import CREATE, InvoiceWorld, hours, line

pytestmark = pytest.mark.erp


async def listed(target: Tryton, entity: str, first: date, last: date) -> list[PostedDocument]:
    """All customer invoices and credit notes of a window, in the ERP's order."""
    return [
        each
        async for page in target.documents_between(entity, first, last)
        for each in page
        if isinstance(each.body, CustomerInvoice)
    ]


def billed(documents: list[PostedDocument], engagement: str) -> Mapping[str, tuple[int, Decimal]]:
    """What is billed of each invoice line by now, credits taken off: seconds and amount."""
    found: dict[str, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for document in documents:
        body = document.customer_invoice
        for one in body.lines if body.engagement == engagement else ():
            seconds, amount = found[one.credits or one.id]
            found[one.credits or one.id] = (seconds + one.seconds, amount + one.amount)
    return found


async def test_invoice_credit_and_new_invoice_add_up_line_by_line_in_the_erp(
    invoices: InvoiceWorld,
) -> None:
    target, day = invoices.connect(), invoices.billing_day
    work, cut, fee = (
        hours(36_000, "100.00", "1000.00"),
        # What a cap has cut: one of something, with its hours in words.
        hours(7200, "150.00", "149.99"),
        line("12500.00", InvoiceRole.FEE, billing_schedule="S-1"),
    )
    original = invoices.intent(work, cut, fee)
    engagement = original.customer_invoice.engagement
    await invoices.posted(target, original)
    assert billed(await listed(target, invoices.entity.id, day, day), engagement) == {
        work.id: (36_000, Decimal("1000.00")),
        cut.id: (7200, Decimal("149.99")),
        fee.id: (0, Decimal("12500.00")),
    }

    back = hours(-9000, "100.00", "-250.00", credits=work.id, reason="Two and a half too many")
    credit = invoices.intent(back, engagement=engagement, credits="event-1")
    await invoices.posted(target, credit)
    again = hours(5400, "100.00", "150.00")
    await invoices.posted(target, invoices.intent(again, engagement=engagement))
    shown = await listed(target, invoices.entity.id, day, day)
    assert billed(shown, engagement) == {
        work.id: (27_000, Decimal("750.00")),
        cut.id: (7200, Decimal("149.99")),
        fee.id: (0, Decimal("12500.00")),
        again.id: (5400, Decimal("150.00")),
    }

    # Each stands once, its lines in the order in which they were sent.
    ours = {each.reference: each for each in shown}
    assert ours[original.reference].body == original.body
    assert ours[credit.reference].body == credit.body
    times = Counter(each.reference for each in shown)
    assert (times[original.reference], times[credit.reference]) == (1, 1)

    # And the hours are those that the ERP multiplies, not only what we noted beside them.
    (bill,), (note,) = await invoices.held(original), await invoices.held(credit)
    assert [each.quantity for each in bill.lines] == [10, 1, 1]
    assert [each.quantity for each in note.lines] == [Decimal("-2.5")]


async def test_a_window_has_what_its_company_posts_in_it_and_no_draft(
    invoices: InvoiceWorld,
) -> None:
    target, day, last = invoices.connect(), invoices.billing_day, invoices.last_day
    posted, moved, draft = (invoices.intent(line("10.00")) for _ in range(3))
    await invoices.posted(target, posted)
    # Its own period was closed: it is posted in another, and keeps the date of the invoice.
    period = moved.period.model_copy(update={"posting_date": last})
    moved = moved.model_copy(update={"period": period})
    await invoices.posted(target, moved)
    invoices.aim = CREATE
    invoices.network.lose_next_write()
    with pytest.raises(TransientError):
        await target.post([draft], {})
    assert [each.state for each in await invoices.held(draft)] == ["draft"]

    async def references(entity: str, first: date, until: date) -> set[str]:
        return {each.reference for each in await listed(target, entity, first, until)}

    here, there = invoices.entity.id, invoices.other_entity.id
    mine = {posted.reference, moved.reference, draft.reference}
    assert mine & await references(here, day, day) == {posted.reference}
    assert mine & await references(here, last, last) == {moved.reference}
    assert mine & await references(here, last, day) == {posted.reference, moved.reference}
    assert not mine & await references(there, last, day)
    found = {each.reference: each for each in await listed(target, here, last, last)}
    assert found[moved.reference].customer_invoice.invoice_date == day
