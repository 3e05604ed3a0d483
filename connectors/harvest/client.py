"""Harvest's requests and pages, and the one table that says what a status means."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr, ValidationError

from connectors.base.errors import (
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import (
    Answer,
    OneAttempt,
    Timeouts,
    exact_json_text,
    verdict_by_status,
)
from connectors.base.pagination import follow
from connectors.base.rate_budget import RateBudget
from connectors.base.records import RawRecord, raw_page
from connectors.harvest.manifest import PAGE_SIZE_MAX
from connectors.harvest.wire import Company, Envelope, Referred, Wire

W = TypeVar("W", bound=Wire)

_SAID_MAX: Final = 300
# One server may set the date and another set it again: the first is Harvest's.
_HTTP_DATE: Final = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT")
# The code of an error that says that a record is not there.
GONE: Final = "http_404"

_READ: Final[Mapping[int, type[ConnectorError]]] = {
    400: ConnectionConfigError,  # What Harvest answers when the User-Agent names no contact.
    404: ConnectionConfigError,  # Lists and the company always exist: the address is wrong.
    422: TransientError,  # Filters and page size are right by construction: a cursor went stale.
}
_WRITE: Final[Mapping[int, type[ConnectorError]]] = {
    400: RejectedError,
    403: RejectedError,  # "Found, but you may not": said of the one entry.
    409: RejectedError,
    412: RejectedError,
}


@dataclass(frozen=True, slots=True)
class HarvestOptions:
    """One tenant's use of Harvest. `user_agent` names us and a contact, or Harvest refuses.

    `cost_centre_role_pattern` finds a person's cost centre in their role names: its first group
    in the first role that it matches, such as CC-100 in the role 'CC-100 Delivery'.
    `customer_code_pattern` finds a customer's code in a client's name in the same way; a client
    whose name it does not match has its name for a code.
    `invoice_item_kind` is the account's category for lines of invoices that we tell it of.
    """

    connection: str
    account_id: str
    token: SecretStr
    user_agent: str
    base_url: str = "https://api.harvestapp.com/v2"
    cost_centre_role_pattern: str = r"^(CC-[0-9]+)\b"
    customer_code_pattern: str = r"^(CUST-[0-9]+)\b"
    invoice_item_kind: str = "Service"
    page_size: int = PAGE_SIZE_MAX
    timeouts: Timeouts = field(default=Timeouts())

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= PAGE_SIZE_MAX:
            raise ValueError(f"a page of Harvest has 1 to {PAGE_SIZE_MAX} records")
        if re.compile(self.cost_centre_role_pattern).groups < 1:
            raise ValueError("cost_centre_role_pattern needs a group around the cost centre")
        if re.compile(self.customer_code_pattern).groups < 1:
            raise ValueError("customer_code_pattern needs a group around the code")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of any list."""

    records: tuple[RawRecord, ...]
    total: int
    next: str | None
    # What time it was at Harvest; None where nobody says so.
    told_at: datetime | None = None


class HarvestClient:
    """Speaks Harvest's HTTP; knows nothing canonical. One attempt per call, always."""

    def __init__(
        self,
        options: HarvestOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._page_size = options.page_size
        self._http = OneAttempt(
            base_url=options.base_url,
            headers={
                "Authorization": f"Bearer {options.token.get_secret_value()}",
                "Harvest-Account-Id": options.account_id,
                "User-Agent": options.user_agent,
                "Accept": "application/json",
            },
            budget=budget,
            verdict=_verdict,
            timeouts=options.timeouts,
            transport=transport,
        )

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._http.close()

    async def company(self) -> Company:
        """Read the account that the credentials open."""
        answer = await self._http.read("GET", "/company")
        try:
            return Company.model_validate(answer.json())
        except ValueError as error:
            raise TransientError("company_unreadable") from error

    async def page(self, url: str, member: str) -> Page:
        """Read one page of a list; `url` is a list's first address or a page's own `next`."""
        answer = await self._http.read("GET", url)
        try:
            page = raw_page(answer.body, member)
            envelope = Envelope.model_validate(dict(page.envelope))
        except ValidationError as error:
            raise TransientError("page_envelope_unreadable") from error
        except ValueError as error:
            raise TransientError("page_unreadable") from error
        told_at = _date_of(answer.headers.get("date", ""))
        return Page(page.records, envelope.total_entries, envelope.links.next, told_at)

    async def all(self, path: str, member: str, **filters: str) -> tuple[RawRecord, ...]:
        """Read a whole list; raises TransientError if its pages go in a circle."""
        return (await self.all_and_when(path, member, **filters))[0]

    async def all_and_when(
        self, path: str, member: str, **filters: str
    ) -> tuple[tuple[RawRecord, ...], datetime | None]:
        """Read a whole list, and what time it was at Harvest before it was read."""
        pages = [
            page async for page in follow(self.first(path, **filters), self._page_of(member), _next)
        ]
        return tuple(record for page in pages for record in page.records), pages[0].told_at

    def _page_of(self, member: str) -> Callable[[str], Awaitable[Page]]:
        return lambda url: self.page(url, member)

    async def refer(self, entry_id: str, reference: Mapping[str, str]) -> str | None:
        """Write our reference onto a time entry; gives the one that it carries afterwards."""
        answer = await self._http.write(
            "PATCH",
            f"/time_entries/{quote(entry_id, safe='')}",
            json={"external_reference": dict(reference)},
        )
        try:
            return Referred.model_validate(answer.json()).external_reference.id
        except ValueError:
            return None

    async def create(self, path: str, body: Mapping[str, Any], kind: type[W]) -> W:
        """Make a record; gives it as Harvest keeps it."""
        return await self._written("POST", path, body, kind)

    async def change(self, path: str, body: Mapping[str, Any], kind: type[W]) -> W:
        """Change some members of a record; gives it as it is afterwards."""
        return await self._written("PATCH", path, body, kind)

    async def remove(self, path: str) -> None:
        """Remove a record, or find that it has gone."""
        try:
            await self._http.write("DELETE", path)
        except RejectedError as refusal:
            if refusal.code != GONE:
                raise

    async def _written(self, method: str, path: str, body: Mapping[str, Any], kind: type[W]) -> W:
        answer = await self._http.write(
            method,
            path,
            content=exact_json_text(dict(body)),
            headers={"Content-Type": "application/json"},
        )
        try:
            return kind.model_validate(answer.json())
        except ValueError as error:
            raise OutcomeUnknownError("answer_unreadable") from error

    def changed_since(self, since: datetime) -> str:
        """The first address of entries changed at or after an instant, in whole seconds."""
        return self.first("/time_entries", updated_since=instant(since))

    def between(self, first: date, last: date) -> str:
        """The first address of entries with a work date in the window, ends included."""
        return self.first("/time_entries", **{"from": first.isoformat(), "to": last.isoformat()})

    def first(self, path: str, **filters: str) -> str:
        """The first address of a list. Later ones come from Harvest and are never built."""
        return f"{path}?{httpx.QueryParams({'per_page': str(self._page_size), **filters})}"


def instant(moment: datetime) -> str:
    """An instant as Harvest takes it, rounded down to whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _next(page: Page) -> str | None:
    return page.next


def _date_of(header: str) -> datetime | None:
    found = _HTTP_DATE.search(header)
    if found is None:
        return None
    try:
        return parsedate_to_datetime(found.group()).astimezone(UTC)
    except ValueError:
        return None


def _verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001  A Verdict.
    trouble = verdict_by_status(answer, write, _WRITE if write else _READ)
    if write and isinstance(trouble, RejectedError):
        return RejectedError(trouble.code, _said(answer))
    return trouble


def _said(answer: Answer) -> str:
    """Why Harvest refused, in its own words, if it says so in words for people."""
    try:
        told = answer.json()
    except ValueError:
        return ""
    said = told.get("message") if isinstance(told, dict) else None
    return said[:_SAID_MAX] if isinstance(said, str) and "<" not in said else ""
