"""A made-up ERP, as small as a suite of rules allows: lines of time under one of four guards."""

import asyncio
import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import httpx

LAG_SECONDS: Final = 3
PEOPLE: Final = {"E-1": "Ann Onymous", "E-2": "Zebedee Quillfeather"}
GONE: Final = "E-2"


class Flavour(StrEnum):
    """What in it keeps a write from booking twice."""

    UNIQUE = "unique"
    KEYED = "keyed"
    DRAFTED = "drafted"
    LOOKED_UP = "looked_up"


@dataclass(frozen=True, slots=True)
class Booked:
    """One line in the books, or a draft of one."""

    id: str
    line: dict[str, Any]
    posted: bool
    at: int

    @property
    def shown(self) -> dict[str, Any]:
        """As it is answered."""
        return {"id": self.id, "posted": self.posted, "at": self.at, **self.line}


@dataclass
class MadeUpErp(httpx.AsyncBaseTransport):
    """Answers requests from its books; its clock begins with ours, and moves when it is told to."""

    flavour: Flavour
    secret: str = "open-sesame"
    now: int = field(default_factory=lambda: int(datetime.now(UTC).timestamp()))
    books: dict[str, Booked] = field(default_factory=dict)
    answers_by_key: dict[str, dict[str, Any]] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {self.secret}":
            return httpx.Response(401, json={"code": "who_are_you"})
        body = json.loads(await request.aread() or b"{}")
        await asyncio.sleep(0)  # Others may come in between, as on a network.
        match request.method, request.url.path.strip("/").split("/"):
            case "GET", ["me"]:
                return httpx.Response(200, json={"name": "Made-up Ltd"})
            case "GET", ["documents"]:
                return httpx.Response(200, json={"documents": self._found(request.url.params)})
            case "POST", ["documents"]:
                return self._book(body["lines"])
            case "POST", ["drafts"]:
                return httpx.Response(201, json=self.put(body["line"], posted=False).shown)
            case "POST", ["drafts", name, "post"]:
                return self._post(name)
            case "DELETE", ["drafts", name] if name in self.books:
                if self.books[name].posted:
                    return httpx.Response(409, json={"code": "posted"})
                del self.books[name]
                return httpx.Response(204)
            case _:
                return httpx.Response(404, json={"code": "nothing_here"})

    def put(self, line: dict[str, Any], *, posted: bool = True) -> Booked:
        """Write into the books, whatever the rules say."""
        booked = Booked(str(next(self._ids)), dict(line), posted, self.now)
        self.books[booked.id] = booked
        return booked

    def carrying(self, reference: str, *, posted: bool) -> list[str]:
        """The ids of what carries a reference."""
        return [
            each.id
            for each in self.books.values()
            if each.line["reference"] == reference and each.posted is posted
        ]

    def _found(self, asked: httpx.QueryParams) -> list[dict[str, Any]]:
        lag = LAG_SECONDS if self.flavour is Flavour.LOOKED_UP else 0
        wanted = asked.get("references")
        return [
            each.shown
            for each in self.books.values()
            if each.at + lag <= self.now
            and each.at >= int(asked.get("since", "0"))
            and (wanted is None or each.line["reference"] in wanted.split(","))
        ]

    def _book(self, lines: list[dict[str, Any]]) -> httpx.Response:
        answers = [self._judged(line) for line in lines]
        refused = next((each for each in answers if "code" in each), None)
        if refused is not None and self.flavour is not Flavour.KEYED:
            return httpx.Response(409 if refused["code"] == "taken" else 422, json=refused)
        told = [answer or self._taken_in(line) for line, answer in zip(lines, answers, strict=True)]
        return httpx.Response(200, json={"lines": told})

    def _taken_in(self, line: dict[str, Any]) -> dict[str, Any]:
        answer = self.answers_by_key[line["key"]] = self.put(line).shown
        return answer

    def _judged(self, line: dict[str, Any]) -> dict[str, Any]:
        """Why a line is not taken, or what was answered to it before; empty if it is to be."""
        if line["employee"] == GONE:
            return {"code": "has_left", "message": f"{PEOPLE[GONE]} works here no longer"}
        if self.flavour is Flavour.UNIQUE and self.carrying(line["reference"], posted=True):
            return {"code": "taken"}
        if self.flavour is Flavour.KEYED:
            return self.answers_by_key.get(line["key"], {})
        return {}

    def _post(self, name: str) -> httpx.Response:
        draft = self.books.get(name)
        if draft is None or draft.posted:
            return httpx.Response(404, json={"code": "no_draft"})
        if judged := self._judged(draft.line):
            return httpx.Response(422, json=judged)
        self.books[name] = replace(draft, posted=True, at=self.now)
        return httpx.Response(200, json=self.books[name].shown)
