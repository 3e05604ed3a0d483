"""Posting time to Tryton: stamps, look-up, one guarded write, read-back, and taking it back."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from canonical.posting import Executed, PostedDocument, PostingIntent, PostingOutcome, Unknown
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import (
    INVOICED,
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
)
from connectors.base.http import Timeouts
from connectors.tryton import mapping
from connectors.tryton.client import Context, TrytonClient
from connectors.tryton.manifest import LINES_MAX
from connectors.tryton.mapping import Params, id_of, stamp_key
from connectors.tryton.refusals import ServerExceptionError
from connectors.tryton.wire import LineRow, StampRow, date_on_wire, instant_on_wire, row_from

_LOG: Final = logging.getLogger(__name__)
_LINE: Final = "timesheet.line"
_TASK: Final = "timesheet.work"
# A look after a good write is taken at once, again at once, and once more after a breath; then it
# is the platform's look-up that tells what was booked.
_PAUSES_SECONDS: Final = (0.0, 0.0, 0.5)

Documents = Mapping[str, tuple[PostedDocument, ...]]


class TimeLines:
    """Lines of time in one Tryton database.

    Every write goes through the tasks of its lines and carries a stamp for each of them, so that
    Tryton refuses it as a whole once any of these tasks has moved.
    """

    def __init__(self, client: TrytonClient, timeouts: Timeouts) -> None:
        self._client: Final = client
        # The longest that getting ready may take; after that a write no longer leaves.
        self._timeouts: Final = timeouts

    async def stamps(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        """Read the stamps of all tasks; a task that Tryton does not know has none."""
        tasks = mapping.tasks_of(intents)
        pages = self._client.pages(
            StampRow, _TASK, [["id", "in", tasks]], _stamps_from, _company(intents)
        )
        return {key: stamp async for page in pages for key, stamp in page.items()}

    async def carrying(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find all lines that carry the references of these intents."""
        return await self._found(mapping.anywhere, intents)

    async def _written(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find lines just written: where we put them, and elsewhere only what is not there."""
        found = await self._found(mapping.on_their_tasks, intents)
        missing = [intent for intent in intents if intent.reference not in found]
        return {**found, **await self.carrying(missing)} if missing else found

    async def _found(
        self,
        where: Callable[[Sequence[PostingIntent]], list[Any]],
        intents: Sequence[PostingIntent],
    ) -> Documents:
        found: dict[str, tuple[PostedDocument, ...]] = {}
        for some in _portions(intents):
            wanted = {intent.reference for intent in some}
            lines = await self._lines(where(some), _company(some))
            found |= mapping.by_reference(line for line in lines if line.reference in wanted)
        return found

    async def standing(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the lines that these postings take back, as far as they are still there."""
        found: dict[str, PostedDocument] = {}
        for some in _portions(intents):
            ids = [mapping.document_of(intent) for intent in some]
            lines = await self._lines([["id", "in", ids]], _company(some))
            found |= {line.document_id: line for line in lines}
        return {
            intent.reference: (found[intent.corrects_document],)
            for intent in intents
            if intent.corrects_document in found
        }

    def _latest_start(self, last_byte_by: float | None) -> float:
        """When a write must have begun, by the monotonic clock, for its last byte to be in time."""
        by_plan = time.monotonic() + self._timeouts.read_seconds
        if last_byte_by is None:
            return by_plan
        way = self._timeouts
        return min(
            by_plan, last_byte_by - way.pool_seconds - way.connect_seconds - way.write_seconds
        )

    async def book(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        last_byte_by: float | None,
    ) -> Sequence[PostingOutcome]:
        """Create the lines with one write, then read back what Tryton made of them."""
        not_after = self._latest_start(last_byte_by)
        try:
            await self._write(mapping.creation(intents), intents, evidence, not_after)
        except ConflictError:
            await self._prove_absent(intents)
            raise
        found = await _seen(self._written, intents)
        return [_booked(intent.reference, found.get(intent.reference, ())) for intent in intents]

    async def take_back(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        last_byte_by: float | None,
    ) -> Sequence[PostingOutcome]:
        """Delete the lines with one write; a line that is gone already is taken back."""
        not_after = self._latest_start(last_byte_by)
        found = await self.standing(intents)
        for intent in intents:
            for line in found.get(intent.reference, ()):
                _may_be_taken_back(intent, line)
        standing = [intent for intent in intents if intent.reference in found]
        if standing:
            await self._remove(standing, evidence, not_after)
            found = await _seen(self.standing, standing)
        return [_taken_back(intent, still=intent.reference in found) for intent in intents]

    async def _remove(
        self, intents: Sequence[PostingIntent], evidence: GuardEvidence, not_after: float
    ) -> None:
        try:
            await self._write(mapping.removal(intents), intents, evidence, not_after)
        except RejectedError:
            # Why, Tryton says only in words; so the lines themselves are asked.
            found = await self.standing(intents)
            if len(found) < len(intents):
                raise ConflictError("moved", "a line went in the meantime") from None
            for intent in intents:
                _may_be_taken_back(intent, found[intent.reference][0])
            raise

    async def _write(
        self,
        params: Params,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        not_after: float,
    ) -> None:
        stamps = _all_stamps(intents, evidence)
        context = {**_company(intents), "_timestamp": stamps}
        try:
            await self._client.write(
                f"model.{_TASK}.write", *params, context=context, not_after=not_after
            )
        except ServerExceptionError:
            await self._prove_nothing_happened(intents, stamps)
            raise

    async def _prove_absent(self, intents: Sequence[PostingIntent]) -> None:
        """Raise OutcomeUnknownError after a conflict unless none of the lines is there.

        Something between us and Tryton may deliver a request twice: then the first was carried
        out, and the conflict is the answer to the second. If none is there, none can come: all
        copies carry the same stamps.
        """
        try:
            absent = not await self.carrying(intents)
        except ConnectorError:
            absent = False
        if not absent:
            raise OutcomeUnknownError("moved_and_there") from None

    async def _prove_nothing_happened(
        self, intents: Sequence[PostingIntent], stamps: GuardEvidence
    ) -> None:
        """Raise OutcomeUnknownError unless every stamp is as it was before the write.

        Tryton has answered, so its transaction is over: had it been committed, they would differ.
        """
        try:
            unmoved = await self.stamps(intents) == stamps
        except ConnectorError:
            unmoved = False
        if not unmoved:
            raise OutcomeUnknownError("server_exception") from None

    def changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through all lines that carry our reference, changed at or after an instant."""
        return self._ours(
            [] if since is None else [["last_modified_at", ">=", instant_on_wire(since)]]
        )

    def between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a company's lines with our reference and a work date in the window."""
        return self._ours(
            [
                ["company", "=", id_of(legal_entity, "legal entity")],
                ["date", ">=", date_on_wire(first)],
                ["date", "<=", date_on_wire(last)],
            ]
        )

    def _ours(self, domain: list[Any]) -> AsyncIterator[Sequence[PostedDocument]]:
        ours = [*domain, ["description", "like", mapping.LIKE_OURS]]
        return self._client.pages(LineRow, _LINE, ours, _ours_from)

    async def _lines(self, domain: list[Any], context: Context) -> list[PostedDocument]:
        pages = self._client.pages(LineRow, _LINE, domain, _exactly_from, context)
        return [document async for page in pages for document in page]


async def _seen(
    look: Callable[[Sequence[PostingIntent]], Awaitable[Documents]],
    intents: Sequence[PostingIntent],
) -> Documents:
    """Look at what a good write left; raises OutcomeUnknownError if that cannot be seen."""
    for pause_seconds in _PAUSES_SECONDS:
        await asyncio.sleep(pause_seconds)
        try:
            return await look(intents)
        except ConnectorError as error:
            _LOG.warning("tryton: %d lines not read back: %s", len(intents), error.code)
    raise OutcomeUnknownError("not_read_back", "written, but not seen since")


def _all_stamps(intents: Sequence[PostingIntent], evidence: GuardEvidence) -> GuardEvidence:
    """Take the stamps of a write from the evidence; raises RejectedError if one is missing.

    Tryton does not check a record whose stamp is missing (measured): that write would be unguarded.
    """
    keys = {stamp_key(intent.time_line.task) for intent in intents}
    missing = keys - evidence.keys()
    if missing:
        raise RejectedError("task_unknown", f"the ERP has no {min(missing)}")
    return {key: evidence[key] for key in keys}


def _company(intents: Sequence[PostingIntent]) -> Context:
    return {"company": id_of(intents[0].body.legal_entity, "legal entity")}


def _portions(intents: Sequence[PostingIntent]) -> Iterator[Sequence[PostingIntent]]:
    for start in range(0, len(intents), LINES_MAX):
        yield intents[start : start + LINES_MAX]


def _may_be_taken_back(intent: PostingIntent, line: PostedDocument) -> None:
    """Raise RejectedError for a line that is invoiced, or is not the one that was booked."""
    expected = mapping.reference_taken_back(intent)
    if expected is not None and line.reference != expected:
        raise RejectedError("not_ours", f"line {line.document_id} does not carry our reference")
    if line.locked:
        raise RejectedError(INVOICED, f"line {line.document_id} is on an invoice")


def _booked(reference: str, found: Sequence[PostedDocument]) -> PostingOutcome:
    match found:
        case [document]:
            return Executed(
                reference=reference, document_id=document.document_id, document=document
            )
        case []:
            return Unknown(reference=reference, code="not_seen")
        case _:
            return Unknown(reference=reference, code="several_documents")


def _taken_back(intent: PostingIntent, *, still: bool) -> PostingOutcome:
    if still:
        return Unknown(reference=intent.reference, code="still_standing")
    document_id = str(mapping.document_of(intent))
    return Executed(reference=intent.reference, document_id=document_id)


def _stamps_from(page: Sequence[Any]) -> GuardEvidence:
    try:
        rows = [row_from(StampRow, value) for value in page]
    except ValueError as error:
        raise RejectedError("answer_not_understood", f"{_TASK} {error}") from None
    return {stamp_key(str(row.id)): row.stamp for row in rows}


def _exactly_from(page: Sequence[Any]) -> list[PostedDocument]:
    """Read all lines; one that cannot be read is an error, not absent: it would be booked again."""
    try:
        return [mapping.document_from(value) for value in page]
    except ValueError as error:
        raise RejectedError("answer_not_understood", f"{_LINE} {error}") from None


def _ours_from(page: Sequence[Any]) -> list[PostedDocument]:
    """Read lines of the sweep. One that cannot be read is left out: then it counts as missing."""
    found: list[PostedDocument] = []
    for value in page:
        try:
            document = mapping.document_from(value)
        except ValueError as error:
            _LOG.error("tryton: %s left out of the sweep: %s", _LINE, error)
            continue
        if mapping.is_ours(document.reference):
            found.append(document)
    return found
