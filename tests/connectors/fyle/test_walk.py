"""Whatever happens between two pages, a reading ends, and what is released at its end is read."""

import asyncio
from decimal import Decimal

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.conformance.http_contract import FaultyNetwork
from connectors.fyle.simulated_state import ExpenseChange
from connectors.fyle.simulator import simulated_fyle
from connectors.fyle.wire import ReportState
from tests.connectors.fyle.world import FyleWorld

# The machine may be busy; and a red run must be red again when it is repeated.
unhurried = settings(deadline=None, derandomize=True, max_examples=60)
# What happens to which report before the next page is asked for.
Happening = tuple[str, int]
happenings = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["edit", "pay", "back", "release", "new"]), st.integers(0, 30)),
        max_size=4,
    ),
    max_size=12,
)
# How many reports were changed in each of some seconds, before the reading began.
stamps = st.lists(st.integers(1, 8), min_size=1, max_size=5)


def happen(world: FyleWorld, what: str, number: int) -> None:
    """Let one thing happen in Fyle, each in a second of its own."""
    world.pass_time(1)
    reports = list(world.fyle.reports)
    report = reports[number % len(reports)]
    match what:
        case "edit":
            [expense] = world.fyle.reports[report].expenses
            world.fyle.change([ExpenseChange(id=expense.id, amount=Decimal(number + 1))])
        case "pay":
            world.fyle.move([report], ReportState.PAID)
        case "back":
            world.fyle.move([report], ReportState.APPROVER_INQUIRY)
        case "release":
            world.fyle.move([report], ReportState.PAYMENT_PROCESSING)
        case _:
            world.release("7.00")


Amounts = dict[str, Decimal]


def released(world: FyleWorld) -> Amounts:
    """What each report that is released comes to now."""
    return {
        each.id: each.expenses[0].amount
        for each in world.fyle.reports.values()
        if each.state is ReportState.PAYMENT_PROCESSING
    }


async def read_while(world: FyleWorld, happening: list[list[Happening]]) -> tuple[Amounts, Amounts]:
    """Read all pages, with things happening between them.

    Gives what each report was last read as, and what was released when the last page came.
    """
    amounts: Amounts = {}
    latest: Amounts = {}
    between = iter(happening)
    pages = 0
    async for page in world.connect().expense_reports(None):
        for each in page.records:
            assert each.record is not None, each.trouble
            if each.record.total is not None:
                amounts[each.record.id] = each.record.total.amount
        pages += 1
        assert pages < 200, "the reading goes round"
        latest = released(world)
        for what, number in next(between, ()):
            happen(world, what, number)
    return amounts, latest


@unhurried
@given(stamps, happenings)
def test_a_reading_ends_and_has_what_is_released_as_it_last_was(
    seconds: list[int], happening: list[list[Happening]]
) -> None:
    world = FyleWorld()
    for reports in seconds:
        world.pass_time(1)
        for _ in range(reports):
            world.release("10.00")
    # The specification has tests of its own, and takes its time.
    world.network = FaultyNetwork(httpx.ASGITransport(simulated_fyle(world.fyle)))
    read, expected = asyncio.run(read_while(world, happening))
    assert expected.items() <= read.items()
