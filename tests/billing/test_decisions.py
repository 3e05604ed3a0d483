"""What people decide about a month, and what they may not: each is answered in words."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from canonical.contracts import BillingModel
from connectors.flatfile.rate_cards import RATES
from tests.billing.billing_platform import BillingPlatform, firm_policies
from tests.billing.conftest import Opened
from tests.billing.final_check import parts_of
from tests.billing.scene import Scene, price_people, reasons
from tests.billing.systems import due
from tests.expenses.systems import DRAFT

pytestmark = pytest.mark.erp

ANNA, MATEO = "Anna Berger", "Mateo Fuentes"
DONE = '{"done": true}'


@dataclass(frozen=True)
class Month:
    """Three hours of Anna's at 100 and five of Mateo's at 80: 700 euros."""

    scene: Scene
    anna: int
    mateo: int

    @property
    def platform(self) -> BillingPlatform:
        return self.scene.platform

    async def ask(self, **request: Any) -> str:
        """Ask for something that is not done; gives the answer."""
        given = {"by": "ana", "reason": "agreed", "approver": "cleo", **request}
        try:
            decided = await self.platform.ask(self.scene.engagement, given)
        except WorkflowUpdateFailedError as error:
            return str(getattr(error.cause, "message", error.cause))
        assert not decided.done, decided
        return decided.message

    async def bills(self) -> None:
        """Release it all."""
        self.scene.expected.bill(self.anna, "100 EUR", "3", "300.00")
        self.scene.expected.bill(self.mateo, "80 EUR", "5", "400.00")
        await self.scene.bills()


async def month_of(platform: BillingPlatform, name: str) -> Month:
    """Have the work of a month done, approved and posted."""
    engagement = platform.systems.agreements.agree("PRJ-1001", name=name, rate=None)
    price_people(platform.systems, engagement.id, {ANNA: "100", MATEO: "80"})
    scene = Scene(platform, engagement.id)
    month = Month(scene, scene.work(ANNA, "3", on=0), scene.work(MATEO, "5", on=0))
    view = await scene.stands()
    assert view.ready, view
    return month


async def test_above_its_limit_an_invoice_goes_by_two_people_however_one_spells_the_name(
    opened: Opened,
) -> None:
    policies = firm_policies(four_eyes_above={"EUR": "699.99"})
    async with opened(policies=policies) as platform:
        month = await month_of(platform, "FOUR")
        snapshot = (await platform.view(month.scene.engagement)).snapshot
        assert (await platform.view(month.scene.engagement)).needs_two
        for by in ("ana", "ana", " ANA "):
            answer = await month.ask(kind="release", snapshot=snapshot, by=by)
            assert "needs two different people" in answer
            await month.scene.check()
        month.scene.expected.bill(month.anna, "100 EUR", "3", "300.00")
        month.scene.expected.bill(month.mateo, "80 EUR", "5", "400.00")
        decided = await platform.release(month.scene.engagement, by="ben")
        assert decided.done
        (invoice,) = await platform.posted(month.scene.engagement)
        assert {"ana", "ben"} <= set(invoice.released_by.split(" and "))
        month.scene.events += decided.events
        await month.scene.check()


async def test_what_changed_since_it_was_looked_at_is_not_released(local: BillingPlatform) -> None:
    month = await month_of(local, "DRIFT")
    looked_at = (await local.view(month.scene.engagement)).snapshot
    late = month.scene.work(ANNA, "1", on=1)
    await month.scene.stands()
    answer = await month.ask(kind="release", snapshot=looked_at)
    assert answer.startswith("Facts changed since this was looked at.")
    await month.scene.check()

    # A price alone is a change, too, for work that nobody has approved yet.
    looked_at = (await local.view(month.scene.engagement)).snapshot
    price_people(local.systems, month.scene.engagement, {ANNA: "101", MATEO: "80"})
    await month.scene.stands()
    assert (await month.ask(kind="release", snapshot=looked_at)).startswith("Facts changed")
    # What was decided at approval stays (rule 27).
    month.scene.expected.bill(late, "100 EUR", "1", "100.00")
    await month.bills()


async def test_what_makes_no_sense_or_is_not_allowed_is_answered_in_words_and_does_nothing(
    opened: Opened,
) -> None:
    async with opened(policies=firm_policies(releasers=["ana", "ben"])) as platform:
        month = await month_of(platform, "WORDS")
        line = f"CL-{month.scene.engagement.removeprefix('ENG-')}"
        snapshot = (await platform.view(month.scene.engagement)).snapshot
        work = [f"time:harvest:{month.anna}"]
        lower = {"kind": "write_down", "contract_line": line, "currency": "EUR", "amount": "1"}
        for request, words in (
            ({}, "'' is nothing that can be decided; use release, credit"),
            ({"kind": "dance"}, "'dance' is nothing that can be decided"),
            ({"kind": "release", "by": "", "snapshot": snapshot}, "lets a person release"),
            ({"kind": "credit", "by": "", "invoice": "1"}, "has no invoice 1"),
            ({"kind": "exclude", "by": "", "work": work}, "say who decides"),
            ({"kind": "release", "by": "eve", "snapshot": snapshot}, "eve may not release"),
            ({"kind": "release", "by": "x" * 81, "snapshot": snapshot}, "at most 80"),
            ({"kind": "release", "snapshot": "yesterday's"}, "Facts changed"),
            ({"kind": "credit", "invoice": "2026/999"}, "has no invoice 2026/999"),
            ({"kind": "credit"}, "has no invoice ?"),
            ({"kind": "exclude"}, "exclude needs the keys of the work"),
            ({"kind": "exclude", "work": "time:harvest:1"}, "time:harvest:1 is no open work"),
            ({"kind": "exclude", "work": work, "reason": ""}, "reason: "),
            ({"kind": "include", "work": work}, "is not left out of"),
            ({"kind": "write_off", "work": work, "reason": " "}, "reason that an auditor"),
            ({"kind": "write_off", "work": work, "approver": "Ana"}, "approver who is not ana"),
            ({"kind": "write_off", "work": work, "on_date": "31.10."}, "'31.10.' is no day"),
            ({"kind": "write_off", "work": ["time:harvest:1"]}, "is no open work"),
            ({**lower, "amount": "much"}, "'much' is no amount"),
            ({**lower, "amount": "1.005"}, "amount"),
            ({**lower, "amount": "-1"}, "above nothing"),
            ({**lower, "currency": "Euro"}, "currency"),
            ({**lower, "approver": ""}, "approver who is not ana"),
        ):
            assert words in await month.ask(**request), request
        assert (await platform.view(month.scene.engagement)).snapshot == snapshot
        done = await platform.rows("SELECT 1 FROM billing_decision WHERE answer::jsonb @> $1", DONE)
        assert done == []
        await month.bills()


async def test_no_more_is_credited_than_was_billed_and_nothing_that_is_not_issued(
    local: BillingPlatform,
) -> None:
    month = await month_of(local, "LEFT")
    under_way = local.systems.erp.wire.delay(DRAFT)
    view = await local.view(month.scene.engagement)
    released = await local.ask(
        month.scene.engagement, {"kind": "release", "by": "ana", "snapshot": view.snapshot}
    )
    (event,) = released.events
    await asyncio.wait_for(under_way.reached.wait(), 30)
    assert "is not issued: it is SENDING" in await month.ask(kind="credit", invoice=event)
    under_way.go_on.set()
    await local.posted(month.scene.engagement)
    month.scene.events.append(event)

    work = f"time:harvest:{month.anna}"
    (line,) = {
        one.invoice_line
        for one in await parts_of(local, month.scene.engagement)
        if one.work == work
    }
    for what, words in (
        ({"line": "9"}, "has no line 9; it has 2"),
        ({"line": line, "work": work, "seconds": 10_801}, "more than is left"),
        ({"line": line, "work": "time:harvest:1", "seconds": 1}, "more than is left"),
        ({"line": line, "seconds": 10_801}, "more than is left"),
        ({"line": line, "work": work, "seconds": -1}, "it does not bill"),
        ({"line": line, "work": work, "amount": "1.00"}, "by their seconds"),
        ({"work": work}, "on which line"),
        ({"lines": line}, "'lines' says nothing of what is credited"),
        ({"line": line, "seconds": "half"}, "'seconds half' says nothing"),
    ):
        assert words in await month.ask(kind="credit", invoice=event, credits=[what]), what
    month.scene.expected.bill(month.anna, "100 EUR", "3", "300.00")
    month.scene.expected.bill(month.mateo, "80 EUR", "5", "400.00")
    await month.scene.check()

    month.scene.expected.bill(month.anna, "100 EUR", "1", "100.00")
    await month.scene.credits(0, entry=month.anna, seconds=7200)
    too_much = {"line": line, "work": work, "seconds": 3601}
    assert "more than is left" in await month.ask(kind="credit", invoice=event, credits=[too_much])
    credit = month.scene.events[1]
    assert "is a credit note itself" in await month.ask(kind="credit", invoice=credit)
    await month.scene.check()


async def test_what_is_written_off_is_never_billed_and_what_is_left_out_is_once_it_is_let_in(
    local: BillingPlatform,
) -> None:
    month = await month_of(local, "OFF")
    anna, mateo = (f"time:harvest:{one}" for one in (month.anna, month.mateo))
    engagement = month.scene.engagement
    out = {"reason": "goodwill", "approver": "cleo"}
    gone = {"kind": "write_off", "by": "ana", "work": [anna], **out}
    assert (await local.ask(engagement, gone)).done
    # Later months hear of it as of everything else, and this one has nothing left to bill: it ends.
    await local.hear()
    assert (await local.decide(engagement, "exclude", work=[mateo], reason="next month")).done
    view = await month.scene.stands()
    assert (view.proposed, reasons(view)) == ((), {"excluded": ("400.00", 18_000)})
    assert "Nothing is open up to the cut-off" in await month.ask(
        kind="release", snapshot=view.snapshot
    )
    assert "is no open work" in await month.ask(kind="write_off", work=[anna])
    assert [one.written_off for one in view.wip] == ["300.00"]

    assert (await local.decide(engagement, "include", work=[mateo])).done
    month.scene.expected.bill(month.mateo, "80 EUR", "5", "400.00")
    await month.scene.stands()
    await month.scene.bills()
    assert (await month.scene.stands()).billable == ()


async def test_a_price_list_that_cannot_be_read_any_more_holds_the_invoice_until_it_can(
    local: BillingPlatform,
) -> None:
    month = await month_of(local, "RATES")
    prices = local.systems.agreements.folder / RATES
    as_it_was = prices.read_text()
    prices.write_text(as_it_was.replace("100", "a hundred"))
    view = await month.scene.stands()
    assert not view.ready
    assert "in_case" in reasons(view)
    # What it said last stands until then, and people see what came instead.
    (letter,) = await local.rows("SELECT source_id FROM dead_letter WHERE settled_at IS NULL")
    assert letter["source_id"] == f"rate_card/RC-{month.scene.engagement}"
    assert (await month.ask(kind="release", snapshot=view.snapshot)).startswith("Something still")
    await month.scene.check()

    prices.write_text(as_it_was)
    view = await month.scene.stands()
    assert view.ready
    assert await local.rows("SELECT 1 FROM dead_letter WHERE settled_at IS NULL") == []
    await month.bills()


async def test_a_price_list_that_never_could_be_read_is_a_case_until_it_can(
    local: BillingPlatform,
) -> None:
    agreements = local.systems.agreements
    scene = Scene(local, agreements.agree("PRJ-1001", name="UNREAD").id)
    prices = agreements.folder / RATES
    as_it_will_be = prices.read_text()
    prices.write_text(as_it_will_be.replace("150", "a lot"))
    entry = scene.work(ANNA, "3", on=0)
    view = await scene.stands()
    assert (view.ready, view.proposed) == (False, ())
    (case,) = await local.cases()
    assert "rates.csv, line 2: column amount" in await _sentence_of(local, case.case_id)

    prices.write_text(as_it_will_be)
    await scene.stands()
    assert await local.cases() == []
    scene.expected.bill(entry, "150 EUR", "3", "450.00")
    await scene.bills()


async def test_how_a_contract_bills_does_not_change_once_work_was_approved_on_it(
    local: BillingPlatform,
) -> None:
    month = await month_of(local, "FROZEN")
    agreements, engagement = local.systems.agreements, month.scene.engagement
    agreed = agreements.engagements[engagement]
    (line,) = agreed.lines
    as_a_fee = line.model_copy(
        update={
            "model": BillingModel.FIXED_FEE,
            "schedule": (due("1", "10.00", local.systems.firm.month.first_day),),
        }
    )
    agreements.change(engagement, lambda one: one.model_copy(update={"lines": (as_a_fee,)}))
    view = await month.scene.stands()
    assert (view.ready, view.proposed) == (False, ())
    (letter,) = await local.rows("SELECT reason FROM dead_letter WHERE settled_at IS NULL")
    assert "make it a new contract line" in letter["reason"]
    await month.scene.check()

    agreements.change(engagement, lambda _: agreed)
    assert (await month.scene.stands()).ready
    await month.bills()


async def _sentence_of(platform: BillingPlatform, case_id: object) -> str:
    (row,) = await platform.rows("SELECT sentence FROM exception_case WHERE id = $1", case_id)
    return str(row["sentence"])
