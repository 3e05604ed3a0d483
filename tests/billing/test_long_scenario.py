"""A month of everything, on the real ERP: after every step its invoices are the work, to the cent.

Each engagement is of another kind; all are on one platform, and its people go on while others bill.
What is expected stands here as a person would work it out by hand.
"""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest

from canonical.contracts import Acceptance, BillingModel, ErpScheduleLine
from sandbox.tryton.currency_seed import rates_of
from tests.billing.billing_platform import BillingPlatform
from tests.billing.final_check import (
    FEES,
    MILESTONES,
    PREPAYMENTS,
    WRITE_DOWNS,
    documents_of,
    findings,
    parts_of,
)
from tests.billing.scene import Scene, price_people, reasons
from tests.billing.systems import due, euros, hard_cap

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

ANNA, MATEO, JONAS = "Anna Berger", "Mateo Fuentes", "Jonas Lindqvist"


async def test_everything_that_can_happen_to_a_month_leaves_each_hour_billed_as_often_as_due(
    local: BillingPlatform,
) -> None:
    # First, since Tryton numbers a credit note that also bills something among the invoices.
    await _a_retainer_is_drawn_down(local)
    capped = await _a_hard_cap_is_exceeded(local)
    await _what_is_late_waits_for_room_and_what_is_credited_is_billed_again(capped)
    await _an_approval_is_withdrawn_after_billing(capped)
    await _a_price_is_lowered(local)
    await _an_instalment_and_a_milestone_fall_due(local)
    await _work_in_euros_is_billed_in_pounds(local)
    # Who waited for a credit note has gone on by itself.
    await capped.stands()
    assert await local.cases() == []
    await capped.check()
    await _the_check_finds_what_is_billed_by_hand_once_more(capped)


async def _a_hard_cap_is_exceeded(platform: BillingPlatform) -> Scene:
    """960 and 700 leave 340 of 2000 for Jonas: 2 h 50 min at 120."""
    engagement = platform.systems.agreements.agree(
        "PRJ-1001", name="CAPPED", rate=None, cap=hard_cap("2000.00")
    )
    price_people(platform.systems, engagement.id, {ANNA: "160", MATEO: "140", JONAS: "120"})
    scene = Scene(platform, engagement.id)
    anna, mateo = scene.work(ANNA, "6", on=0), scene.work(MATEO, "5", on=1)
    jonas = scene.work(JONAS, "4", on=2)
    view = await scene.stands()
    assert reasons(view) == {"over_cap": ("140.00", 4200)}
    scene.expected.bill(anna, "160 EUR", "6", "960.00")
    scene.expected.bill(mateo, "140 EUR", "5", "700.00")
    scene.expected.bill(jonas, "120 EUR", "2.8333", "340.00")
    (invoice,) = await scene.bills()
    assert invoice.net == Decimal("2000.00")
    return scene


async def _what_is_late_waits_for_room_and_what_is_credited_is_billed_again(scene: Scene) -> None:
    _, mateo, _ = scene.expected.entries
    late = scene.work(ANNA, "0.875", on=0)
    view = await scene.stands()
    # What is issued never moves, even for work of an earlier day.
    assert (view.proposed, reasons(view)) == ((), {"over_cap": ("280.00", 7350)})
    await scene.check()

    scene.expected.bill(mateo, "140 EUR", "3", "420.00")
    *_, credit = await scene.credits(0, entry=mateo, seconds=7200)
    assert credit.net == Decimal("-280.00")

    # The room of 280 goes to the earlier day first: 140 for Anna, and 1 h of Mateo's 2.
    await scene.stands()
    scene.expected.bill(late, "160 EUR", "0.875", "140.00")
    scene.expected.bill(mateo, "140 EUR", "4", "560.00")
    *_, again = await scene.bills()
    assert again.net == Decimal("280.00")

    scene.expected.bill(late, "160 EUR", "0", "0.00")
    scene.expected.bill(mateo, "140 EUR", "3", "420.00")
    *_, credit = await scene.credits(2)
    assert credit.net == Decimal("-280.00")

    await scene.stands()
    scene.expected.bill(late, "160 EUR", "0.875", "140.00")
    scene.expected.bill(mateo, "140 EUR", "4", "560.00")
    *_, again = await scene.bills()
    assert again.net == Decimal("280.00")


async def _an_approval_is_withdrawn_after_billing(scene: Scene) -> None:
    anna, mateo, jonas, _ = scene.expected.entries
    scene.systems.staff.withdraw(anna)
    view = await scene.stands()
    assert not view.ready
    assert reasons(view)["withdrawn_after_billing"] == ("-960.00", -21600)
    refused = await scene.platform.release(scene.engagement)
    assert not refused.done
    await scene.check()

    scene.expected.bill(anna, "160 EUR", "0", "0.00")
    *_, credit = await scene.credits(0, entry=anna)
    assert credit.net == Decimal("-960.00")

    # There is room now for all that was over the cap.
    view = await scene.stands()
    assert "over_cap" not in reasons(view)
    scene.expected.bill(mateo, "140 EUR", "5", "700.00")
    scene.expected.bill(jonas, "120 EUR", "4", "480.00")
    *_, invoice = await scene.bills()
    assert invoice.net == Decimal("280.00")


async def _a_retainer_is_drawn_down(platform: BillingPlatform) -> None:
    """1000 are billed ahead: 4 h at 150 draw 600 of them, 4 h more the rest, and 200 are billed."""
    firm = platform.systems.firm
    engagement = platform.systems.agreements.agree(
        "PRJ-1002",
        name="RETAINER",
        model=BillingModel.RETAINER,
        schedule=(due("PRE", "1000.00", firm.month.first_day),),
    )
    scene = Scene(platform, engagement.id)
    await scene.stands()
    scene.expected.accounts[PREPAYMENTS] = Decimal("1000.00")
    await scene.bills()

    first = scene.work(ANNA, "4", on=0)
    view = await scene.stands()
    assert [one.amount for one in view.drawn] == ["600.00"]
    scene.expected.bill(first, "150 EUR", "4", "600.00")
    scene.expected.accounts[PREPAYMENTS] = Decimal("400.00")
    *_, invoice = await scene.bills()
    assert invoice.net == 0

    second = scene.work(MATEO, "4", on=1)
    await scene.stands()
    scene.expected.bill(second, "150 EUR", "4", "600.00")
    scene.expected.accounts[PREPAYMENTS] = Decimal("0.00")
    *_, invoice = await scene.bills()
    assert invoice.net == Decimal("200.00")

    # What is credited gives the prepayment back what it paid of it.
    scene.expected.bill(first, "150 EUR", "2", "300.00")
    scene.expected.accounts[PREPAYMENTS] = Decimal("300.00")
    *_, credit = await scene.credits(1, entry=first, seconds=7200, on=f"{firm.month.last_day}")
    assert credit.net == 0


async def _a_price_is_lowered(platform: BillingPlatform) -> None:
    """3 h at 130 less 40: the hours stay what they are, and the 40 have a line of their own."""
    engagement = platform.systems.agreements.agree("PRJ-1005", name="LOWERED", rate="130.00")
    scene = Scene(platform, engagement.id)
    entry = scene.work(JONAS, "3", on=0)
    await scene.stands()
    lowered = await platform.decide(
        engagement.id,
        "write_down",
        contract_line=engagement.lines[0].id,
        amount="40.00",
        currency="EUR",
        reason="agreed with the customer",
        approver="cleo",
    )
    assert lowered.done, lowered.message
    scene.expected.bill(entry, "130 EUR", "3", "390.00")
    scene.expected.accounts[WRITE_DOWNS] = Decimal("-40.00")
    (invoice,) = await scene.bills()
    assert invoice.net == Decimal("350.00")


async def _an_instalment_and_a_milestone_fall_due(platform: BillingPlatform) -> None:
    """The first of two instalments is due this month; the milestone only once it is signed."""
    agreements, month = platform.systems.agreements, platform.systems.firm.month
    fixed = agreements.agree(
        "PRJ-1004",
        name="FIXED",
        model=BillingModel.FIXED_FEE,
        schedule=(
            due("1", "1500.00", month.first_day),
            due("2", "1500.00", month.next().first_day),
        ),
    )
    promised = agreements.agree(
        "PRJ-1007",
        name="PROMISED",
        model=BillingModel.MILESTONE,
        schedule=(due("M1", "2500.00", month.first_day, erp_key="ERP-M1"),),
    )
    agreements.erp_schedule.append(ErpScheduleLine(key="ERP-M1", amount=euros("2500.00")))
    agreements.write()
    instalment, milestone = Scene(platform, fixed.id), Scene(platform, promised.id)
    # Hours on a fixed fee are cost and progress, and on no invoice.
    instalment.work(ANNA, "2", on=0, task="Support")
    await instalment.stands()
    instalment.expected.accounts[FEES] = Decimal("1500.00")
    await instalment.bills()

    view = await milestone.stands()
    assert (view.ready, reasons(view)) == (False, {"milestone_unsigned": ("2500.00", 0)})
    assert not (await platform.release(promised.id)).done
    await milestone.check()
    agreements.acceptances.append(
        Acceptance(
            engagement=promised.id,
            contract_line=promised.lines[0].id,
            schedule_line="M1",
            accepted_date=month.last_day,
            evidence="signed-protocol-17",
        )
    )
    agreements.write()
    await milestone.stands()
    milestone.expected.accounts[MILESTONES] = Decimal("2500.00")
    await milestone.bills()


async def _work_in_euros_is_billed_in_pounds(platform: BillingPlatform) -> None:
    """Each entry is converted at the rate of the invoice's day, and credited as it was billed."""
    engagement = platform.systems.agreements.agree(
        "PRJ-1003", name="POUNDS", rate=None, currency="GBP"
    )
    price_people(platform.systems, engagement.id, {ANNA: "150", MATEO: "145.5"})
    scene = Scene(platform, engagement.id)
    anna, mateo = scene.work(ANNA, "2", on=0), scene.work(MATEO, "1.5", on=1)
    view = await scene.stands()
    assert view.invoice_date is not None
    rates = rates_of("GBP", platform.systems.agreements.since, platform.systems.firm.month)
    pounds = rates[max(day for day in rates if day <= view.invoice_date)]
    scene.expected.bill(anna, "150 EUR", "2", str(_cents(Decimal("300.00") * pounds)))
    scene.expected.bill(mateo, "145.5 EUR", "1.5", str(_cents(Decimal("218.25") * pounds)))
    await scene.bills()

    billed = scene.expected.entries[anna]
    taken_back = _cents(billed.amount / 2)
    scene.expected.entries[anna] = replace(billed, seconds=3600, amount=billed.amount - taken_back)
    await scene.credits(0, entry=anna, seconds=3600)
    bills = await platform.systems.bills(engagement.id)
    assert [one.currency for one in bills] == ["GBP", "GBP"]


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


async def _the_check_finds_what_is_billed_by_hand_once_more(scene: Scene) -> None:
    """A person bills Jonas's hours again in the ERP itself: the check of this test sees that."""
    first, *_ = await scene.check()
    again = await _bill_by_hand(scene, first.id)
    found = findings(
        await documents_of(scene.platform, scene.engagement),
        await parts_of(scene.platform, scene.engagement),
        scene.expected,
    )
    assert found == [
        f"reference {first.reference} is on 2 documents",
        f"line {again} is billed 2 times",
        "work at 120 EUR: 24600 s and 820.00 are billed, not 14400 s and 480.00",
    ]


async def _bill_by_hand(scene: Scene, invoice: int) -> str:
    """Post the first line of an invoice once more, as it is; gives the id that it has with us."""
    erp = scene.systems.erp.session
    same = ("company", "party", "account", "journal", "currency", "invoice_address", "reference")
    days = ("invoice_date", "accounting_date")
    (row,) = await erp.find(
        "account.invoice",
        [["id", "=", invoice]],
        *(*same, *days, "lines.account", "lines.quantity", "lines.unit_price"),
        *("lines.description", "lines.note", "lines.currency"),
    )
    line = {name: value for name, value in row["lines."][0].items() if name != "id"}
    erp.work_for(row["company"])
    values = {name: row[name] for name in (*same, *days)}
    lines = [["create", [{"type": "line", **line}]]]
    created = await erp.create("account.invoice", [{"type": "out", **values, "lines": lines}])
    await erp.press("account.invoice", "post", created)
    return str(line["note"]).split("\n")[0].removeprefix("id: ")
