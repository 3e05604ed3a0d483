"""Expense documents and customer invoices for the simulated Business Central."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from canonical.billing import CustomerInvoice, CustomerInvoiceLine, InvoiceRole
from canonical.expense_document import ExpenseDocument, ExpenseDocumentLine, ExpenseRole
from canonical.identity import reference_of
from canonical.money import HourlyRate
from canonical.posting import PostingIntent, PostingKind, SourceLine
from canonical.posting_period import PeriodDecision
from connectors.base.rate_budget import RateBudget
from connectors.business_central import (
    BusinessCentral,
    expense_mapping,
    invoice_mapping,
)
from connectors.business_central import simulated_documents as documents
from connectors.business_central import simulated_ledger as ledger
from connectors.business_central.simulated_firm import COMPANY
from connectors.business_central.simulated_query import Record
from tests.connectors.business_central.world import BusinessCentralWorld

REVENUE = {
    InvoiceRole.WORK: "8400",
    InvoiceRole.EXPENSE: "8410",
    InvoiceRole.FEE: "8420",
    InvoiceRole.PREPAYMENT: "1780",
    InvoiceRole.DRAW: "1780",
}
DAY = date(2026, 3, 10)
_ACCOUNTS = {
    ExpenseRole.EXPENSE: "6600",
    ExpenseRole.TAX_RECOVERABLE: "1570",
    ExpenseRole.TAX_NON_RECOVERABLE: "6695",
    ExpenseRole.CARD_CLEARING: "1590",
    ExpenseRole.ADVANCE: "1540",
    ExpenseRole.EMPLOYEE_RECEIVABLE: "1530",
    ExpenseRole.VENDOR_PAYABLE: "3300",
    ExpenseRole.ROUNDING: "6699",
}


def expense_line(role: ExpenseRole, amount: str, **given: Any) -> ExpenseDocumentLine:
    """A line on its role's account."""
    values = {"role": role, "account": _ACCOUNTS[role], "label": f"{role.value} of the trip"}
    return ExpenseDocumentLine(**{**values, "amount": Decimal(amount), "item": "11", **given})


def cost(amount: str, **given: Any) -> ExpenseDocumentLine:
    """A cost on a cost centre."""
    return expense_line(ExpenseRole.EXPENSE, amount, **{"cost_centre": "CC-100", **given})


def input_tax(amount: str, base: str) -> ExpenseDocumentLine:
    """A recoverable tax, to the cent."""
    return expense_line(ExpenseRole.TAX_RECOVERABLE, amount, tax="VAT19-IN", tax_base=Decimal(base))


def work(number: int, amount: str, **given: Any) -> CustomerInvoiceLine:
    """A line of work that is taxed."""
    values = {
        "id": f"L{number}",
        "role": InvoiceRole.WORK,
        "contract_line": "CL-1",
        "label": "Consulting in March",
        "amount": Decimal(amount),
        "tax": "VAT19",
        "tax_rate": Decimal(19),
    }
    return CustomerInvoiceLine(**{**values, **given})


def hours(number: int, count: str, rate: str, **given: Any) -> CustomerInvoiceLine:
    """Hours at a rate."""
    worked, price = Decimal(count), HourlyRate(amount=Decimal(rate), currency="EUR")
    amount = (worked * price.amount).quantize(Decimal("0.01"))
    return work(number, str(amount), seconds=int(worked * 3600), rate=price, **given)


class DocumentWorld(BusinessCentralWorld):
    """A world whose network's troubles are aimed at the request that posts."""

    aim = "/Microsoft.NAV.post"

    def _is_write(self, request: httpx.Request) -> bool:
        return request.method != "GET" and request.url.path.endswith(self.aim)

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None, **given: Any
    ) -> BusinessCentral:
        return super().connect(budget, secret=secret, **{"revenue_accounts": REVENUE, **given})

    def wrapped(self, body: Any, kind: PostingKind, **given: Any) -> PostingIntent:
        """An intent around a body."""
        key = uuid.uuid4()  # noqa: TID251  A test's own; nothing is ever sent again.
        day = given.pop("posting_date", DAY)
        values = {
            "key": key,
            "reference": reference_of(key),
            "target": "erp",
            "source": SourceLine(connection="src", object="expense_report", id="1", revision=1),
            "kind": kind,
            "legal_entity": COMPANY,
            "period": PeriodDecision(posting_date=day, period="2026-03", original_date=day),
            "value": body.payable if isinstance(body, ExpenseDocument) else body.total,
            "body": body,
        }
        return PostingIntent(**{**values, **given})

    def expense(self, *lines: ExpenseDocumentLine, **given: Any) -> PostingIntent:
        """An expense report of the firm."""
        content = {
            "legal_entity": self.company.id,
            "payee": self.id_of("vendors", "E-1001"),
            "report_number": "R-2026-0042",
            "document_date": DAY,
            "posting_date": DAY,
            "currency": "EUR",
            "lines": lines or (cost("100.00"), cost("19.99", cost_centre="CC-200")),
        }
        return self.wrapped(ExpenseDocument(**{**content, **given}), PostingKind.EXPENSE)

    def reversal(self, intent: PostingIntent, document_id: str, **given: Any) -> PostingIntent:
        """What takes an expense report back."""
        values = {"corrects": intent.key, "corrects_document": document_id, **given}
        return self.wrapped(intent.body, PostingKind.REVERSAL, **values)

    def invoice(self, *lines: CustomerInvoiceLine, **given: Any) -> PostingIntent:
        """An invoice of the firm."""
        wrap = {name: given.pop(name) for name in ("corrects_document",) if name in given}
        content = {
            "legal_entity": self.company.id,
            "customer": self.id_of("customers", "C-100"),
            "engagement": "ENG-1",
            "currency": "EUR",
            "invoice_date": DAY,
            "tax_point_date": date(2026, 3, 31),
            "service_from": date(2026, 3, 1),
            "service_until": date(2026, 3, 31),
            "lines": lines or (hours(1, "10", "150.00"),),
        }
        return self.wrapped(CustomerInvoice(**{**content, **given}), PostingKind.INVOICE, **wrap)

    async def draft(self, intent: PostingIntent) -> str:
        """Put a draft into the ERP as an attempt does that is then lost."""
        return self.drafted(intent)

    async def book(self, intent: PostingIntent) -> str:
        return self.booked(intent)

    def drafted(self, intent: PostingIntent) -> str:
        """Make a draft behind the connector's back; gives its id."""
        options = self.options(revenue_accounts=REVENUE)
        mapping: Any = (
            expense_mapping if isinstance(intent.body, ExpenseDocument) else invoice_mapping
        )
        family = mapping.family_of(intent)
        values = dict(mapping.values_of(intent, options))
        header = documents.create(self.company, family.entity, values)
        if mapping is expense_mapping:
            lines = list(
                self.company.rows(family.lines, documentId=header["id"], lineType="Account")
            )
            for line, axes in zip(
                lines, expense_mapping.dimensions_of(intent, options), strict=True
            ):
                for code, value in axes.items():
                    documents.create_dimension(
                        self.company, line, {"code": code, "valueCode": value}
                    )
        return self.place(family.entity, header)

    def booked(self, intent: PostingIntent) -> str:
        """Make a draft and post it; gives its id."""
        place = self.drafted(intent)
        entity, own = place.split("/")[1:]
        header = self.company.get(entity, own)
        assert header is not None
        ledger.post(self.company, entity, header)
        return place

    def place(self, entity: str, header: Record) -> str:
        """A document's id as the connector says it."""
        return f"{self.company.id}/{entity}/{header['id']}"

    def papers(self, reference: str) -> list[tuple[str, Record]]:
        """All documents of a reference, whatever they are."""
        return [
            (entity, row)
            for entity, one in documents.PAPERS.items()
            for row in self.company.rows(entity, **{one.number: reference})
        ]

    async def drafts(self, reference: str) -> list[str]:
        return [
            self.place(entity, row)
            for entity, row in self.papers(reference)
            if row["status"] == "Draft"
        ]

    async def held(self, reference: str) -> list[str]:
        return [
            self.place(entity, row)
            for entity, row in self.papers(reference)
            if row["status"] != "Draft"
        ]


class ExpenseWorld(DocumentWorld):
    """Its intents are expense reports."""

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        amount = str(Decimal(seconds) / 100)
        lines = (cost(amount, label=note or f"trip {parent}"), input_tax("19.00", "100.00"))
        return self.expense(*lines, **body)


class ReversalWorld(ExpenseWorld):
    """Its intents take back expense reports, which are in the books already."""

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        report = super().intent(parent=parent, seconds=seconds, note=note, **body)
        return self.reversal(report, self.booked(report))


class InvoiceWorld(DocumentWorld):
    """Its intents are customer invoices."""

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        amount = str(Decimal(seconds) / 100)
        return self.invoice(work(parent + 1, amount, label=note or "Work"), **body)


class CreditWorld(DocumentWorld):
    """Its intents are credit notes on no invoice in particular."""

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        amount = str(-Decimal(seconds) / 100)
        line = work(parent + 1, amount, label=note or "Work", credits="L9", reason="agreed")
        return self.invoice(line, credits="event-1", **body)
