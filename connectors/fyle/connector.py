"""Fyle as a source of expenses: its reports, its masters, and what became of a report."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import httpx

from canonical.expense import ExpenseReport
from canonical.masters import Masters
from connectors.base.capabilities import Acknowledged, Claim, Claimed, ReportNews, SourcePage
from connectors.base.manifest import Manifest
from connectors.base.rate_budget import RateBudget
from connectors.fyle import master_wire, told_wire, wire
from connectors.fyle.client import FyleClient, Memory
from connectors.fyle.manifest import MANIFEST
from connectors.fyle.mapping import is_id, readable, released
from connectors.fyle.master_mapping import cost_centre, employee, masters_of, project, tax_code
from connectors.fyle.options import FyleOptions
from connectors.fyle.reading import ReportReading
from connectors.fyle.telling import UNKNOWN, Telling


def _now() -> datetime:
    return datetime.now(UTC)


class Fyle:
    """ExpenseReportSource, ExpenseReportSink and MasterDataSource for one Fyle organisation."""

    def __init__(
        self, options: FyleOptions, client: FyleClient, now: Callable[[], datetime] = _now
    ) -> None:
        self._setting: Final = options.setting
        self._client: Final = client
        self._memory: Final[Memory] = {}
        self._telling: Final = Telling(client, options, now)

    @property
    def manifest(self) -> Manifest:
        return MANIFEST

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """Prove that the token opens an organisation as its administrator; name it."""
        page = await self._client.page("/admin/employees", {}, "id.asc", limit=1)
        people = readable(page.records, master_wire.InOrganisation)
        named = people[0].org_id if people else "without employees"
        return f"Fyle organisation {named}, {page.count} employees"

    def expense_reports(self, since: datetime | None) -> AsyncIterator[SourcePage[ExpenseReport]]:
        """Page through the reports in payment processing that changed at or after an instant.

        They come in the order in which they changed, with their expenses; behind them those that
        were sent back, without, and those of which only an expense changed. After TransientError
        the iterator keeps its place: wait, and ask it for the next page again.
        """
        return ReportReading(self._client, self._setting, since).pages()

    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        """Look whether reports are still released: Fyle has no step that would hold them.

        One that is sent back later shows as a change, as a withdrawn approval does.
        """
        ids = [each for each in source_ids if is_id(each)]
        standings = await self._telling.standings(ids)
        return tuple(_claimed(each, standings.get(each)) for each in source_ids)

    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        """Show in Fyle what became of reports; see `Telling` for what each step becomes there."""
        return await self._telling.tell(news)

    async def masters(self) -> Masters:
        """Read employees, projects, cost centres and tax groups, in bulk.

        What was read before trouble is remembered until a reading gets to its end.
        """
        employees, projects, cost_centres, tax_groups = [
            await self._client.all_of(f"/admin/{name}", memory=self._memory)
            for name in ("employees", "projects", "cost_centers", "tax_groups")
        ]
        self._memory.clear()
        at, books = self._setting.connection, self._setting.legal_entity
        return Masters(
            employees=masters_of(
                employees, master_wire.Employee, lambda each: employee(each, at, books)
            ),
            projects=masters_of(
                projects, master_wire.ListedProject, lambda each: project(each, at)
            ),
            dimension_values=masters_of(
                cost_centres, master_wire.ListedMaster, lambda each: cost_centre(each, at)
            ),
            tax_codes=masters_of(
                tax_groups, master_wire.ListedTaxGroup, lambda each: tax_code(each, at)
            ),
        )


def _claimed(report: str, standing: told_wire.ReportStanding | None) -> Claimed:
    if standing is None:
        return Claimed(report, Claim.REFUSED, UNKNOWN)
    code = f"report_is_{standing.state.lower()}"
    if standing.state is wire.ReportState.PAID:
        return Claimed(report, Claim.CLAIMED_BEFORE, code)
    return Claimed(report, Claim.CLAIMED if released(standing.state) else Claim.RECALLED, code)


def connect(
    options: FyleOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = _now,
) -> Fyle:
    """Make the connector of one Fyle organisation; nothing is sent yet."""
    return Fyle(options, FyleClient(options, budget, transport, clock), now)
