"""Customer invoices for a real Tryton: intents of every shape, and a desk that sees the books."""

import itertools
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from canonical.billing import CustomerInvoice, CustomerInvoiceLine, InvoiceRole
from canonical.identity import reference_of
from canonical.masters import Customer, LegalEntity
from canonical.money import HourlyRate, Money
from canonical.posting import Executed, PostingIntent, PostingKind, SourceLine
from canonical.posting_period import PeriodDecision
from connectors.tryton import Tryton
from sandbox.firm import Firm, Month, firm_of
from sandbox.tryton.admin import reopen
from sandbox.tryton.customer_desk import CustomerBill, CustomerDesk
from tests.connectors.tryton.expense_world import CREATE, DELETE, POST, Office

__all__ = ["CREATE", "DELETE", "POST", "InvoiceWorld", "hours", "line"]
_NUMBERS = itertools.count(1)


def line(amount: str, role: InvoiceRole = InvoiceRole.FEE, **given: Any) -> CustomerInvoiceLine:
    """A line of one thing, taxed at the standard rate."""
    content = {
        "id": f"event-{uuid.uuid4().hex[:12]}/{next(_NUMBERS)}",  # noqa: TID251  A test's own.
        "role": role,
        "contract_line": "CL-1",
        "label": f"{role.value} of the month",
        "amount": Decimal(amount),
        "tax": "VAT19-OUT",
        "tax_rate": Decimal(19),
    }
    return CustomerInvoiceLine(**{**content, **given})


def hours(
    seconds: int, rate: str, amount: str, currency: str = "EUR", **given: Any
) -> CustomerInvoiceLine:
    """A line of work at a rate."""
    price = HourlyRate(amount=Decimal(rate), currency=currency)
    return line(amount, InvoiceRole.WORK, seconds=seconds, rate=price, **given)


class InvoiceWorld:
    """One test's invoices in the ERP; engagements and references are its own."""

    def __init__(self, office: Office, month: Month) -> None:
        self._office = office
        self.month = month
        self.network = office.network
        self.network.requests.clear()
        self.aim = POST
        self.session = office.desk.session
        self.desk = CustomerDesk(self.session)
        self._taken = itertools.count()

    @property
    def aim(self) -> str:
        """Which call of Tryton's the network's troubles are aimed at."""
        return self._office.aim

    @aim.setter
    def aim(self, call: str) -> None:
        self._office.aim = call

    def connect(self) -> Tryton:
        """A connector that this test has not used yet, on the network that may have trouble."""
        return self._office.connector(next(self._taken))

    def sent(self, method: str) -> int:
        """How often a call was sent."""
        asked = f'"method":"{method}"'.encode()
        return sum(asked in request.content for request in self.network.requests)

    @property
    def firm(self) -> Firm:
        """The firm whose ERP it is."""
        return firm_of(self.month)

    @property
    def entities(self) -> tuple[LegalEntity, ...]:
        """The companies that book."""
        return tuple(self._office.desk.masters.legal_entities)

    @property
    def entity(self) -> LegalEntity:
        """The company that books in euros."""
        return next(each for each in self.entities if each.currency == "EUR")

    @property
    def other_entity(self) -> LegalEntity:
        """The company that books in dollars, whose numbers no other test needs."""
        return next(each for each in self.entities if each.currency == "USD")

    @property
    def customers(self) -> list[Customer]:
        """Who pays for projects; other parties have no terms of payment."""
        masters = self._office.desk.masters
        payers = {each.customer for each in masters.projects}
        return [each for each in masters.customers if each.id in payers]

    @property
    def day(self) -> date:
        """A day in an open period."""
        return self.month.first_day.replace(day=20)

    @property
    def billing_day(self) -> date:
        """The first of this month: never in the future, and due in 45 days, never before today.

        All invoices of a company have it, because numbers and dates have one order.
        """
        return self.month.next().first_day

    @property
    def last_day(self) -> date:
        """The last day of that period."""
        return self.month.last_day

    def intent(self, *lines: CustomerInvoiceLine, **given: Any) -> PostingIntent:
        """An invoice that the ERP takes; `given` changes the body."""
        content = {
            "legal_entity": self.entity.id,
            "customer": self.customers[0].id,
            "engagement": f"ENG {uuid.uuid4().hex[:8]}_%",  # noqa: TID251  A test's own.
            "currency": "EUR",
            "invoice_date": self.billing_day,
            "tax_point_date": self.day,
            "service_from": self.month.first_day,
            "service_until": self.last_day,
            "purchase_order": "PO 4711",
            "lines": lines or (line("100.00"),),
        }
        return self.intent_of(CustomerInvoice(**{**content, **given}))

    def intent_of(self, body: CustomerInvoice, **given: Any) -> PostingIntent:
        """An intent with a key of its own."""
        key = uuid.uuid4()  # noqa: TID251  A test's own; nothing is ever sent again.
        content = {
            "key": key,
            "reference": reference_of(key),
            "target": "erp",
            "source": SourceLine(connection="crm", object="billing_event", id="1", revision=1),
            "kind": PostingKind.INVOICE,
            "legal_entity": next(
                each for each in self.entities if each.id == body.legal_entity
            ).code,
            "period": PeriodDecision(
                posting_date=body.invoice_date,
                period=f"{body.invoice_date:%Y-%m}",
                original_date=body.invoice_date,
            ),
            "value": Money.zero(body.currency),
            "body": body,
        }
        return PostingIntent(**{**content, **given})

    def credit(self, original: PostingIntent, *amounts: str, **given: Any) -> PostingIntent:
        """A credit note of so much of each line of an invoice, in order."""
        body = original.customer_invoice
        lines = tuple(
            one.model_copy(
                update={
                    "id": f"credit of {one.id}",
                    "amount": -Decimal(amount),
                    "seconds": 0,
                    "rate": None,
                    "credits": one.id,
                    "reason": "Agreed with the customer",
                }
            )
            for one, amount in zip(body.lines, amounts, strict=False)
        )
        credited = {"lines": lines, "credits": original.source.id, **given}
        return self.intent_of(body.model_copy(update=credited))

    @asynccontextmanager
    async def closed(self, day: date) -> AsyncIterator[None]:
        """The time in which the company's period of a day is closed."""
        within = [["start_date", "<=", day], ["end_date", ">=", day], ["type", "=", "standard"]]
        company = ["company", "=", int(self.entity.id)]
        period = await self.session.find_one("account.period", [*within, company])
        await self.session.press("account.period", "close", [period])
        try:
            yield
        finally:
            await reopen(self.session, period)

    async def posted(self, target: Tryton, intent: PostingIntent) -> int:
        """Post what is certainly taken; gives the document's id."""
        (outcome,) = await target.post([intent], await target.guard_evidence([intent]))
        assert isinstance(outcome, Executed), outcome
        return int(outcome.document_id)

    async def held(self, intent: PostingIntent) -> tuple[CustomerBill, ...]:
        """Everything in the ERP that carries an intent's reference, drafts too."""
        return await self.desk.customer_invoices([["reference", "like", f"{intent.reference}%"]])
