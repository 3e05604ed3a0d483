"""Posting customer invoices and credit notes to Tryton, and finding them."""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from canonical.identity import reference_of
from canonical.posting import PostedDocument, PostingIntent, PostingKind, PostingOutcome
from connectors.base.errors import WARNING, ConnectorError, RejectedError
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.customer_books import CustomerBookReader
from connectors.tryton.customer_dossier import CustomerDossier
from connectors.tryton.customer_reading import CustomerPaper, paper_from
from connectors.tryton.customer_wire import IS_BOOKED, CustomerInvoiceRow
from connectors.tryton.document_clerk import USER_ERROR, DocumentClerk, refuse_if_too_long
from connectors.tryton.document_wire import INVOICE
from connectors.tryton.mapping import id_of, one_line
from connectors.tryton.shelf import CUSTOMERS, Shelf, since_clauses, window_clauses
from connectors.tryton.wire import date_on_wire

_LOG: Final = logging.getLogger(__name__)
_DUE_BEFORE_TODAY: Final = f"{WARNING}invoice_payment_term"
Documents = Mapping[str, tuple[PostedDocument, ...]]


class CustomerInvoices:
    """Customer invoices in one Tryton database: one document per billing event.

    Serial per company, like all documents. Tryton warns of no second customer invoice under one
    reference: that there is only one, the protocol of drafts alone ensures.
    """

    def __init__(self, client: TrytonClient, options: TrytonOptions) -> None:
        self._client: Final = client
        self._clerk: Final = DocumentClerk(client, options)
        self._shelf: Final = Shelf(client, CUSTOMERS, CustomerInvoiceRow, paper_from)
        self._books: Final = CustomerBookReader(client, options.revenue_accounts)

    async def find(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the posted invoices of these intents; a draft is not one."""
        found: dict[str, tuple[PostedDocument, ...]] = {}
        references = [intent.reference for intent in intents]
        context = _company(intents[0])
        async for papers in self._shelf.carrying(references, IS_BOOKED, context):
            for paper in papers:
                document = _exactly(paper)
                found[paper.reference] = (*found.get(paper.reference, ()), document)
        return found

    async def post(self, intent: PostingIntent, last_byte_by: float | None) -> PostingOutcome:
        """Make one attempt at one invoice or credit note."""
        if intent.kind is not PostingKind.INVOICE:
            raise RejectedError(
                "credit_note_needed", "an invoice is taken back by a credit note of its own"
            )
        not_after = self._clerk.latest_start(last_byte_by)
        refuse_if_too_long(len(intent.customer_invoice.lines))
        credited = await self._credited(intent)
        books = await self._books.read(intent, credited)
        dossier = CustomerDossier(self._shelf, _as_foreseen(intent), books)
        try:
            return await self._clerk.carry(dossier, intent.period.posting_date, not_after)
        except RejectedError as error:
            if error.code == USER_ERROR and await self._has_later(intent):
                raise RejectedError("later_invoice_numbered", str(error)) from error
            raise

    def changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through all posted invoices of ours, changed at or after an instant."""
        return _Readable(self._shelf.sweep([*since_clauses(since), IS_BOOKED]))

    def between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a company's posted invoices of ours, by posting date."""
        return _Readable(
            self._shelf.sweep([*window_clauses(CUSTOMERS, legal_entity, first, last), IS_BOOKED])
        )

    async def remove_stray_drafts(self, older_than: datetime) -> int:
        """Delete what lost requests left behind; what got posted in the meantime stays."""
        return await self._clerk.remove(INVOICE, await self._shelf.stray_drafts(older_than))

    async def _has_later(self, intent: PostingIntent) -> bool:
        """Why a number was refused, Tryton says only in words; so later numbers are asked for.

        Numbers and dates of customer invoices have one order.
        """
        day = date_on_wire(intent.customer_invoice.invoice_date)
        context = _company(intent)
        try:
            later = await self._client.read(
                f"model.{INVOICE}.search_count",
                [
                    ["type", "=", "out"],
                    ["company", "=", context["company"]],
                    ["invoice_date", ">", day],
                    ["number", "!=", None],
                ],
                context=context,
            )
        except ConnectorError:
            return False
        return bool(later)

    async def _credited(self, intent: PostingIntent) -> Mapping[str, int]:
        """Find the lines that a credit note takes back, on booked invoices of this customer."""
        body = intent.customer_invoice
        wanted = {line.credits for line in body.lines if line.credits}
        if not wanted:
            if body.credits:
                raise RejectedError("credited_line_missing", "no line says which one it credits")
            return {}
        context = _company(intent)
        domain: list[Any] = [
            ["party", "=", id_of(body.customer, "customer")],
            ["currency.code", "=", body.currency],
            ["company", "=", context["company"]],
            IS_BOOKED,
        ]
        if intent.corrects_document is None:
            domain.append(["reference", "like", f"% {_literally(body.engagement)}"])
        else:
            domain.append(["id", "=", id_of(intent.corrects_document, "document to credit")])
        papers = await self._shelf.all(domain, context)
        if intent.corrects is not None:
            expected = reference_of(intent.corrects)
            papers = [paper for paper in papers if paper.reference == expected]
        lines = {ours: theirs for paper in papers for ours, theirs in paper.lines.items()}
        for line_id in sorted(wanted):
            if line_id not in lines:
                raise RejectedError(
                    "credited_line_unknown", f"no posted invoice of ours has the line {line_id}"
                )
        return lines


def _as_foreseen(intent: PostingIntent) -> PostingIntent:
    """Answer a warning that says nothing where nothing is due, as when a prepayment pays it all.

    Tryton then takes the invoice date for the day on which nothing is due, and warns of the past.
    """
    due: dict[str | None, Decimal] = defaultdict(Decimal)
    for line in intent.customer_invoice.lines:
        due[line.tax] += line.amount
    if any(due.values()):
        return intent
    return intent.model_copy(update={"accepted": (*intent.accepted, _DUE_BEFORE_TODAY)})


class _Readable(AsyncIterator[Sequence[PostedDocument]]):
    """Pages of invoices as documents; one that cannot be read exactly counts as missing."""

    def __init__(self, pages: AsyncIterator[list[CustomerPaper]]) -> None:
        self._pages: Final = pages

    async def __anext__(self) -> Sequence[PostedDocument]:
        found: list[PostedDocument] = []
        for paper in await anext(self._pages):
            try:
                found.append(paper.document)
            except ValueError as error:
                _LOG.error("tryton: %s left out of the sweep: %s", INVOICE, error)
        return found


def _exactly(paper: CustomerPaper) -> PostedDocument:
    try:
        return paper.document
    except ValueError as error:
        raise RejectedError("answer_not_understood", f"{INVOICE} {error}") from None


def _literally(text: str) -> str:
    """A text for LIKE, in which it stands for itself only."""
    escaped = one_line(text)
    for special in ("\\", "%", "_"):
        escaped = escaped.replace(special, f"\\{special}")
    return escaped


def _company(intent: PostingIntent) -> Context:
    return {"company": id_of(intent.customer_invoice.legal_entity, "legal entity")}
