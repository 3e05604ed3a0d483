"""One request to the simulated service, and many in a $batch: found, carried out, answered."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import quote

from connectors.business_central import simulated_tables as tables
from connectors.business_central import simulated_time as times
from connectors.business_central.simulated_books import (
    ETAG,
    Company,
    require_version,
)
from connectors.business_central.simulated_query import (
    Filter,
    ODataError,
    Record,
    bad_request,
    expansions,
    not_found,
)

Query = Mapping[str, str]
BATCH_MAX: Final = 100
PAGE_MAX: Final = 20_000
KINDS: Final = tables.KINDS
_SEGMENT: Final = re.compile(r"([A-Za-z]+(?:\.[A-Za-z]+)*)(?:\(([0-9A-Fa-f-]{36})\))?")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, below the service's root."""

    method: str
    path: str
    query: Query
    headers: Mapping[str, str]
    body: Any = None

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and, where there is one, a JSON body."""

    status: int
    body: Any = None


@dataclass(slots=True)
class Quirks:
    """What goes wrong; counts are used up one by one."""

    # So many lists are shown as they were before the last write.
    stale_reads: int = 0
    # Code of the ERP's own commits after each time entry, in the middle of a transaction.
    commits_by_itself: bool = False
    # So many requests are answered with this status, before or after they are carried out.
    fail_before: int = 0
    fail_after: int = 0
    fail_status: int = 500
    fail_body: str = ""
    token_seconds: int = 3_599
    calls_in_window: int = 6_000
    retry_after_as_date: bool = False
    # So long a request that writes takes before it is carried out.
    slow_seconds: float = 0


class Environment:
    """All companies of one environment."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.clock = clock
        self.companies: dict[str, Company] = {}
        self.quirks = Quirks()
        self._before: dict[str, Any] = {}

    def add_company(self, company_id: str, name: str) -> Company:
        """Open a company; it has nothing yet."""
        company = Company(company_id, name, KINDS, self.now)
        self.companies[company_id] = company
        return company

    def now(self) -> datetime:
        """What the clock shows, also if it is set anew."""
        return self.clock()

    def batch(self, told: Any, headers: Mapping[str, str]) -> Reply:
        """Carry a JSON batch out; with `Isolation: snapshot` all of it or, as far as it can, none.

        It ends at the first part that fails.
        """
        parts = told.get("requests") if isinstance(told, dict) else None
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise bad_request("Invalid Request Body")
        if len(parts) > BATCH_MAX:
            raise bad_request(f"The batch has more than {BATCH_MAX} requests.")
        kept = before = self._kept()
        replies: list[Record] = []
        for part in parts:
            reply = self._part(part)
            told_of = {"id": part.get("id"), "status": reply.status, "headers": {}}
            replies.append(told_of if reply.body is None else {**told_of, "body": reply.body})
            if reply.status >= 400:  # noqa: PLR2004
                if headers.get("isolation") == "snapshot":
                    self._restore(kept)
                break
            if self.quirks.commits_by_itself and "journalLines" in str(part.get("url")):
                kept = self._kept()
        self._before = before
        return Reply(200, {"responses": replies})

    def _part(self, part: Record) -> Reply:
        path, _, query = str(part.get("url", "")).partition("?")
        headers = {name.lower(): value for name, value in part.get("headers", {}).items()}
        pairs = (each.partition("=") for each in query.split("&") if each)
        asked = {name: value for name, _, value in pairs}
        ask = Ask(str(part.get("method")), path, asked, headers, part.get("body"))
        return self.answer(ask)

    def answer(self, ask: Ask) -> Reply:
        """Carry one request out."""
        kept = self._kept() if ask.writes else None
        try:
            reply = self._carried_out(ask)
        except ODataError as error:
            if kept is not None:
                self._restore(kept)
            return Reply(error.status, error.body)
        if kept is not None:
            self._before = kept
        return reply

    def _kept(self) -> dict[str, Any]:
        return {company.id: company.kept() for company in self.companies.values()}

    def _restore(self, kept: dict[str, Any]) -> None:
        for company_id, state in kept.items():
            self.companies[company_id].restore(state)

    def _carried_out(self, ask: Ask) -> Reply:
        segments = [_SEGMENT.fullmatch(each) for each in ask.path.split("/")]
        if not segments or not all(segments):
            raise not_found()
        (first, company_id), *rest = [
            (found[1], (found[2] or "").lower() or None) for found in segments if found
        ]
        if first != "companies":
            raise not_found()
        if not rest:
            return self._companies(ask, company_id)
        company = self.companies.get(company_id or "")
        if company is None:
            raise ODataError(404, "Internal_CompanyNotFound", "The company cannot be found.")
        return self._in_company(ask, company, rest)

    def _companies(self, ask: Ask, company_id: str | None) -> Reply:
        if ask.writes:
            raise bad_request("Requests are not allowed.", "BadRequest_MethodNotAllowed")
        rows = [
            {"id": one.id, "name": one.name, "displayName": one.name}
            for one in self.companies.values()
        ]
        if company_id is None:
            return Reply(200, {"value": rows})
        found = [row for row in rows if row["id"] == company_id]
        if not found:
            raise not_found()
        return Reply(200, found[0])

    def _in_company(self, ask: Ask, company: Company, rest: list[tuple[str, str | None]]) -> Reply:
        *above, (name, key) = rest
        parent = self._parent(company, above)
        if name.startswith("Microsoft.NAV."):
            if ask.method != "POST" or parent is None:
                raise bad_request("Entity does not support bound actions", "BadRequest_NotFound")
            tables.act(company, above[-1][0], parent, name.rpartition(".")[2])
            return Reply(204)
        if name not in KINDS or (KINDS[name].parent is not None) is not (parent is not None):
            raise not_found(f"Resource not found for the segment '{name}'.")
        record = self._record(company, name, key, parent) if key else None
        match ask.method, record:
            case "GET", None:
                return self._list(ask, company, name, parent)
            case "GET", found:
                return Reply(200, shown(company, _given(found), ask.query))
            case "POST", None:
                return self._created(ask, company, name, parent)
            case "PATCH", found if found is not None and name in tables.CHANGEABLE:
                require_version(found, ask.headers.get("if-match"))
                values = company.checked(name, ask.body)
                tables.change(company, name, found, values)
                return Reply(200, shown(company, found, {}))
            case "DELETE", found if found is not None and name in tables.CHANGEABLE:
                require_version(found, ask.headers.get("if-match"))
                tables.delete(company, name, found)
                return Reply(204)
            case _:
                raise ODataError(
                    405, "BadRequest_MethodNotAllowed", f"'{ask.method}' is not allowed here."
                )

    def _parent(self, company: Company, above: list[tuple[str, str | None]]) -> Record | None:
        parent: Record | None = None
        for name, key in above:
            if name not in KINDS or key is None:
                raise not_found()
            parent = self._record(company, name, key, parent)
        return parent

    def _record(self, company: Company, name: str, key: str, parent: Record | None) -> Record:
        record = company.get(name, key)
        under = KINDS[name].parent
        if record is None or (parent is not None and record.get(under or "") != parent["id"]):
            raise not_found()
        return record

    def _created(self, ask: Ask, company: Company, name: str, parent: Record | None) -> Reply:
        if name not in tables.CREATE:
            raise ODataError(405, "BadRequest_MethodNotAllowed", "'POST' is not allowed here.")
        record = tables.CREATE[name](company, parent, company.checked(name, ask.body))
        return Reply(201, shown(company, record, ask.query))

    def _list(self, ask: Ask, company: Company, name: str, parent: Record | None) -> Reply:
        table = company.tables[name].records
        if self.quirks.stale_reads and company.id in self._before:
            self.quirks.stale_reads -= 1
            table = self._before[company.id][name]
        rows = [
            row
            for row in table.values()
            if parent is None or row.get(KINDS[name].parent or "") == parent["id"]
        ]
        rows = _filtered(name, rows, ask.query.get("$filter"))
        return _page(ask, [shown(company, row, ask.query) for row in rows])


def _filtered(name: str, rows: list[Record], text: str | None) -> list[Record]:
    which = Filter(text) if text else None
    if name == "timeRegistrationEntries":

        def takes(day: date) -> bool:
            return which is not None and which.matches({"date": day.isoformat()})

        times.require_time_filter(which.members if which else set(), takes)
        if which and which.members == {"id"}:
            # The vendor's code loads the first record that the filter takes.
            return [row for row in rows if which.matches(row)][:1]
    return [row for row in rows if which is None or which.matches(row)]


def _page(ask: Ask, rows: list[Record]) -> Reply:
    prefers = re.search(r"odata\.maxpagesize=(\d+)", ask.headers.get("prefer", ""))
    size = min(int(prefers[1]) if prefers else PAGE_MAX, PAGE_MAX)
    start = int(ask.query.get("$skiptoken", ask.query.get("$skip", "0")))
    page: Record = {"value": rows[start : start + size]}
    if start + size < len(rows):
        query = {**ask.query, "$skiptoken": str(start + size)}
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        page["@odata.nextLink"] = f"{ask.headers['service-root']}{ask.path}?{text}"
    return Reply(200, page)


def shown(company: Company, record: Record, query: Query) -> Record:
    """A record as it is answered: with its version, and with what is to be expanded."""
    told = {ETAG: record[ETAG], **record}
    for child, inside in expansions(query.get("$expand")).items():
        kind = KINDS.get(child)
        if kind is None or kind.parent is None:
            raise bad_request(f"Could not find a property named '{child}'.", "BadRequest_NotFound")
        told[child] = [
            shown(company, row, {"$expand": inside})
            for row in company.rows(child, **{kind.parent: record["id"]})
        ]
    return told


def _given(record: Record | None) -> Record:
    if record is None:
        raise not_found()
    return record
