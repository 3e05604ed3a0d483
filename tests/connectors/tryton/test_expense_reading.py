"""Reading expense documents back from the real ERP: what was sent, and whatever became of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from activities.attestation import agrees
from canonical.expense_document import ExpenseRole
from canonical.posting import Executed, PostedDocument, PostingIntent
from connectors.base.errors import TransientError
from connectors.tryton import Tryton
from connectors.tryton.document_reading import document_from
from connectors.tryton.papers import Papers
from tests.connectors.tryton.expense_world import (
    MEALS,
    OTHER_CENTRE,
    ExpenseWorld,
    cost,
    input_tax,
    line,
)

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]


class Meddler:
    """A person who changes a draft before it is posted by hand."""

    def __init__(self, world: ExpenseWorld, draft: int) -> None:
        self.world = world
        self.draft = draft

    async def invoice(self, **values: Any) -> None:
        await self.world.session.write("account.invoice", [self.draft], values)

    async def line(self, **values: Any) -> None:
        await self._first("account.invoice.line", values)

    async def tax(self, **values: Any) -> None:
        await self._first("account.invoice.tax", values)

    async def passed_on(self, **values: Any) -> None:
        (first, *_) = await self.world.books.disbursements(await self.reference())
        await self.world.session.write("project.disbursement", [first.id], values)

    async def reference(self) -> str:
        domain = [["id", "=", self.draft]]
        rows = await self.world.session.find("account.invoice", domain, "reference")
        return str(rows[0]["reference"].split(" ")[0])

    async def id_of(self, model: str, *domain: Any) -> int:
        return await self.world.session.find_one(model, list(domain))

    async def account(self, code: str) -> int:
        company = ["company", "=", int(self.world.entity.id)]
        return await self.id_of("account.account", company, ["code", "=", code])

    async def _first(self, model: str, values: dict[str, Any]) -> None:
        found = await self.world.session.find(model, [["invoice", "=", self.draft]], "id")
        await self.world.session.write(model, [found[0]["id"]], values)


async def centre(meddler: Meddler) -> None:
    company = ["company", "=", int(meddler.world.entity.id)]
    code = ["code", "=", OTHER_CENTRE]
    account = await meddler.id_of("analytic_account.account", company, code)
    rows = await meddler.world.session.find(
        "account.invoice.line", [["invoice", "=", meddler.draft]], "analytic_accounts"
    )
    entries = rows[0]["analytic_accounts"]
    await meddler.world.session.write("analytic.account.entry", entries, {"account": account})


async def other_account(meddler: Meddler) -> None:
    await meddler.line(account=await meddler.account(MEALS))


async def other_tax_account(meddler: Meddler) -> None:
    await meddler.tax(account=await meddler.account("6.3.6"))


async def other_tax(meddler: Meddler) -> None:
    company = ["company", "=", int(meddler.world.entity.id)]
    tax = await meddler.id_of("account.tax", company, ["description", "=", "VAT7-IN"])
    await meddler.tax(tax=tax)


async def other_party(meddler: Meddler) -> None:
    domain = [["code", "=", meddler.world.entity.code]]
    rows = await meddler.world.session.find("party.party", domain, "addresses")
    address = rows[0]["addresses"][0]
    await meddler.invoice(party=rows[0]["id"], invoice_address=address)


async def one_line_more(meddler: Meddler) -> None:
    values = {
        "invoice": meddler.draft,
        "type": "line",
        "quantity": 1,
        "unit_price": Decimal("1.00"),
        "account": await meddler.account(MEALS),
        "currency": await meddler.id_of("currency.currency", ["code", "=", "EUR"]),
    }
    await meddler.world.session.create("account.invoice.line", [values])


ALTERATIONS: dict[str, Callable[[Meddler], Any]] = {
    "amount": lambda meddler: meddler.line(unit_price=Decimal("99.99")),
    "sign": lambda meddler: meddler.line(quantity=-1),
    "account": other_account,
    "cost centre": centre,
    "role": lambda meddler: meddler.line(note="role: card_clearing"),
    "document date": lambda meddler: meddler.invoice(
        invoice_date=meddler.world.day - timedelta(days=1)
    ),
    "posting date": lambda meddler: meddler.invoice(accounting_date=meddler.world.day),
    "payee": other_party,
    "tax": other_tax,
    "tax amount": lambda meddler: meddler.tax(amount=Decimal("19.01")),
    "tax base": lambda meddler: meddler.tax(base=Decimal("100.01")),
    "tax account": other_tax_account,
    "one line more": one_line_more,
    "disbursement": lambda meddler: meddler.passed_on(amount=Decimal("99.99")),
    "disbursement date": lambda meddler: meddler.passed_on(
        payment_date=meddler.world.day - timedelta(days=1)
    ),
}


async def drafted(world: ExpenseWorld, target: Tryton, intent: PostingIntent) -> int:
    """Leave a complete draft behind, as a worker that dies does."""
    world.network.refuse_next_write()
    with pytest.raises(TransientError):
        await target.post([intent], {})
    (draft,) = await world.held(intent)
    return draft.id


def report(world: ExpenseWorld) -> PostingIntent:
    return world.intent(
        cost("100.00"), input_tax("19.00", "100.00"), disbursements=world.passing_on("100.00")
    )


async def read(target: Tryton, intent: PostingIntent) -> PostedDocument:
    (found,) = (await target.find([intent]))[intent.reference]
    return found


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS.keys())
async def test_whatever_a_person_altered_is_shown_as_it_is(
    expenses: ExpenseWorld, alter: Callable[[Meddler], Any]
) -> None:
    """Drafts are read by what reads posted documents; posting each would take Tryton long."""
    target, intent = expenses.connect(), report(expenses)
    draft = await drafted(expenses, target, intent)
    papers = Papers(target._client, "Cost centre")
    assert agrees(intent, await shown(papers, intent))
    expenses.session.work_for(int(expenses.entity.id))
    await alter(Meddler(expenses, draft))
    assert not agrees(intent, await shown(papers, intent))


async def shown(papers: Papers, intent: PostingIntent) -> PostedDocument:
    seen = await papers.seen(intent.reference, {})
    (paper,) = seen.papers
    return document_from(paper, seen.of(paper))


async def test_what_a_person_altered_before_posting_it_does_not_agree(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), report(expenses)
    draft = await drafted(expenses, target, intent)
    expenses.session.work_for(int(expenses.entity.id))
    await Meddler(expenses, draft).line(unit_price=Decimal("99.99"))
    await expenses.session.press("account.invoice", "post", [draft])
    assert not agrees(intent, await read(target, intent))


async def test_a_draft_that_a_person_altered_is_replaced_and_not_posted(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), report(expenses)
    draft = await drafted(expenses, target, intent)
    await Meddler(expenses, draft).line(unit_price=Decimal("99.99"))
    (outcome,) = await target.post([intent], {})
    assert isinstance(outcome, Executed)
    assert outcome.document_id != str(draft)
    assert agrees(intent, await read(target, intent))


async def test_what_is_unaltered_agrees_when_a_person_posted_it(expenses: ExpenseWorld) -> None:
    target, intent = expenses.connect(), report(expenses)
    draft = await drafted(expenses, target, intent)
    expenses.session.work_for(int(expenses.entity.id))
    await expenses.session.press("account.invoice", "post", [draft])
    assert agrees(intent, await read(target, intent))


async def test_cancelling_what_is_passed_on_shows_in_the_document(expenses: ExpenseWorld) -> None:
    target, intent = expenses.connect(), report(expenses)
    await target.post([intent], {})
    (passed_on,) = await expenses.books.disbursements(intent.reference)
    await expenses.session.press("project.disbursement", "cancel", [passed_on.id])
    shown = await read(target, intent)
    assert shown.expense_document.disbursements == ()
    assert not agrees(intent, shown)


async def test_two_posted_documents_are_both_found(expenses: ExpenseWorld) -> None:
    target, intent = expenses.connect(), expenses.intent()
    await target.post([intent], {})
    other = expenses.intent()
    await target.post([other], {})
    (second,) = await expenses.held(other)
    (first,) = await expenses.held(intent)
    await expenses.session.write("account.invoice", [second.id], {"reference": first.reference})
    found = (await target.find([intent]))[intent.reference]
    assert {each.document_id for each in found} == {str(first.id), str(second.id)}


async def swept(pages: Any) -> dict[str, PostedDocument]:
    return {each.reference: each async for page in pages for each in page}


async def test_the_sweep_lists_posted_documents_and_no_drafts(expenses: ExpenseWorld) -> None:
    target, posted, draft = expenses.connect(), report(expenses), report(expenses)
    before = datetime.now(UTC) - timedelta(seconds=5)
    await target.post([posted], {})
    await drafted(expenses, target, draft)
    for since in (before, None):
        listed = await swept(target.documents_since(since))
        assert agrees(posted, listed[posted.reference])
        assert draft.reference not in listed
    later = await swept(target.documents_since(datetime.now(UTC) + timedelta(minutes=1)))
    assert later == {}


async def test_documents_are_reconciled_by_company_and_posting_date(
    expenses: ExpenseWorld,
) -> None:
    target, intent = expenses.connect(), report(expenses)
    await target.post([intent], {})
    body = intent.expense_document
    day = body.posting_date
    inside = await swept(target.documents_between(body.legal_entity, day, day))
    assert agrees(intent, inside[intent.reference])
    early = target.documents_between(
        body.legal_entity, day - timedelta(days=20), day - timedelta(days=1)
    )
    assert intent.reference not in await swept(early)
    (other,) = [each.id for each in expenses.masters.legal_entities if each != expenses.entity]
    assert intent.reference not in await swept(target.documents_between(other, day, day))


async def test_what_a_note_cannot_hold_in_a_field_of_its_own_comes_back(
    expenses: ExpenseWorld,
) -> None:
    target = expenses.connect()
    intent = expenses.intent(
        cost("1.00", item="a: b", allocation="1/2", project="PRJ-1001", label="Taxi\nto Köln"),
        line(ExpenseRole.TAX_NON_RECOVERABLE, "0.19", tax="VAT19-IN", tax_base=Decimal("1.00")),
    )
    await target.post([intent], {})
    first, second = (await read(target, intent)).expense_document.lines
    assert (first.item, first.allocation, first.project) == ("a: b", "1/2", "PRJ-1001")
    assert first.label == "Taxi to Köln"
    assert (second.tax, second.tax_base) == ("VAT19-IN", Decimal("1.00"))
