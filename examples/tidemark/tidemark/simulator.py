"""Tidemark as its rules describe it, quirks included: state behind a plain ASGI app."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidemark.manifest import REFERENCES_MAX, TEXT_LENGTH_MAX

PEOPLE = {"E-1": "Ann Onymous", "E-2": "Zebedee Quillfeather"}
LEFT = "E-2"


@dataclass(frozen=True, slots=True)
class Booked:
    """One entry in the books."""

    id: int
    reference: str
    content: dict[str, Any]
    changed_at: datetime

    @property
    def shown(self) -> dict[str, Any]:
        """As it is answered."""
        return {"id": self.id, "reference": self.reference, **self.content}


class SimulatedTidemark:
    """One company's books; they are changed by methods and by requests."""

    def __init__(self, token: str, clock: Callable[[], datetime]) -> None:
        self._token = token
        self._clock = clock
        self._ids = itertools.count(1)
        self.books: dict[int, Booked] = {}
        self.app = Starlette(
            routes=[
                Route("/me", self._guarded(self._me)),
                Route("/entries", self._guarded(self._list)),
                Route("/entries/{reference}", self._guarded(self._put), methods=["PUT"]),
            ]
        )

    def book(self, reference: str, content: dict[str, Any]) -> Booked:
        """Write into the books, whatever the rules say."""
        kept = {**content, "text": content["text"][:TEXT_LENGTH_MAX]}
        booked = Booked(next(self._ids), reference, kept, self._clock())
        self.books[booked.id] = booked
        return booked

    def change(self, number: int, **content: Any) -> None:
        """Change an entry, as a person does on the screen."""
        old = self.books[number]
        changed = {**old.content, **content}
        self.books[number] = replace(old, content=changed, changed_at=self._clock())

    def carrying(self, reference: str) -> list[Booked]:
        """All entries under a reference."""
        return [each for each in self.books.values() if each.reference == reference]

    def _guarded(self, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self._token}":
                return JSONResponse({"error": {"code": "unauthorized"}}, status_code=401)
            await asyncio.sleep(0)  # Others may come in between, as on a network.
            response: Response = await answer(request)
            return response

        return guarded

    async def _me(self, _: Request) -> Response:
        return JSONResponse({"name": "Harbour Works Ltd"})

    async def _put(self, request: Request) -> Response:
        content = await request.json()
        reference = request.path_params["reference"]
        if content["person"] == LEFT:
            text = f"{PEOPLE[LEFT]} has left"
            return JSONResponse({"error": {"code": "has_left", "text": text}}, status_code=422)
        if not content["text"].isprintable():
            return JSONResponse({"error": {"code": "text_unprintable"}}, status_code=422)
        if self.carrying(reference):
            return JSONResponse({"error": {"code": "taken"}}, status_code=412)
        return JSONResponse(self.book(reference, content).shown, status_code=201)

    async def _list(self, request: Request) -> Response:
        asked = request.query_params
        references = asked["references"].split(",") if "references" in asked else None
        if references is not None and len(references) > REFERENCES_MAX:
            return JSONResponse({"error": {"code": "too_many_references"}}, status_code=400)
        since = datetime.fromisoformat(asked["changed_since"]) if "changed_since" in asked else None
        found = [
            each
            for each in self.books.values()
            if (references is None or each.reference in references)
            and each.reference.startswith(asked.get("prefix", ""))
            and (since is None or each.changed_at >= since)
            and asked.get("worked_from", "") <= each.content["worked_on"]
            and each.content["worked_on"] <= asked.get("worked_until", "9999")
        ]
        start, size = int(asked.get("after", "0")), int(asked["page_size"])
        page = found[start : start + size]
        more = str(request.url.include_query_params(after=start + size))
        return JSONResponse(
            {
                "entries": [each.shown for each in page],
                "next": more if start + size < len(found) else None,
            }
        )
