"""Posting expense reports to Tryton as supplier invoices, finding them, and taking them back."""

import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from canonical.posting import PostedDocument, PostingIntent, PostingKind, PostingOutcome
from connectors.base.errors import ConflictError, ConnectorError, RejectedError
from connectors.tryton import document_drafts as drafts
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.draft_then_post import Attempt, Task
from connectors.tryton.expense_books import BookReader
from connectors.tryton.manifest import DOCUMENT_LINES_MAX, DRAFT_READS, send_window_seconds
from connectors.tryton.mapping import id_of
from connectors.tryton.original import Original
from connectors.tryton.papers import DISBURSEMENT, INVOICE, Papers
from connectors.tryton.wire import date_on_wire

_LOG: Final = logging.getLogger(__name__)
_USER_ERROR: Final = "user_error"
Documents = Mapping[str, tuple[PostedDocument, ...]]


class ExpenseDocuments:
    """Expense documents in one Tryton database: one supplier invoice per report.

    Serial per company: Tryton numbers documents without gaps, and whoever finds the number range
    locked is answered 503.
    """

    def __init__(self, client: TrytonClient, options: TrytonOptions) -> None:
        self._client: Final = client
        self._timeouts: Final = options.timeouts
        self._papers: Final = Papers(client, options.cost_centre_root)
        self._books: Final = BookReader(client, options.cost_centre_root)

    async def find(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the posted documents of these intents; a draft is not one."""
        references = [intent.reference for intent in intents]
        return await self._papers.booked(references, _company(intents[0]))

    async def post(self, intent: PostingIntent, last_byte_by: float | None) -> PostingOutcome:
        """Make one attempt at one document."""
        not_after = self._latest_start(last_byte_by)
        context = _company(intent)
        if len(intent.expense_document.lines) > DOCUMENT_LINES_MAX:
            raise RejectedError(
                "too_many_lines",
                f"a document of more than {DOCUMENT_LINES_MAX} lines takes too long",
            )
        books = await self._books.read(intent)
        original = (
            await Original.read(self._papers, intent, context)
            if intent.kind is PostingKind.REVERSAL
            else None
        )
        task = Task(intent, books, original)
        attempt = Attempt(self._client, self._papers, task, not_after=not_after)
        try:
            return await attempt.run()
        except RejectedError as error:
            if error.code == _USER_ERROR and await self._is_closed(intent, context):
                raise RejectedError("period_closed", str(error)) from error
            raise

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
        drafts, rows = await self._papers.strays(older_than)
        removed = 0
        for model, numbers in ((INVOICE, drafts), (DISBURSEMENT, rows)):
            for number in numbers:
                removed += await self._remove(model, number)
        return removed

    async def _remove(self, model: str, number: int) -> int:
        not_after = time.monotonic() + self._timeouts.read_seconds
        try:
            await self._client.write(
                f"model.{model}.delete", [number], context={}, not_after=not_after
            )
        except (RejectedError, ConflictError) as error:
            _LOG.warning("tryton: %s %d is no stray any more: %s", model, number, error.code)
            return 0
        return 1

    async def _is_closed(self, intent: PostingIntent, context: Context) -> bool:
        """Why a document was refused, Tryton says only in words; so its calendar is asked."""
        day = date_on_wire(drafts.posting_date_of(intent))
        try:
            closed = await self._client.read(
                "model.account.period.search_count",
                [
                    ["company", "=", context["company"]],
                    ["start_date", "<=", day],
                    ["end_date", ">=", day],
                    ["type", "=", "standard"],
                    ["state", "!=", "open"],
                ],
                context=context,
            )
        except ConnectorError:
            return False
        return bool(closed)

    def _latest_start(self, last_byte_by: float | None) -> float:
        """When the last write must have begun for its last byte to be in time."""
        way = self._timeouts
        getting_out = way.pool_seconds + way.connect_seconds + way.write_seconds
        window = send_window_seconds(way, DRAFT_READS)
        by_plan = time.monotonic() + window - getting_out
        return by_plan if last_byte_by is None else min(by_plan, last_byte_by - getting_out)


def _company(intent: PostingIntent) -> Context:
    return {"company": id_of(intent.expense_document.legal_entity, "legal entity")}
