"""What a campaign posts, and what must be true of it whatever happened to writes on their way."""

from collections.abc import Awaitable, Callable

from sandbox.faults import Fault, FaultKind, FaultReport
from sandbox.month import FirmAccount
from sandbox.tryton.server import TrytonServer
from tests.faults.campaign import Campaign, told

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


async def run(
    campaign: Campaign, feed: Callable[[Campaign], Awaitable[None]], *faults: Fault, seed: int
) -> None:
    """Post a month while writes are spoiled, then ask the ERP."""
    await campaign.refresh()
    await campaign.proxy.inject(*faults, seed=seed)
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
