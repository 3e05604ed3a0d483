"""Posting time: the register's stamp, look-up, one transaction, read-back, and taking it back."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

from canonical.identity import reference_of
from canonical.posting import Executed, PostedDocument, PostingIntent, PostingOutcome, Unknown
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import (
    INVOICED,
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.pagination import Pages
from connectors.business_central import time_register as register
from connectors.business_central.client import Client, Part
from connectors.business_central.ids import any_of, company_path, document_id_of, quoted
from connectors.business_central.options import BusinessCentralOptions
from connectors.business_central.time_register import Entry, Pair, Registered
from connectors.business_central.wire import Journal, row_from

_LOG: Final = logging.getLogger(__name__)
# A look after a good write is taken at once, again at once, and once more after a breath; then it
# is the platform's look-up that tells what was booked.
_PAUSES_SECONDS: Final = (0.0, 0.0, 0.5)
# The API gives time entries of at most so many days at once.
_WINDOW_DAYS: Final = 70
# So many values a filter names; a request's address stays below 4,000 characters.
_NAMED_MAX: Final = 50
_FORTNIGHT: Final = 14
_FIRST: Final = "which days"

_ENTRIES: Final = "timeRegistrationEntries"

Documents = dict[str, tuple[PostedDocument, ...]]
T = TypeVar("T")


class TimeLines:
    """Time in one environment, guarded by one register per company.

    Every write moves the register and says which version of it was read: Business Central refuses
    the transaction as a whole once anybody else has moved it.
    """

    def __init__(self, client: Client, options: BusinessCentralOptions) -> None:
        self._client: Final = client
        self._code: Final = options.register
        self._timeouts: Final = options.timeouts
        self._registers: Final[dict[str, str]] = {}

    async def stamps(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        """Read the register's version, once for all tasks of the call."""
        journal = await self.register_of(_company(intents))
        return {_stamp_key(intent): journal.etag for intent in intents}

    async def register_of(self, company: str) -> Journal:
        """Read a company's register; ConnectionConfigError if nobody has made it."""
        path = f"{company_path(company)}/journals"
        found = await self._client.all_of(path, {"$filter": f"code eq {quoted(self._code)}"})
        if len(found) != 1:
            raise ConnectionConfigError(
                "register_missing", f"a general journal batch '{self._code}' has to be made"
            )
        journal = _read(found[0].value, lambda value: row_from(Journal, value))
        self._registers[company] = journal.id
        return journal

    async def carrying(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find all documents that carry the references of these intents."""
        company, wanted = _company(intents), [intent.reference for intent in intents]
        named = [
            line
            for some in _portions(sorted(wanted))
            for line in await self._lines(
                company, any_of("externalDocumentNumber", [quoted(one) for one in some])
            )
        ]
        documents = await self._standing_on(company, {line.body.work_date for line in named})
        return dict(register.by_reference(one for one in documents if one.reference in wanted))

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
        parts = [await self._moved(company, intents, evidence)]
        for intent in intents:
            # The entry first: should anything commit in between, no line stands for nothing.
            parts += [
                Part("POST", f"{company_path(company)}/{_ENTRIES}", register.entry_values(intent)),
                Part("POST", await self._lines_path(company), register.register_values(intent)),
            ]
        try:
            await self._client.together(parts, not_after=not_after)
        except (ConflictError, RejectedError) as error:
            await self._prove_absent(intents, error)
            raise
        found = await _seen(self.carrying, intents)
        return [_booked(intent.reference, found.get(intent.reference, ())) for intent in intents]

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

    def changed_since(
        self, company: str, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through what was registered at or after an instant, some days of work a page.

        An entry that only somebody else has changed is seen by `between`.
        """
        moment = since.astimezone(UTC) if since else datetime(2000, 1, 1, tzinfo=UTC)
        changed = f"lastModifiedDateTime ge {moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}"
        wanted: set[str] = set()
        days: list[date] = []

        async def fetch(page: str) -> tuple[Sequence[PostedDocument], str | None]:
            if page == _FIRST:
                lines = await self._lines(company, changed)
                wanted.update(line.reference for line in lines)
                days[:] = sorted({line.body.work_date for line in lines})
                return [], "0" if days else None
            start = int(page)
            documents = await self._standing_on(company, days[start : start + _NAMED_MAX])
            more = start + _NAMED_MAX
            ours = [one for one in documents if one.reference in wanted]
            return ours, str(more) if more < len(days) else None

        return Pages(_FIRST, fetch)

    def between(
        self, company: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a company's documents by the date of the work, a fortnight a page."""

        async def fetch(page: str) -> tuple[Sequence[PostedDocument], str | None]:
            start = date.fromisoformat(page)
            end = min(last, start + timedelta(days=_FORTNIGHT - 1))
            lines = await self._lines(company, f"postingDate ge {start} and postingDate le {end}")
            documents = await self._documents(company, lines, start, end)
            following = end + timedelta(days=1)
            return documents, following.isoformat() if following <= last else None

        return Pages(first.isoformat(), fetch)

    async def _standing_on(self, company: str, days: Iterable[date]) -> list[PostedDocument]:
        """All documents of some days; the lines of all of them, since one may speak for another."""
        return [pair.document for pair in await self._pairs_on(company, days)]

    async def _pairs_on(self, company: str, days: Iterable[date]) -> list[Pair]:
        pairs: list[Pair] = []
        for some in _close_together(days):
            lines = [
                line
                for portion in _portions(some)
                for line in await self._lines(
                    company, any_of("postingDate", [day.isoformat() for day in portion])
                )
            ]
            pairs += register.paired(lines, await self._entries(company, some[0], some[-1]))
        return pairs

    async def _documents(
        self, company: str, lines: Sequence[Registered], first: date, last: date
    ) -> list[PostedDocument]:
        if not lines:
            return []
        entries = await self._entries(company, first, last)
        return [pair.document for pair in register.paired(lines, entries)]

    async def _taken_back_by(self, intents: Sequence[PostingIntent]) -> dict[str, Pair]:
        pairs = await self._pairs_on(
            _company(intents), {intent.time_line.work_date for intent in intents}
        )
        by_document = {pair.document.document_id: pair for pair in pairs}
        return {
            intent.reference: by_document[intent.corrects_document]
            for intent in intents
            if intent.corrects_document in by_document
        }

    async def _lines(self, company: str, which: str) -> list[Registered]:
        found = await self._client.all_of(await self._lines_path(company), {"$filter": which})
        read = (
            _read(each.value, lambda value: register.registered_from(company, value))
            for each in found
        )
        return [line for line in read if line is not None]

    async def _entries(self, company: str, first: date, last: date) -> list[Entry]:
        days = f"date ge {first} and date le {last}"
        path = f"{company_path(company)}/{_ENTRIES}"
        found = await self._client.all_of(path, {"$filter": days})
        return [
            _read(each.value, lambda value: register.entry_from(company, value)) for each in found
        ]

    async def _lines_path(self, company: str) -> str:
        known = self._registers.get(company) or (await self.register_of(company)).id
        return f"{company_path(company)}/journals({known})/journalLines"

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
        known = self._registers.get(company) or (await self.register_of(company)).id
        references = "".join(sorted(intent.reference for intent in intents))
        mark = hashlib.sha256(references.encode()).hexdigest()[:16]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        # What is written has to differ each time, or the version would stay.
        values = {"displayName": f"Ledgerway, do not post. Last: {now} {mark}"}
        return Part("PATCH", f"{company_path(company)}/journals({known})", values, etag)

    async def _deletions(self, company: str, pair: Pair) -> list[Part]:
        entry = f"{company_path(company)}/{_ENTRIES}({pair.entry.id})"
        line = f"{await self._lines_path(company)}({pair.registered.id})"
        return [
            Part("DELETE", entry, etag=pair.entry.etag),
            Part("DELETE", line, etag=pair.registered.etag),
        ]

    async def _prove_gone(self, company: str, intent: PostingIntent) -> None:
        """Raise RejectedError for an entry that is there, and is not what the register says."""
        own = document_id_of(intent.corrects_document or "").id
        # One at a time: of several ids in a filter the API loads the first.
        path = f"{company_path(company)}/{_ENTRIES}"
        if await self._client.all_of(path, {"$filter": f"id eq {own}"}):
            raise RejectedError("not_ours", "the time entry does not carry our reference")

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


def _read(value: Any, read: Callable[[Any], T]) -> T:
    """Read a record exactly: one that cannot be read is not absent, or it would be booked again."""
    try:
        return read(value)
    except ValueError as error:
        raise TransientError("answer_not_understood", str(error)) from None


def _stamp_key(intent: PostingIntent) -> str:
    return f"register,{intent.time_line.task}"


def _company(intents: Sequence[PostingIntent]) -> str:
    return intents[0].body.legal_entity.lower()


def _portions(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _NAMED_MAX):
        yield values[start : start + _NAMED_MAX]


def _close_together(days: Iterable[date]) -> list[list[date]]:
    """Group days so that each group can be asked for at once."""
    groups: list[list[date]] = []
    for day in sorted(set(days)):
        if groups and (day - groups[-1][0]).days < _WINDOW_DAYS:
            groups[-1].append(day)
        else:
            groups.append([day])
    return groups


def _may_be_taken_back(intent: PostingIntent, pair: Pair) -> None:
    """Raise RejectedError for what is final, or is not the one that was booked."""
    if intent.corrects is not None and pair.registered.reference != reference_of(intent.corrects):
        raise RejectedError("not_ours", "the time entry does not carry our reference")
    if pair.entry.final:
        raise RejectedError(INVOICED, "the time entry is submitted or approved in the ERP")


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
    document = str(document_id_of(intent.corrects_document or ""))
    return Executed(reference=intent.reference, document_id=document)
