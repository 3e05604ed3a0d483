"""Posting expense reports to Tryton as supplier invoices, finding them, and taking them back."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from canonical.posting import PostedDocument, PostingIntent, PostingKind, PostingOutcome
from connectors.tryton import document_drafts as drafts
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.document_clerk import DocumentClerk, refuse_if_too_long
from connectors.tryton.document_wire import INVOICE
from connectors.tryton.expense_books import BookReader
from connectors.tryton.expense_dossier import ExpenseDossier
from connectors.tryton.mapping import id_of
from connectors.tryton.original import Original
from connectors.tryton.papers import DISBURSEMENT, Papers

Documents = Mapping[str, tuple[PostedDocument, ...]]


class ExpenseDocuments:
    """Expense documents in one Tryton database: one supplier invoice per report.

    Serial per company: Tryton numbers documents without gaps, and whoever finds the number range
    locked is answered 503.
    """

    def __init__(self, client: TrytonClient, options: TrytonOptions) -> None:
        self._clerk: Final = DocumentClerk(client, options)
        self._papers: Final = Papers(client, options.cost_centre_root)
        self._books: Final = BookReader(client, options.cost_centre_root)

    async def find(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the posted documents of these intents; a draft is not one."""
        references = [intent.reference for intent in intents]
        return await self._papers.booked(references, _company(intents[0]))

    async def post(self, intent: PostingIntent, last_byte_by: float | None) -> PostingOutcome:
        """Make one attempt at one document."""
        not_after = self._clerk.latest_start(last_byte_by)
        context = _company(intent)
        refuse_if_too_long(len(intent.expense_document.lines))
        books = await self._books.read(intent)
        original = (
            await Original.read(self._papers, intent, context)
            if intent.kind is PostingKind.REVERSAL
            else None
        )
        dossier = ExpenseDossier(self._papers, intent, books, original)
        return await self._clerk.carry(dossier, drafts.posting_date_of(intent), not_after)

    def changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through all posted documents of ours, changed at or after an instant."""
        return self._papers.changed_since(since)

    def between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a company's posted documents of ours, by posting date."""
        return self._papers.between(legal_entity, first, last)

    async def remove_stray_drafts(self, older_than: datetime) -> int:
        """Delete what lost requests left behind; what got posted in the meantime stays."""
        begun, rows = await self._papers.strays(older_than)
        removed = await self._clerk.remove(INVOICE, begun)
        return removed + await self._clerk.remove(DISBURSEMENT, rows)


def _company(intent: PostingIntent) -> Context:
    return {"company": id_of(intent.expense_document.legal_entity, "legal entity")}
