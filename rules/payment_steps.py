"""Payment steps: what a source is told when an ERP's document was paid, or its payment taken back.

A status is never lowered except by a reversal (DOMAIN rule 26).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Self

from canonical.expense_document import DocumentPayments, PaymentState


@dataclass(frozen=True, slots=True)
class Paid:
    """How far a document is paid; amounts in its currency, `on_date` is the last payment's.

    `credited` is what other documents settle of it: nobody has paid that, and nobody owes it.
    """

    total: Decimal
    paid: Decimal
    standing: bool = True
    on_date: date | None = None
    credited: Decimal = Decimal(0)

    @classmethod
    def of(cls, shown: DocumentPayments) -> Self:
        """What an ERP says of one document."""
        return cls(
            total=shown.total.amount,
            paid=shown.paid,
            standing=shown.standing,
            on_date=max((one.paid_on for one in shown.payments), default=None),
            credited=shown.credited,
        )

    @property
    def owes_nothing(self) -> bool:
        """It comes to nothing, or the employee owes us, which is no reimbursement."""
        return self.total <= 0

    @property
    def reimbursed(self) -> Decimal:
        """What has reached the employee, and has not gone back."""
        return Decimal(0) if self.owes_nothing or not self.standing else self.paid

    @property
    def state(self) -> PaymentState:
        """In one word. A document by which nobody is owed anything is paid as it stands.

        With a part credited it is paid once the rest is; with all of it credited it never is.
        """
        if not self.standing or 0 < self.total <= self.credited:
            return PaymentState.REVERSED
        if self.owes_nothing or self.paid + self.credited >= self.total:
            return PaymentState.PAID
        return PaymentState.PARTIAL if self.paid else PaymentState.NONE


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """One thing to be told: the state that was reached, and the money that moved for it."""

    state: PaymentState
    amount: Decimal
    on_date: date | None


def steps_between(before: Paid | None, now: Paid) -> Iterator[PaymentStep]:
    """Say what happened between two looks, in the order in which a source must hear of it.

    Looks may be far apart: whatever was taken back comes first, then what is paid again.
    """
    was = before.reimbursed if before is not None else Decimal(0)
    is_now = now.reimbursed
    if is_now < was:
        yield PaymentStep(PaymentState.REVERSED, was - is_now, now.on_date)
    if not now.standing:
        return
    if now.state is PaymentState.PAID and (before is None or before.state is not PaymentState.PAID):
        yield PaymentStep(PaymentState.PAID, is_now, now.on_date)
    elif is_now > was:
        yield PaymentStep(PaymentState.PARTIAL, is_now - was, now.on_date)
