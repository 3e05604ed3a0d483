"""A released invoice is never lost and never doubled: wherever a worker dies, it is posted once.

Between release and the answer of who keeps the contracts there is no step at which the worker, or
the worker and Temporal with it, may not be lost.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

import pytest

from store import billing_decisions, invoice_news, outbox, posting_attempts, readiness
from tests.billing.billing_platform import BillingPlatform
from tests.billing.conftest import Opened
from tests.billing.final_check import ErpDocument, Expected, assert_billed, documents_of
from tests.billing.systems import BillingSystems
from tests.e2e.conftest import NewNamespace
from tests.expenses.faulty_wire import Frozen
from tests.expenses.systems import DRAFT, POST

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

# Makes the next worker stand still at a point.
Point = Callable[[BillingSystems, pytest.MonkeyPatch], Frozen]


def before(module: ModuleType, step: str) -> Point:
    """Before a step of the ledger's: whatever is not committed yet is lost with the worker."""

    def at(_: BillingSystems, patched: pytest.MonkeyPatch) -> Frozen:
        frozen = Frozen()

        async def instead(*_: object, **__: object) -> None:
            await frozen.stand_still()

        patched.setattr(module, step, instead)
        return frozen

    return at


WHILE_RELEASING: Final[Mapping[str, Point]] = {
    "decided, before that is written down": before(billing_decisions, "keep_decision"),
    "released and written down, before it is prepared": before(readiness, "save"),
    "prepared, before it is posted": before(posting_attempts, "to_post"),
    "claimed for sending, before the draft": lambda to, _: to.erp.wire.freeze_before(DRAFT),
    "drafted, before that is answered": lambda to, _: to.erp.wire.freeze_after(DRAFT),
    "drafted, before it is posted": lambda to, _: to.erp.wire.freeze_before(POST),
    "posted, before that is written down": lambda to, _: to.erp.wire.freeze_after(POST),
}
WHILE_TELLING: Final[Mapping[str, Point]] = {
    "posted and written down, before the source is told": before(invoice_news, "waiting"),
    "told, before the answer is written down": before(outbox, "told"),
}
# Where the ledger alone knows of it, Temporal may be lost with the worker.
WITH_TEMPORAL: Final = (
    "released and written down, before it is prepared",
    "prepared, before it is posted",
    "claimed for sending, before the draft",
    "drafted, before that is answered",
    "drafted, before it is posted",
    "posted, before that is written down",
)


def agree(systems: BillingSystems, name: str) -> tuple[str, Expected]:
    """Agree on work, and have it done; gives the engagement and what is to be billed."""
    engagement = systems.agreements.agree("PRJ-1001", name=name, rate="150.00").id
    expected = Expected()
    expected.bill(systems.staff.enter(hours="2", on=0), "150 EUR", "2", "300.00")
    expected.bill(systems.staff.enter(hours="1.25", on=1), "150 EUR", "1.25", "187.50")
    return engagement, expected


async def dies_at(
    platform: BillingPlatform,
    engagement: str,
    point: Point,
    patched: pytest.MonkeyPatch,
    *,
    telling: bool = False,
) -> None:
    """Let a month be released, or its source be told, and stop at the point; then it is killed."""
    await platform.assess()
    if telling:
        assert (await platform.release(engagement)).done
        await platform.posted(engagement)
    snapshot = (await platform.view(engagement)).snapshot
    frozen = point(platform.systems, patched)
    request = {"kind": "release", "by": "ana", "snapshot": snapshot}
    doing = asyncio.ensure_future(platform.tell() if telling else platform.ask(engagement, request))
    await asyncio.wait_for(frozen.reached.wait(), 30)
    doing.cancel()


def news_of(systems: BillingSystems) -> list[dict[str, Any]]:
    """What the source of contracts was told, as it was written into the drop."""
    path = systems.agreements.folder / "invoice_status.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


async def expect_billed_once(
    platform: BillingPlatform, engagement: str, expected: Expected
) -> ErpDocument:
    """One invoice, one number, no draft beside it, and its source was told of it once."""
    await platform.posted(engagement)
    await platform.settled()
    await platform.tell()
    (document,) = await assert_billed(platform, engagement, expected)
    (invoice,) = await platform.invoices(engagement)
    assert (invoice.state, invoice.erp_document_id) == ("POSTED", str(document.id))
    assert [(one["step"], one["number"]) for one in news_of(platform.systems)] == [
        ("issued", document.number)
    ]
    assert await platform.cases() == []
    return document


@pytest.mark.parametrize("point", [*WHILE_RELEASING, *WHILE_TELLING])
async def test_a_release_whose_worker_dies_when_it_is(
    point: str,
    opened: Opened,
    systems: BillingSystems,
    new_namespace: NewNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It becomes one invoice by the next worker, which finds Temporal and ledger as they were."""
    namespace, telling = await new_namespace(), point in WHILE_TELLING
    engagement, expected = agree(systems, f"W{[*WHILE_RELEASING, *WHILE_TELLING].index(point)}")
    at = {**WHILE_RELEASING, **WHILE_TELLING}[point]
    async with opened(namespace=namespace, drain_seconds=0) as killed:
        await dies_at(killed, engagement, at, monkeypatch, telling=telling)
    monkeypatch.undo()

    async with opened(namespace=namespace) as local:
        await expect_billed_once(local, engagement, expected)


@pytest.mark.parametrize("point", WITH_TEMPORAL)
async def test_a_release_whose_worker_and_temporal_are_lost_when_it_is(
    point: str, opened: Opened, systems: BillingSystems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It becomes one invoice by a platform that has nothing but the ledger."""
    engagement, expected = agree(systems, f"T{WITH_TEMPORAL.index(point)}")
    async with opened(drain_seconds=0) as killed:
        await dies_at(killed, engagement, WHILE_RELEASING[point], monkeypatch)
    monkeypatch.undo()

    async with opened() as anew:
        await anew.quiet_time_passes()
        await anew.backfill()
        await expect_billed_once(anew, engagement, expected)


async def test_a_month_that_was_ready_can_be_released_after_temporal_was_lost(
    opened: Opened, systems: BillingSystems
) -> None:
    engagement, expected = agree(systems, "READY")
    async with opened() as before_the_loss:
        await before_the_loss.assess()

    async with opened() as anew:
        await anew.backfill()
        assert (await anew.release(engagement)).done
        await expect_billed_once(anew, engagement, expected)


async def test_lost_answers_to_drafts_and_postings_bill_nothing_twice(
    local: BillingPlatform,
) -> None:
    systems, wire = local.systems, local.systems.erp.wire
    engagement, expected = agree(systems, "LOST")
    await local.assess()
    fired, sent = wire.fired.copy(), wire.sent.copy()
    wire.lose_answers(DRAFT)
    wire.lose_answers(POST)
    assert (await local.release(engagement)).done
    await expect_billed_once(local, engagement, expected)
    assert wire.fired - fired == Counter({f"lost {DRAFT}": 1, f"lost {POST}": 1})
    assert (wire.sent - sent)[POST] == 1


@pytest.mark.parametrize("what", [DRAFT, POST])
async def test_a_request_that_arrives_after_a_retry_has_billed_changes_nothing(
    what: str, local: BillingPlatform
) -> None:
    """A slow commit: the retry overtakes the first request, which then still arrives."""
    systems, wire = local.systems, local.systems.erp.wire
    engagement, expected = agree(systems, "SLOW-" + what.rsplit(".", 1)[-1].upper())
    await local.assess()
    wire.hold(what)
    assert (await local.ask(engagement, await _release_of(local, engagement))).done
    if what == POST:
        await local.until("SELECT count(*) = 1 FROM posting WHERE unknown_since IS NOT NULL")
        await local.quiet_time_passes()
        await local.backfill()
    await expect_billed_once(local, engagement, expected)

    assert await wire.release() == 1
    documents = await documents_of(local, engagement)
    assert [one.state for one in documents if one.number is not None] == ["posted"]
    # What is left of a late draft is no document; the sweep removes it once it is nobody's.
    assert len(documents) == (2 if what == DRAFT else 1)


async def _release_of(platform: BillingPlatform, engagement: str) -> dict[str, str]:
    view = await platform.view(engagement)
    return {"kind": "release", "by": "ana", "snapshot": view.snapshot}


async def test_two_platforms_that_release_the_same_month_at_once_bill_it_once(
    opened: Opened, systems: BillingSystems
) -> None:
    """Both have workflows of their own, in a Temporal of their own, on one ledger."""
    engagement, expected = agree(systems, "RACE")
    async with opened() as one, opened() as other:
        await one.assess()
        await other.backfill()
        request = await _release_of(one, engagement)
        answers = await asyncio.gather(
            *(
                each.ask(engagement, {**request, "by": by})
                for each, by in ((one, "ana"), (other, "ben"))
            )
        )
        # The slower one finds that what it looked at has changed since.
        assert sorted(answer.done for answer in answers) == [False, True]
        await one.posted(engagement)
        await asyncio.gather(
            *(each.month(engagement).signal("document_changed") for each in (one, other))
        )
        await expect_billed_once(one, engagement, expected)
