"""Claiming at Fyle, which knows no claim: a look at where reports stand, in few calls."""

import pytest

from connectors.base.capabilities import Claim
from connectors.base.errors import TransientError
from connectors.conformance.expense_source import greeted, ready
from connectors.conformance.http_contract import Tokens
from connectors.fyle.wire import ReportState
from tests.connectors.fyle.world import FyleWorld


@pytest.mark.parametrize(
    ("state", "claim"),
    [
        (ReportState.PAYMENT_PROCESSING, Claim.CLAIMED),
        (ReportState.PAYMENT_PENDING, Claim.CLAIMED),
        (ReportState.PAID, Claim.CLAIMED_BEFORE),
        (ReportState.APPROVED, Claim.RECALLED),
        (ReportState.APPROVER_PENDING, Claim.RECALLED),
        (ReportState.APPROVER_INQUIRY, Claim.RECALLED),
        (ReportState.DRAFT, Claim.RECALLED),
    ],
)
async def test_where_a_report_stands_is_the_answer(
    world: FyleWorld, state: ReportState, claim: Claim
) -> None:
    report = world.report(world.expense("10.00"), state=state)
    [answer] = await world.connect().claim([report])
    assert (answer.claim, answer.code) == (claim, f"report_is_{state.lower()}")


async def test_a_report_sent_back_between_reading_and_claiming_is_not_ours(
    world: FyleWorld,
) -> None:
    recalled, gone, stays = (world.release("10.00") for _ in range(3))
    assert {recalled, gone, stays} == (await ready(world)).keys()
    world.recall(recalled)
    world.fyle.delete([gone])
    answers = await world.connect().claim([recalled, gone, stays])
    assert [each.claim for each in answers] == [Claim.RECALLED, Claim.REFUSED, Claim.CLAIMED]
    again = world.resubmit(recalled, "12.00")
    assert [each.claim for each in await world.connect().claim([again])] == [Claim.CLAIMED]


async def test_many_claims_are_a_call_for_each_hundred(world: FyleWorld) -> None:
    reports = [world.release("10.00") for _ in range(230)]
    fyle = await greeted(world)
    answers = await fyle.claim([*reports, reports[0]])
    assert [each.source_id for each in answers] == [*reports, reports[0]]
    assert {each.claim for each in answers} == {Claim.CLAIMED}
    assert world.paths() == ["GET /reports"] * 3


@pytest.mark.parametrize("trouble", ["lost", "failing", "throttled", "refused", "budget"])
async def test_a_claim_in_trouble_is_no_answer_at_all(world: FyleWorld, trouble: str) -> None:
    report = world.release("10.00")
    budget = Tokens()
    fyle = world.connect(budget)
    await fyle.check()
    match trouble:
        case "lost":
            world.network.lose_next_answer()
        case "refused":
            world.network.refuse_next()
        case "budget":
            budget.left = 0
        case _:
            world.network.answer_next(500 if trouble == "failing" else 429, {"Retry-After": "3"})
    with pytest.raises(TransientError):
        await fyle.claim([report])
