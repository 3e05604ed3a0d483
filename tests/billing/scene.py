"""One engagement's month as a test plays it: what is done, and what is then billed in all."""

from decimal import Decimal
from typing import Any

from canonical.billing_messages import Decided, ReadinessView
from canonical.contracts import BillRate, RateCard, RateScope
from canonical.money import HourlyRate
from tests.billing.billing_platform import BillingPlatform
from tests.billing.final_check import ErpDocument, Expected, assert_billed, parts_of
from tests.billing.systems import CONTRACTS, BillingSystems


class Scene:
    """Holds the ERP, after every step, to what `expected` says is billed by then."""

    def __init__(self, platform: BillingPlatform, engagement: str) -> None:
        self.platform = platform
        self.systems: BillingSystems = platform.systems
        self.engagement = engagement
        self.expected = Expected()
        # The billing events of its documents in the ERP, in the order of their making.
        self.events: list[str] = []

    def work(self, who: str, hours: str, on: int, **facts: Any) -> int:
        """Enter work, approved; gives its id."""
        (line,) = self.systems.agreements.engagements[self.engagement].lines
        return self.systems.staff.enter(who, line.projects[0], on=on, hours=hours, **facts)

    async def stands(self) -> ReadinessView:
        """Let everything be read and decided; gives how the month stands."""
        await self.platform.assess()
        return await self.platform.view(self.engagement)

    async def bills(self) -> tuple[ErpDocument, ...]:
        """Release what is ready, as somebody does who looked at it, and check what is billed."""
        return await self._followed(await self.platform.release(self.engagement))

    async def credits(
        self, of: int, *, entry: int | None = None, seconds: int | None = None, on: str = ""
    ) -> tuple[ErpDocument, ...]:
        """Credit the document of that number in our order, or that much of one entry on it."""
        event = self.events[of]
        what = [] if entry is None else [await self._part(event, entry, seconds)]
        decided = await self.platform.decide(
            self.engagement,
            "credit",
            invoice=event,
            credits=what,
            reason="the customer objected",
            approver="cleo",
            on_date=on,
        )
        return await self._followed(decided)

    async def check(self) -> tuple[ErpDocument, ...]:
        """Hold the ERP to what is expected; gives its documents."""
        documents = await assert_billed(self.platform, self.engagement, self.expected)
        assert len(documents) == len(self.events), documents
        return documents

    async def _followed(self, decided: Decided) -> tuple[ErpDocument, ...]:
        assert decided.done, decided.message
        self.events += decided.events
        stopped = await self.platform.rows(
            "SELECT c.sentence FROM exception_case c JOIN posting p ON p.case_id = c.id "
            "WHERE p.object = 'billing_event' AND p.state = 'EXCEPTION'"
        )
        assert stopped == []
        await self.platform.posted(self.engagement, len(self.events))
        return await self.check()

    async def _part(self, event: str, entry: int, seconds: int | None) -> dict[str, Any]:
        work = f"time:harvest:{entry}"
        (line,) = {
            part.invoice_line
            for part in await parts_of(self.platform, self.engagement)
            if part.work == work and part.invoice_line.startswith(event) and part.seconds
        }
        return {"line": line, "work": work, "seconds": seconds}


def reasons(view: ReadinessView) -> dict[str, tuple[str, int]]:
    """What blocks a month: the amount and the seconds by reason."""
    return {one.reason: (one.amount.amount, one.seconds) for one in view.blocked}


def price_people(systems: BillingSystems, engagement: str, prices: dict[str, str]) -> None:
    """Agree on a price for each person's work, in euros."""
    codes = {one.name: one.code for one in systems.firm.employees}
    agreements = systems.agreements
    agreements.rate_cards[engagement] = RateCard(
        connection=CONTRACTS,
        id=f"RC-{engagement}",
        version="1",
        rates=tuple(
            BillRate(
                scope=RateScope.PERSON,
                engagement=engagement,
                employee=codes[name],
                rate=HourlyRate(amount=Decimal(price), currency="EUR"),
                valid_from=agreements.since,
            )
            for name, price in prices.items()
        ),
    )
    agreements.write()
