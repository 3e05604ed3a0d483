"""The made-up ERP in the words of the suites."""

import itertools
import json
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import httpx

from canonical.identity import reference_of
from canonical.money import Money
from canonical.posting import PostingIntent, PostingKind, SourceLine, TimeLine
from canonical.posting_period import PeriodDecision
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.conformance.posting_world import PostingNetwork
from tests.connectors.conformance.made_up_connector import MadeUp
from tests.connectors.conformance.made_up_erp import GONE, PEOPLE, Flavour, MadeUpErp

DAY = date(2026, 1, 5)


class MadeUpWorld:
    """A `DraftingWorld`, a `LaggingWorld` and an `HttpWorld`, of one flavour."""

    def __init__(self, flavour: Flavour, connector: type[MadeUp] = MadeUp) -> None:
        self.erp = MadeUpErp(flavour)
        self.secret = self.erp.secret
        self.network = PostingNetwork(self.erp, is_write)
        self.private = tuple(PEOPLE.values())
        self._connector = connector
        self._numbers = itertools.count(1)

    def connect(self, budget: RateBudget | None = None, *, secret: str | None = None) -> MadeUp:
        return self._connector(
            self.erp.flavour, secret or self.secret, budget or Unlimited(), self.network
        )

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", employee: str = "E-1"
    ) -> PostingIntent:
        key = UUID(int=next(self._numbers) << 64)
        return PostingIntent(
            key=key,
            reference=reference_of(UUID(int=key.int << 32 & (1 << 128) - 1)),
            target="erp",
            source=SourceLine(connection="psa", object="time_entry", id="1", revision=1),
            kind=PostingKind.TIME,
            legal_entity="1",
            period=PeriodDecision(posting_date=DAY, period="2026-01", original_date=DAY),
            value=Money.zero("EUR"),
            body=TimeLine(
                legal_entity="1",
                employee=employee,
                task=f"T-{parent}",
                work_date=DAY,
                seconds=seconds,
                note=note,
            ),
        )

    def refused_intent(self) -> PostingIntent:
        return self.intent(employee=GONE)

    def altered(self, write: bytes) -> bytes:
        call = json.loads(write)
        for line in call["lines"]:
            line["seconds"] = 900
        return json.dumps(call).encode()

    async def book(self, intent: PostingIntent) -> str:
        return self.erp.put(self._line(intent)).id

    async def book_for_somebody_else(self) -> str:
        line = {**self._line(self.intent()), "reference": "Lunch with the customer"}
        return self.erp.put({**line, "reference": f"someone's {line['key']}"}).id

    async def edit_note(self, document_id: str, note: str) -> None:
        booked = self.erp.books[document_id]
        self.erp.books[document_id] = replace(booked, line={**booked.line, "note": note})

    async def lock(self, document_id: str) -> None:
        raise NotImplementedError("nothing is taken back here")

    async def held(self, reference: str) -> list[str]:
        return self.erp.carrying(reference, posted=True)

    async def draft(self, intent: PostingIntent) -> str:
        return self.erp.put(self._line(intent), posted=False).id

    async def drafts(self, reference: str) -> list[str]:
        return self.erp.carrying(reference, posted=False)

    async def pass_time(self, seconds: int) -> None:
        self.erp.now += seconds

    def _line(self, intent: PostingIntent) -> dict[str, Any]:
        return MadeUp(self.erp.flavour, "", Unlimited(), self.erp).line(intent)


def is_write(request: httpx.Request) -> bool:
    """What books something: lines at once, or the posting of a draft."""
    path = request.url.path
    return request.method == "POST" and (path == "/documents" or path.endswith("/post"))
