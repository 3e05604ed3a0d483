"""A simulated Tidemark in the words of the contract suite."""

import itertools
import json
from datetime import UTC, date, datetime
from uuid import NAMESPACE_URL, uuid5

import httpx
from canonical.identity import reference_of
from canonical.money import Money
from canonical.posting import PostingIntent, PostingKind, SourceLine, TimeLine
from canonical.posting_period import PeriodDecision
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.conformance.posting_world import PostingNetwork
from pydantic import SecretStr

from tidemark import Tidemark, TidemarkOptions, connect
from tidemark.mapping import entry_body
from tidemark.simulator import PEOPLE, SimulatedTidemark

DAY = date(2026, 1, 5)
# Not the day of the work: its month may be closed.
POSTED_ON = date(2026, 2, 2)
EMPLOYEE, LEAVER = "E-1", "E-2"


class TidemarkWorld:
    """A `PostingTargetWorld`."""

    secret = "the-secret-token"
    # Names of people that the system may put into its refusals.
    private = tuple(PEOPLE.values())

    def __init__(self) -> None:
        self.company = SimulatedTidemark(self.secret, clock=lambda: datetime.now(UTC))
        self.network = PostingNetwork(httpx.ASGITransport(self.company.app), is_write)
        self._numbers = itertools.count(1)

    def connect(self, budget: RateBudget | None = None, *, secret: str | None = None) -> Tidemark:
        options = TidemarkOptions(
            connection="tidemark",
            base_url="http://tidemark.test",
            token=SecretStr(secret or self.secret),
        )
        return connect(options, budget or Unlimited(), self.network)

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", employee: str = EMPLOYEE
    ) -> PostingIntent:
        key = uuid5(NAMESPACE_URL, f"tidemark/{next(self._numbers)}")
        return PostingIntent(
            key=key,
            reference=reference_of(key),
            target="tidemark",
            source=SourceLine(connection="psa", object="time_entry", id="1", revision=1),
            kind=PostingKind.TIME,
            legal_entity="1",
            period=PeriodDecision(posting_date=POSTED_ON, period="2026-02", original_date=DAY),
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
        """Somebody's who has left, whom the simulator has to refuse."""
        return self.intent(employee=LEAVER)

    def altered(self, write: bytes) -> bytes:
        return json.dumps({**json.loads(write), "duration": "PT900S"}).encode()

    async def book(self, intent: PostingIntent) -> str:
        return str(self.company.book(intent.reference, entry_body(intent)).id)

    async def book_for_somebody_else(self) -> str:
        return str(self.company.book("Payroll 7", entry_body(self.intent())).id)

    async def edit_note(self, document_id: str, note: str) -> None:
        self.company.change(int(document_id), text=note)

    async def lock(self, document_id: str) -> None:
        raise NotImplementedError("Tidemark takes nothing back, so that nothing is locked")

    async def held(self, reference: str) -> list[str]:
        return [str(each.id) for each in self.company.carrying(reference)]


def is_write(request: httpx.Request) -> bool:
    """Whether a request books something: it is what the suite aims its faults at."""
    return request.method == "PUT"
