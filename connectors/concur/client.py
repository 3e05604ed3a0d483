"""SAP Concur's requests and pages, and the one table that says what a status means."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter

from connectors.base.errors import (
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, OneAttempt, exact_json_text, verdict_by_status
from connectors.base.rate_budget import RateBudget
from connectors.base.records import RawRecord, raw_page
from connectors.concur.access import Access, TokenGoneError
from connectors.concur.answers import DocumentAnswer, Means, PageEnvelope, State, UsersEnvelope
from connectors.concur.options import ConcurOptions, DocumentKind

M = TypeVar("M", bound=BaseModel)
# What Concur says, by document.
Answers = Mapping[str, DocumentAnswer]

_READ: Final[Mapping[int, type[ConnectorError]]] = {
    400: ConnectionConfigError,  # Queries are right by construction; a token is refused with it.
    401: TokenGoneError,
    404: ConnectionConfigError,  # Lists always exist: the address is wrong.
    405: ConnectionConfigError,
    409: TransientError,  # Nothing that a page could conflict with.
    412: TransientError,
}
_WRITE: Final[Mapping[int, type[ConnectorError]]] = {
    400: RejectedError,  # One document of the batch may have spoilt it.
    401: TokenGoneError,
    404: ConnectionConfigError,
    405: ConnectionConfigError,
    409: RejectedError,
    412: RejectedError,
}
_ACCEPTED: Final = 202
_ANSWERS: Final = TypeAdapter(tuple[DocumentAnswer, ...])
# What nobody needs to be told about a person in order to pay them.
_NOT_OUR_BUSINESS: Final = (
    "addresses,dateOfBirth,emergencyContacts,entitlements,localeOverrides,phoneNumbers,"
    "urn:ietf:params:scim:schemas:extension:settings:2.0:User"
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of waiting documents; `following` is the number of the next, None at the end."""

    records: tuple[RawRecord, ...]
    total: int
    following: int | None


@dataclass(frozen=True, slots=True)
class UsersPage:
    """One page of users; `following` is the cursor of the next, None at the end."""

    records: tuple[RawRecord, ...]
    following: str | None


class ConcurClient:
    """Speaks Concur's HTTP; knows nothing canonical.

    One attempt per call; after a 401, which proves that nothing was done, one more with a new
    token.
    """

    def __init__(
        self,
        options: ConcurOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options: Final = options
        self._http: Final = OneAttempt(
            base_url=options.base_url,
            headers={"Accept": "application/json"},
            budget=budget,
            verdict=_verdict,
            timeouts=options.timeouts,
            transport=transport,
        )
        self._access: Final = Access(
            self._http,
            connection=options.connection,
            base_url=options.base_url,
            client_id=options.client_id,
            client_secret=options.client_secret,
            refresh_token=options.refresh_token,
            clock=clock,
        )

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._http.close()

    async def waiting(self) -> int:
        """Prove with a new token that the company's documents open; say how many wait."""
        await self._access.anew()
        kind = self._options.document_kinds[0]
        return (await self._documents(kind, {"page": "0", "limit": "1"}, number=0)).total

    async def documents(self, kind: DocumentKind, number: int) -> Page:
        """Read one page of the documents that wait to be acknowledged; the first is number 0."""
        limit = str(self._options.page_size)
        return await self._documents(kind, {"page": str(number), "limit": limit}, number=number)

    async def state(self, document: str) -> str | None:
        """Ask for the state of a document that no longer waits; None if Concur does not say."""
        filters = {"docId": document, "ignoreDocumentStatus": "yes"}
        for kind in self._options.document_kinds:
            page = await self._documents(kind, filters, number=0)
            states = (_read(State, record.value) for record in page.records)
            found = next((each.state for each in states if each and each.id == document), None)
            if found is not None:
                return found
        return None

    async def acknowledge(self, documents: Sequence[str]) -> Answers:
        """Take documents over; one that is missing in the answers is unanswered."""
        return await self._judged("acknowledgements", "ids", {each: each for each in documents})

    async def confirm_postings(self, confirmations: Mapping[str, Any]) -> Answers:
        """Say what came of postings, by document."""
        return await self._judged("postingconfirmations", "postingConfirmations", confirmations)

    async def confirm_payments(self, confirmations: Mapping[str, Any]) -> Answers:
        """Say what was paid, by document."""
        return await self._judged("paymentconfirmations", "processingConfirmation", confirmations)

    async def users(self, cursor: str) -> UsersPage:
        """Read one page of the company's users; the first has no cursor."""
        asked = {"count": str(self._options.users_page_size)}
        asked |= {"excludedAttributes": _NOT_OUR_BUSINESS}
        query = httpx.QueryParams(asked | ({"cursor": cursor} if cursor else {}))
        answer = await self._signed(self._http.read, "GET", f"/profile/identity/v4.1/Users?{query}")
        records, envelope = _taken_apart(answer, "Resources", UsersEnvelope)
        return UsersPage(records, envelope.following or None)

    async def _documents(
        self, kind: DocumentKind, query: Mapping[str, str], *, number: int
    ) -> Page:
        url = f"{_transactions(kind)}?{httpx.QueryParams(dict(query))}"
        headers = {"DocumentFormatAs": self._options.document_format}
        answer = await self._signed(self._http.read, "GET", url, headers=headers)
        records, envelope = _taken_apart(answer, "content", PageEnvelope)
        place = envelope.page
        if place.number != number:
            raise TransientError("pages_in_a_circle", f"page {number} came as {place.number}")
        more = bool(records) and number + 1 < place.pages
        return Page(records, place.documents, number + 1 if more else None)

    async def _judged(self, what: str, member: str, items: Mapping[str, Any]) -> Answers:
        """Send what Concur judges document by document.

        An id does not say of what kind its document is, so what Concur does not know as the first
        kind is sent as the next, whose answer then counts. What was answered before trouble with a
        later kind was done, and is given; the rest is unanswered.
        """
        found: dict[str, DocumentAnswer] = {}
        left = list(items)
        for kind in self._options.document_kinds:
            kept = {each: answer for each, answer in found.items() if each not in left}
            try:
                answers = await self._sent(kind, what, {member: [items[each] for each in left]})
            except ConnectorError:
                if kept:
                    return kept
                raise
            found = kept | {each: answers[each] for each in left if each in answers}
            left = [each for each, answer in found.items() if answer.means is Means.NOT_HERE]
            if not left:
                break
        return found

    async def _sent(self, kind: DocumentKind, what: str, body: Mapping[str, Any]) -> Answers:
        answer = await self._signed(
            self._http.write,
            "POST",
            f"{_transactions(kind)}/{what}",
            headers={"Content-Type": "application/json"},
            content=exact_json_text({"systemId": self._options.system_id, **body}),
        )
        try:
            return _by_document(_ANSWERS.validate_python(answer.json()))
        except ValueError:
            # Without its cause, which may quote the answer.
            raise OutcomeUnknownError("answer_unreadable") from None

    async def _signed(
        self,
        send: Callable[..., Awaitable[Answer]],
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> Answer:
        for second in (False, True):
            token = await self._access.token()
            signed = {**(headers or {}), "Authorization": f"Bearer {token.get_secret_value()}"}
            try:
                return await send(method, url, headers=signed, **request)
            except TokenGoneError:
                self._access.forget(token)
                if second:
                    raise
        raise AssertionError("the second attempt returns or raises")


def _transactions(kind: DocumentKind) -> str:
    return f"/financialintegration/fi/v4/companies/transactiontypes/{kind}/transactions"


def _taken_apart(answer: Answer, member: str, kind: type[M]) -> tuple[tuple[RawRecord, ...], M]:
    """Split a page into its records and the rest; raises TransientError if it cannot be read."""
    try:
        page = raw_page(answer.body, member)
    except ValueError:
        raise TransientError("page_unreadable") from None
    envelope = _read(kind, dict(page.envelope))
    if envelope is None:
        raise TransientError("page_envelope_unreadable")
    return page.records, envelope


def _read(kind: type[M], value: Any) -> M | None:
    try:
        return kind.model_validate(value)
    except ValueError:
        return None


def _by_document(answers: Iterable[DocumentAnswer]) -> dict[str, DocumentAnswer]:
    """The first answer about each document."""
    found: dict[str, DocumentAnswer] = {}
    for each in answers:
        found.setdefault(each.document, each)
    return found


def _verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001  A Verdict.
    if answer.status == _ACCEPTED:
        # Concur declares it everywhere, without the answer that was asked for.
        return (OutcomeUnknownError if write else TransientError)("http_202")
    return verdict_by_status(answer, write, _WRITE if write else _READ)
