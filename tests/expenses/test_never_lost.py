"""An acknowledged document is never lost: wherever a worker dies, it ends confirmed or failed.

A document that was acknowledged can no longer be recalled in Concur: it is ours, and Concur waits
until it hears what became of it.
"""

import asyncio
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Final

import pytest

from sandbox.tryton.expense_desk import SupplierInvoice
from store import claims, documents, outbox, posting_attempts, source_lines
from tests.e2e.conftest import NewNamespace
from tests.expenses.conftest import Opened
from tests.expenses.expense_platform import ExpensePlatform
from tests.expenses.faulty_wire import Frozen
from tests.expenses.final_check import assert_all_is_well
from tests.expenses.systems import ACKNOWLEDGE, CONFIRM, DRAFT, POST, ExpenseSystems

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

# Makes the next worker stand still at a point.
Point = Callable[[ExpenseSystems, pytest.MonkeyPatch], Frozen]


def before(module: ModuleType, step: str) -> Point:
    """Before a step of the ledger's: whatever is not committed yet is lost with the worker."""

    def at(_: ExpenseSystems, patched: pytest.MonkeyPatch) -> Frozen:
        frozen = Frozen()

        async def instead(*_: object, **__: object) -> None:
            await frozen.stand_still()

        patched.setattr(module, step, instead)
        return frozen

    return at


WHILE_READING: Final[Mapping[str, Point]] = {
    "fetched, before it is in the inbox": before(source_lines, "keep_raw"),
    "in the inbox, before it is acknowledged": before(claims, "ask"),
    "about to be acknowledged": lambda to, _: to.concur_wire.freeze_before(ACKNOWLEDGE),
    "acknowledged, before the answer comes": lambda to, _: to.concur_wire.freeze_after(ACKNOWLEDGE),
    "acknowledged, before that is written down": before(claims, "answered"),
    "claimed, before its workflow starts": before(documents, "undispatched"),
    "prepared, before it is posted": before(posting_attempts, "to_post"),
    "claimed for sending, before the draft": lambda to, _: to.erp.wire.freeze_before(DRAFT),
    "drafted, before it is posted": lambda to, _: to.erp.wire.freeze_before(POST),
    "posted, before that is written down": lambda to, _: to.erp.wire.freeze_after(POST),
}
WHILE_TELLING: Final[Mapping[str, Point]] = {
    "posted and written down, before Concur is told": before(outbox, "waiting"),
    "told, before the answer comes": lambda to, _: to.concur_wire.freeze_after(CONFIRM),
}
# Where the ledger alone knows of it, Temporal may be lost with the worker.
WITH_TEMPORAL: Final = (
    "acknowledged, before the answer comes",
    "prepared, before it is posted",
    "drafted, before it is posted",
    "posted, before that is written down",
)


async def dies_at(
    platform: ExpensePlatform,
    point: Point,
    document: Callable[[], str],
    patched: pytest.MonkeyPatch,
    *,
    telling: bool = False,
) -> str:
    """Let a report come in, or be told of, and stop at the point; the caller then kills."""
    if telling:
        known = document()
        await platform.poll()
        frozen = point(platform.systems, patched)
        doing = asyncio.create_task(platform.tell())
    else:
        frozen = point(platform.systems, patched)
        known = document()
        doing = asyncio.create_task(platform.read())
    await asyncio.wait_for(frozen.reached.wait(), 30)
    doing.cancel()
    return known


async def expect_confirmed_once(platform: ExpensePlatform, document: str) -> SupplierInvoice:
    """One posted invoice, one acknowledgement that counted, one confirmation that counted."""
    systems = platform.systems
    invoice = await systems.invoice(document)
    assert systems.told(document) == ["success"]
    counted = [
        one.what for one in systems.company.judgements if (one.document, one.code) == (document, 0)
    ]
    assert counted == [ACKNOWLEDGE, CONFIRM]
    assert await platform.cases() == []
    await assert_all_is_well(platform)
    return invoice


@pytest.mark.parametrize("point", [*WHILE_READING, *WHILE_TELLING])
async def test_a_report_whose_worker_dies_when_it_is(
    point: str,
    opened: Opened,
    systems: ExpenseSystems,
    new_namespace: NewNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is confirmed once by the next worker, which finds Temporal and ledger as they were."""
    namespace = await new_namespace()
    telling = point in WHILE_TELLING
    at = WHILE_TELLING[point] if telling else WHILE_READING[point]
    async with opened(namespace=namespace, drain_seconds=0) as killed:
        document = await dies_at(killed, at, systems.taxi, monkeypatch, telling=telling)
    monkeypatch.undo()

    async with opened(namespace=namespace) as local:
        await local.poll()
        # The run that was killed goes on beside this one, and either may be the one that posts.
        await local.until("SELECT count(*) = 1 FROM posting WHERE state = 'POSTED'")
        await local.tell_all()
        await expect_confirmed_once(local, document)


@pytest.mark.parametrize("point", WITH_TEMPORAL)
async def test_a_report_whose_worker_and_temporal_are_lost_when_it_is(
    point: str, opened: Opened, systems: ExpenseSystems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is confirmed once by a platform that has nothing but the ledger."""
    async with opened(drain_seconds=0) as killed:
        document = await dies_at(killed, WHILE_READING[point], systems.taxi, monkeypatch)
    monkeypatch.undo()

    async with opened() as anew:
        await anew.quiet_time_passes()
        await anew.read()
        await anew.backfill()
        await anew.tell_all()
        await expect_confirmed_once(anew, document)


async def test_a_rejected_report_whose_worker_dies_while_it_tells_has_failed_once(
    opened: Opened, systems: ExpenseSystems, new_namespace: NewNamespace
) -> None:
    namespace = await new_namespace()
    async with opened(namespace=namespace, drain_seconds=0) as killed:
        document = systems.without_project()
        await killed.poll()
        case = await killed.case_of("missing_project")
        await killed.resolve(case, kind="reject", reason="Which customer is it for?")
        frozen = systems.concur_wire.freeze_after(CONFIRM)
        telling = asyncio.create_task(killed.tell())
        await asyncio.wait_for(frozen.reached.wait(), 30)
        telling.cancel()

    async with opened(namespace=namespace) as local:
        await local.tell_all()
        (told,) = systems.document(document).told
        assert told.status == "error"
        assert "Which customer is it for?" in told.message
        assert await systems.invoices(document) == ()
        await assert_all_is_well(local)


async def test_a_report_that_is_recalled_after_it_was_read_is_not_posted_and_comes_again_once(
    local: ExpensePlatform,
) -> None:
    systems = local.systems
    document, other = systems.taxi(), systems.taxi()
    acknowledging = systems.concur_wire.delay(ACKNOWLEDGE)
    reading = asyncio.create_task(local.read())
    await asyncio.wait_for(acknowledging.reached.wait(), 30)
    assert systems.company.recall(document)
    acknowledging.go_on.set()
    await reading
    await local.settled()
    assert await systems.invoices(document) == ()

    again = systems.company.resubmit(document)
    await local.poll()
    await local.tell()
    await systems.posted_once(again, other)
    assert [systems.told(one) for one in (document, again, other)] == [[], ["success"], ["success"]]
    assert await local.cases() == []


async def test_what_another_system_has_acknowledged_is_a_case_and_is_not_posted(
    local: ExpensePlatform,
) -> None:
    systems = local.systems
    document, other = systems.taxi(), systems.taxi()
    acknowledging = systems.concur_wire.delay(ACKNOWLEDGE)
    reading = asyncio.create_task(local.read())
    await asyncio.wait_for(acknowledging.reached.wait(), 30)
    theirs = systems.document(document)
    systems.company.keep(
        theirs.model_copy(update={"state": "ACKNOWLEDGED", "system_id": "OTHER-ERP"})
    )
    acknowledging.go_on.set()
    await reading
    await local.settled()

    case = await local.case_of("claimed_elsewhere")
    assert f"report {document}" in await local.sentence_of(case)
    assert "another system has acknowledged it" in await local.sentence_of(case)
    assert await systems.invoices(document) == ()
    await systems.posted_once(other)
    await local.resolve(case, kind="waive", reason="the other system posts it")
    await local.poll()
    await local.tell()
    assert await systems.invoices(document) == ()
    assert systems.told(document) == []
