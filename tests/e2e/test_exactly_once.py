"""Exactly once: whatever is repeated, lost or restored, the ERP holds each line one time."""

import asyncio
from datetime import timedelta

from tests.e2e.conftest import CopyOf, NewNamespace, Opened
from tests.e2e.erp_desk import hours
from tests.e2e.final_check import assert_all_is_well
from tests.e2e.local_platform import LocalPlatform, Systems


async def test_a_second_poll_posts_nothing(local: LocalPlatform) -> None:
    entries = [local.staff.enter(on=day, hours="1.5") for day in range(3)]
    await local.poll()
    writes = local.erp.writes
    await local.poll()
    assert local.erp.hours_of(*entries) == hours("1.5", "1.5", "1.5")
    assert local.erp.writes == writes


async def test_a_backfill_beside_a_poll_posts_nothing_twice(local: LocalPlatform) -> None:
    entries = [
        local.staff.enter(who, on=day)
        for who in ("Anna Berger", "Mateo Fuentes", "Jonas Lindqvist")
        for day in range(8)
    ]
    await asyncio.gather(local.poll(), local.backfill(), local.backfill())
    assert local.erp.hours_of(*entries) == hours("2") * len(entries)
    assert len(local.erp.lines) == len(entries)


async def test_time_that_is_not_approved_or_still_runs_is_not_posted(local: LocalPlatform) -> None:
    others = [
        local.staff.enter(approved=False),
        local.staff.enter(approved=False, is_locked=True),
        local.staff.enter(is_running=True),
    ]
    approved = local.staff.enter()
    await local.poll()
    assert local.erp.hours_of(*others) == []
    assert local.erp.hours_of(approved) == hours("2")
    assert await local.counts() == {"POSTED": 1}


async def test_an_approval_that_leaves_no_stamp_is_found_by_reading_again(
    local: LocalPlatform,
) -> None:
    account = local.account
    account.quirks = account.quirks.model_copy(update={"approval_moves_updated_at": False})
    long_ago = account.clock() - timedelta(days=300)
    entry = local.staff.enter(approved=False, updated_at=long_ago)
    await local.poll()
    local.staff.approve(entry)
    await local.poll()
    assert local.erp.lines_of(entry) == []
    await local.reread()
    assert local.erp.hours_of(entry) == hours("2")


async def test_lost_temporal_state_posts_nothing_more_and_cases_come_back(
    opened: Opened, systems: Systems
) -> None:
    posted, stopped = systems.staff.enter(), systems.staff.enter(project="PRJ-1006")
    async with opened() as before:
        await before.poll()
    writes = systems.erp.writes
    async with opened() as anew:
        await anew.backfill()
        await assert_all_is_well(anew)
        assert systems.erp.hours_of(posted, stopped) == hours("2")
        assert systems.erp.writes == writes
        systems.erp.reopen("PRJ-1006")
        outcome = await anew.resolve(await anew.case_of("closed_project"), kind="retry")
        assert outcome.state == "RESOLVED"
        assert systems.erp.hours_of(posted, stopped) == hours("2", "2")
        await assert_all_is_well(anew)


async def test_a_timesheet_that_was_prepared_when_temporal_was_lost_is_posted_after_all(
    opened: Opened, systems: Systems
) -> None:
    entry = systems.staff.enter()
    async with opened() as before:
        await before.intake()
        await before.prepare(entry)
    async with opened() as anew:
        await anew.backfill()
        assert systems.erp.hours_of(entry) == hours("2")
        await assert_all_is_well(anew)


async def test_two_sets_of_workers_post_each_line_once(
    opened: Opened, systems: Systems, new_namespace: NewNamespace
) -> None:
    entries = [
        systems.staff.enter(one.name, _sound(one.legal_entity.code), "Project management", on=day)
        for one in systems.firm.employees[:9]
        for day in range(4)
    ]
    namespace = await new_namespace()
    async with opened(namespace=namespace) as one, opened(namespace=namespace) as other:
        await asyncio.gather(one.poll(), other.backfill())
        assert systems.erp.hours_of(*entries) == hours("2") * len(entries)
        assert len(systems.erp.lines) == len(entries)
        await assert_all_is_well(one)


async def test_two_lanes_at_once_post_a_timesheet_once(opened: Opened, systems: Systems) -> None:
    entries = [systems.staff.enter(on=1, hours=f"{n}.25") for n in range(1, 6)]
    async with opened() as local:
        await local.intake()
        await local.prepare(entries[0])
        systems.simulated_erp.latency_seconds = 0.02
        await asyncio.gather(*(local.post(entries[0]) for _ in range(4)))
        await local.poll()
        assert len(systems.erp.lines) == len(entries)
        assert len(set(systems.erp.references())) == len(entries)


async def test_a_restored_ledger_adopts_what_the_erp_holds_before_it_sends_anything(
    opened: Opened, systems: Systems, dsn: str, copy_of: CopyOf
) -> None:
    early = systems.staff.enter(on=0)
    async with opened() as before:
        await before.poll()
    backup = await copy_of(dsn)
    late = [systems.staff.enter(on=day) for day in range(1, 4)]
    async with opened() as before:
        await before.poll()
        systems.staff.change(early, hours="3")
        await before.poll()
    assert systems.erp.hours_of(early, *late) == hours("3", "2", "2", "2")
    writes = systems.erp.writes
    async with opened(ledger=backup) as restored:
        await restored.backfill()
        assert systems.erp.hours_of(early, *late) == hours("3", "2", "2", "2")
        assert systems.erp.writes == writes
        assert await restored.counts() == {"POSTED": 4, "REVERSED": 1}
        await assert_all_is_well(restored)


async def test_the_sweep_adopts_what_a_restored_ledger_does_not_know_to_be_posted(
    opened: Opened, systems: Systems, dsn: str, copy_of: CopyOf
) -> None:
    entries = [systems.staff.enter(on=day) for day in range(3)]
    async with opened() as before:
        await before.intake()
        await before.prepare(entries[0])
    backup = await copy_of(dsn)
    async with opened() as before:
        await before.post(entries[0])
    async with opened(ledger=backup) as restored:
        swept = await restored.sweep()
        assert (swept.documents, swept.adopted, swept.cases) == (3, 3, ())
        assert await restored.counts() == {"POSTED": 3}
        await restored.poll()
        assert systems.erp.writes == 1
        await assert_all_is_well(restored)


async def test_the_sweep_leaves_a_stopped_line_to_its_case_even_if_the_erp_holds_it(
    opened: Opened, systems: Systems, dsn: str, copy_of: CopyOf
) -> None:
    backup = await copy_of(dsn)
    entry = systems.staff.enter()
    async with opened() as before:
        await before.poll()
    systems.erp.close("PRJ-1001")
    async with opened(ledger=backup) as restored:
        await restored.poll()
        assert await restored.states_of(entry) == ["time EXCEPTION"]
        swept = await restored.sweep()
        assert (swept.adopted, swept.unknown) == (0, 1)
        systems.erp.reopen("PRJ-1001")
        await restored.resolve(await restored.case_of("closed_project"), kind="retry")
        assert await restored.states_of(entry) == ["time POSTED"]
        assert systems.erp.hours_of(entry) == hours("2")
        assert systems.erp.writes == 1
        await assert_all_is_well(restored)


def _sound(legal_entity: str) -> str:
    return {"DE01": "PRJ-1001", "US01": "PRJ-1008"}[legal_entity]
