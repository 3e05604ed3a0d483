"""Posting time: the register's stamp, look-up, one transaction, read-back, and taking it back."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from canonical.identity import reference_of
from canonical.posting import Executed, PostedDocument, PostingIntent, PostingOutcome, Unknown
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import (
    INVOICED,
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
)
from connectors.business_central import time_register as register
from connectors.business_central.client import Client, Part
from connectors.business_central.ids import DocumentId, company_path, document_id_of
from connectors.business_central.options import BusinessCentralOptions
from connectors.business_central.time_register import Pair
from connectors.business_central.time_shelf import ENTRIES, Documents, TimeShelf

_LOG: Final = logging.getLogger(__name__)
# A look after a good write is taken at once, again at once, and once more after a breath; then it
# is the platform's look-up that tells what was booked.
_PAUSES_SECONDS: Final = (0.0, 0.0, 0.5)


class TimeLines:
    """Time in one environment, guarded by one register per company.

    Every write moves the register and says which version of it was read: Business Central refuses
    the transaction as a whole once anybody else has moved it.
    """

    def __init__(self, client: Client, options: BusinessCentralOptions) -> None:
        self._client: Final = client
        self._timeouts: Final = options.timeouts
        self.shelf: Final = TimeShelf(client, options.register)

    async def stamps(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        """Read the register's version, once for all tasks of the call."""
        journal = await self.shelf.register_of(_company(intents))
        return {_stamp_key(intent): journal.etag for intent in intents}

    async def carrying(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find all documents that carry the references of these intents."""
        references = [intent.reference for intent in intents]
        return await self.shelf.under(_company(intents), references)

    async def standing(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the documents that these postings take back, as far as they are still there."""
        pairs = await self._taken_back_by(intents)
        return {reference: (pair.document,) for reference, pair in pairs.items()}

    async def book(
        self, intents: Sequence[PostingIntent], evidence: GuardEvidence, last_byte_by: float | None
    ) -> Sequence[PostingOutcome]:
        """Write the lines in one transaction, then read back what became of them."""
        not_after = self._latest_start(last_byte_by)
        company = _company(intents)
        await self._prove_unwritten(company, intents)
        parts = [await self._moved(company, intents, evidence)]
        lines = await self.shelf.lines_path(company)
        for intent in intents:
            # The entry first: should anything commit in between, no line stands for nothing.
            parts += [
                Part("POST", f"{company_path(company)}/{ENTRIES}", register.entry_values(intent)),
                Part("POST", lines, register.register_values(intent)),
            ]
        try:
            answers = await self._client.together(parts, not_after=not_after)
        except (ConflictError, RejectedError) as error:
            await self._prove_absent(intents, error)
            raise
        found = await _seen(self.carrying, intents)
        # Of each line its entry is answered first, then the register's line.
        return [
            _booked(intent, found.get(intent.reference, ()), answer)
            for intent, answer in zip(intents, answers[1::2], strict=True)
        ]

    async def take_back(
        self, intents: Sequence[PostingIntent], evidence: GuardEvidence, last_byte_by: float | None
    ) -> Sequence[PostingOutcome]:
        """Delete entries and their lines in one transaction; what is gone is taken back."""
        not_after = self._latest_start(last_byte_by)
        company = _company(intents)
        found = await self._taken_back_by(intents)
        for intent in intents:
            if intent.reference in found:
                _may_be_taken_back(intent, found[intent.reference])
            else:
                await self._prove_gone(company, intent)
        standing = [intent for intent in intents if intent.reference in found]
        left: Documents = {}
        if standing:
            parts = [await self._moved(company, standing, evidence)]
            for pair in found.values():
                parts += await self._deletions(company, pair)
            await self._client.together(parts, not_after=not_after)
            left = await _seen(self.standing, standing)
        return [_taken_back(intent, still=intent.reference in left) for intent in intents]

    async def _taken_back_by(self, intents: Sequence[PostingIntent]) -> dict[str, Pair]:
        pairs = await self.shelf.pairs_on(
            _company(intents), {intent.time_line.work_date for intent in intents}
        )
        by_document = {pair.document.document_id: pair for pair in pairs}
        return {
            intent.reference: by_document[intent.corrects_document]
            for intent in intents
            if intent.corrects_document in by_document
        }

    async def _moved(
        self, company: str, intents: Sequence[PostingIntent], evidence: GuardEvidence
    ) -> Part:
        """The part of a write that only the register's version lets through."""
        stamps = {evidence.get(_stamp_key(intent)) for intent in intents}
        if None in stamps:
            raise RejectedError("task_without_stamp", "the register was not read for each task")
        if len(stamps) != 1:
            raise ConflictError("moved", "the register moved while it was read")
        (etag,) = stamps
        known = await self.shelf.register_id(company)
        references = "".join(sorted(intent.reference for intent in intents))
        mark = hashlib.sha256(references.encode()).hexdigest()[:16]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        # What is written has to differ each time, or the version would stay.
        values = {"displayName": f"Ledgerway, do not post. Last: {now} {mark}"}
        return Part("PATCH", f"{company_path(company)}/journals({known})", values, etag)

    async def _deletions(self, company: str, pair: Pair) -> list[Part]:
        entry = f"{company_path(company)}/{ENTRIES}({pair.entry.id})"
        line = f"{await self.shelf.lines_path(company)}({pair.registered.id})"
        return [
            Part("DELETE", entry, etag=pair.entry.etag),
            Part("DELETE", line, etag=pair.registered.etag),
        ]

    async def _prove_gone(self, company: str, intent: PostingIntent) -> None:
        """Raise RejectedError for an entry that is there, and is not what the register says."""
        own = document_id_of(intent.corrects_document or "").id
        if await self.shelf.is_there(company, own):
            raise RejectedError("not_ours", "the time entry does not carry our reference")

    async def _prove_unwritten(self, company: str, intents: Sequence[PostingIntent]) -> None:
        """Raise if the register has any of these lines: writing it again would book it twice.

        Whoever looked found no entry that agrees with it: the ERP made another one of what was
        sent, such as somebody else's. RejectedError then; ConflictError if it is found by now.
        """
        references = [intent.reference for intent in intents]
        written = {one.reference for one in await self.shelf.registered(company, references)}
        if not written:
            return
        if written <= (await self.carrying(intents)).keys():
            raise ConflictError("moved", "these lines were written in the meantime")
        raise RejectedError(
            "entry_altered",
            "the register has the line, and no time entry agrees with it: correct the entry in"
            " Business Central",
        )

    async def _prove_absent(self, intents: Sequence[PostingIntent], error: ConnectorError) -> None:
        """Raise OutcomeUnknownError after a refusal unless none of the lines is there.

        Something between us may deliver a request twice, and code of the ERP's that commits by
        itself ends its transaction early: then a refusal follows what was done.
        """
        try:
            absent = not await self.carrying(intents)
        except ConnectorError:
            absent = False
        if not absent:
            raise OutcomeUnknownError("refused_and_there") from error

    def _latest_start(self, last_byte_by: float | None) -> float:
        """When a write must have begun, by the monotonic clock, for its last byte to be in time."""
        way = self._timeouts
        by_plan = time.monotonic() + way.read_seconds
        if last_byte_by is None:
            return by_plan
        return min(
            by_plan, last_byte_by - way.pool_seconds - way.connect_seconds - way.write_seconds
        )


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
            _LOG.warning("business central: %d lines not read back: %s", len(intents), error.code)
    raise OutcomeUnknownError("not_read_back", "written, but not seen since")


def _stamp_key(intent: PostingIntent) -> str:
    return f"register,{intent.time_line.task}"


def _company(intents: Sequence[PostingIntent]) -> str:
    return intents[0].body.legal_entity.lower()


def _may_be_taken_back(intent: PostingIntent, pair: Pair) -> None:
    """Raise RejectedError for what is final, or is not the one that was booked."""
    if intent.corrects is not None and pair.registered.reference != reference_of(intent.corrects):
        raise RejectedError("not_ours", "the time entry does not carry our reference")
    if pair.entry.final:
        raise RejectedError(INVOICED, "the time entry is submitted or approved in the ERP")


def _booked(intent: PostingIntent, found: Sequence[PostedDocument], answer: Any) -> PostingOutcome:
    """What was found by its content; an entry that is not as it was sent, by what was answered."""
    reference = intent.reference
    match found or _answered(intent, answer):
        case [document]:
            return Executed(
                reference=reference, document_id=document.document_id, document=document
            )
        case []:
            return Unknown(reference=reference, code="not_seen")
        case _:
            return Unknown(reference=reference, code="several_documents")


def _answered(intent: PostingIntent, answer: Any) -> Sequence[PostedDocument]:
    company = _company([intent])
    try:
        entry = register.entry_from(company, answer)
    except ValueError:
        return ()
    where = str(DocumentId(company, ENTRIES, entry.id))
    return [PostedDocument(document_id=where, reference=intent.reference, body=entry.body)]


def _taken_back(intent: PostingIntent, *, still: bool) -> PostingOutcome:
    if still:
        return Unknown(reference=intent.reference, code="still_standing")
    document = str(document_id_of(intent.corrects_document or ""))
    return Executed(reference=intent.reference, document_id=document)
