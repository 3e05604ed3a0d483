"""What happens between reading, claiming, confirming and paying, while people use Concur too."""

from decimal import Decimal

import pytest

from canonical.expense import AdvanceStep
from connectors.base.capabilities import Claim, ReportNews, ReportStep
from connectors.concur.manifest import BATCH_MAX
from connectors.conformance.expense_source import (
    failed,
    greeted,
    payment,
    posted,
    ready,
    records,
)
from connectors.conformance.http_contract import Tokens
from tests.connectors.concur.world import ConcurWorld


async def claims(world: ConcurWorld, *reports: str) -> list[Claim]:
    return [each.claim for each in await world.connect().claim(reports)]


async def accepted(world: ConcurWorld, *news: ReportNews) -> list[tuple[bool, str]]:
    answers = await world.connect().tell(news)
    return [(each.accepted, each.code) for each in answers]


async def test_a_report_deleted_between_reading_and_claiming_is_refused(
    world: ConcurWorld,
) -> None:
    gone, stays = world.release("10.00"), world.release("20.00")
    assert {gone, stays} == (await ready(world)).keys()
    assert world.company.withdraw(gone)
    assert await claims(world, gone, stays) == [Claim.REFUSED, Claim.CLAIMED]


async def test_a_report_that_is_not_ready_yet_is_claimed_later(world: ConcurWorld) -> None:
    report = world.release("10.00", delayed=True)
    assert await ready(world) == {}
    assert await claims(world, report) == [Claim.NOT_NOW]
    world.company.make_ready(report)
    assert await claims(world, report) == [Claim.CLAIMED]


async def test_once_claimed_nobody_recalls_or_deletes_a_report(world: ConcurWorld) -> None:
    report = world.release("10.00")
    await claims(world, report)
    assert not world.recall(report)
    assert not world.company.withdraw(report)
    assert world.company.document(report).state == "ACKNOWLEDGED"
    with pytest.raises(ValueError, match="not with its submitter"):
        world.resubmit(report, "11.00")


async def test_a_failed_report_comes_again_with_a_higher_revision(world: ConcurWorld) -> None:
    report = world.release("10.00")
    before = (await ready(world))[report]
    await claims(world, report)
    assert await accepted(world, failed(report)) == [(True, "accepted")]
    again = world.resubmit(report, "12.00")
    after = (await ready(world))[again]
    assert again != report
    assert after.number == before.number
    assert (before.approval and before.approval.revision) == "1"
    assert (after.approval and after.approval.revision) == "2"
    assert await claims(world, again) == [Claim.CLAIMED]
    with pytest.raises(ValueError, match="not with its submitter"):
        world.resubmit(report, "13.00")


async def test_what_slips_while_pages_are_turned_comes_the_next_time(world: ConcurWorld) -> None:
    reports = [world.release("10.00") for _ in range(2 * world.page_size)]
    pages = world.connect().expense_reports(None)
    first = [each.source_id for each in (await anext(pages)).records]
    await world.connect().claim([each for each in first if each])
    rest = [each.source_id async for page in pages for each in page.records]
    assert rest == [], "this is how page numbers shift; if not, the note in the manifest is wrong"
    missed = {each.source_id for each in await records(world)}
    assert missed | set(first) == set(reports)


async def test_a_cash_advance_goes_the_same_way_under_its_own_kind(world: ConcurWorld) -> None:
    advance, report = world.advance("150.00"), world.release("10.00")
    read = await ready(world)
    assert [(each.step, each.amount.amount) for each in read[advance].advances] == [
        (AdvanceStep.ISSUED, Decimal("150.00"))
    ]
    assert read[advance].items == ()
    assert await claims(world, advance, report) == [Claim.CLAIMED, Claim.CLAIMED]
    way = [posted(advance), posted(report), payment(advance, ReportStep.PAID, "150.00")]
    assert await accepted(world, *way) == [(True, "accepted")] * 3
    assert world.told(advance) == [ReportStep.POSTED, ReportStep.PAID]
    assert world.told(report) == [ReportStep.POSTED]


async def test_what_only_the_other_kind_could_know_is_open_until_it_answers(
    world: ConcurWorld,
) -> None:
    advance = world.advance("150.00")
    concur = await greeted(world)
    world.network.let_pass()
    world.network.answer_next(200, body=b"[]")
    [answer] = await concur.claim([advance])
    assert (answer.claim, answer.code) == (Claim.NOT_NOW, "unanswered")
    assert [each.claim for each in await concur.claim([advance])] == [Claim.CLAIMED]


async def test_who_reads_reports_only_sees_no_cash_advance(world: ConcurWorld) -> None:
    advance, report = world.advance("150.00"), world.release("10.00")
    concur = world.connect(document_kinds=("expense",))
    pages = [page async for page in concur.expense_reports(None)]
    assert [each.source_id for page in pages for each in page.records] == [report]
    assert [page.total for page in pages] == [1]
    [answer] = await concur.claim([advance])
    assert (answer.claim, answer.code) == (Claim.REFUSED, "105")


@pytest.mark.parametrize("trouble", ["failures_after_write", "lost"])
async def test_an_answer_lost_after_its_effect_is_recognised_at_each_step(
    world: ConcurWorld, trouble: str
) -> None:
    report = world.release("10.00")
    concur = await greeted(world)

    def lose() -> None:
        if trouble == "lost":
            world.network.lose_next_answer()
        else:
            world.misbehave(failures_after_write=1)

    lose()
    assert [each.claim for each in await concur.claim([report])] == [Claim.NOT_NOW]
    assert await claims(world, report) == [Claim.CLAIMED_BEFORE]
    for step in (posted(report), payment(report, ReportStep.PAID, "10.00")):
        lose()
        assert list(await concur.tell([step])) == []
        [(told, code)] = await accepted(world, step)
        assert told
        assert code in {"113", "298"}
    assert world.told(report) == [ReportStep.POSTED, ReportStep.PAID]


async def test_trouble_before_the_effect_leaves_nothing(world: ConcurWorld) -> None:
    report = world.release("10.00")
    concur = await greeted(world)
    world.misbehave(failures=1)
    assert [each.claim for each in await concur.claim([report])] == [Claim.NOT_NOW]
    assert world.recall(report)


async def test_a_posting_that_concur_holds_for_failed_is_not_told_before(
    world: ConcurWorld,
) -> None:
    report = world.release("10.00")
    await claims(world, report)
    await accepted(world, failed(report))
    assert await accepted(world, posted(report)) == [(False, "113_otherwise")]
    assert await accepted(world, failed(report)) == [(True, "113")]
    assert world.told(report) == [ReportStep.FAILED]


async def test_a_failure_of_what_concur_holds_for_posted_is_not_told_before(
    world: ConcurWorld,
) -> None:
    report = world.release("10.00")
    await claims(world, report)
    await accepted(world, posted(report))
    assert await accepted(world, failed(report)) == [(False, "113_otherwise")]
    await accepted(world, payment(report, ReportStep.PAID, "10.00"))
    assert await accepted(world, failed(report)) == [(False, "113_otherwise")]


async def test_doubt_about_an_earlier_confirmation_waits_until_it_can_be_settled(
    world: ConcurWorld,
) -> None:
    report = world.release("10.00")
    await claims(world, report)
    await accepted(world, failed(report))
    concur = await greeted(world)
    world.network.let_pass()
    world.network.answer_next(500)
    assert list(await concur.tell([posted(report)])) == []
    assert world.asked == ["postingconfirmations", "transactions"]


async def test_nothing_is_paid_that_is_not_posted(world: ConcurWorld) -> None:
    waiting, claimed, refused = (world.release("10.00") for _ in range(3))
    await claims(world, claimed, refused)
    await accepted(world, failed(refused))
    for report in (waiting, claimed, refused):
        paid = payment(report, ReportStep.PAID, "10.00")
        assert await accepted(world, paid) == [(False, "111")]
        assert ReportStep.PAID not in world.told(report)


async def test_a_posting_of_what_was_recalled_or_never_claimed_is_refused(
    world: ConcurWorld,
) -> None:
    waiting, recalled = world.release("10.00"), world.release("20.00")
    world.recall(recalled)
    assert await accepted(world, posted(waiting), posted(recalled)) == [
        (False, "111"),
        (False, "112"),
    ]


async def test_what_is_paid_once_is_lowered_by_a_reversal_only(world: ConcurWorld) -> None:
    report = world.release("10.00")
    await claims(world, report)
    paid = payment(report, ReportStep.PAID, "10.00")
    partly = payment(report, ReportStep.PARTLY_PAID, "4.00")
    back = payment(report, ReportStep.PAYMENT_REVERSED, "10.00")
    assert await accepted(world, posted(report), paid, partly) == [
        (True, "accepted"),
        (True, "accepted"),
        (True, "213"),
    ]
    assert await accepted(world, back) == [(True, "accepted")]
    obsolete = payment(report, ReportStep.OBSOLETE, "10.00")
    assert await accepted(world, obsolete) == [(True, "accepted")]
    again = payment(report, ReportStep.PAID, "10.00", attempt=2)
    assert await accepted(world, again) == [(False, "298")]
    assert world.told(report) == [
        ReportStep.POSTED,
        ReportStep.PAID,
        ReportStep.PAYMENT_REVERSED,
        ReportStep.OBSOLETE,
    ]


async def test_a_reversal_answered_as_known_is_doubted_while_concur_says_paid(
    world: ConcurWorld,
) -> None:
    report = world.release("10.00")
    await claims(world, report)
    await accepted(world, posted(report), payment(report, ReportStep.PAID, "10.00"))
    concur = await greeted(world)
    body = (
        f'[{{"docId":"{report}","code":213,"systemId":"","paymentConfirmationResult":"FAILURE"}}]'
    )
    world.network.answer_next(200, body=body.encode())
    [answer] = await concur.tell([payment(report, ReportStep.PAYMENT_REVERSED, "10.00")])
    assert (answer.accepted, answer.code) == (False, "213_otherwise")


async def test_one_id_that_spoils_a_request_is_found_and_harms_no_neighbour(
    world: ConcurWorld,
) -> None:
    world.spec.tolerant = True
    reports = [world.release("10.00") for _ in range(4)]
    await claims(world, *reports)
    spoiler = "x" * 33  # Concur's ids have 32 characters at most.
    news = [posted(each) for each in (*reports[:2], spoiler, *reports[2:])]
    assert await accepted(world, *news) == [
        (True, "accepted"),
        (True, "accepted"),
        (False, "http_400"),
        (True, "accepted"),
        (True, "accepted"),
    ]
    assert [world.told(each) for each in reports] == [[ReportStep.POSTED]] * 4
    world.spec.broken.clear()  # The spoiler is against SAP's description as well.


async def test_many_documents_go_in_as_few_calls_as_there_are_batches(world: ConcurWorld) -> None:
    reports = [world.release("1.00") for _ in range(BATCH_MAX + 1)]
    concur = await greeted(world)
    assert {each.claim for each in await concur.claim(reports)} == {Claim.CLAIMED}
    answers = await concur.tell([posted(each) for each in reports])
    assert [each.source_id for each in answers] == reports
    assert world.asked == ["acknowledgements"] * 2 + ["postingconfirmations"] * 2


async def test_the_budget_ends_a_claim_between_two_batches(world: ConcurWorld) -> None:
    reports = [world.release("1.00") for _ in range(BATCH_MAX + 1)]
    answers = await world.connect(Tokens(2)).claim(reports)
    assert [each.claim for each in answers] == [Claim.CLAIMED] * BATCH_MAX + [Claim.NOT_NOW]


async def test_what_is_taken_over_as_one_kind_stays_so_if_the_next_kind_cannot_be_asked(
    world: ConcurWorld,
) -> None:
    """Else it would be asked for again, and seem to have been claimed by somebody else."""
    report, gone = world.release("10.00"), world.release("20.00")
    assert world.company.withdraw(gone)
    answers = await world.connect(Tokens(2)).claim([report, gone])
    assert [each.claim for each in answers] == [Claim.CLAIMED, Claim.NOT_NOW]


async def test_the_same_document_twice_is_asked_for_once(world: ConcurWorld) -> None:
    report = world.release("1.00")
    assert await claims(world, report, report) == [Claim.CLAIMED, Claim.CLAIMED]
    assert [each.document for each in world.company.judgements] == [report]


async def test_concur_s_unknown_error_lets_the_rest_wait(world: ConcurWorld) -> None:
    reports = [world.release("1.00") for _ in range(3)]
    await claims(world, *reports)
    world.misbehave(unknown_errors=1)
    assert await accepted(world, *[posted(each) for each in reports]) == []
    told = await accepted(world, *[posted(each) for each in reports])
    assert told == [(True, "accepted"), (True, "113"), (True, "113")]
    assert [world.told(each) for each in reports] == [[ReportStep.POSTED]] * 3
