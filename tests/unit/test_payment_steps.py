"""What a source hears of a document's payment, whenever we look."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.expense_document import DocumentPayment, DocumentPayments, PaymentState
from canonical.money import Money
from rules.payment_steps import Paid, steps_between

S = PaymentState
DAY = date(2026, 10, 30)


def paid(amount: str, total: str = "100.00", *, standing: bool = True, credited: str = "0") -> Paid:
    return Paid(Decimal(total), Decimal(amount), standing, DAY, Decimal(credited))


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def told(before: Paid | None, now: Paid) -> list[tuple[PaymentState, Decimal]]:
    return [(step.state, step.amount) for step in steps_between(before, now)]


@pytest.mark.parametrize(
    ("before", "now", "steps"),
    [
        (None, paid("0"), []),
        (None, paid("40"), [(S.PARTIAL, Decimal(40))]),
        (None, paid("100"), [(S.PAID, Decimal(100))]),
        (paid("0"), paid("40"), [(S.PARTIAL, Decimal(40))]),
        (paid("40"), paid("40"), []),
        (paid("40"), paid("70"), [(S.PARTIAL, Decimal(30))]),
        (paid("40"), paid("100"), [(S.PAID, Decimal(100))]),
        (paid("100"), paid("0"), [(S.REVERSED, Decimal(100))]),
        (paid("100"), paid("60"), [(S.REVERSED, Decimal(40))]),
        (paid("0"), paid("100"), [(S.PAID, Decimal(100))]),
        (paid("100"), paid("100"), []),
        # The ERP cancelled the document itself.
        (paid("100"), paid("100", standing=False), [(S.REVERSED, Decimal(100))]),
        (paid("0"), paid("0", standing=False), []),
        (paid("0", standing=False), paid("0"), []),
        # What a credit note settles is no payment, and nobody owes it.
        (paid("0"), paid("0", credited="30"), []),
        (paid("40"), paid("40", credited="30"), []),
        (paid("40"), paid("40", credited="60"), [(S.PAID, Decimal(40))]),
        (paid("0", credited="30"), paid("70", credited="30"), [(S.PAID, Decimal(70))]),
        (paid("70", credited="30"), paid("70", credited="30"), []),
        (paid("70", credited="30"), paid("0", credited="30"), [(S.REVERSED, Decimal(70))]),
        (paid("0"), paid("0", credited="100"), []),
        (None, paid("0", credited="100"), []),
        (paid("40"), paid("0", credited="100"), [(S.REVERSED, Decimal(40))]),
        (paid("0", credited="100"), paid("0"), []),
    ],
)
def test_each_step_is_told_once_with_the_money_that_moved(
    before: Paid | None, now: Paid, steps: list[tuple[PaymentState, Decimal]]
) -> None:
    assert told(before, now) == steps


@pytest.mark.parametrize("total", ["0", "-75.40"])
def test_a_document_by_which_nobody_is_owed_is_paid_at_once_and_never_taken_back(
    total: str,
) -> None:
    first = paid("0", total)
    assert told(None, first) == [(S.PAID, Decimal(0))]
    # The employee pays his debt: no step, because nothing was reimbursed.
    assert told(first, paid(total, total)) == []


@pytest.mark.parametrize(
    ("amount", "credited", "state"),
    [
        ("0", "30", S.NONE),
        ("40", "30", S.PARTIAL),
        ("70", "30", S.PAID),
        ("100", "0", S.PAID),
        ("0", "100", S.REVERSED),
    ],
)
def test_what_is_credited_is_taken_off_what_has_to_be_paid(
    amount: str, credited: str, state: PaymentState
) -> None:
    assert paid(amount, credited=credited).state is state
    shown = DocumentPayments(
        document_id="1",
        number="INV-1",
        total=euros("100.00"),
        open=euros(f"{100 - Decimal(amount) - Decimal(credited):.2f}"),
        credited=Decimal(credited),
        payments=(DocumentPayment(id="9", paid_on=DAY, amount=euros(f"{amount}.00")),),
    )
    assert shown.state is state
    assert Paid.of(shown) == paid(amount, credited=credited)


amounts = st.integers(min_value=0, max_value=100).map(Decimal)


@given(looks=st.lists(st.tuples(amounts, st.booleans(), amounts), max_size=8))
def test_the_steps_add_up_to_what_has_reached_the_employee(
    looks: list[tuple[Decimal, bool, Decimal]],
) -> None:
    before: Paid | None = None
    balance = Decimal(0)
    for amount, standing, part in looks:
        # Nothing is settled twice.
        now = Paid(Decimal(100), amount, standing, DAY, min(part, 100 - amount))
        for step in steps_between(before, now):
            match step.state:
                case S.PARTIAL:
                    balance += step.amount
                case S.PAID:
                    balance = step.amount
                case S.REVERSED:
                    balance -= step.amount
                case S.NONE:
                    raise AssertionError("nothing is no step")
        assert balance == now.reimbursed
        before = now
