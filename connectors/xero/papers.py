"""Xero's documents of the ledger as we know them: bills, customer invoices, credit notes."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from logging import getLogger
from typing import Any, Final

from canonical.billing import CustomerInvoice
from canonical.expense_document import ExpenseDocument
from canonical.posting import PostedDocument
from connectors.base.errors import RejectedError
from connectors.xero import filters
from connectors.xero.bill_reading import expense_document_from
from connectors.xero.client import XeroClient
from connectors.xero.drafts import BILL, BILL_CREDIT, CREDIT_NOTES, INVOICES
from connectors.xero.manifest import REFERENCES_MAX
from connectors.xero.options import XeroOptions
from connectors.xero.sale_reading import customer_invoice_from
from connectors.xero.wire import BOOKED, CreditNoteRow, InvoiceRow, row_from
from connectors.xero.wording import is_ours, reference_in

_LOG: Final = getLogger(__name__)
_DIVIDER: Final = "/"
# The words before the ids of documents, which come from different lists.
WORD_OF: Final = {INVOICES: "invoice", CREDIT_NOTES: "credit-note"}
UNIT_DECIMALS: Final = {"unitdp": "4"}
Body = ExpenseDocument | CustomerInvoice


@dataclass(frozen=True, slots=True)
class Paper:
    """A document with a reference of ours, in whatever state; `body` is None if unreadable."""

    name: str
    id: str
    status: str
    reference: str
    body: Body | None
    # What is still open of it, or unused of a credit note.
    open: Decimal

    @property
    def document_id(self) -> str:
        """Its id among all documents."""
        return f"{WORD_OF[self.name]}{_DIVIDER}{self.id}"

    @property
    def booked(self) -> bool:
        """Whether it counts."""
        return self.status in BOOKED

    @property
    def document(self) -> PostedDocument:
        """It as a document; ValueError if it cannot be read exactly."""
        if self.body is None:
            raise ValueError(f"{self.document_id} cannot be read exactly")
        return PostedDocument(
            document_id=self.document_id, reference=self.reference, body=self.body
        )


def place_of(document_id: str) -> tuple[str, str]:
    """Say in which list a document is, and its id there; RejectedError if it cannot be ours."""
    word, _, record = document_id.partition(_DIVIDER)
    for name, known in WORD_OF.items():
        if word == known and record:
            return name, record
    raise RejectedError("not_an_id", "the document is not one of this system's")


class Papers:
    """The documents of one organisation that carry references of ours."""

    def __init__(self, client: XeroClient, options: XeroOptions) -> None:
        self._client: Final = client
        self._options: Final = options

    async def one(self, name: str, record: str) -> Paper | None:
        """Read one document by its id; raises ValueError if it is not even a document."""
        value = await self._client.one(name, record, UNIT_DECIMALS)
        return None if value is None else self.paper(name, value)

    async def carrying(self, name: str, kind: str, references: Sequence[str]) -> list[Paper]:
        """Find what is booked under references; one that cannot be read is an error."""
        wanted = sorted(set(references))
        found: list[Paper] = []
        for start in range(0, len(wanted), REFERENCES_MAX):
            some = wanted[start : start + REFERENCES_MAX]
            query = {"where": filters.carrying(kind, some), **UNIT_DECIMALS}
            async for values in self._client.pages(name, query):
                found += [self._exactly(name, value) for value in values]
        return [paper for paper in found if paper.reference in wanted and paper.booked]

    def changed_since(
        self, name: str, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through all booked documents of ours, changed at or after an instant."""
        query = {"where": filters.ours(name), **UNIT_DECIMALS}
        return _Readable(self._client.pages(name, query, since), self, name)

    def between(
        self, name: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through booked documents of ours by the day that they count on."""
        where = filters.all_of(filters.ours(name), filters.within(first, last))
        return _Readable(self._client.pages(name, {"where": where, **UNIT_DECIMALS}), self, name)

    def paper(self, name: str, value: Any) -> Paper:
        """Read a document; ValueError if not even its id, state and reference can be read."""
        row: InvoiceRow | CreditNoteRow
        if name == INVOICES:
            row = row_from(InvoiceRow, value)
            record, number, left = row.invoice_id, row.invoice_number, row.amount_due
        else:
            row = row_from(CreditNoteRow, value)
            record, number, left = row.credit_note_id, row.credit_note_number, row.remaining_credit
        is_bill = row.type in (BILL, BILL_CREDIT)
        read = expense_document_from if is_bill else customer_invoice_from
        body: Body | None
        try:
            body = read(row, self._options)
        except ValueError as error:
            _LOG.warning("xero: %s %s: %s", WORD_OF[name], record, error)
            body = None
        reference = reference_in(number if is_bill else row.reference)
        return Paper(name, record, row.status, reference, body, left)

    def _exactly(self, name: str, value: Any) -> Paper:
        try:
            return self.paper(name, value)
        except ValueError as error:
            raise RejectedError("answer_not_understood", f"{WORD_OF[name]}: {error}") from None

    def readable(self, name: str, values: Sequence[Any]) -> list[PostedDocument]:
        """Read documents of the sweep; what cannot be read is left out, and counts as missing."""
        found: list[PostedDocument] = []
        for value in values:
            try:
                paper = self.paper(name, value)
                if is_ours(paper.reference) and paper.booked:
                    found.append(paper.document)
            except ValueError as error:
                _LOG.error("xero: %s left out of the sweep: %s", WORD_OF[name], error)
        return found


class _Readable(AsyncIterator[Sequence[PostedDocument]]):
    """Pages of records as documents; an error keeps the place, as pages do."""

    def __init__(self, pages: AsyncIterator[list[Any]], papers: Papers, name: str) -> None:
        self._pages: Final = pages
        self._papers: Final = papers
        self._name: Final = name

    async def __anext__(self) -> Sequence[PostedDocument]:
        return self._papers.readable(self._name, await anext(self._pages))
