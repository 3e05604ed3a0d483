"""Posting journal entries: a batch of their own is the draft, and posting it empties it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar

from canonical.identity import REFERENCE_PREFIX
from canonical.posting import Executed, PostedDocument, PostingIntent, PostingOutcome, Unknown
from connectors.base.errors import (
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.records import RawRecord
from connectors.business_central import journal_mapping as mapping
from connectors.business_central import shelf, wire
from connectors.business_central.client import Client, Part
from connectors.business_central.deadlines import latest_start
from connectors.business_central.ids import company_path, quoted
from connectors.business_central.manifest import BATCH_MAX
from connectors.business_central.master_mapping import readable
from connectors.business_central.options import BusinessCentralOptions
from connectors.business_central.papers import is_ours
from connectors.business_central.time_register import by_reference

_LOG: Final = logging.getLogger(__name__)
_ROUNDS_MAX: Final = 6
_PAUSES_SECONDS: Final = (0.0, 0.0, 0.5)
# What a rival's work on the same batch is answered with: it made the batch, or deleted it.
_RIVALS: Final = frozenset({"exists_already", "record_not_found"})
Documents = Mapping[str, tuple[PostedDocument, ...]]
R = TypeVar("R", bound=wire.Row)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What there is of one reference: ledger entries, and a batch with its lines."""

    documents: list[PostedDocument]
    batch: wire.Journal | None
    lines: tuple[wire.JournalLine, ...]


class JournalEntries:
    """Journal entries in one environment, one attempt at a time."""

    def __init__(self, client: Client, options: BusinessCentralOptions) -> None:
        self._client: Final = client
        self._timeouts: Final = options.timeouts
        self._currencies: Final[dict[str, str]] = {}

    async def find(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the posted entries of these intents; a batch that waits is none."""
        found = [
            document for intent in intents for document in (await self._booked(intent)) if document
        ]
        return by_reference(found)

    async def post(self, intent: PostingIntent, last_byte_by: float | None) -> PostingOutcome:
        """Bring one entry into the ledger, or prove why not; any refusal leads back to the look."""
        not_after = latest_start(self._timeouts, last_byte_by)
        if intent.journal_entry.currency != await self._currency(_company(intent)):
            raise RejectedError("not_the_base_currency", "the ledger is kept in another currency")
        mapping.line_values(intent)
        made, refusal = 0, None
        for _ in range(_ROUNDS_MAX):
            seen = await self._seen(intent)
            if seen.documents:
                return await self._adopt(intent, seen, not_after)
            if seen.batch is None or not mapping.fits(intent, seen.lines):
                if made > 1:
                    raise await self._given_up(intent, seen, not_after)
                made += 1
                await self._make(intent, seen, not_after)
                continue
            if isinstance(refusal, RejectedError):
                raise await self._taken_back(intent, refusal, not_after)
            refusal = await self._post(intent, seen.batch, not_after)
            if refusal is None:
                return await self._read_back(intent, not_after)
        raise ConflictError("drafts_keep_moving", "others work on the same entry")

    def changed_since(
        self, company: str, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through all ledger entries of ours, written at or after an instant."""
        return self._ours(company, shelf.changed_since(since))

    def between(
        self, company: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a company's entries of ours, by posting date."""
        return self._ours(company, shelf.posted_between(first, last))

    async def remove_stray_drafts(self, company: str, older_than: datetime) -> int:
        """Delete batches of ours, with their lines, that have not moved since an instant."""
        removed = 0
        path = f"{company_path(company)}/journals"
        which = {"$filter": f"startswith(code,{quoted(REFERENCE_PREFIX)})"}
        for batch in readable(wire.Journal, await self._client.all_of(path, which), _as_it_is):
            ours = is_ours(batch.display_name.partition(" ")[0])
            moved = batch.last_modified_date_time
            if not ours or moved is None or moved >= older_than:
                continue
            where = f"{path}({batch.id})"
            not_after = time.monotonic() + self._timeouts.read_seconds
            try:
                await self._client.write("DELETE", where, etag=batch.etag, not_after=not_after)
            except (RejectedError, ConflictError) as error:
                _LOG.warning("business central: %s is no stray: %s", batch.code, error.code)
            else:
                removed += 1
        return removed

    async def _booked(self, intent: PostingIntent) -> list[PostedDocument]:
        company = _company(intent)
        number = mapping.document_number(intent.reference)
        which = {"$filter": f"documentNumber eq {quoted(number)}"}
        records = await self._client.all_of(f"{company_path(company)}/{mapping.ENTRIES}", which)
        currency = await self._currency(company)
        try:
            rows = [wire.row_from(wire.LedgerEntry, each.value) for each in records]
            return mapping.documents_of(company, currency, rows)
        except ValueError as error:
            # It is not absent, or it would be booked again.
            raise TransientError("answer_not_understood", str(error)) from None

    async def _seen(self, intent: PostingIntent) -> _Seen:
        documents = await self._booked(intent)
        path = f"{company_path(_company(intent))}/journals"
        code = quoted(mapping.batch_code(intent.reference))
        batches = await self._client.all_of(path, {"$filter": f"code eq {code}"})
        if not batches:
            return _Seen(documents, None, ())
        try:
            batch = wire.row_from(wire.Journal, batches[0].value)
            lines = await self._client.all_of(f"{path}({batch.id})/journalLines")
            read = tuple(wire.row_from(wire.JournalLine, each.value) for each in lines)
        except ValueError as error:
            raise TransientError("answer_not_understood", str(error)) from None
        if not batch.display_name.startswith(intent.reference):
            raise RejectedError("batch_of_another", f"journal {batch.code} is somebody else's")
        return _Seen(documents, batch, read)

    async def _make(self, intent: PostingIntent, seen: _Seen, not_after: float) -> None:
        """Make the batch anew, with all its lines or none."""
        path = f"{company_path(_company(intent))}/journals"
        if seen.batch is not None:
            await self._delete(intent, seen.batch, not_after)
        try:
            await _harmless(
                self._client.write("POST", path, mapping.batch_values(intent), not_after=not_after)
            )
            batch = (await self._seen(intent)).batch
            parts = [
                Part("POST", f"{path}({batch.id})/journalLines", values)
                for values in mapping.line_values(intent)
                if batch is not None
            ]
            # More than a $batch takes: what is posted has them all, and that is looked at before.
            for start in range(0, len(parts), BATCH_MAX):
                some = parts[start : start + BATCH_MAX]
                await _harmless(self._client.together(some, not_after=not_after))
        except RejectedError as error:
            if error.code not in _RIVALS:
                raise await self._taken_back(intent, error, not_after) from error

    async def _delete(self, intent: PostingIntent, batch: wire.Journal, not_after: float) -> None:
        path = f"{company_path(_company(intent))}/journals({batch.id})"
        await _harmless(self._client.write("DELETE", path, etag=batch.etag, not_after=not_after))

    async def _post(
        self, intent: PostingIntent, batch: wire.Journal, not_after: float
    ) -> ConnectorError | None:
        """Post the batch: the one write that counts."""
        path = f"{company_path(_company(intent))}/journals({batch.id})/Microsoft.NAV.post"
        try:
            await self._client.write("POST", path, not_after=not_after)
        except OutcomeUnknownError as error:
            documents = await self._booked_or_nothing(intent)
            if not documents:
                raise OutcomeUnknownError(error.code) from error
        except (RejectedError, ConflictError) as error:
            return error
        return None

    async def _given_up(
        self, intent: PostingIntent, seen: _Seen, not_after: float
    ) -> ConnectorError:
        """Say why a batch that was made twice is not what was meant."""
        if len(seen.lines) != len(intent.journal_entry.lines):
            return ConflictError("drafts_keep_moving", "others work on the same entry")
        error = RejectedError("draft_differs", "the ERP made something else of the entry")
        return await self._taken_back(intent, error, not_after)

    async def _taken_back(
        self, intent: PostingIntent, error: ConnectorError, not_after: float
    ) -> ConnectorError:
        """Delete the batch and see that it is gone; gives what is to be raised."""
        try:
            seen = await self._seen(intent)
            if seen.documents:
                return OutcomeUnknownError("booked_after_all")
            if seen.batch is not None:
                await self._delete(intent, seen.batch, not_after)
            seen = await self._seen(intent)
        except ConnectorError as trouble:
            return TransientError("not_taken_back", f"refused ({error.code}), then {trouble.code}")
        return OutcomeUnknownError("booked_after_all") if seen.documents else error

    async def _adopt(self, intent: PostingIntent, seen: _Seen, not_after: float) -> PostingOutcome:
        if len(seen.documents) > 1:
            return Unknown(reference=intent.reference, code="several_documents")
        if seen.batch is not None:
            try:
                await self._delete(intent, seen.batch, not_after)
            except ConnectorError as error:
                _LOG.warning(
                    "business central: an empty batch of %s stays: %s",
                    intent.reference,
                    error.code,
                )
        [document] = seen.documents
        return Executed(
            reference=intent.reference, document_id=document.document_id, document=document
        )

    async def _read_back(self, intent: PostingIntent, not_after: float) -> PostingOutcome:
        if not await self._booked_or_nothing(intent):
            raise OutcomeUnknownError("not_read_back", "posted, but not seen since")
        try:
            seen = await self._seen(intent)
        except ConnectorError as error:
            raise OutcomeUnknownError("not_read_back") from error
        return await self._adopt(intent, seen, not_after)

    async def _booked_or_nothing(self, intent: PostingIntent) -> Sequence[PostedDocument]:
        for pause_seconds in _PAUSES_SECONDS:
            await asyncio.sleep(pause_seconds)
            try:
                return await self._booked(intent)
            except ConnectorError as error:
                _LOG.warning("business central: an entry was not read back: %s", error.code)
        return ()

    async def _currency(self, company: str) -> str:
        if company not in self._currencies:
            path = f"{company_path(company)}/generalLedgerSetup"
            found = readable(wire.LedgerSetup, await self._client.all_of(path), _as_it_is)
            if len(found) != 1:
                raise TransientError("answer_not_understood", "a company without its ledger setup")
            self._currencies[company] = found[0].local_currency_code
        return self._currencies[company]

    def _ours(self, company: str, more: str) -> AsyncIterator[Sequence[PostedDocument]]:
        # The texts of ours have it; whether they are, is looked at line by line.
        query = {"$filter": f"contains(description,{quoted(mapping.MARK)}){more}"}
        pages = self._client.pages(f"{company_path(company)}/{mapping.ENTRIES}", query)
        return _Entries(self, company, pages)


class _Entries(AsyncIterator[Sequence[PostedDocument]]):
    """All pages of a list of ledger entries as documents: one may go over a page's edge."""

    def __init__(
        self, entries: JournalEntries, company: str, pages: AsyncIterator[Sequence[RawRecord]]
    ) -> None:
        self._entries: Final = entries
        self._company: Final = company
        self._pages: Final = pages
        self._rows: list[wire.LedgerEntry] = []
        self._ended = False

    async def __anext__(self) -> Sequence[PostedDocument]:
        while not self._ended:
            try:
                page = await anext(self._pages)
            except StopAsyncIteration:
                self._ended = True
                return await self._documents()
            for record in page:
                try:
                    row = wire.row_from(wire.LedgerEntry, record.value)
                except ValueError as error:
                    _LOG.error("business central: a ledger entry is left out: %s", error)
                    continue
                if mapping.is_ours(row):
                    self._rows.append(row)
        raise StopAsyncIteration

    async def _documents(self) -> list[PostedDocument]:
        currency = await self._entries._currency(self._company)  # noqa: SLF001  Its own list.
        by_number: dict[str, list[wire.LedgerEntry]] = {}
        for row in self._rows:
            by_number.setdefault(row.document_number, []).append(row)
        found: list[PostedDocument] = []
        for number, rows in by_number.items():
            try:
                found += mapping.documents_of(self._company, currency, rows)
            except ValueError as error:
                _LOG.error("business central: %s is left out of the sweep: %s", number, error)
        return found


async def _harmless(write: Awaitable[Any]) -> None:
    """Make a write that books nothing: if no answer comes, nothing that matters was done."""
    try:
        await write
    except OutcomeUnknownError as error:
        raise TransientError("draft_unanswered", error.code) from error


def _as_it_is(row: R) -> R:
    return row


def _company(intent: PostingIntent) -> str:
    return intent.body.legal_entity.lower()
