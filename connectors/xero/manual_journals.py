"""Posting journal entries to Xero as manual journals, finding them, and taking them back."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from canonical.identity import REFERENCE_PREFIX, reference_of
from canonical.posting import (
    Executed,
    NotExecuted,
    PostedDocument,
    PostingIntent,
    PostingKind,
    PostingOutcome,
    Unknown,
)
from connectors.base.errors import ConnectorError, RejectedError
from connectors.xero import filters
from connectors.xero.client import XeroClient
from connectors.xero.journal_mapping import journal_entry_from, journal_values
from connectors.xero.ledger_documents import PAUSES_SECONDS
from connectors.xero.manifest import REFERENCES_MAX
from connectors.xero.options import XeroOptions
from connectors.xero.organisation import Organisation
from connectors.xero.refusals import item_messages, refusal_of
from connectors.xero.wire import POSTED, JournalRow, row_from
from connectors.xero.wording import is_ours, reference_in

_LOG: Final = logging.getLogger(__name__)
NAME: Final = "ManualJournals"
_WORD: Final = "journal/"
Documents = Mapping[str, tuple[PostedDocument, ...]]


class ManualJournals:
    """Manual journals of one organisation: many in one call, each with an outcome of its own.

    A journal is known by what its narration begins with. Its id is only what Xero shows of it
    once it is posted: while it was a draft it had another.
    """

    def __init__(self, client: XeroClient, options: XeroOptions, books: Organisation) -> None:
        self._client: Final = client
        self._options: Final = options
        self._books: Final = books

    async def find(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the posted journals of these intents; a draft is not one."""
        known = [each.reference for each in intents]
        wanted = sorted({each for each in known if reference_in(each) == each})
        currency = await self._books.base_currency()
        found: dict[str, tuple[PostedDocument, ...]] = {}
        for start in range(0, len(wanted), REFERENCES_MAX):
            begins = [f"{each} " for each in wanted[start : start + REFERENCES_MAX]]
            async for values in self._client.pages(NAME, {"where": filters.journals(begins)}):
                for value in values:
                    document = self._exactly(value, currency)
                    if document.reference in wanted:
                        others = found.get(document.reference, ())
                        found[document.reference] = (*others, document)
        return found

    async def post(
        self, intents: Sequence[PostingIntent], not_after: float
    ) -> Sequence[PostingOutcome]:
        """Make one attempt at some journals, or at the opposite of a posted one."""
        currency = await self._books.base_currency()
        outcomes: dict[str, PostingOutcome] = {}
        items: dict[str, Mapping[str, Any]] = {}
        for intent in intents:
            try:
                await self._refuse_unfit(intent)
                items[intent.reference] = journal_values(intent, currency)
            except RejectedError as error:
                if len(intents) == 1:
                    raise
                outcomes[intent.reference] = _refused(intent.reference, error)
        if items:
            key = _key_of(intents)
            told = await self._client.put(NAME, list(items.values()), key=key, not_after=not_after)
            outcomes |= _told(items, told)
            outcomes |= await self._shown(
                [each for each in intents if each.reference in items], outcomes
            )
        return [outcomes[intent.reference] for intent in intents]

    def changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through all posted journals of ours, changed at or after an instant."""
        query = {"where": filters.journals([REFERENCE_PREFIX])}
        return _Readable(self._client.pages(NAME, query, since), self)

    def between(self, first: date, last: date) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through posted journals of ours, by the day that they count on."""
        ours = filters.journals([REFERENCE_PREFIX])
        where = filters.all_of(ours, filters.within(first, last))
        return _Readable(self._client.pages(NAME, {"where": where}), self)

    async def readable(self, values: Sequence[Any]) -> list[PostedDocument]:
        """Read journals of the sweep; what cannot be read is left out, and counts as missing."""
        currency = await self._books.base_currency()
        found: list[PostedDocument] = []
        for value in values:
            try:
                document = self._document(value, currency)
            except ValueError as error:
                _LOG.error("xero: a manual journal is left out of the sweep: %s", error)
                continue
            if is_ours(document.reference):
                found.append(document)
        return found

    async def _refuse_unfit(self, intent: PostingIntent) -> None:
        if intent.journal_entry.legal_entity != self._options.tenant_id:
            raise RejectedError("legal_entity_unknown", "this connection is another organisation's")
        if intent.kind is not PostingKind.REVERSAL:
            return
        record = (intent.corrects_document or "").removeprefix(_WORD)
        value = await self._client.one(NAME, record) if record else None
        if value is None:
            raise RejectedError("original_not_standing", "what is to be taken back is not there")
        try:
            row = row_from(JournalRow, value)
        except ValueError as error:
            raise RejectedError("answer_not_understood", f"manual journal: {error}") from None
        if row.status != POSTED:
            raise RejectedError("original_not_standing", "what is to be taken back is not posted")
        expected = reference_of(intent.corrects) if intent.corrects else None
        if expected is not None and reference_in(row.narration) != expected:
            raise RejectedError("not_ours", "what is to be taken back carries another reference")

    async def _shown(
        self, sent: Sequence[PostingIntent], outcomes: Mapping[str, PostingOutcome]
    ) -> Mapping[str, PostingOutcome]:
        """Read back what Xero took: only what is shown as posted is executed, under its own id."""
        waiting = [each for each in sent if isinstance(outcomes[each.reference], Executed)]
        shown: dict[str, PostingOutcome] = {
            each.reference: Unknown(reference=each.reference, code="not_read_back")
            for each in waiting
        }
        for pause_seconds in PAUSES_SECONDS:
            if not waiting:
                break
            await asyncio.sleep(pause_seconds)
            try:
                found = await self.find(waiting)
            except ConnectorError as error:
                _LOG.warning("xero: manual journals were not read back: %s", error.code)
                continue
            for reference, documents in found.items():
                shown[reference] = _executed(reference, documents)
            waiting = [each for each in waiting if each.reference not in found]
        return shown

    def _document(self, value: Any, currency: str) -> PostedDocument:
        row = row_from(JournalRow, value)
        return PostedDocument(
            document_id=f"{_WORD}{row.manual_journal_id}",
            reference=reference_in(row.narration),
            body=journal_entry_from(row, self._options, currency),
        )

    def _exactly(self, value: Any, currency: str) -> PostedDocument:
        try:
            return self._document(value, currency)
        except ValueError as error:
            raise RejectedError("answer_not_understood", f"manual journal: {error}") from None


class _Readable(AsyncIterator[Sequence[PostedDocument]]):
    """Pages of journals as documents; an error keeps the place, as pages do."""

    def __init__(self, pages: AsyncIterator[list[Any]], journals: ManualJournals) -> None:
        self._pages: Final = pages
        self._journals: Final = journals
        self._waiting: list[Any] | None = None

    async def __anext__(self) -> Sequence[PostedDocument]:
        if self._waiting is None:
            self._waiting = await anext(self._pages)
        documents = await self._journals.readable(self._waiting)
        self._waiting = None
        return documents


def _key_of(intents: Sequence[PostingIntent]) -> UUID | None:
    """The key of a single reversal. Many entries have none: no other bundle would have the same."""
    (first, *others) = intents
    return first.key if first.kind is PostingKind.REVERSAL and not others else None


def _told(
    items: Mapping[str, Mapping[str, Any]], told: Sequence[Any]
) -> Mapping[str, PostingOutcome]:
    """Say what Xero said of each item, known by its narration; of a missing one, nothing."""
    outcomes: dict[str, PostingOutcome] = {
        reference: Unknown(reference=reference, code="item_missing") for reference in items
    }
    for item in told:
        narration = item.get("Narration") if isinstance(item, dict) else None
        reference = reference_in(narration) if isinstance(narration, str) else ""
        if reference not in items:
            continue
        messages = list(item_messages(item))
        if item.get("StatusAttributeString") == "ERROR" or messages:
            outcomes[reference] = _refused(reference, refusal_of(messages))
        else:
            outcomes[reference] = Executed(reference=reference, document_id="(to be read back)")
    return outcomes


def _executed(reference: str, documents: Sequence[PostedDocument]) -> PostingOutcome:
    if len(documents) > 1:
        return Unknown(reference=reference, code="several_documents")
    (document,) = documents
    return Executed(reference=reference, document_id=document.document_id, document=document)


def _refused(reference: str, error: RejectedError) -> NotExecuted:
    return NotExecuted(reference=reference, refused=True, code=error.code, message=str(error))
