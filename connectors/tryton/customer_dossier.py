"""A customer invoice as the protocol of drafts sees it: one document, with nothing beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from canonical.posting import PostedDocument, PostingIntent
from connectors.tryton import customer_drafts as drafts
from connectors.tryton.client import Context
from connectors.tryton.customer_drafts import CustomerBooks
from connectors.tryton.customer_reading import CustomerPaper, comparable
from connectors.tryton.document_wire import DRAFT, INVOICE
from connectors.tryton.dossier import Calls, Values
from connectors.tryton.shelf import Shelf


@dataclass(frozen=True, slots=True)
class CustomerSighting:
    """All customer invoices under one reference, lowest id first."""

    papers: Sequence[CustomerPaper]

    @property
    def booked(self) -> list[CustomerPaper]:
        return [paper for paper in self.papers if paper.booked]

    @property
    def drafts(self) -> list[CustomerPaper]:
        """Those that are not booked; a validated one comes first, since it cannot be deleted."""
        unbooked = [paper for paper in self.papers if paper.draft]
        return sorted(unbooked, key=lambda paper: (paper.state == DRAFT, paper.id))


class CustomerDossier:
    """One invoice or credit note; crediting changes nothing of the invoice that is credited."""

    def __init__(
        self, shelf: Shelf[CustomerPaper], intent: PostingIntent, books: CustomerBooks
    ) -> None:
        self._shelf: Final = shelf
        self._books: Final = books
        body = intent.customer_invoice
        self._wanted: Final = comparable(body)
        self._placed: Final = tuple(
            (books.accounts[line.role][0], drafts.origin_of(line, books.credited))
            for line in body.lines
        )
        self.intent: Final = intent
        self.model: Final = INVOICE
        self.context: Final[Context] = {"company": books.company}

    @property
    def takes_back(self) -> bool:
        return False

    async def seen(self) -> CustomerSighting:
        return CustomerSighting(await self._shelf.under(self.intent.reference, self.context))

    def fitting(self, seen: CustomerSighting) -> Sequence[int]:
        return [paper.id for paper in seen.drafts if self._fits(paper)]

    def draft(self) -> Values:
        return drafts.invoice_values(self.intent, self._books)

    def beside(self, _draft: int, /) -> Calls:
        return ()

    def strays(self, _seen: CustomerSighting, /) -> Calls:
        return ()

    async def release(self) -> Calls:
        return ()

    def restore(self) -> Calls:
        return ()

    def document(self, seen: CustomerSighting) -> PostedDocument:
        (paper,) = seen.booked
        return paper.document

    def _fits(self, paper: CustomerPaper) -> bool:
        return (
            paper.body is not None
            and comparable(paper.body) == self._wanted
            and paper.posting_date == self.intent.period.posting_date
            and paper.placed == self._placed
        )
