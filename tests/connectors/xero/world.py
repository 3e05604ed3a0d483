"""A simulated Xero organisation in the words of the contract suites, one world per kind."""

import itertools
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from canonical.billing import CustomerInvoice, CustomerInvoiceLine, InvoiceRole
from canonical.expense_document import ExpenseDocument, ExpenseDocumentLine, ExpenseRole
from canonical.identity import reference_of
from canonical.journal import JournalEntry, JournalLine
from canonical.money import Money
from canonical.posting import PostingBody, PostingIntent, PostingKind, SourceLine, TimeLine
from canonical.posting_period import PeriodDecision
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import Tokens
from connectors.conformance.posting_world import PostingNetwork
from connectors.xero import Xero, XeroOptions, connect
from connectors.xero.client import XeroClient
from connectors.xero.drafts import Draft
from connectors.xero.journal_mapping import journal_values
from connectors.xero.ledger_documents import LedgerDocuments
from connectors.xero.papers import WORD_OF
from connectors.xero.simulated_journals import create_journal
from connectors.xero.simulated_json import Record
from connectors.xero.simulated_ledger import create_document
from connectors.xero.simulated_organisation import SimulatedXero
from connectors.xero.simulated_projects import log_time
from connectors.xero.simulator import simulated_xero
from connectors.xero.time_mapping import entry_values
from tests.connectors.xero.firm import (
    CUSTOMER,
    PEOPLE,
    PERSON,
    PROJECTS,
    REVENUE,
    STATE,
    TASKS,
    TAX_ACCOUNT,
    TRAVEL,
)
from tests.connectors.xero.spec_check import BASE_URL, IDENTITY_URL, SpecChecked

DAY = date(2026, 3, 10)


class XeroWorld:
    """An `HttpWorld` and, for lines of time, a `LaggingWorld`; its clocks stand still."""

    secret = STATE.client_secret
    kind: ClassVar[PostingKind] = PostingKind.TIME

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.monotonic = 1_000.0
        self.xero = SimulatedXero(STATE, clock=lambda: self.now)
        # Tests are faster than sixty calls in a minute; the limits have tests of their own.
        self.misbehave(minute_limit=1_000_000, day_limit=1_000_000, concurrent_limit=100)
        self.spec = SpecChecked(httpx.ASGITransport(simulated_xero(self.xero)))
        self.network = PostingNetwork(self.spec, _is_write)
        self._numbers = itertools.count()

    def options(self, **given: Any) -> XeroOptions:
        """Options to connect with."""
        known: dict[str, Any] = {
            "connection": "erp",
            "tenant_id": STATE.tenant_id,
            "client_id": STATE.client_id,
            "client_secret": SecretStr(self.secret),
            "legal_entity": "FIRM-DE",
            "tax_account": TAX_ACCOUNT,
            "revenue_accounts": REVENUE,
            "api_url": BASE_URL,
            "identity_url": IDENTITY_URL,
        }
        return XeroOptions(**{**known, **given})

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None, **options: Any
    ) -> Xero:
        given = {"client_secret": SecretStr(secret)} if secret else {}
        return connect(
            self.options(**given, **options),
            budget or Tokens(),
            self.network,
            clock=lambda: self.monotonic,
            now=lambda: self.now,
        )

    async def pass_time(self, seconds: int) -> None:
        """Let time go by at Xero and here."""
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds

    def misbehave(self, **quirks: Any) -> None:
        """Let the simulated Xero have quirks."""
        self.xero.quirks = self.xero.quirks.model_copy(update=quirks)

    @property
    def private(self) -> tuple[str, ...]:
        people = (*self.xero.users.values(), *self.xero.contacts.values())
        return tuple(word for each in people for word in (each.name, each.email) if word)

    def intent_of(self, body: PostingBody, day: date, **given: Any) -> PostingIntent:
        """An intent with a key of its own."""
        key = uuid.uuid4()  # noqa: TID251  A test's own; nothing is ever sent again.
        content = {
            "key": key,
            "reference": reference_of(key),
            "target": "erp",
            "source": SourceLine(connection="psa", object="time_entry", id="1", revision=1),
            "kind": self.kind,
            "legal_entity": "FIRM-DE",
            "period": PeriodDecision(posting_date=day, period="any", original_date=day),
            "value": Money.zero("EUR"),
            "body": body,
        }
        return PostingIntent(**{**content, **given})

    def day(self) -> date:
        """A day that this world has not used yet."""
        return DAY + timedelta(days=next(self._numbers) % 20)

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        content: dict[str, Any] = {
            "legal_entity": STATE.tenant_id,
            "employee": PERSON,
            "task": f"{PROJECTS[parent]}/{TASKS[parent]}",
            "work_date": self.day(),
            "seconds": seconds,
            "note": note,
        }
        line = TimeLine(**{**content, **body})
        return self.intent_of(line, line.work_date)

    def refused_intent(self) -> PostingIntent:
        """Work of somebody who may not log time."""
        return self.intent(employee="00000000-0000-4000-8000-0000000000ff")

    def altered(self, write: bytes) -> bytes:
        return json.dumps({**json.loads(write), "duration": 15}).encode()

    async def book(self, intent: PostingIntent) -> str:
        project, _, _ = intent.time_line.task.partition("/")
        return self._entry(log_time(self.xero, project, entry_values(intent, self.options())))

    async def book_for_somebody_else(self) -> str:
        intent = self.intent()
        values = {**entry_values(intent, self.options()), "description": "Lunch with the customer"}
        return self._entry(log_time(self.xero, PROJECTS[0], values))

    def _entry(self, record: Record) -> str:
        return f"{record['projectId']}/{record['timeEntryId']}"

    async def edit_note(self, document_id: str, note: str) -> None:
        record = self.xero.entries[document_id.partition("/")[2]]
        record["description"] = f"{record['description'].split()[0]} {note}"

    async def lock(self, document_id: str) -> None:
        self.xero.entries[document_id.partition("/")[2]]["status"] = "INVOICED"

    async def held(self, reference: str) -> list[str]:
        return [
            self._entry(each)
            for each in self.xero.entries.values()
            if (each["description"] or "").split(" ")[0] == reference
        ]


class DocumentWorld(XeroWorld):
    """Documents of the ledger; `seconds` are cents."""

    def draft(self, intent: PostingIntent) -> Draft:
        """What the connector would create."""
        options = self.options()
        return LedgerDocuments(XeroClient(options, Tokens()), options).draft(intent)

    def altered(self, write: bytes) -> bytes:
        sent = json.loads(write)
        for document in (document for items in sent.values() for document in items):
            for line in document["LineItems"][1:]:
                line["Quantity"], line["UnitAmount"], line["LineAmount"] = 1, 0.25, 0.25
        return json.dumps(sent).encode()

    async def book(self, intent: PostingIntent) -> str:
        draft = self.draft(intent)
        return self._document(draft.name, create_document(self.xero, draft.name, draft.values))

    async def book_for_somebody_else(self) -> str:
        draft = self.draft(self.intent())
        names = ["InvoiceNumber", "CreditNoteNumber", "Reference"]
        theirs = dict.fromkeys(names, "RF-4711")
        values = {name: theirs.get(name, value) for name, value in draft.values.items()}
        return self._document(draft.name, create_document(self.xero, draft.name, values))

    def _document(self, name: str, record: Record) -> str:
        return f"{WORD_OF[name]}/{record['_id']}"

    def record(self, document_id: str) -> Record:
        """The record behind a document."""
        word, _, record = document_id.partition("/")
        (name,) = (name for name, known in WORD_OF.items() if known == word)
        return self.xero.documents[name][record]

    async def edit_note(self, document_id: str, note: str) -> None:
        record = self.record(document_id)
        number = "InvoiceNumber" if "InvoiceNumber" in record else "CreditNoteNumber"
        member = "Reference" if record["Reference"] else number
        record[member] = f"{record[member].split()[0]} {note}"

    async def held(self, reference: str) -> list[str]:
        found: list[str] = []
        for name, number in (("Invoices", "InvoiceNumber"), ("CreditNotes", "CreditNoteNumber")):
            for record in self.xero.documents[name].values():
                texts = (record["Reference"], record[number])
                booked = record["Status"] in ("AUTHORISED", "PAID")
                if booked and any(text.split(" ")[0] == reference for text in texts):
                    found.append(self._document(name, record))
        return found


class BillWorld(DocumentWorld):
    """Expense reports, as bills."""

    kind = PostingKind.EXPENSE

    def cost(self, amount: str, **given: Any) -> ExpenseDocumentLine:
        """A line of a report."""
        known = {
            "role": ExpenseRole.EXPENSE,
            "account": TRAVEL,
            "label": "Taxi",
            "amount": Decimal(amount),
            "item": "11",
            "allocation": "1",
            "cost_centre": "CC-100",
            "project": "P-100",
        }
        return ExpenseDocumentLine(**{**known, **given})

    def tax(self, amount: str, base: str, **given: Any) -> ExpenseDocumentLine:
        """A recoverable tax."""
        known = {
            "role": ExpenseRole.TAX_RECOVERABLE,
            "account": TAX_ACCOUNT,
            "label": "Input tax",
            "tax": "INPUT2",
            "tax_base": Decimal(base),
            "cost_centre": None,
            "project": None,
        }
        return self.cost(amount, **{**known, **given})

    def report(self, *lines: ExpenseDocumentLine, **given: Any) -> PostingIntent:
        """A report that Xero takes; `given` changes the body."""
        day = self.day()
        known = {
            "legal_entity": STATE.tenant_id,
            "payee": PEOPLE[0],
            "report_number": f"R-{next(self._numbers)}",
            "document_date": day - timedelta(days=5),
            "posting_date": day,
            "currency": "EUR",
            "lines": lines or (self.cost("100.00"),),
        }
        body = ExpenseDocument(**{**known, **given})
        return self.intent_of(body, body.posting_date)

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        amount = str(Decimal(seconds).scaleb(-2))
        return self.report(self.cost(amount, label=note[:250], item=str(parent)), **body)

    def refused_intent(self) -> PostingIntent:
        """A report of somebody who was archived."""
        return self.intent(payee=PEOPLE[2])


class ReversalWorld(BillWorld):
    """The taking back of reports."""

    kind = PostingKind.REVERSAL

    def intent(self, **given: Any) -> PostingIntent:
        return self.reversal(super().intent(**given))

    def refused_intent(self) -> PostingIntent:
        """The taking back of what was never there."""
        intent = self.intent()
        return intent.model_copy(
            update={"corrects_document": "invoice/00000000-0000-4000-8000-0000000000ff"}
        )

    def reversal(self, report: PostingIntent, on: date = date(2026, 3, 30)) -> PostingIntent:
        """Book a report behind the connector's back, and say that it is to be taken back."""
        key = uuid.uuid4()  # noqa: TID251  A test's own.
        original = report.model_copy(
            update={"key": key, "reference": reference_of(key), "kind": PostingKind.EXPENSE}
        )
        draft = self.draft(original)
        record = create_document(self.xero, draft.name, draft.values)
        return self.intent_of(
            report.body,
            on,
            kind=PostingKind.REVERSAL,
            corrects=key,
            corrects_document=self._document(draft.name, record),
        )


class SaleWorld(DocumentWorld):
    """Customer invoices."""

    kind = PostingKind.INVOICE

    def line(self, number: int, amount: str, **given: Any) -> CustomerInvoiceLine:
        """A line of an invoice."""
        known = {
            "id": f"event/{number}",
            "role": InvoiceRole.WORK,
            "contract_line": "CL-1",
            "label": "Consulting",
            "amount": Decimal(amount),
            "tax": "OUTPUT2",
            "tax_rate": Decimal(19),
        }
        return CustomerInvoiceLine(**{**known, **given})

    def invoice(self, *lines: CustomerInvoiceLine, **given: Any) -> PostingIntent:
        """An invoice that Xero takes; `given` changes the body."""
        day = self.day()
        known = {
            "legal_entity": STATE.tenant_id,
            "customer": CUSTOMER,
            "engagement": "ENG-1",
            "currency": "EUR",
            "invoice_date": day,
            "tax_point_date": day,
            "service_from": date(2026, 3, 1),
            "service_until": date(2026, 3, 31),
            "lines": lines or (self.line(1, "100.00"),),
        }
        body = CustomerInvoice(**{**known, **given})
        return self.intent_of(body, body.invoice_date)

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        amount = str(Decimal(seconds).scaleb(-2))
        label = note[:250] or "Consulting"
        return self.invoice(self.line(parent + 1, amount, label=label), **body)

    def refused_intent(self) -> PostingIntent:
        """An invoice with a tax that does not exist."""
        return self.invoice(self.line(1, "100.00", tax="NOSUCH"))


class JournalWorld(XeroWorld):
    """Entries of the journal, as manual journals; `seconds` are cents."""

    kind = PostingKind.JOURNAL

    def entry(self, amount: str = "36.00", label: str = "", **given: Any) -> PostingIntent:
        """An entry that Xero takes; `given` changes the body."""
        known = {
            "legal_entity": STATE.tenant_id,
            "entry_date": self.day(),
            "currency": "EUR",
            "description": "ic-2026-03",
            "lines": (
                JournalLine(account=TRAVEL, amount=Decimal(amount), label=label),
                JournalLine(account="850", amount=-Decimal(amount), label=label),
            ),
        }
        body = JournalEntry(**{**known, **given})
        return self.intent_of(body, body.entry_date)

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        return self.entry(str(Decimal(seconds).scaleb(-2)), note[:250], **body)

    def refused_intent(self) -> PostingIntent:
        """An entry on an account that takes none."""
        lines = (
            JournalLine(account=TRAVEL, amount=Decimal(1)),
            JournalLine(account="090", amount=Decimal(-1)),
        )
        return self.entry(lines=lines)

    def altered(self, write: bytes) -> bytes:
        sent = json.loads(write)
        for journal in sent["ManualJournals"]:
            for line, amount in zip(journal["JournalLines"], (0.25, -0.25), strict=True):
                line["LineAmount"] = amount
        return json.dumps(sent).encode()

    async def book(self, intent: PostingIntent) -> str:
        record = create_journal(self.xero, journal_values(intent, "EUR"))
        return f"journal/{record['_id']}"

    async def book_for_somebody_else(self) -> str:
        values = {**journal_values(self.intent(), "EUR"), "Narration": "Lunch, accrued"}
        return f"journal/{create_journal(self.xero, values)['_id']}"

    async def edit_note(self, document_id: str, note: str) -> None:
        record = self.xero.documents["ManualJournals"][document_id.partition("/")[2]]
        record["Narration"] = f"{record['Narration'].split()[0]} {note}"

    async def held(self, reference: str) -> list[str]:
        return [
            f"journal/{each['_id']}"
            for each in self.xero.documents["ManualJournals"].values()
            if each["Status"] == "POSTED" and each["Narration"].split(" ")[0] == reference
        ]


def _is_write(request: httpx.Request) -> bool:
    path = request.url.path
    return request.method != "GET" and path != "/connect/token" and "Allocations" not in path
