"""Taking expense documents back in the real ERP: the opposite, to the cent, and never twice."""

import asyncio
from datetime import timedelta

import pytest

from activities.attestation import agrees
from canonical.expense_document import ExpenseRole
from canonical.posting import Executed, PostingIntent
from connectors.base.errors import (
    ConflictError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.tryton import Tryton
from tests.connectors.tryton.expense_world import ExpenseWorld, cost, input_tax, line

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]


def report(world: ExpenseWorld, **given: object) -> PostingIntent:
    return world.intent(
        cost("100.00"),
        input_tax("19.00", "100.00"),
        line(ExpenseRole.CARD_CLEARING, "-40.00"),
        line(ExpenseRole.EMPLOYEE_RECEIVABLE, "5.00"),
        **given,
    )


async def posted(target: Tryton, intent: PostingIntent) -> str:
    (outcome,) = await target.post([intent], {})
    assert isinstance(outcome, Executed), outcome
    assert outcome.document is not None
    assert agrees(intent, outcome.document)
    return outcome.document_id


async def reversible(world: ExpenseWorld, **given: object) -> tuple[PostingIntent, PostingIntent]:
    """A posted report, and what takes it back on the same day."""
    intent = report(world, **given)
    document_id = await posted(world.connect(), intent)
    body = intent.expense_document
    return intent, world.reversal(intent, document_id, body.posting_date)


async def test_a_reversal_is_the_opposite_to_the_cent_and_reads_as_what_it_takes_back(
    expenses: ExpenseWorld,
) -> None:
    """In a currency that is not the company's, so that the rate is the original's too."""
    before = await expenses.books.trial_balance(expenses.entity.code)
    passed_on = expenses.passing_on("60.00", "40.00")
    original, reversal = await reversible(expenses, currency="USD", disbursements=passed_on)
    target = expenses.connect()
    assert agrees(original, (await target.find([original]))[original.reference][0])
    assert await expenses.books.trial_balance(expenses.entity.code) != before

    document_id = await posted(target, reversal)
    after = await expenses.books.trial_balance(expenses.entity.code)
    # An account that was never booked on before has nothing on it now.
    assert {code: amount for code, amount in after.items() if amount} == {
        code: amount for code, amount in before.items() if amount
    }
    (held,) = await expenses.held(reversal)
    assert str(held.id) == document_id
    assert held.total == -original.expense_document.payable.amount
    assert [(tax.base, tax.amount) for tax in held.taxes] == [(-100, -19)]
    states = {each.state for each in await expenses.books.disbursements(original.reference)}
    assert states == {"cancelled"}

    (document,) = (await target.find([reversal]))[reversal.reference]
    assert agrees(reversal, document)
    body = reversal.expense_document
    listed = [
        each
        async for page in target.documents_between(
            body.legal_entity, body.posting_date, body.posting_date
        )
        for each in page
        if each.reference == reversal.reference
    ]
    assert listed == [document]


async def test_a_reversal_in_another_period_counts_there_and_still_shows_the_original_body(
    expenses: ExpenseWorld,
) -> None:
    original = report(expenses)
    document_id = await posted(expenses.connect(), original)
    later = original.expense_document.posting_date + timedelta(days=1)
    reversal = expenses.reversal(original, document_id, later)
    target = expenses.connect()
    await posted(target, reversal)
    (held,) = await expenses.held(reversal)
    assert held.posting_date == later


async def test_a_reversal_that_a_person_gave_another_date_does_not_agree(
    expenses: ExpenseWorld,
) -> None:
    _, reversal = await reversible(expenses)
    target = expenses.connect()
    expenses.network.refuse_next_write()
    with pytest.raises(TransientError):
        await target.post([reversal], {})
    (draft,) = await expenses.held(reversal)
    expenses.session.work_for(int(expenses.entity.id))
    await expenses.session.write("account.invoice", [draft.id], {"accounting_date": expenses.day})
    await expenses.session.press("account.invoice", "post", [draft.id])
    (document,) = (await target.find([reversal]))[reversal.reference]
    assert document.expense_document.posting_date == expenses.day
    assert not agrees(reversal, document)


async def test_what_is_being_paid_to_somebody_already_stops_the_reversal(
    expenses: ExpenseWorld,
) -> None:
    """Validating a disbursement makes a payment to its payee: that is for a person to undo."""
    passed_on = expenses.passing_on("60.00", "40.00")
    original, reversal = await reversible(expenses, disbursements=passed_on)
    first, *_ = await expenses.books.disbursements(original.reference)
    await expenses.session.press("project.disbursement", "validate_disbursement", [first.id])
    with pytest.raises(RejectedError) as told:
        await expenses.connect().post([reversal], {})
    assert told.value.code == "disbursement_in_use"
    assert await expenses.held(reversal) == ()
    states = [each.state for each in await expenses.books.disbursements(original.reference)]
    assert states == ["validated", "draft"]
    await expenses.session.press("project.disbursement", "cancel", [first.id])


async def test_a_refused_reversal_leaves_the_original_as_it_was(expenses: ExpenseWorld) -> None:
    original = report(expenses, disbursements=expenses.passing_on("100.00"))
    document_id = await posted(expenses.connect(), original)
    closed = expenses.day - timedelta(days=90)
    reversal = expenses.reversal(original, document_id, closed)
    target = expenses.connect()
    with pytest.raises(RejectedError) as told:
        await target.post([reversal], {})
    assert told.value.code == "period_closed"
    assert await expenses.held(reversal) == ()
    assert agrees(original, (await target.find([original]))[original.reference][0])


async def test_a_document_that_no_longer_stands_cannot_be_taken_back(
    expenses: ExpenseWorld,
) -> None:
    _, reversal = await reversible(expenses)
    await expenses.books.cancel(int(reversal.corrects_document or ""))
    with pytest.raises(RejectedError) as told:
        await expenses.connect().post([reversal], {})
    assert told.value.code == "original_not_standing"
    assert await expenses.held(reversal) == ()


async def test_only_a_document_with_our_reference_is_taken_back(expenses: ExpenseWorld) -> None:
    (_, reversal), (_, other) = await reversible(expenses), await reversible(expenses)
    wrong = reversal.model_copy(update={"corrects_document": other.corrects_document})
    with pytest.raises(RejectedError) as told:
        await expenses.connect().post([wrong], {})
    assert told.value.code == "not_ours"


async def test_racing_reversals_leave_one(expenses: ExpenseWorld) -> None:
    passed_on = expenses.passing_on("100.00")
    _, reversal = await reversible(expenses, disbursements=passed_on)
    targets = [expenses.connect() for _ in range(2)]
    outcomes = await asyncio.gather(
        *(target.post([reversal], {}) for target in targets), return_exceptions=True
    )
    allowed = (ConflictError, TransientError, OutcomeUnknownError)
    troubles = [each for each in outcomes if isinstance(each, BaseException)]
    assert [each for each in troubles if not isinstance(each, allowed)] == []
    await posted(targets[0], reversal)
    assert [each.posted for each in await expenses.held(reversal)] == [True]


async def test_a_worker_that_dies_before_the_reversal_is_posted_is_followed_by_another(
    expenses: ExpenseWorld,
) -> None:
    """What is passed on is cancelled before, so that nobody is billed for what is taken back."""
    passed_on = expenses.passing_on("100.00")
    original, reversal = await reversible(expenses, disbursements=passed_on)
    expenses.network.refuse_next_write()
    with pytest.raises(TransientError):
        await expenses.connect().post([reversal], {})
    states = {each.state for each in await expenses.books.disbursements(original.reference)}
    assert states == {"cancelled"}
    await posted(expenses.connect(), reversal)
    assert [each.posted for each in await expenses.held(reversal)] == [True]
