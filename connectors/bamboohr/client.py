"""BambooHR's requests and pages, and the one place that says what an answer means."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter

from connectors.bamboohr.answers import BAD_PAGE, GONE, verdict
from connectors.bamboohr.options import BambooHrOptions
from connectors.bamboohr.wire import (
    Changed,
    ChangedTable,
    ChoiceList,
    Dataset,
    Delivery,
    Envelope,
    Wire,
)
from connectors.base.errors import (
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer, OneAttempt
from connectors.base.rate_budget import RateBudget
from connectors.base.records import RawRecord, raw_page

W = TypeVar("W", bound=Wire)

_LISTS: Final = TypeAdapter(list[ChoiceList])
_DELIVERIES: Final = TypeAdapter(list[Delivery])
_ID_AT_THE_END: Final = re.compile(r"([0-9]{1,18})/?$")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list of employees."""

    records: tuple[RawRecord, ...]
    total: int
    next: str | None


class BambooHrClient:
    """Speaks BambooHR's HTTP; knows nothing canonical. One attempt per call, always."""

    def __init__(
        self,
        options: BambooHrOptions,
        budget: RateBudget,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        # The key is the name; what stands for the password is not looked at.
        login = b64encode(f"{options.api_key.get_secret_value()}:x".encode()).decode()
        self._http = OneAttempt(
            base_url=f"{options.address.rstrip('/')}/api",
            headers={"Authorization": f"Basic {login}", "Accept": "application/json"},
            budget=budget,
            verdict=verdict,
            timeouts=options.timeouts,
            transport=transport,
        )

    async def close(self) -> None:
        """Let go of all sockets."""
        await self._http.close()

    async def people(
        self,
        fields: Sequence[str],
        *,
        limit: int,
        after: str | None = None,
        ids: Sequence[str] = (),
    ) -> Page:
        """Read one page of employees, of all or of those with an id, with these fields beside."""
        query: list[tuple[str, str | int | float | bool | None]] = [
            ("page[limit]", str(limit)),
            ("sort", "employeeId"),
        ]
        if fields:
            query.append(("fields", ",".join(fields)))
        if after is not None:
            query.append(("page[after]", after))
        query += [("filter[ids][]", one) for one in ids]
        answer = await self._read(f"/v1/employees?{httpx.QueryParams(query)}")
        try:
            page = raw_page(answer.body, "data")
            meta = Envelope.model_validate(dict(page.envelope)).meta
        except ValueError as error:
            raise TransientError("page_unreadable") from error
        following = meta.page.next
        return Page(page.records, meta.total, None if following is None else str(following))

    async def field_of(self, employee_id: str, field: str) -> Mapping[str, Any] | None:
        """Read one field of one employee; None if there is no such employee."""
        path = f"/v1/employees/{quote(employee_id, safe='')}?{httpx.QueryParams({'fields': field})}"
        try:
            answer = await self._http.read("GET", path)
        except RejectedError as refusal:
            if refusal.code == GONE:
                return None
            raise ConnectionConfigError(refusal.code) from refusal
        try:
            body = answer.json()
        except ValueError as error:
            raise TransientError("employee_unreadable") from error
        if not isinstance(body, dict):
            raise TransientError("employee_unreadable")
        return body

    async def dataset_page(self, name: str, fields: Sequence[str], page: int, size: int) -> Dataset:
        """Read one page of a dataset. It is a POST, and changes nothing."""
        path = f"/v2/datasets/{quote(name, safe='')}/data"
        asked = {"fields": list(fields), "page": page, "pageSize": size}
        answer = await self._read(path, "POST", json=asked)
        try:
            return Dataset.model_validate(answer.json())
        except ValueError as error:
            raise TransientError("dataset_unreadable") from error

    async def changed(self, since: datetime) -> Changed:
        """Read who was changed, made or deleted since an instant."""
        return await self._one(f"/v1/employees/changed?{_since(since)}", Changed)

    async def changed_rows(self, table: str, since: datetime) -> list[RawRecord]:
        """Read the rows of a table of everybody who changed since an instant."""
        found = await self._one(
            f"/v1/employees/changed/tables/{table}?{_since(since)}", ChangedTable
        )
        return [
            RawRecord("", {"employeeId": person, **row})
            for person, rows in found.employees.items()
            for row in rows.rows
        ]

    async def all_rows(self, table: str) -> tuple[RawRecord, ...]:
        """Read the rows of a table of everybody, in one call."""
        answer = await self._read(f"/v1/employees/all/tables/{table}")
        try:
            return raw_page(b'{"rows":' + answer.body + b"}", "rows").records
        except ValueError as error:
            raise TransientError("table_unreadable") from error

    async def lists(self) -> list[ChoiceList]:
        """Read all fields that have a list of values, with their values."""
        answer = await self._read("/v1/meta/lists")
        try:
            return _LISTS.validate_python(answer.json())
        except ValueError as error:
            raise TransientError("lists_unreadable") from error

    async def deliveries(self, webhook_id: str) -> list[Delivery]:
        """Read what became of a webhook's requests of the last 14 days."""
        answer = await self._read(f"/v1/webhooks/{webhook_id}/log")
        try:
            return _DELIVERIES.validate_python(answer.json())
        except ValueError as error:
            raise TransientError("log_unreadable") from error

    async def update(self, employee_id: str, fields: Mapping[str, str]) -> None:
        """Change fields of an employee; the answer has no body."""
        path = f"/v1/employees/{quote(employee_id, safe='')}"
        await self._http.write("POST", path, json=dict(fields))

    async def create(self, fields: Mapping[str, str]) -> str:
        """Make an employee; gives the id, which only the Location tells."""
        answer = await self._http.write("POST", "/v1/employees", json=dict(fields))
        found = _ID_AT_THE_END.search(answer.headers.get("location", ""))
        if found is None:
            raise OutcomeUnknownError("no_location", "made, and not said under which id")
        return found.group(1)

    async def _one(self, path: str, kind: type[W]) -> W:
        answer = await self._read(path)
        try:
            return kind.model_validate(answer.json())
        except ValueError as error:
            raise TransientError("answer_unreadable") from error

    async def _read(self, path: str, method: str = "GET", **request: Any) -> Answer:
        """Read what is always there: a refusal is about the address or the configuration."""
        try:
            return await self._http.read(method, path, **request)
        except RejectedError as refusal:
            if refusal.code == BAD_PAGE:
                raise TransientError(BAD_PAGE, "somebody went while pages were read") from refusal
            raise ConnectionConfigError(refusal.code) from refusal


def _since(since: datetime) -> httpx.QueryParams:
    return httpx.QueryParams({"since": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")})
