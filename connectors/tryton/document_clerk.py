"""What carrying any document into Tryton has in common: its time, its calendar, its strays."""

import logging
import time
from collections.abc import Iterable
from datetime import date
from typing import Final

from canonical.posting import PostingOutcome
from connectors.base.errors import ConflictError, ConnectorError, RejectedError
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.dossier import Dossier, S
from connectors.tryton.draft_then_post import Attempt
from connectors.tryton.manifest import DOCUMENT_LINES_MAX, DRAFT_READS, send_window_seconds
from connectors.tryton.wire import date_on_wire

_LOG: Final = logging.getLogger(__name__)
USER_ERROR: Final = "user_error"


class DocumentClerk:
    """Makes attempts in the time that a claim leaves, and clears away what attempts left."""

    def __init__(self, client: TrytonClient, options: TrytonOptions) -> None:
        self._client: Final = client
        self._timeouts: Final = options.timeouts

    def latest_start(self, last_byte_by: float | None) -> float:
        """When the last write must have begun for its last byte to be in time."""
        way = self._timeouts
        getting_out = way.pool_seconds + way.connect_seconds + way.write_seconds
        window = send_window_seconds(way, DRAFT_READS)
        by_plan = time.monotonic() + window - getting_out
        return by_plan if last_byte_by is None else min(by_plan, last_byte_by - getting_out)

    async def carry(
        self, dossier: Dossier[S], posting_date: date, not_after: float
    ) -> PostingOutcome:
        """Make one attempt; says `period_closed` where that is why it was refused."""
        try:
            return await Attempt(self._client, dossier, not_after=not_after).run()
        except RejectedError as error:
            if error.code == USER_ERROR and await self._is_closed(posting_date, dossier.context):
                raise RejectedError("period_closed", str(error)) from error
            raise

    async def remove(self, model: str, numbers: Iterable[int]) -> int:
        """Delete strays one by one; what got posted in the meantime stays."""
        removed = 0
        for number in numbers:
            not_after = time.monotonic() + self._timeouts.read_seconds
            method = f"model.{model}.delete"
            try:
                await self._client.write(method, [number], context={}, not_after=not_after)
            except (RejectedError, ConflictError) as error:
                _LOG.warning("tryton: %s %d is no stray any more: %s", model, number, error.code)
            else:
                removed += 1
        return removed

    async def _is_closed(self, posting_date: date, context: Context) -> bool:
        """Why a document was refused, Tryton says only in words; so its calendar is asked."""
        day = date_on_wire(posting_date)
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


def refuse_if_too_long(lines: int) -> None:
    """Refuse what Tryton would not post in the time that a request may take."""
    if lines > DOCUMENT_LINES_MAX:
        raise RejectedError(
            "too_many_lines",
            f"a document of more than {DOCUMENT_LINES_MAX} lines takes too long",
        )
