"""What the real ERP refuses of an expense document: the code, and that nothing stays behind."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from canonical.expense_document import ExpenseRole
from canonical.posting import Executed, PostingIntent
from connectors.base.errors import RejectedError, TransientError
from connectors.tryton.refusals import UserWarningError
from sandbox.tryton.expense_seed import BANK_ACCOUNT
from tests.connectors.tryton.expense_world import (
    CREATE,
    DELETE,
    POST,
    ExpenseWorld,
    cost,
    input_tax,
    line,
)

pytestmark = pytest.mark.erp

SIMILAR = "user_warning:invoice_similar"


async def refusal(world: ExpenseWorld, intent: PostingIntent) -> RejectedError:
    """Post what will be refused; nothing may stay behind."""
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert "draft" not in {each.state for each in await world.held(intent)}
    assert await world.books.disbursements(intent.reference) == ()
    return told.value


def closed(world: ExpenseWorld, **given: Any) -> PostingIntent:
    """A report in a period that the ERP has closed."""
    day = world.day - timedelta(days=90)
    return world.intent(cost("10.00"), posting_date=day, **given)


async def test_a_closed_period_is_told_by_its_own_code_and_all_parts_are_compensated(
    expenses: ExpenseWorld,
) -> None:
    intent = closed(expenses, disbursements=expenses.passing_on("10.00"))
    assert (await refusal(expenses, intent)).code == "period_closed"
    assert expenses.sent(POST) == 1
    assert await expenses.held(intent) == ()


async def test_a_compensation_that_is_not_answered_is_tried_again_and_not_claimed(
    expenses: ExpenseWorld,
) -> None:
    intent = closed(expenses, disbursements=expenses.passing_on("10.00"))
    expenses.aim = DELETE
    expenses.network.refuse_next_write()
    with pytest.raises(TransientError) as told:
        await expenses.connect().post([intent], {})
    assert told.value.code == "not_taken_back"
    assert (await refusal(expenses, intent)).code == "period_closed"


async def test_an_account_that_takes_no_supplier_invoice_is_refused_by_name(
    expenses: ExpenseWorld,
) -> None:
    error = await refusal(expenses, expenses.intent(cost("1.00", account=BANK_ACCOUNT)))
    assert error.code.startswith("user_error:")
    assert "Account" in str(error)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"lines": (cost("1.00", account="9999"),)}, "account_unknown"),
        ({"lines": (cost("1.00", "CC-NO"),)}, "cost_centre_unknown"),
        ({"lines": (cost("1.00"), input_tax("1", "5", "VAT99"))}, "tax_unknown"),
        ({"payee": "999999"}, "payee_unknown"),
        ({"payee": "Anna"}, "not_an_id"),
        ({"currency": "NOK"}, "currency_unknown"),
        ({"lines": 1001 * (cost("1.00"),)}, "too_many_lines"),
        (
            {"lines": (line(ExpenseRole.TAX_RECOVERABLE, "1.00"),)},
            "tax_incomplete",
        ),
    ],
)
async def test_a_code_that_the_erp_does_not_have_is_refused_before_anything_is_written(
    expenses: ExpenseWorld, body: dict[str, Any], code: str
) -> None:
    assert (await refusal(expenses, expenses.intent(**body))).code == code
    assert expenses.sent(CREATE) == 0


async def test_a_project_that_the_erp_does_not_have_is_refused_before_anything_is_written(
    expenses: ExpenseWorld,
) -> None:
    (known,) = expenses.passing_on("1.00")
    unknown = known.model_copy(update={"project": "PRJ-NO"})
    error = await refusal(expenses, expenses.intent(disbursements=(unknown,)))
    assert (error.code, expenses.sent(CREATE)) == ("project_unknown", 0)


async def test_a_refund_cannot_be_passed_on_and_leaves_no_draft(expenses: ExpenseWorld) -> None:
    intent = expenses.intent(disbursements=expenses.passing_on("-5.00"))
    assert (await refusal(expenses, intent)).code == "disbursement_not_positive"


async def test_what_the_erp_makes_something_else_of_is_not_posted(
    expenses: ExpenseWorld,
) -> None:
    def cheaper(content: bytes) -> bytes:
        call = json.loads(content)
        call["params"][0][0]["lines"][0][1][0]["unit_price"]["decimal"] = "99.00"
        return json.dumps(call).encode()

    expenses.aim = CREATE
    expenses.network.alter_next_write(cheaper)
    assert (await refusal(expenses, expenses.intent())).code == "draft_differs"
    assert expenses.sent(POST) == 0


async def cancelled(world: ExpenseWorld) -> PostingIntent:
    """A report that was posted, and whose document a person then cancelled."""
    intent = world.intent()
    (outcome,) = await world.connect().post([intent], {})
    assert isinstance(outcome, Executed)
    await world.books.cancel(int(outcome.document_id))
    assert await world.connect().find([intent]) == {}
    return intent


async def test_a_similar_document_is_a_persons_decision_whatever_else_was_accepted(
    expenses: ExpenseWorld,
) -> None:
    intent = await cancelled(expenses)
    for accepted in ((), ("user_warning:invoice_date_future",)):
        asked = intent.model_copy(update={"accepted": accepted})
        error = await refusal(expenses, asked)
        assert isinstance(error, UserWarningError)
        assert error.code == SIMILAR
    assert [each.state for each in await expenses.held(intent)] == ["cancelled"]


async def test_a_warning_that_a_person_accepted_is_acknowledged_by_its_own_name(
    expenses: ExpenseWorld,
) -> None:
    intent = await cancelled(expenses)
    accepted = intent.model_copy(update={"accepted": (SIMILAR,)})
    (outcome,) = await expenses.connect().post([accepted], {})
    assert isinstance(outcome, Executed)
    assert sorted(each.state for each in await expenses.held(intent)) == ["cancelled", "posted"]
    assert expenses.sent("model.res.user.warning.skip") == 1
    assert await expenses.session.find("res.user.warning", [], "name") == []


async def test_a_document_below_nothing_on_every_line_has_a_credit_notes_number(
    expenses: ExpenseWorld,
) -> None:
    credit, mixed = expenses.intent(cost("-5.00")), expenses.intent(cost("-5.00"), cost("1.00"))
    await expenses.connect().post([credit], {})
    await expenses.connect().post([mixed], {})
    (held,) = await expenses.held(credit)
    assert (held.total, (held.number or "")[:4]) == (Decimal("-5.00"), "SCN-")
    (held,) = await expenses.held(mixed)
    # Tryton's own choice: one line above nothing makes it an invoice, below nothing in all.
    assert (held.total, (held.number or "")[:4]) == (Decimal("-4.00"), "SUP-")
