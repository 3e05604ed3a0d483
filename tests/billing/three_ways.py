"""The same figures asked three ways: the month's workflow, the command line, and SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from canonical.billing_messages import ReadinessView
from canonical.billing_period import BillingPeriod
from store.database import Row
from tests.billing.billing_platform import BillingPlatform
from tests.billing.systems import CONTRACTS
from tests.cli.terminal import Terminal
from tests.e2e.running_platform import eventually

_WIP = ("opening", "posted", "billed", "written_off", "corrections", "closing")
_MARGIN = ("billed", "wip", "cost", "margin")
Figures = dict[tuple[str, str], tuple[Decimal, ...]]
Rows = Sequence[Mapping[str, Any]] | Sequence[Row]
LEAKS_AFTER_DAYS = 30


@dataclass
class ThreeWays:
    """Asks about engagements and holds the answers to each other, to the cent."""

    local: BillingPlatform
    terminal: Terminal

    async def agree(self, *engagements: str) -> dict[str, ReadinessView]:
        """Hold all figures to each other; gives how the months stand."""
        views = {one: await self.readiness_agrees(one) for one in engagements}
        await self.wip_agrees(views)
        await self.margins_agree(views)
        await self.leakage_agrees(engagements)
        return views

    async def readiness_agrees(self, engagement: str) -> ReadinessView:
        """What the workflow shows is what the command and the view `readiness_amount` show."""
        view = await self._shown(engagement)
        answered = await self.terminal.type(
            "readiness", "show", engagement, "--period", view.period, "--json"
        )
        assert answered.out, answered.err
        typed = answered.json
        work = typed.pop("work")
        assert typed == view.model_dump(mode="json")
        assert answered.code == (0 if view.ready else 1)
        rows = await self.local.rows(
            "SELECT reason, currency, amount, seconds, lines FROM readiness_amount "
            "WHERE connection = $1 AND engagement = $2 AND period = $3",
            *(CONTRACTS, engagement, view.period),
        )
        assert _blocked(rows) == {
            (one.reason, one.amount.currency): (Decimal(one.amount.amount), one.seconds, one.lines)
            for one in view.blocked
        }
        ready = {row["currency"]: row["amount"] for row in rows if row["reason"] == "ready"}
        assert ready == {one.currency: Decimal(one.amount) for one in view.ready_amounts}
        assert _sums(work) == _sums(await self._pieces(engagement, view.period))
        return view

    async def wip_agrees(self, views: Mapping[str, ReadinessView]) -> None:
        """The roll-forward of each month is the same, and the ERP's own lines close it."""
        for month in self._months():
            typed, code = await self.wip_at_the_terminal(month)
            asked = await self.local.rows(
                "SELECT * FROM wip_roll_forward($1, $2)", month.first_day, month.cut_off_date
            )
            assert _by_place(typed["rows"], _WIP) == _by_place(asked, _WIP)
            assert (typed["differences"], code) == ([], 0)
        last = self._months()[0]
        typed, _ = await self.wip_at_the_terminal(last)
        shown = [
            {**one.model_dump(), "currency": one.closing.currency, "closing": one.closing.amount}
            for view in views.values()
            for one in view.wip
        ]
        assert _by_place(shown, _WIP) == _by_place(typed["rows"], _WIP)

    async def wip_at_the_terminal(self, month: BillingPeriod) -> tuple[dict[str, Any], int]:
        """What `ledgerway wip` answers, and its exit code."""
        answered = await self.terminal.type("wip", "--period", month.period, "--json")
        return answered.json, answered.code

    async def margins_agree(self, views: Mapping[str, ReadinessView]) -> None:
        """What projects came to is the same."""
        typed = (await self.terminal.type("margin", "--json")).json
        asked = await self.local.rows("SELECT * FROM project_margin")
        assert _by_place(typed, _MARGIN) == _by_place(asked, _MARGIN)
        shown = [
            {**one.model_dump(), "currency": one.margin.currency, "margin": one.margin.amount}
            for view in views.values()
            for one in view.margin
        ]
        assert _by_place(shown, _MARGIN) == _by_place(typed, _MARGIN)

    async def leakage_agrees(self, engagements: Sequence[str]) -> None:
        """What leaks by the end of the newest month is the same; older work is in that, too."""
        newest = self._months()[-1]
        as_of = newest.cut_off_date
        answered = await self.terminal.type(
            "leakage", "--days", LEAKS_AFTER_DAYS, "--as-of", as_of, "--json"
        )
        asked = await self.local.rows("SELECT * FROM leakage($1, $2)", as_of, LEAKS_AFTER_DAYS)
        assert [one["work_key"] for one in answered.json] == [row["work_key"] for row in asked]
        assert answered.code == (1 if asked else 0)
        shown = {
            (engagement, one.currency): Decimal(one.amount)
            for engagement in engagements
            for one in (await self._shown(engagement, newest)).leaking
        }
        for found in (answered.json, asked):
            assert shown == _sums_by(found, "engagement")

    async def _shown(self, engagement: str, month: BillingPeriod | None = None) -> ReadinessView:
        """What the workflow shows, once it has heard of all that there is to be heard."""
        period = BillingPeriod(engagement, (month or self._months()[0]).period)
        ref = self.local.ref(engagement).model_copy(update={"document": period.document_id})
        handle = self.local.client.get_workflow_handle(
            f"invoice-readiness/{CONTRACTS}/{period.document_id}"
        )
        views: list[ReadinessView] = []

        async def is_newest() -> bool:
            view = await handle.query("readiness", result_type=ReadinessView)
            now = await self.local.activities.readiness.assess(ref)
            views[:] = [view] if view is not None else []
            return bool(views) and view == now

        await eventually(is_newest)
        return views[0]

    async def _pieces(self, engagement: str, period: str) -> list[Row]:
        return await self.local.rows(
            "SELECT * FROM readiness_piece WHERE connection = $1 AND engagement = $2 "
            "AND period = $3",
            *(CONTRACTS, engagement, period),
        )

    def _months(self) -> tuple[BillingPeriod, BillingPeriod]:
        """The month that is billed, and the one in which it is billed."""
        billed = BillingPeriod("-", self.local.systems.firm.month.name)
        return billed, BillingPeriod.holding("-", billed.cut_off_date + timedelta(days=1))


def _blocked(rows: Sequence[Row]) -> dict[tuple[str, str], tuple[Decimal, int, int]]:
    return {
        (row["reason"], row["currency"]): (row["amount"], int(row["seconds"]), row["lines"])
        for row in rows
        if row["reason"] != "ready"
    }


def _by_place(rows: Rows, columns: Sequence[str]) -> Figures:
    """Amounts by project and currency; a place that two engagements show is the same in both."""
    found: Figures = {}
    for row in rows:
        figures = tuple(Decimal(row[name]) for name in columns)
        assert found.setdefault((row["project"], row["currency"]), figures) == figures
    return found


def _sums(rows: Rows) -> dict[tuple[str, str], Decimal]:
    """Amounts by work and reason."""
    found: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (row["work_key"], row["reason"] or "ready")
        found[key] = found.get(key, Decimal(0)) + Decimal(row["amount"])
    return found


def _sums_by(rows: Rows, name: str) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (row[name], row["currency"])
        found[key] = found.get(key, Decimal(0)) + Decimal(row["amount"])
    return found
