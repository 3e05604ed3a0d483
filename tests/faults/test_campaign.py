"""Nothing is posted twice and nothing is lost, whatever happens to a write on its way."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.faults import FaultKind, FaultReport
from sandbox.month import FirmAccount
from sandbox.tryton.server import TrytonServer
from tests.faults.campaign import Campaign, spoiling, told, unapproved
from tests.server_fixtures import FreshDatabase

pytestmark = [pytest.mark.erp, pytest.mark.faults, pytest.mark.timeout(600)]

LINES_MIN = 2000
DEATHS = 3


def enough_happened(report: FaultReport, died: int) -> bool:
    """The campaign's own bar: a fault that did not fire proves nothing."""
    busy = report.of(FaultKind.THROTTLE).fired + report.of(FaultKind.UNAVAILABLE).fired
    return (
        report.of(FaultKind.LOST_ANSWER).fired >= 30
        and report.of(FaultKind.SLOW_COMMIT).fired >= 10
        and busy >= 10
        and died == DEATHS
    )


async def run(campaign: Campaign, feed: Callable[[Campaign], Awaitable[None]], seed: int) -> None:
    """Post a month while writes are spoiled, then ask the ERP."""
    await campaign.refresh()
    await campaign.proxy.inject(*spoiling(lost=340, slow=180, busy=75), seed=seed)
    campaign.plan_deaths(DEATHS)
    await feed(campaign)
    states = await campaign.settled()
    report = await campaign.proxy.settled()
    print(*await campaign.longest_waits(), sep="\n")  # noqa: T201  For a failure's report.
    assert enough_happened(report, campaign.died), (told(report), campaign.died)
    await campaign.proxy.clear()

    assert set(states) == {"POSTED", "EXCEPTION"}, states
    assert sum(states.values()) == len(campaign.account.time_entries) >= LINES_MIN
    booked = await campaign.in_erp()
    assert max(booked.values()) == 1
    assert set(booked) == await campaign.references(["POSTED"])
    assert not set(booked) & await campaign.references(["EXCEPTION", "IN_DOUBT"])
    # Hours to the second, on the right task, employee and date.
    assert await campaign.works_in_erp() == await campaign.works_due()


def account_of(erp: TrytonServer, seed: int) -> FirmAccount:
    """A month with more lines than the demo's."""
    return FirmAccount(erp.firm, seed=seed, entries_a_day=(3, 5))


async def test_at_low_load_every_line_is_in_the_erp_once(
    tmp_path: Path, fresh_database: FreshDatabase, migrated: str, erp: TrytonServer
) -> None:
    account = unapproved(account_of(erp, 1).state())
    dsn = await fresh_database(migrated)
    async with Campaign(tmp_path / "low", dsn, "low-load", erp, erp.firm, account) as campaign:
        await run(campaign, lambda one: one.approve_in_portions(25), seed=1)


async def test_with_a_backlog_every_line_is_in_the_erp_once_even_if_temporal_forgets(
    tmp_path: Path, fresh_database: FreshDatabase, migrated: str, erp: TrytonServer
) -> None:
    account = account_of(erp, 2).state()
    dsn = await fresh_database(migrated)
    async with Campaign(tmp_path / "backlog", dsn, "backlog", erp, erp.firm, account) as campaign:
        await run(campaign, Campaign.poll_and_backfill, seed=2)
        before = await campaign.in_erp()
        await campaign.lose_temporal()
        await campaign.database.execute("UPDATE document SET news_seq = news_seq + 1")
        await campaign.backfill()
        await campaign.settled()
        assert await campaign.in_erp() == before
