"""An expense report as the protocol of drafts sees it: an invoice, and what it passes on."""

from collections.abc import Sequence
from typing import Final

from canonical.expense_document import ExpenseDocument
from canonical.posting import PostedDocument, PostingIntent
from connectors.tryton import document_drafts as drafts
from connectors.tryton.client import Context
from connectors.tryton.document_drafts import Books
from connectors.tryton.document_reading import Paper, comparable, document_from
from connectors.tryton.document_wire import INVOICE
from connectors.tryton.dossier import Calls, Values
from connectors.tryton.original import Original
from connectors.tryton.papers import DISBURSEMENT, Papers, Seen


class ExpenseDossier:
    """One supplier invoice with its disbursements, or what takes one back."""

    def __init__(
        self, papers: Papers, intent: PostingIntent, books: Books, original: Original | None
    ) -> None:
        self._papers: Final = papers
        self._books: Final = books
        self._original: Final = original
        self._wanted: Final = comparable(_without_disbursements(intent))
        self.intent: Final = intent
        self.model: Final = INVOICE
        self.context: Final[Context] = {"company": books.company}

    @property
    def takes_back(self) -> bool:
        return self._original is not None

    async def seen(self) -> Seen:
        return await self._papers.seen(self.intent.reference, self.context)

    def fitting(self, seen: Seen) -> Sequence[int]:
        return [paper.id for paper in seen.drafts if self._fits(paper, seen)]

    def draft(self) -> Values:
        return drafts.invoice_values(self.intent, self._books)

    def beside(self, draft: int) -> Calls:
        if self._original is not None or not self.intent.expense_document.disbursements:
            return ()
        passed_on = drafts.disbursement_values(self.intent, draft, self._books)
        return [(f"model.{DISBURSEMENT}.create", passed_on)]

    def strays(self, seen: Seen) -> Calls:
        rows = Seen(seen.booked, seen.rows).stray_rows
        if self._original is not None or not rows:
            return ()
        return [(f"model.{DISBURSEMENT}.delete", [row.id for row in rows])]

    async def release(self) -> Calls:
        return () if self._original is None else await self._original.release()

    def restore(self) -> Calls:
        return () if self._original is None else self._original.restore()

    def document(self, seen: Seen) -> PostedDocument:
        (paper,) = seen.booked
        return document_from(paper, seen.of(paper))

    def _fits(self, paper: Paper, seen: Seen) -> bool:
        if paper.body is None or paper.reverses is not self.takes_back:
            return False
        if comparable(paper.body) != self._wanted:
            return False
        if self._original is not None:
            return True
        try:
            shown = paper.with_disbursements(seen.of(paper))
        except ValueError:
            return False
        return comparable(shown) == comparable(self.intent.expense_document)


def _without_disbursements(intent: PostingIntent) -> ExpenseDocument:
    return intent.expense_document.model_copy(update={"disbursements": ()})
