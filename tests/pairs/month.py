"""The firm's month as a test plays it, on any ERP: people work, claim, change their minds, bill."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from sandbox.expense_month import SHAPES, Shape
from sandbox.month import FirmAccount
from tests.expenses.faulty_wire import Frozen
from tests.pairs.books import Bill, Books, claims_of, work_of
from tests.pairs.conftest import Opened
from tests.pairs.pair_platform import ErpSide, PairPlatform
from tests.pairs.sources import Sources

# A quarter of an hour and its tax come to whole cents.
RATE: Final = Decimal("160.00")
_FREEZE_SECONDS_MAX: Final = 60


@dataclass
class PlayedMonth:
    """One month at one ERP; knows at any time what its books should hold."""

    sources: Sources
    erp: ErpSide
    opened: Opened
    namespace: str
    # The tax on services by project, in percent, where there is one.
    tax_percent: Mapping[str, Decimal]
    entries: list[int] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)

    def expected(self) -> Books:
        """What the ERP's books should hold now."""
        return Books(
            work=work_of(self.sources),
            claims=claims_of(self.sources, self.reports),
            bills=list(self.bills),
        )

    def people_work(self, days: int, shapes: Sequence[Shape] = SHAPES) -> None:
        """Let everybody work and claim."""
        self.entries += self.sources.enter_days(days)
        self.reports += self.sources.release_shapes(shapes)

    def people_change_their_minds(self) -> None:
        """Let every kind of change happen to lines that were posted, some to each person."""
        staff = self.sources.staff
        for number, entry in enumerate(self.entries):
            match number % 23:
                case 3:
                    staff.change(entry, hours="6.25")
                case 7:
                    staff.withdraw(entry)
                case 11:
                    staff.delete(entry)
                case 13:
                    staff.change(entry, on=11)
                case 17:
                    staff.withdraw(entry)
                    staff.change(entry, hours="0.5")
                    staff.approve(entry)
                case _:
                    pass

    async def killed_at(
        self, frozen: Frozen, work: Callable[[PairPlatform], Awaitable[None]]
    ) -> None:
        """Let a worker begin something and die where the wire holds it."""
        async with self.opened(
            self.sources, self.erp, namespace=self.namespace, drain_seconds=0
        ) as platform:
            await work(platform)
            await asyncio.wait_for(frozen.reached.wait(), _FREEZE_SECONDS_MAX)

    async def bill(self, platform: PairPlatform, projects: Sequence[str]) -> None:
        """Agree on projects, and release what was worked on them."""
        for project in projects:
            self.sources.agreements.agree(project, rate=str(RATE), expenses_billed=False)
        await platform.assess()
        for project in projects:
            await self._release(platform, project)

    async def credit_in_part(self, platform: PairPlatform, project: str) -> int:
        """Somebody worked less than was billed: credit that entry; it is billed again, changed."""
        entry = self._entries_on(project)[0]
        engagement = _engagement(project)
        (invoice,) = await platform.invoices(engagement)
        last_day = self.sources.firm.month.last_day
        before = self._hours(entry)
        (billed,) = await platform.rows(
            "SELECT max(revision) AS revision FROM posting WHERE source_id = $1", str(entry)
        )
        self.sources.staff.change(entry, hours="0.75")
        await platform.assess()
        (part,) = await platform.rows(
            "SELECT DISTINCT invoice_line FROM standing_allocation "
            "WHERE work_key = $1 AND invoice_line IS NOT NULL",
            f"time:harvest:{entry}",
        )
        await platform.decide(
            engagement,
            "credit",
            approver="boris",
            reason="it was less",
            invoice=invoice.event_id,
            on_date=last_day.isoformat(),
            credits=[{"line": part["invoice_line"], "work": f"time:harvest:{entry}"}],
        )
        await platform.posted(engagement, 2)
        self._note(project, -before)
        await platform.assess()
        await platform.until(
            "SELECT state = 'POSTED' AND revision > $2 FROM posting "
            "WHERE source_id = $1 AND kind = 'time' ORDER BY revision DESC LIMIT 1",
            str(entry),
            billed["revision"],
        )
        await platform.hear()
        await self._release(platform, project, self._hours(entry))
        return entry

    async def _release(
        self, platform: PairPlatform, project: str, hours: Decimal | None = None
    ) -> None:
        engagement = _engagement(project)
        documents = len(await platform.invoices(engagement)) + 1
        await platform.release(engagement)
        await platform.posted(engagement, documents)
        worked = sum((self._hours(one) for one in self._entries_on(project)), Decimal(0))
        self._note(project, worked if hours is None else hours)

    def _note(self, project: str, hours: Decimal) -> None:
        """So much more is billed, as of the end of the month."""
        of_project = self.sources.agreements.project(project)
        net = hours * RATE
        tax = net * self.tax_percent.get(project, Decimal(0)) / 100
        self.bills.append(
            Bill(
                engagement=_engagement(project),
                customer=of_project.customer.code,
                net=net,
                total=net + tax,
                currency=of_project.legal_entity.currency,
                day=self.sources.firm.month.last_day,
            )
        )

    def _entries_on(self, project: str) -> list[int]:
        wanted = FirmAccount(self.sources.firm).project_id(self.sources.agreements.project(project))
        shown, _ = self.sources.account.entries(lambda _: True)
        return [
            one.facts.id for one in shown if one.facts.project_id == wanted and one.facts.is_closed
        ]

    def _hours(self, entry: int) -> Decimal:
        return self.sources.account.entry(entry).facts.hours


def _engagement(project: str) -> str:
    return f"ENG-{project.removeprefix('PRJ-')}"
