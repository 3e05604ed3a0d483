"""Every shape of expense report, posted to the real ERP and read back as it was sent."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from activities.attestation import agrees
from canonical.expense_document import ExpenseDocumentLine, ExpenseRole
from canonical.posting import Executed, PostingIntent
from tests.connectors.tryton.expense_world import (
    LODGING,
    MEALS,
    OTHER_CENTRE,
    ExpenseWorld,
    cost,
    input_tax,
    line,
)

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

Shape = Callable[[ExpenseWorld], PostingIntent]
CARD, ADVANCE = ExpenseRole.CARD_CLEARING, ExpenseRole.ADVANCE


def lines(*given: ExpenseDocumentLine, **body: object) -> Shape:
    """A report of these lines."""
    return lambda world: world.intent(*given, **body)


def billable(world: ExpenseWorld) -> PostingIntent:
    passed_on = world.passing_on("100.00", "12.50")
    return world.intent(cost("112.50", project=passed_on[0].project), disbursements=passed_on)


SHAPES: dict[str, Shape] = {
    "cash": lines(cost("100.00"), cost("23.45", account=MEALS)),
    "card": lines(cost("80.00"), cost("20.00"), line(CARD, "-80.00")),
    "advance": lines(cost("300.00"), line(ADVANCE, "-250.00")),
    "vendor": lines(cost("500.00"), line(ExpenseRole.VENDOR_PAYABLE, "-500.00"), cost("1.00")),
    "personal": lines(
        cost("50.00"),
        line(ExpenseRole.EMPLOYEE_RECEIVABLE, "19.90"),
        line(CARD, "-69.90"),
        cost("7.10"),
    ),
    "credit note": lines(cost("-33.33"), cost("-1.10", centre=None)),
    "zero": lines(cost("40.00"), line(CARD, "-40.00")),
    "tax": lines(
        cost("100.00", account=LODGING),
        input_tax("7.01", "100.00", "VAT7-IN"),
        line(ExpenseRole.TAX_NON_RECOVERABLE, "3.33", tax="VAT19-IN", tax_base=Decimal("17.53")),
        cost("50.00"),
        input_tax("9.49", "50.00", cost_centre="CC-100", project="PRJ-1001"),
        line(ExpenseRole.ROUNDING, "-0.01"),
    ),
    "allocations": lines(
        cost("33.34", item="1", allocation="a"),
        cost("33.33", OTHER_CENTRE, item="1", allocation="b"),
        cost("33.33", centre=None, item="1", allocation="c", project="PRJ-1002"),
    ),
    "dollars": lines(cost("101.01"), cost("33.33"), line(CARD, "-37.77"), currency="USD"),
    "yen": lines(cost("10100"), line(CARD, "-3700"), input_tax("19", "100"), currency="JPY"),
    "billable": billable,
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
async def test_every_shape_is_posted_and_read_back_as_it_was_sent(
    expenses: ExpenseWorld, shape: Shape
) -> None:
    target, intent = expenses.connect(), shape(expenses)
    (outcome,) = await target.post([intent], await target.guard_evidence([intent]))
    assert isinstance(outcome, Executed), outcome
    assert outcome.document is not None
    assert agrees(intent, outcome.document)
    (found,) = (await target.find([intent]))[intent.reference]
    assert agrees(intent, found)
    (held,) = await expenses.held(intent)
    assert held.posted
    body = intent.expense_document
    assert held.total == body.payable.amount
    assert held.payee == expenses.employee.code
    assert (held.document_date, held.posting_date) == (body.document_date, body.posting_date)
    assert not sum((await expenses.books.trial_balance(held.legal_entity)).values())
