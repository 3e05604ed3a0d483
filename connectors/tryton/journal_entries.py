"""Posting journal entries to Tryton as moves, finding them, and taking them back."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from canonical.posting import PostedDocument, PostingIntent, PostingKind, PostingOutcome
from connectors.base.errors import RejectedError
from connectors.tryton import journal_drafts as drafts
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.document_clerk import DocumentClerk
from connectors.tryton.document_wire import POSTED
from connectors.tryton.journal_books import JournalBookReader
from connectors.tryton.journal_dossier import JournalDossier
from connectors.tryton.journal_reading import MovePaper, paper_from
from connectors.tryton.journal_wire import MOVE, MOVES, JournalMoveRow
from connectors.tryton.mapping import document_of, id_of, reference_taken_back
from connectors.tryton.shelf import Shelf, since_clauses, window_clauses

_LOG: Final = logging.getLogger(__name__)
_BOOKED: Final[Sequence[Any]] = ("state", "=", POSTED)
Documents = Mapping[str, tuple[PostedDocument, ...]]


class JournalEntries:
    """Journal entries in one Tryton database: one move per posting.

    Serial per company, like all documents: moves are numbered without gaps.
    """

    def __init__(self, client: TrytonClient, options: TrytonOptions) -> None:
        self._clerk: Final = DocumentClerk(client, options)
        self._shelf: Final = Shelf(client, MOVES, JournalMoveRow, paper_from)
        self._books: Final = JournalBookReader(client, options.journal)

    async def find(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the posted moves of these intents; a draft is not one."""
        found: dict[str, tuple[PostedDocument, ...]] = {}
        references = [intent.reference for intent in intents]
        async for papers in self._shelf.carrying(references, _BOOKED, _company(intents[0])):
            for paper in papers:
                document = _exactly(paper)
                found[paper.reference] = (*found.get(paper.reference, ()), document)
        return found

    async def post(self, intent: PostingIntent, last_byte_by: float | None) -> PostingOutcome:
        """Make one attempt at one entry, or at the opposite of a posted one."""
        not_after = self._clerk.latest_start(last_byte_by)
        original = await self._original(intent) if intent.kind is PostingKind.REVERSAL else None
        books = await self._books.read(intent, original)
        dossier = JournalDossier(self._shelf, intent, books)
        return await self._clerk.carry(dossier, drafts.entry_date_of(intent), not_after)

    def changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through all posted moves of ours, changed at or after an instant."""
        return _Readable(self._shelf.sweep([*since_clauses(since), _BOOKED]))

    def between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a company's posted moves of ours, by the day that they count on."""
        window = window_clauses(MOVES, legal_entity, first, last)
        return _Readable(self._shelf.sweep([*window, _BOOKED]))

    async def remove_stray_drafts(self, older_than: datetime) -> int:
        """Delete what lost requests left behind; what got posted in the meantime stays.

        A draft in a period keeps Tryton from closing it.
        """
        return await self._clerk.remove(MOVE, await self._shelf.stray_drafts(older_than))

    async def _original(self, intent: PostingIntent) -> int:
        """Find the posted move that is taken back; RejectedError if it is not there or not ours."""
        number = document_of(intent)
        found = await self._shelf.all([["id", "=", number], _BOOKED], _company(intent))
        if not found:
            raise RejectedError("original_not_standing", f"move {number} is not posted")
        expected = reference_taken_back(intent)
        if expected is not None and found[0].reference != expected:
            raise RejectedError("not_ours", f"move {number} does not carry our reference")
        return number


class _Readable(AsyncIterator[Sequence[PostedDocument]]):
    """Pages of moves as documents; one that cannot be read exactly counts as missing."""

    def __init__(self, pages: AsyncIterator[list[MovePaper]]) -> None:
        self._pages: Final = pages

    async def __anext__(self) -> Sequence[PostedDocument]:
        found: list[PostedDocument] = []
        for paper in await anext(self._pages):
            try:
                found.append(paper.document)
            except ValueError as error:
                _LOG.error("tryton: %s left out of the sweep: %s", MOVE, error)
        return found


def _exactly(paper: MovePaper) -> PostedDocument:
    try:
        return paper.document
    except ValueError as error:
        raise RejectedError("answer_not_understood", f"{MOVE} {error}") from None


def _company(intent: PostingIntent) -> Context:
    return {"company": id_of(intent.journal_entry.legal_entity, "legal entity")}
