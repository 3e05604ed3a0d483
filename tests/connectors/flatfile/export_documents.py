"""Documents for a folder that an ERP imports from, and a world of the suite for each kind."""

import json
from abc import ABC, abstractmethod
from datetime import date
from decimal import Decimal

from canonical.billing import CustomerInvoice, CustomerInvoiceLine, InvoiceRole
from canonical.expense_document import (
    Disbursement,
    ExpenseDocument,
    ExpenseDocumentLine,
    ExpenseRole,
)
from canonical.journal import JournalEntry, JournalLine
from canonical.money import HourlyRate
from canonical.posting import PostingIntent, PostingKind
from tests.connectors.flatfile.export_world import CLOSED_DAY, DAY, ExportWorld, intent_of

_LABEL_MAX = 250


class DocumentWorld(ExportWorld, ABC):
    """Its intents are documents; `seconds` are cents, `note` is the label of a line."""

    def intent(self, *, parent: int = 0, seconds: int = 3600, note: str = "") -> PostingIntent:
        label = f"{parent} {note}"[:_LABEL_MAX]
        return self.document(Decimal(seconds).scaleb(-2), label=label)

    @abstractmethod
    def document(self, amount: Decimal, *, label: str = "Taxi", day: date = DAY) -> PostingIntent:
        """A document of this world's kind, of one amount, that counts on a day."""

    def refused_intent(self) -> PostingIntent:
        return self.document(Decimal(36), day=CLOSED_DAY)

    def altered(self, write: bytes) -> bytes:
        value = json.loads(write)
        for line in value["document"]["lines"]:
            line["amount"] = "-0.25" if line["amount"].startswith("-") else "0.25"
        return json.dumps(value).encode()

    async def edit_note(self, document_id: str, note: str) -> None:
        path = self.folder / "documents" / f"{document_id}.json"
        value = json.loads(path.read_text())
        value["document"]["lines"][0]["label"] = note
        path.write_text(json.dumps(value))


class ExpenseWorld(DocumentWorld):
    """Its intents are expense reports."""

    def document(self, amount: Decimal, *, label: str = "Taxi", day: date = DAY) -> PostingIntent:
        return expense(amount, label=label, day=day)


class InvoiceWorld(DocumentWorld):
    """Its intents are customer invoices."""

    def document(self, amount: Decimal, *, label: str = "Taxi", day: date = DAY) -> PostingIntent:
        return invoice(amount=amount, label=label, day=day)


class JournalWorld(DocumentWorld):
    """Its intents are entries of a journal."""

    def document(self, amount: Decimal, *, label: str = "Taxi", day: date = DAY) -> PostingIntent:
        return journal(amount, label=label, day=day)


class ReversalWorld(ExpenseWorld):
    """Its intents take back expense reports, which are in the folder already."""

    def intent(self, *, parent: int = 0, seconds: int = 3600, note: str = "") -> PostingIntent:
        report = super().intent(parent=parent, seconds=seconds, note=note)
        self.put(report)
        return reversal_of(report)

    def refused_intent(self) -> PostingIntent:
        """On a day of a month that is closed; the report itself is of an open one."""
        return reversal_of(expense(), day=CLOSED_DAY)


def reversal_of(intent: PostingIntent, *, day: date = DAY) -> PostingIntent:
    """What takes it back, as the platform makes it: the same body under another kind."""
    return intent_of(
        intent.body,
        PostingKind.REVERSAL,
        day=day,
        corrects=intent.key,
        corrects_document=intent.reference,
    )


def expense(
    amount: Decimal = Decimal("84.03"), *, label: str = "Taxi — Zürich", day: date = DAY
) -> PostingIntent:
    """An expense report with a recovered tax and a cost that is passed on."""
    lines = (
        ExpenseDocumentLine(
            role=ExpenseRole.EXPENSE,
            account="6600",
            label=label,
            amount=amount,
            cost_centre="CC-100",
            item="1",
            allocation="1",
        ),
        ExpenseDocumentLine(
            role=ExpenseRole.TAX_RECOVERABLE,
            account="1406",
            label="Input tax",
            amount=Decimal("15.97"),
            tax="V19",
            tax_base=amount,
        ),
        ExpenseDocumentLine(
            role=ExpenseRole.CARD_CLEARING, account="3300", label="Card", amount=Decimal("-40.00")
        ),
    )
    disbursement = Disbursement(project="PRJ-1", item="1", incurred_date=DAY, amount=amount)
    body = ExpenseDocument(
        legal_entity="DE01",
        payee="E-1",
        report_number="ER-7",
        document_date=DAY,
        posting_date=day,
        currency="EUR",
        lines=lines,
        disbursements=(disbursement,),
    )
    return intent_of(body, PostingKind.EXPENSE, day=day)


def invoice(
    sign: int = 1,
    amount: Decimal = Decimal("225.38"),
    *,
    label: str = "Analysis",
    day: date = DAY,
) -> PostingIntent:
    """An invoice; a credit note, if the sign is below nothing."""
    line = CustomerInvoiceLine(
        id="1",
        role=InvoiceRole.WORK,
        contract_line="CL-1",
        label=label,
        seconds=sign * 5400,
        rate=HourlyRate(amount=Decimal("150.2525"), currency="EUR"),
        amount=sign * amount,
        tax="U19",
        tax_rate=Decimal(19),
        credits=None if sign > 0 else "0",
    )
    body = CustomerInvoice(
        legal_entity="DE01",
        customer="CUST-001",
        engagement="ENG-1",
        currency="EUR",
        invoice_date=day,
        tax_point_date=DAY,
        service_from=DAY,
        service_until=DAY,
        lines=(line,),
    )
    return intent_of(body, PostingKind.INVOICE, day=day)


def journal(
    amount: Decimal = Decimal("1234567890123.45"), *, label: str = "Charged", day: date = DAY
) -> PostingIntent:
    """One leg of a pair between legal entities."""
    lines = (
        JournalLine(account="1500", amount=amount, party="US01"),
        JournalLine(account="4900", amount=-amount, label=label),
    )
    body = JournalEntry(
        legal_entity="DE01", entry_date=day, currency="EUR", description="IC-1", lines=lines
    )
    return intent_of(body, PostingKind.JOURNAL, day=day)
