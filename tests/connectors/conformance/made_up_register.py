"""A made-up register of customers: pages, a feed with an end, and one of three ways of writing."""

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import httpx

PAGE_SIZE: Final = 3
LAG_SECONDS: Final = 3
BEHIND_SECONDS: Final = 5
FEED_SECONDS: Final = 7 * 86_400
KEPT: Final = ("code", "name", "active", "currency", "phone")
BLOCKED: Final = "ZZ"


class Way(StrEnum):
    """What in it keeps a customer from being made twice."""

    UNIQUE = "unique"
    COMPARED = "compared"
    LOOKED_UP = "looked_up"


@dataclass
class MadeUpRegister(httpx.AsyncBaseTransport):
    """Answers requests from its records; its clock moves only when it is told to."""

    way: Way
    secret: str = "open-sesame"
    now: datetime = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
    # Moves with each change of anything.
    stamp: int = 0
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: list[tuple[datetime, str]] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {self.secret}":
            return httpx.Response(401, json={"code": "who_are_you"})
        try:
            body = json.loads(await request.aread() or b"{}")
        except ValueError:
            return httpx.Response(400, json={"code": "no_json"})
        await asyncio.sleep(0)  # Others may come in between, as on a network.
        match request.method, request.url.path.strip("/").split("/"):
            case "GET", ["me"]:
                return httpx.Response(200, json={"name": "Made-up Ltd"})
            case "GET", ["customers"]:
                return self._listed(request.url.params)
            case "POST", ["customers"]:
                return self._made(body, request.headers.get("if-match"))
            case "PATCH", ["customers", record]:
                return self._changed(record, body, request.headers.get("if-match"))
            case _:
                return httpx.Response(404, json={"code": "nothing_here"})

    def put(self, values: dict[str, Any], *, seconds_ago: int = 0, seen_in: int = 0) -> str:
        """Write a record, whatever the rules say."""
        record = str(next(self._ids))
        defaults = {"code": "", "name": "", "active": True, "currency": None, "phone": "1"}
        at = self.now - timedelta(seconds=seconds_ago)
        seen_at = self.now + timedelta(seconds=seen_in)
        self.records[record] = {**defaults, **values, "id": record, "at": at, "seen_at": seen_at}
        self.stamp += 1
        return record

    def alter(self, record: str, values: dict[str, Any]) -> None:
        """Change a record, whatever the rules say."""
        self.records[record] |= {**values, "at": self.now}
        self.stamp += 1

    def remove(self, record: str) -> None:
        """Delete a record, and remember that it was there."""
        del self.records[record]
        self.gone.append((self.now, record))
        self.stamp += 1

    def _listed(self, asked: httpx.QueryParams) -> httpx.Response:
        since = datetime.fromisoformat(asked["since"]) if "since" in asked else None
        if since is not None and since < self.now - timedelta(seconds=FEED_SECONDS):
            return httpx.Response(410, json={"code": "too_long_ago"})
        ids, codes = (asked[name].split(",") if name in asked else () for name in ("ids", "codes"))
        searched = "ids" in asked or "codes" in asked
        found = [
            each
            for each in self.records.values()
            if (since is None or each["at"] >= since)
            and each["seen_at"] <= self.now
            and (not searched or each["id"] in ids or each["code"] in codes)
        ]
        first = int(asked.get("from", "0"))
        shown = found[first : first + PAGE_SIZE]
        answer = {
            "customers": [_shown(each) for each in shown],
            "gone": [record for at, record in self.gone if since is not None and at >= since],
            "next": first + PAGE_SIZE if len(found) > first + PAGE_SIZE else None,
            "now": self.now.isoformat(),
            "stamp": str(self.stamp),
        }
        return httpx.Response(200, json=answer)

    def _made(self, body: dict[str, Any], stamp: str | None) -> httpx.Response:
        refused = self._refused(body, stamp)
        if refused is not None:
            return refused
        if self.way is Way.UNIQUE and any(
            each["code"] == body["code"] for each in self.records.values()
        ):
            return httpx.Response(409, json={"code": "taken"})
        lag = LAG_SECONDS if self.way is Way.LOOKED_UP else 0
        record = self.put({name: body[name] for name in KEPT if name in body}, seen_in=lag)
        return self._answered(201, record)

    def _changed(self, record: str, body: dict[str, Any], stamp: str | None) -> httpx.Response:
        if record not in self.records:
            return httpx.Response(404, json={"code": "nothing_here"})
        refused = self._refused({**self.records[record], **body}, stamp)
        if refused is not None:
            return refused
        self.alter(record, {name: body[name] for name in KEPT if name in body})
        return self._answered(200, record)

    def _refused(self, body: dict[str, Any], stamp: str | None) -> httpx.Response | None:
        if self.way is Way.COMPARED and stamp != str(self.stamp):
            return httpx.Response(412, json={"code": "moved"})
        if not body.get("code") or not body.get("name") or body.get("currency") == BLOCKED:
            message = f"<b>{body.get('name')}</b> cannot be kept"
            return httpx.Response(422, json={"code": "not_acceptable", "message": message})
        return None

    def _answered(self, status: int, record: str) -> httpx.Response:
        shown = _shown(self.records[record])
        return httpx.Response(status, json={**shown, "stamp": str(self.stamp)})


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in {"at", "seen_at"}}
