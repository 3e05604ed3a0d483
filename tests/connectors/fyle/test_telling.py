"""Telling Fyle: exports, payments and their taking back; once each, whatever is lost or refused."""

from dataclasses import replace
from datetime import date

import pytest

from connectors.base.capabilities import Acknowledged, ReportNews, ReportStep
from connectors.base.errors import ConnectionConfigError
from connectors.conformance.expense_source import failed, greeted, payment, posted
from connectors.conformance.http_contract import Tokens
from connectors.fyle.simulated_state import SimulatedExpense, SimulatedSummary
from connectors.fyle.telling import runs_of
from connectors.fyle.wire import Fund, ReportState
from tests.connectors.fyle.world import FyleWorld

LINES, SUMMARIES = (
    "POST /accounting_export_lineitems/bulk",
    "POST /expenses/accounting_export_summary/bulk",
)
EXPORT, REVERT = "POST /accounting_exports", "POST /reports/revert_to_processing"
PAY, PAY_BARE = "POST /reimbursements/mark_paid/bulk", "POST /reports/mark_paid/bulk"


def paid(report: str) -> ReportNews:
    return payment(report, ReportStep.PAID, "10.00")


def reversed_payment(report: str) -> ReportNews:
    return payment(report, ReportStep.PAYMENT_REVERSED, "10.00")


def writes(world: FyleWorld) -> list[str]:
    return [path for path in world.paths() if path.startswith("POST /") and "oauth" not in path]


async def test_a_posted_report_is_in_an_export_and_its_expenses_are_complete(
    world: FyleWorld,
) -> None:
    report = world.report(world.expense("10.00"), world.expense("5.00"))
    fyle = world.connect(status_url="https://ledgerway.firm.example/why/{reference}")
    assert await fyle.tell([posted(report)]) == (Acknowledged(report, accepted=True),)
    [export] = world.fyle.exports.values()
    assert export.name == "Ledgerway FIRM-DE 2026-01-31"
    assert export.exported_at == "2026-01-12T09:30:00.000+00:00"
    [line] = world.fyle.lines.values()
    assert (line.object_id, line.object_type, line.accounting_export_id) == (
        report,
        "REPORT",
        export.id,
    )
    assert line.reference == "SINV-2026-0042 (LTESTREFERENCE0000001)"
    summary = SimulatedSummary(
        state="COMPLETE",
        error_type=None,
        url="https://ledgerway.firm.example/why/LTESTREFERENCE0000001",
    )
    assert [each.summary for each in world.fyle.reports[report].expenses] == [summary] * 2
    assert writes(world) == [EXPORT, LINES, SUMMARIES]


async def test_many_reports_take_few_calls(world: FyleWorld) -> None:
    reports = [world.release("10.00") for _ in range(20)]
    await world.connect(page_size=200).tell([posted(report) for report in reports])
    assert [list(world.told(report)) for report in reports] == [[ReportStep.POSTED]] * 20
    assert writes(world) == [EXPORT, LINES, SUMMARIES]
    assert len(world.paths()) == 8  # Token, cluster, expenses, lines, exports, and the writes.


async def test_each_legal_entity_and_posting_date_has_one_export(world: FyleWorld) -> None:
    first, second, third, fourth = (posted(world.release("10.00")) for _ in range(4))
    second = replace(second, legal_entity="FIRM-FR")
    third = replace(third, posting_date=date(2026, 2, 28))
    await world.connect().tell([first, second, third])
    await world.connect().tell([fourth])
    assert {each.name for each in world.fyle.exports.values()} == {
        "Ledgerway FIRM-DE 2026-01-31",
        "Ledgerway FIRM-FR 2026-01-31",
        "Ledgerway FIRM-DE 2026-02-28",
    }
    assert len(world.fyle.exports) == 3


@pytest.mark.parametrize("reads_and_writes", range(6))
@pytest.mark.parametrize("trouble", ["lost", "failing", "throttled"])
async def test_wherever_telling_meets_trouble_it_takes_effect_once(
    world: FyleWorld, reads_and_writes: int, trouble: str
) -> None:
    reports = [world.release("10.00") for _ in range(2)]
    news = [posted(report) for report in reports]
    fyle = await greeted(world)
    world.network.let_pass(reads_and_writes)
    if trouble == "lost":
        world.network.lose_next_answer()
    else:
        world.network.answer_next(500 if trouble == "failing" else 429, {"Retry-After": "7"})
    assert await fyle.tell(news) == ()
    assert len(world.network.requests) == reads_and_writes + 1
    told = await world.connect().tell(news)
    assert [each.accepted for each in told] == [True, True]
    assert [list(world.told(report)) for report in reports] == [[ReportStep.POSTED]] * 2
    assert len(world.fyle.exports) == 1
    assert {each.summary and each.summary.state for each in _expenses(world, reports)} == {
        "COMPLETE"
    }


async def test_a_document_whose_number_became_known_after_a_lost_answer_is_exported_once(
    world: FyleWorld,
) -> None:
    report = world.release("10.00")
    early = replace(posted(report), document="17")
    fyle = await greeted(world)
    # Its expenses, lines and export are looked for, the export is made, and the line is lost.
    world.network.let_pass(4)
    world.network.lose_next_answer()
    assert await fyle.tell([early]) == ()
    assert len(world.fyle.lines) == 1
    assert (await world.connect().tell([posted(report)]))[0].accepted
    [line] = world.fyle.lines.values()
    assert line.reference == "17 (LTESTREFERENCE0000001)"
    assert list(world.told(report)) == [ReportStep.POSTED]


async def test_however_long_a_document_is_named_our_own_reference_stands_behind_it(
    world: FyleWorld,
) -> None:
    report = world.release("10.00")
    await world.connect().tell([replace(posted(report), document="9" * 300)])
    [line] = world.fyle.lines.values()
    assert line.reference is not None
    assert len(line.reference) == 255
    assert line.reference.endswith("… (LTESTREFERENCE0000001)")


def _expenses(world: FyleWorld, reports: list[str]) -> list[SimulatedExpense]:
    return [each for report in reports for each in world.fyle.reports[report].expenses]


@pytest.mark.parametrize("step", ["posted", "failed", "paid", "reversed"])
async def test_a_write_that_was_carried_out_and_answered_with_500_shows_once(
    world: FyleWorld, step: str
) -> None:
    report = world.release("10.00")
    if step == "reversed":
        await world.connect().tell([paid(report)])
    makes = {"posted": posted, "failed": failed, "paid": paid, "reversed": reversed_payment}
    news = [makes[step](report)]
    before = len(world.told(report))
    for _ in range(4):  # Each attempt gets one write further.
        world.misbehave(failures_after_write=1)
        await world.connect().tell(news)
    world.misbehave(failures_after_write=0)
    assert [each.accepted for each in await world.connect().tell(news)] == [True]
    assert len(world.told(report)) == before + 1


async def test_a_failure_says_whose_it_is_to_mend_and_calls_no_report_exported(
    world: FyleWorld,
) -> None:
    mapping, other = world.release("10.00"), world.release("10.00")
    news = [failed(mapping), replace(failed(other), code="period_closed", message="x" * 400)]
    assert all(each.accepted for each in await world.connect().tell(news))
    types = {
        each: {one.summary and one.summary.error_type for one in world.fyle.reports[each].expenses}
        for each in (mapping, other)
    }
    assert types == {mapping: {"MAPPING"}, other: {"ACCOUNTING_INTEGRATION_ERROR"}}
    assert world.fyle.lines == {}
    assert [len(each.description or "") <= 255 for each in world.fyle.exports.values()]
    assert "C/2026/01/R/1 (cost_centre_closed" in world.reason(mapping)


async def test_a_failed_report_can_be_posted_later(world: FyleWorld) -> None:
    report = world.release("10.00")
    await world.connect().tell([failed(report)])
    await world.connect().tell([posted(report)])
    assert list(world.told(report)) == [ReportStep.FAILED, ReportStep.POSTED]
    [expense] = world.fyle.reports[report].expenses
    assert expense.summary is not None
    assert expense.summary.state == "COMPLETE"


async def test_a_report_is_paid_by_its_reimbursement_or_by_itself_if_it_has_none(
    world: FyleWorld,
) -> None:
    reimbursed = world.release("10.00")
    by_card = world.report(world.expense("10.00", fund=Fund.CARD, is_reimbursable=False))
    told = await world.connect().tell([paid(reimbursed), paid(by_card)])
    assert [each.accepted for each in told] == [True, True]
    assert writes(world) == [PAY, PAY_BARE]
    assert {each.state for each in world.fyle.reports.values()} == {ReportState.PAID}


async def test_bad_rows_are_left_out_and_the_good_ones_sent_again(world: FyleWorld) -> None:
    reports = [world.release("10.00") for _ in range(6)]
    for bad in (reports[1], reports[4]):
        world.recall(bad)
    told = await world.connect().tell([paid(report) for report in reports])
    assert [(each.source_id, each.accepted) for each in told] == [
        (report, report not in {reports[1], reports[4]}) for report in reports
    ]
    assert {each.code for each in told if not each.accepted} == {"report_is_approver_inquiry"}
    assert [list(world.told(each)) for each in reports].count([ReportStep.PAID]) == 4


@pytest.mark.parametrize("named", [True, False])
async def test_one_bad_row_stops_no_other_whether_it_is_named_or_not(
    world: FyleWorld, named: bool
) -> None:
    world.misbehave(unnamed_bulk_errors=not named)
    cards = {"fund": Fund.CARD, "is_reimbursable": False}
    reports = [world.report(world.expense("10.00", **cards)) for _ in range(8)]
    world.recall(reports[5])
    told = await world.connect(page_size=200).tell([paid(report) for report in reports])
    assert [each.source_id for each in told if not each.accepted] == [reports[5]]
    assert all(
        list(world.told(each)) == [ReportStep.PAID] for each in reports if each != reports[5]
    )
    # Named: once more without it. Not named: halved until it stands alone.
    assert writes(world).count(PAY_BARE) == (2 if named else 7)


async def test_whom_somebody_else_paid_in_between_counts_as_told(world: FyleWorld) -> None:
    mine, theirs = world.release("10.00"), world.release("10.00")
    fyle = await greeted(world)
    world.network.let_pass()  # The look at where they stand.
    world.before_next(lambda: world.fyle.pay(theirs))
    assert await fyle.tell([paid(mine), paid(theirs)]) == (
        Acknowledged(mine, accepted=True),
        Acknowledged(theirs, accepted=True, code="told_before"),
    )
    assert writes(world) == [PAY, PAY]
    assert [list(world.told(each)) for each in (mine, theirs)] == [[ReportStep.PAID]] * 2


async def test_a_report_that_is_sent_back_in_between_is_refused_with_where_it_stands(
    world: FyleWorld,
) -> None:
    report = world.release("10.00")
    fyle = await greeted(world)
    world.network.let_pass()
    world.before_next(lambda: world.recall(report))
    [told] = await fyle.tell([paid(report)])
    assert (told.accepted, told.code) == (False, "report_is_approver_inquiry")


async def test_a_payment_that_was_taken_back_puts_the_report_back(world: FyleWorld) -> None:
    report = world.release("10.00")
    fyle = world.connect()
    await fyle.tell([paid(report)])
    for _ in range(2):
        [told] = await fyle.tell([reversed_payment(report)])
        assert told.accepted
    assert world.fyle.reports[report].state is ReportState.PAYMENT_PROCESSING
    assert writes(world) == [PAY, REVERT]


async def test_a_payment_of_a_report_that_was_sent_back_cannot_be_taken_back(
    world: FyleWorld,
) -> None:
    report = world.release("10.00")
    world.recall(report)
    [told] = await world.connect().tell([reversed_payment(report)])
    assert (told.accepted, told.code) == (False, "refused_by_source")


@pytest.mark.parametrize("step", [ReportStep.PARTLY_PAID, ReportStep.OBSOLETE])
async def test_what_fyle_has_no_step_for_is_answered_and_not_sent(
    world: FyleWorld, step: ReportStep
) -> None:
    report = world.release("10.00")
    [told] = await world.connect().tell([payment(report, step, "4.00")])
    assert told == Acknowledged(report, accepted=True, code="not_provided")
    assert world.network.requests == []


@pytest.mark.parametrize("odd", ["", "a,b", "x)", "rp1&state=eq.DRAFT", "ü", "x" * 61])
async def test_an_id_that_is_none_of_fyles_goes_into_no_filter(world: FyleWorld, odd: str) -> None:
    good = world.release("10.00")
    for news in ([posted(odd), posted(good)], [paid(odd), paid(good)]):
        told = await world.connect().tell(news)
        assert [(each.source_id, each.accepted) for each in told] == [(odd, False), (good, True)]
    claimed = await world.connect().claim([odd, good])
    assert [each.claim.value for each in claimed] == ["refused", "claimed_before"]
    assert all(not odd or odd not in str(each.url) for each in world.network.requests)


async def test_an_export_without_a_file_that_fyle_refuses_is_for_an_operator(
    world: FyleWorld,
) -> None:
    report = world.release("10.00")
    world.misbehave(refuses_empty_file=True)
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect().tell([posted(report)])
    assert told.value.code == "export_refused"
    assert [
        each.accepted
        for each in await world.connect(export_file_id="fiLedger").tell([posted(report)])
    ] == [True]


async def test_with_little_budget_it_gets_on_at_each_attempt(world: FyleWorld) -> None:
    reports = [world.release("10.00") for _ in range(5)]
    news = [posted(report) for report in reports]
    fyle = await greeted(world)
    budget = Tokens(5)  # The look, the lines, the exports, and two writes.
    poor = world.connect(budget)
    for _ in range(4):
        if len(await poor.tell(news)) == len(news):
            break
        budget.left = 6
    assert [list(world.told(report)) for report in reports] == [[ReportStep.POSTED]] * 5
    assert all(each.accepted for each in await fyle.tell(news))


def test_news_is_told_in_runs_of_one_step_with_no_report_twice() -> None:
    news = [posted("a"), posted("b"), posted("a"), paid("a"), paid("b"), posted("c")]
    runs = [[each.source_id for each in run] for _, run in runs_of(news)]
    assert runs == [["a", "b"], ["a"], ["a", "b"], ["c"]]
    assert [len(run) for _, run in runs_of([posted(f"r{n}") for n in range(45)])] == [20, 20, 5]


async def test_a_report_that_is_told_twice_in_one_go_shows_once(world: FyleWorld) -> None:
    report = world.release("10.00")
    told = await world.connect().tell([posted(report), posted(report)])
    assert [each.accepted for each in told] == [True, True]
    assert list(world.told(report)) == [ReportStep.POSTED]
