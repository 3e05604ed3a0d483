"""Expense reports for a real Tryton: intents of every shape, and a desk that sees the books."""

import itertools
import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from canonical.billing import InvoiceRole
from canonical.expense_document import (
    Disbursement,
    ExpenseDocument,
    ExpenseDocumentLine,
    ExpenseRole,
)
from canonical.identity import reference_of
from canonical.masters import Employee, LegalEntity, Masters
from canonical.money import Money
from canonical.posting import PostingIntent, PostingKind, SourceLine
from canonical.posting_period import PeriodDecision
from connectors.base.http import Timeouts
from connectors.base.rate_budget import Unlimited
from connectors.base.tls import trusted_authorities
from connectors.conformance.posting_world import PostingNetwork
from connectors.tryton import Tryton, TrytonOptions, connect
from sandbox.firm import Month
from sandbox.tryton.billing_seed import ACCOUNT_OF_ROLE as _REVENUE
from sandbox.tryton.expense_desk import ExpenseDesk, SupplierInvoice
from sandbox.tryton.expense_seed import (
    CARD_CLEARING,
    EMPLOYEE_ADVANCES,
    EMPLOYEE_RECEIVABLE,
    INPUT_TAX_ACCOUNT,
    VENDOR_CLEARING,
)
from tests.connectors.tryton.world import Desk

CREATE = "model.account.invoice.create"
DELETE = "model.account.invoice.delete"
POST = "model.account.invoice.post"
PASS_ON = "model.project.disbursement.create"
TRAVEL, LODGING, MEALS, ROUNDING = "6600", "6610", "6620", "6699"
CENTRE, OTHER_CENTRE = "CC-100", "CC-200"
_ACCOUNTS = {
    ExpenseRole.EXPENSE: TRAVEL,
    ExpenseRole.TAX_NON_RECOVERABLE: "6695",
    ExpenseRole.TAX_RECOVERABLE: INPUT_TAX_ACCOUNT,
    ExpenseRole.CARD_CLEARING: CARD_CLEARING,
    ExpenseRole.VENDOR_PAYABLE: VENDOR_CLEARING,
    ExpenseRole.ADVANCE: EMPLOYEE_ADVANCES,
    ExpenseRole.EMPLOYEE_RECEIVABLE: EMPLOYEE_RECEIVABLE,
    ExpenseRole.ROUNDING: ROUNDING,
}


def line(role: ExpenseRole, amount: str, **given: Any) -> ExpenseDocumentLine:
    """A line on its role's account."""
    return ExpenseDocumentLine(
        **{
            "role": role,
            "account": _ACCOUNTS[role],
            "label": f"{role.value} of the trip",
            "amount": Decimal(amount),
            "item": "11",
            "allocation": "1",
            **given,
        }
    )


def cost(amount: str, centre: str | None = CENTRE, **given: Any) -> ExpenseDocumentLine:
    """A cost on a cost centre."""
    return line(ExpenseRole.EXPENSE, amount, cost_centre=centre, **given)


def input_tax(amount: str, base: str, code: str = "VAT19-IN", **given: Any) -> ExpenseDocumentLine:
    """A recoverable tax, to the cent."""
    return line(ExpenseRole.TAX_RECOVERABLE, amount, tax=code, tax_base=Decimal(base), **given)


class Office:
    """Connectors with open sessions on one network, shared by all tests: a login takes long."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        # Which call of Tryton's the network's troubles are aimed at.
        self.aim = POST
        self.network = PostingNetwork(
            httpx.AsyncHTTPTransport(
                verify=trusted_authorities(), limits=httpx.Limits(keepalive_expiry=1)
            ),
            self._is_meant,
        )
        self.connectors: list[Tryton] = []

    def _is_meant(self, request: httpx.Request) -> bool:
        return f'"method":"{self.aim}"'.encode() in request.content

    def connector(self, number: int) -> Tryton:
        """The connector of this number, whose session may be open from an earlier test."""
        while len(self.connectors) <= number:
            desk = self.desk
            options = TrytonOptions(
                connection="erp",
                url=desk.url,
                database=desk.database,
                user=desk.user,
                password=SecretStr(desk.password),
                revenue_accounts={InvoiceRole(role): code for role, code in _REVENUE.items()},
                timeouts=Timeouts(read_seconds=60),
            )
            self.connectors.append(connect(options, Unlimited(), self.network))
        return self.connectors[number]

    async def close(self) -> None:
        """Let go of all sockets."""
        for connector in self.connectors:
            await connector.close()


class ExpenseWorld:
    """One test's documents in the ERP; numbers and references are its own."""

    def __init__(self, office: Office, month: Month) -> None:
        self._office = office
        self._month = month
        self.network = office.network
        self.network.requests.clear()
        self.aim = POST
        self.session = office.desk.session
        self.books = ExpenseDesk(self.session)
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
    def masters(self) -> Masters:
        return self._office.desk.masters

    @property
    def entity(self) -> LegalEntity:
        """The company that books in euros and may reclaim input tax."""
        return next(each for each in self.masters.legal_entities if each.currency == "EUR")

    @property
    def employee(self) -> Employee:
        """Somebody of that company who is still there."""
        return next(
            each
            for each in self.masters.employees
            if each.legal_entity == self.entity.code and each.active_until is None
        )

    @property
    def projects(self) -> Sequence[str]:
        """Projects of that company."""
        return [
            each.code for each in self.masters.projects if each.legal_entity == self.entity.code
        ]

    @property
    def day(self) -> date:
        """A day in an open period."""
        return self._month.first_day.replace(day=20)

    def intent(self, *lines: ExpenseDocumentLine, **given: Any) -> PostingIntent:
        """A report that the ERP takes; `given` changes the body."""
        payee = self.employee.party
        assert payee is not None
        content = {
            "legal_entity": self.entity.id,
            "payee": payee,
            "report_number": f"R-{uuid.uuid4().hex[:8].upper()}",  # noqa: TID251  A test's own.
            "document_date": self.day,
            "posting_date": self._month.last_day,
            "currency": "EUR",
            "lines": lines or (cost("100.00"),),
        }
        return self.intent_of(ExpenseDocument(**{**content, **given}))

    def intent_of(self, body: ExpenseDocument, **given: Any) -> PostingIntent:
        """An intent with a key of its own."""
        key = uuid.uuid4()  # noqa: TID251  A test's own; nothing is ever sent again.
        content = {
            "key": key,
            "reference": reference_of(key),
            "target": "erp",
            "source": SourceLine(connection="concur", object="expense_report", id="1", revision=1),
            "kind": PostingKind.EXPENSE,
            "legal_entity": self.entity.code,
            "period": PeriodDecision(
                posting_date=body.posting_date,
                period=self._month.name,
                original_date=body.posting_date,
            ),
            "value": Money.zero(body.currency),
            "body": body,
        }
        return PostingIntent(**{**content, **given})

    def reversal(self, original: PostingIntent, document_id: str, on: date) -> PostingIntent:
        """The taking back of a posted report."""
        return self.intent_of(
            original.expense_document,
            kind=PostingKind.REVERSAL,
            corrects=original.key,
            corrects_document=document_id,
            period=PeriodDecision(posting_date=on, period=f"{on:%Y-%m}", original_date=on),
        )

    def passing_on(self, *amounts: str) -> tuple[Disbursement, ...]:
        """Billable costs, each of another project."""
        return tuple(
            Disbursement(
                project=project,
                item=f"item {number}",
                incurred_date=self.day,
                amount=Decimal(amount),
            )
            for number, (project, amount) in enumerate(zip(self.projects, amounts, strict=False))
        )

    async def held(self, intent: PostingIntent) -> tuple[SupplierInvoice, ...]:
        """Everything in the ERP that carries an intent's reference, drafts too."""
        return await self.books.supplier_invoices([["reference", "like", f"{intent.reference}%"]])
