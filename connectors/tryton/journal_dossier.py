"""A journal entry as the protocol of drafts sees it: one move, with nothing beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from canonical.posting import PostedDocument, PostingIntent
from connectors.tryton import journal_drafts as drafts
from connectors.tryton.client import Context
from connectors.tryton.dossier import Calls, Values
from connectors.tryton.journal_drafts import JournalBooks
from connectors.tryton.journal_reading import MovePaper, comparable
from connectors.tryton.journal_wire import MOVE
from connectors.tryton.shelf import Shelf


@dataclass(frozen=True, slots=True)
class JournalSighting:
    """All moves under one reference, lowest id first."""

    papers: Sequence[MovePaper]

    @property
    def booked(self) -> list[MovePaper]:
        return [paper for paper in self.papers if paper.booked]

    @property
    def drafts(self) -> list[MovePaper]:
        return [paper for paper in self.papers if paper.draft]


class JournalDossier:
    """One entry, or the opposite of one; taking it back changes nothing of the original."""

    def __init__(self, shelf: Shelf[MovePaper], intent: PostingIntent, books: JournalBooks) -> None:
        self._shelf: Final = shelf
        self._books: Final = books
        self._wanted: Final = comparable(intent.journal_entry)
        self.intent: Final = intent
        self.model: Final = MOVE
        self.context: Final[Context] = {"company": books.company}

    @property
    def takes_back(self) -> bool:
        return False

    async def seen(self) -> JournalSighting:
        return JournalSighting(await self._shelf.under(self.intent.reference, self.context))

    def fitting(self, seen: JournalSighting) -> Sequence[int]:
        return [paper.id for paper in seen.drafts if self._fits(paper)]

    def draft(self) -> Values:
        return drafts.move_values(self.intent, self._books)

    def beside(self, _draft: int, /) -> Calls:
        return ()

    def strays(self, _seen: JournalSighting, /) -> Calls:
        return ()

    async def release(self) -> Calls:
        return ()

    def restore(self) -> Calls:
        return ()

    def document(self, seen: JournalSighting) -> PostedDocument:
        (paper,) = seen.booked
        return paper.document

    def _fits(self, paper: MovePaper) -> bool:
        return (
            paper.body is not None
            and comparable(paper.body) == self._wanted
            and paper.reverses == self._books.original
            and paper.journal == self._books.journal
            and paper.date == drafts.entry_date_of(self.intent)
        )
