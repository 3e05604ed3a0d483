"""Work of one company's people on another's project, the whole way to the real ERP (rule 39)."""

from decimal import Decimal

import pytest

from sandbox.tryton.intercompany_seed import CHARGE, DUE_FROM, DUE_TO, EXPENSE
from tests.intercompany.conftest import Opened
from tests.intercompany.lending_platform import (
    BORROWER,
    HOME_PROJECT,
    POST,
    WORKER,
    LendingPlatform,
)

pytestmark = [pytest.mark.erp, pytest.mark.timeout(300)]

COMPLETE = {"main": "time POSTED", "charge": "journal POSTED", "owe": "journal POSTED"}
HALF = {**COMPLETE, "owe": "journal EXCEPTION"}


def moved(platform: LendingPlatform, hours: str) -> dict[tuple[str, str], Decimal]:
    """What a complete pair adds to both companies' books."""
    charged, owed = platform.systems.charged(hours), platform.systems.owed(hours)
    nothing = Decimal(0)
    return {
        (WORKER, DUE_FROM): charged,
        (WORKER, CHARGE): -charged,
        (WORKER, EXPENSE): nothing,
        (WORKER, DUE_TO): nothing,
        (BORROWER, DUE_FROM): nothing,
        (BORROWER, CHARGE): nothing,
        (BORROWER, EXPENSE): owed,
        (BORROWER, DUE_TO): -owed,
    }


async def test_a_pair_is_booked_in_both_companies_each_in_its_currency_and_taken_back_whole(
    opened: Opened,
) -> None:
    async with opened() as platform:
        before = await platform.balances()
        entry = platform.enter("2")
        await platform.poll()
        assert await platform.legs(entry) == COMPLETE
        assert await platform.cases() == []

        charge, owe = sorted(await platform.entries(entry), key=lambda one: one.currency)
        charged, owed = platform.systems.charged("2"), platform.systems.owed("2")
        assert (charge.legal_entity, charge.currency, charge.posted) == (WORKER, "EUR", True)
        assert charge.accounts == {DUE_FROM: charged, CHARGE: -charged}
        assert (owe.legal_entity, owe.currency, owe.posted) == (BORROWER, "USD", True)
        assert owe.accounts == {EXPENSE: owed, DUE_TO: -owed}
        # One reference that both share, and one of its own for each.
        own, shared = zip(*(one.description.split() for one in (charge, owe)), strict=True)
        assert (len(set(own)), len(set(shared))) == (2, 1)
        (line,) = await platform.systems.time_lines(entry)
        assert (line.legal_entity, line.project, line.seconds) == (WORKER, HOME_PROJECT, 7200)
        after = await platform.balances()
        assert {key: after[key] - before[key] for key in after} == moved(platform, "2")

        platform.systems.staff.change(entry, hours="3")
        await platform.poll()
        assert await platform.legs(entry) == COMPLETE
        assert len(await platform.entries(entry)) == 6
        after = await platform.balances()
        assert {key: after[key] - before[key] for key in after} == moved(platform, "3")

        platform.systems.staff.withdraw(entry)
        await platform.poll()
        assert await platform.balances() == before
        assert await platform.systems.time_lines(entry) == []
        assert all(one.posted for one in await platform.entries(entry))
        assert (await platform.sweep(full=True)).cases == ()


async def test_one_leg_failed_is_held_with_both_legs_shown_and_completes_once_it_can(
    opened: Opened,
) -> None:
    async with opened("HOLD") as platform:
        before, month = await platform.balances(), platform.systems.month.name
        charged, owed = platform.systems.charged("2"), platform.systems.owed("2")
        async with platform.systems.closed(BORROWER):
            await platform.refresh()
            entry = platform.enter("2")
            await platform.poll()
            assert await platform.legs(entry) == HALF
            case = await platform.the_case()
            assert (case.cause, case.legal_entity, case.subject) == (
                "closed_period",
                BORROWER,
                month,
            )
            assert (case.amount, case.currency) == (owed, "USD")
            said = await platform.sentence_of(case)
            assert f"charge {charged} EUR in the books of {WORKER} in {month}" in said
            assert f"owe {owed} USD in the books of {BORROWER} stopped for {month}" in said
            # The posted leg stays, and nothing of the other is in the ERP.
            (charge,) = await platform.entries(entry)
            assert (charge.legal_entity, charge.posted) == (WORKER, True)
            assert str(charge.id) == await platform.posted_as(entry, "charge")
        await platform.refresh()
        await platform.resolve(case, kind="retry")
        assert await platform.legs(entry) == COMPLETE
        assert await platform.cases() == []
        assert len(await platform.entries(entry)) == 2
        after = await platform.balances()
        assert {key: after[key] - before[key] for key in after} == moved(platform, "2")

        platform.systems.staff.withdraw(entry)
        await platform.poll()
        assert await platform.balances() == before
        assert await platform.systems.time_lines(entry) == []


async def test_one_leg_that_the_erp_refuses_takes_the_posted_one_back_by_policy(
    opened: Opened,
) -> None:
    """The period is closed after the calendar was read: only the ERP knows."""
    async with opened("REVERSE") as platform:
        before = await platform.balances()
        async with platform.systems.closed(BORROWER):
            entry = platform.enter("2")
            await platform.poll()
            await platform.until(
                "SELECT count(*) = 1 FROM posting WHERE kind = 'reversal' AND leg = 'charge' "
                "AND state = 'POSTED'"
            )
            await platform.settled()
            assert await platform.balances() == before
            case = await platform.the_case()
            assert (case.cause, case.subject) == ("refused_by_erp", "tryton: period_closed")
            said = await platform.sentence_of(case)
            assert f"{platform.systems.charged('2')} EUR in the books of {WORKER}" in said
            assert f"{platform.systems.owed('2')} USD in the books of {BORROWER}" in said
        await platform.resolve(case, kind="retry")
        await platform.until(
            "SELECT count(*) = 2 FROM posting WHERE kind = 'journal' AND state = 'POSTED'"
        )
        await platform.settled()
        assert await platform.cases() == []
        after = await platform.balances()
        assert {key: after[key] - before[key] for key in after} == moved(platform, "2")
        # The charge, what took it back, what is owed, and the charge anew.
        assert len(await platform.entries(entry)) == 4
        assert (await platform.sweep(full=True)).cases == ()


async def test_lost_answers_book_no_leg_twice(opened: Opened) -> None:
    async with opened() as platform:
        before = await platform.balances()
        wire = platform.systems.erp.wire
        fired = wire.fired[f"lost {POST}"]
        wire.lose_answers(POST, times=2)
        entry = platform.enter("1.5")
        await platform.poll()
        assert wire.fired[f"lost {POST}"] == fired + 2
        assert await platform.legs(entry) == COMPLETE
        assert [one.posted for one in await platform.entries(entry)] == [True, True]
        after = await platform.balances()
        assert {key: after[key] - before[key] for key in after} == moved(platform, "1.5")
