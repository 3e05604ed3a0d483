"""What every source of expense reports keeps to: whole pages, honest claims, news told once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import pytest

from canonical.expense import ExpenseReport
from canonical.money import Money
from connectors.base.capabilities import (
    Acknowledged,
    Claim,
    ExpenseReportSink,
    ExpenseReportSource,
    MasterDataSource,
    ReportNews,
    ReportStep,
    SourcePage,
    SourceRecord,
)
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.base.level import Level
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import FaultyNetwork, Tokens
from connectors.conformance.levels import at, rules_at

# Personal data that a test plants in a record, and looks for where it must not be.
PRIVATE = "Zebedee Quillfeather"
REASON = "The cost centre CC-999 is closed"
_PAID_ON = date(2026, 2, 6)


class ExpenseConnector(ExpenseReportSource, ExpenseReportSink, Protocol):
    """A connector in both of its roles."""


class ExpenseWorld(Protocol):
    """What a connector's tests provide: its simulated system, ready to be worked in.

    Its clock stands still until a test moves it.
    """

    network: FaultyNetwork
    secret: str
    # How many reports one page of the connector's holds; small.
    page_size: int
    # Whether claiming is a step of the source's own. If not, it answers CLAIMED to any claim, and
    # a report may be recalled at any time.
    knows_claims: bool
    # The steps that the source has a place for; it is told all of them.
    shows: frozenset[ReportStep]

    @property
    def now(self) -> datetime:
        """The system's clock, in UTC."""
        ...

    def connect(self, budget: RateBudget, *, secret: str | None = None) -> ExpenseConnector: ...

    def pass_time(self, seconds: int) -> None: ...

    def release(self, amount: str, *, note: str = "") -> str:
        """Release an approved report of one item in EUR, paid by the employee; gives its id.

        `note` is free text of the employee's, wherever the source keeps such.
        """
        ...

    def recall(self, report: str) -> bool:
        """Send a report back to its submitter; False if the source no longer lets anybody."""
        ...

    def resubmit(self, report: str, amount: str) -> str:
        """Submit and approve a report again that was sent back; gives its id, maybe a new one."""
        ...

    def add_unreadable(self, private: str) -> None:
        """Let the system show one record of the wrong shape, with a text in it that is private."""
        ...

    def send_pages_in_a_circle(self) -> None: ...

    def break_next_page(self) -> None: ...

    def told(self, report: str) -> Sequence[ReportStep]:
        """The steps that took effect on a report, each as often as it did, in order."""
        ...

    def reason(self, report: str) -> str:
        """What the source shows its processor about a report that could not be posted."""
        ...


@rules_at(Level.READS)
class ExpenseReportSourceContract:
    """Inherit it with a fixture `world`: an `ExpenseWorld`, new for each test."""

    async def test_all_pages_come_without_loss_or_duplicate(self, world: ExpenseWorld) -> None:
        released = [world.release("10.00") for _ in range(3 * world.page_size + 1)]
        assert sorted(each.source_id or "" for each in await records(world)) == sorted(released)

    async def test_pages_in_a_circle_are_noticed(self, world: ExpenseWorld) -> None:
        for _ in range(world.page_size + 1):
            world.release("10.00")
        world.send_pages_in_a_circle()
        with pytest.raises(TransientError):
            await records(world)

    async def test_a_broken_page_is_transient_and_shows_nothing_private(
        self, world: ExpenseWorld
    ) -> None:
        world.release("10.00", note=PRIVATE)
        world.break_next_page()
        with pytest.raises(TransientError) as told:
            await records(world)
        assert not _words(PRIVATE) & _words(f"{told.value!r} {told.value} {told.value.__cause__!r}")

    async def test_a_report_comes_whole_and_to_the_cent(self, world: ExpenseWorld) -> None:
        exact = ["0.01", "19.99", "1234.50", "70.10"]
        released = {world.release(amount): Decimal(amount) for amount in exact}
        read = await ready(world)
        assert {each: _sum(read[each]) for each in released} == released
        for report in read.values():
            assert report.currency == "EUR"
            assert report.total is None or report.total.amount == _sum(report)
            assert report.items
            assert report.employee

    async def test_an_approval_claims_no_more_evidence_than_the_manifest(
        self, world: ExpenseWorld
    ) -> None:
        report = world.release("10.00")
        promised = world.connect(Tokens()).manifest.approval
        [record] = await records(world)
        approval = (await ready(world))[report].approval
        assert record.approved
        assert promised is not None
        assert approval is not None
        assert (approval.approver is not None) is promised.approver
        assert (approval.approved_at is not None) is promised.instant
        assert (approval.revision is not None) is promised.revision

    @at(Level.INCREMENTAL)
    async def test_only_what_is_financial_changes_the_hash(self, world: ExpenseWorld) -> None:
        report = world.release("10.00", note="taxi")
        before = (await ready(world))[report]
        assert (await ready(world))[report].financial_hash == before.financial_hash
        world.recall(report)
        again = world.resubmit(report, "10.01")
        assert (await ready(world))[again].financial_hash != before.financial_hash

    async def test_an_unreadable_record_harms_no_neighbour(self, world: ExpenseWorld) -> None:
        good = {world.release("10.00") for _ in range(2 * world.page_size)}
        world.add_unreadable(PRIVATE)
        read = await records(world)
        unreadable = [each for each in read if each.record is None]
        assert {each.source_id for each in read if each.record is not None} == good
        assert len(unreadable) == 1, "what cannot be read is shown, not dropped"
        assert unreadable[0].trouble
        assert unreadable[0].raw
        assert all((each.record is None) is (each.trouble is not None) for each in read)

    async def test_trouble_names_no_value(self, world: ExpenseWorld) -> None:
        world.add_unreadable(PRIVATE)
        troubles = [each.trouble or "" for each in await records(world)]
        assert any(troubles)
        assert not _words(PRIVATE) & _words(" ".join(troubles))

    async def test_a_lost_page_is_transient_and_was_one_attempt(self, world: ExpenseWorld) -> None:
        world.release("10.00")
        source = await greeted(world)
        world.network.lose_next_answer()
        with pytest.raises(TransientError):
            await _read(source.expense_reports(_long_ago(world)))
        assert len(world.network.requests) == 1

    async def test_nothing_is_read_without_a_token(self, world: ExpenseWorld) -> None:
        for _ in range(3 * world.page_size):
            world.release("10.00")
        budget = Tokens(2)
        with pytest.raises(TransientError) as told:
            await _read(world.connect(budget).expense_reports(_long_ago(world)))
        assert told.value.retry_after_seconds == Tokens.WAIT_SECONDS
        assert len(world.network.requests) == 2

    async def test_whoever_claims_a_report_is_among_the_employees(
        self, world: ExpenseWorld
    ) -> None:
        report = world.release("10.00")
        source = world.connect(Tokens())
        if not isinstance(source, MasterDataSource):
            pytest.skip("the source masters nothing")
        masters = await source.masters()
        assert (await ready(world))[report].employee in {each.code for each in masters.employees}

    @at(Level.WRITES)
    async def test_claims_are_answered_one_each_in_order(self, world: ExpenseWorld) -> None:
        released = [world.release("10.00") for _ in range(3)]
        answers = await world.connect(Tokens()).claim(released[::-1])
        assert [each.source_id for each in answers] == released[::-1]
        assert {each.claim for each in answers} == {Claim.CLAIMED}

    @at(Level.WRITES)
    async def test_claiming_nothing_sends_nothing(self, world: ExpenseWorld) -> None:
        assert list(await world.connect(Tokens()).claim([])) == []
        assert world.network.requests == []

    @at(Level.WRITES)
    async def test_a_claimed_report_is_ours_and_comes_no_more(self, world: ExpenseWorld) -> None:
        _needs_claims(world)
        report, other = world.release("10.00"), world.release("10.00")
        await world.connect(Tokens()).claim([report])
        assert not world.recall(report)
        assert list(await ready(world)) == [other]

    @at(Level.EXACTLY_ONCE)
    async def test_claiming_again_says_so_and_harms_nothing(self, world: ExpenseWorld) -> None:
        report = world.release("10.00")
        first, again = [await world.connect(Tokens()).claim([report]) for _ in range(2)]
        assert first[0].claim is Claim.CLAIMED
        assert again[0].claim is (Claim.CLAIMED_BEFORE if world.knows_claims else Claim.CLAIMED)

    @at(Level.EXACTLY_ONCE)
    async def test_a_report_recalled_between_reading_and_claiming_is_not_ours(
        self, world: ExpenseWorld
    ) -> None:
        _needs_claims(world)
        recalled, stays = world.release("10.00"), world.release("20.00")
        assert {recalled, stays} <= (await ready(world)).keys()
        assert world.recall(recalled)
        answers = await world.connect(Tokens()).claim([recalled, stays])
        assert [each.claim for each in answers] == [Claim.RECALLED, Claim.CLAIMED]
        again = world.resubmit(recalled, "15.00")
        assert _sum((await ready(world))[again]) == Decimal("15.00")
        assert [each.claim for each in await world.connect(Tokens()).claim([again])] == [
            Claim.CLAIMED
        ]

    @at(Level.WRITES)
    async def test_what_does_not_exist_is_refused_and_harms_no_neighbour(
        self, world: ExpenseWorld
    ) -> None:
        _needs_claims(world)
        good = world.release("10.00")
        answers = await world.connect(Tokens()).claim(["nosuchreport", good])
        assert [each.claim for each in answers] == [Claim.REFUSED, Claim.CLAIMED]
        assert answers[0].code

    @at(Level.EXACTLY_ONCE)
    @pytest.mark.parametrize("trouble", ["throttled", "failing", "lost", "refused"])
    async def test_a_claim_in_trouble_can_be_made_again(
        self, world: ExpenseWorld, trouble: str
    ) -> None:
        _needs_claims(world)
        report = world.release("10.00")
        source = await greeted(world)
        _plan(world.network, trouble)
        try:
            claimed = {each.claim for each in await source.claim([report])}
        except TransientError:
            claimed = {Claim.NOT_NOW}
        assert claimed == {Claim.NOT_NOW}
        assert len(world.network.requests) == 1
        expected = Claim.CLAIMED_BEFORE if trouble == "lost" else Claim.CLAIMED
        assert [each.claim for each in await world.connect(Tokens()).claim([report])] == [expected]

    @at(Level.EXACTLY_ONCE)
    async def test_no_claim_is_sent_without_a_token(self, world: ExpenseWorld) -> None:
        _needs_claims(world)
        report = world.release("10.00")
        try:
            claimed = {each.claim for each in await world.connect(Tokens(0)).claim([report])}
        except TransientError:
            claimed = {Claim.NOT_NOW}
        assert claimed == {Claim.NOT_NOW}
        assert world.network.requests == []

    async def test_bad_credentials_are_for_an_operator(self, world: ExpenseWorld) -> None:
        world.release("10.00")
        stranger = world.connect(Tokens(), secret="not-the-secret")
        with pytest.raises(ConnectionConfigError):
            await _read(stranger.expense_reports(_long_ago(world)))


@rules_at(Level.WRITES)
class ExpenseReportSinkContract:
    """Inherit it with a fixture `world`: an `ExpenseWorld`, new for each test."""

    async def test_each_report_is_told_in_order(self, world: ExpenseWorld) -> None:
        reports = await claimed_reports(world, 3)
        news = [posted(report) for report in reports[::-1]]
        answers = await world.connect(Tokens()).tell(news)
        assert [(each.source_id, each.accepted) for each in answers] == [
            (report, True) for report in reports[::-1]
        ]
        for report in reports:
            assert list(world.told(report)) == _shown(world, [ReportStep.POSTED])

    async def test_the_way_of_the_money_is_told_step_by_step(self, world: ExpenseWorld) -> None:
        [report] = await claimed_reports(world, 1)
        way = [
            posted(report),
            payment(report, ReportStep.PARTLY_PAID, "4.00"),
            payment(report, ReportStep.PAID, "10.00"),
        ]
        answers = await world.connect(Tokens()).tell(way)
        assert [each.accepted for each in answers] == [True] * len(way)
        assert list(world.told(report)) == _shown(world, [each.step for each in way])

    async def test_a_reversed_payment_is_told_and_may_be_paid_again(
        self, world: ExpenseWorld
    ) -> None:
        _needs(world, ReportStep.PAYMENT_REVERSED)
        [report] = await claimed_reports(world, 1)
        way = [
            posted(report),
            payment(report, ReportStep.PAID, "10.00"),
            payment(report, ReportStep.PAYMENT_REVERSED, "10.00"),
            payment(report, ReportStep.PAID, "10.00", attempt=2),
        ]
        for each in way:
            [answer] = await world.connect(Tokens()).tell([each])
            assert answer.accepted, f"{each.step}: {answer.code}"
        assert list(world.told(report)) == _shown(world, [each.step for each in way])

    async def test_a_failure_reaches_the_processor_with_its_reason(
        self, world: ExpenseWorld
    ) -> None:
        _needs(world, ReportStep.FAILED)
        [report] = await claimed_reports(world, 1)
        [answer] = await world.connect(Tokens()).tell([failed(report)])
        assert answer.accepted
        assert list(world.told(report)) == [ReportStep.FAILED]
        assert REASON in world.reason(report)

    async def test_a_failed_report_comes_again_once_it_was_mended(
        self, world: ExpenseWorld
    ) -> None:
        _needs(world, ReportStep.FAILED)
        [report] = await claimed_reports(world, 1)
        await world.connect(Tokens()).tell([failed(report)])
        again = world.resubmit(report, "12.00")
        assert _sum((await ready(world))[again]) == Decimal("12.00")

    @at(Level.EXACTLY_ONCE)
    async def test_telling_twice_counts_as_told_and_shows_once(self, world: ExpenseWorld) -> None:
        [report] = await claimed_reports(world, 1)
        way = [posted(report), payment(report, ReportStep.PAID, "10.00")]
        for _ in range(2):
            answers = await world.connect(Tokens()).tell(way)
            assert [each.accepted for each in answers] == [True, True]
        assert list(world.told(report)) == _shown(world, [each.step for each in way])

    async def test_telling_nothing_sends_nothing(self, world: ExpenseWorld) -> None:
        assert list(await world.connect(Tokens()).tell([])) == []
        assert world.network.requests == []

    async def test_a_refusal_is_final_and_stops_nobody_else(self, world: ExpenseWorld) -> None:
        step = _first_shown(world)
        [good] = await claimed_reports(world, 1)
        news = [_step("nosuchreport", step), _step(good, step)]
        answers = await world.connect(Tokens()).tell(news)
        assert [each.accepted for each in answers] == [False, True]
        assert answers[0].code
        assert answers[0].code != Acknowledged("", accepted=True).code
        assert step in world.told(good)

    @at(Level.EXACTLY_ONCE)
    @pytest.mark.parametrize("trouble", ["throttled", "failing", "lost", "refused"])
    async def test_in_trouble_the_rest_waits_and_is_told_once_in_the_end(
        self, world: ExpenseWorld, trouble: str
    ) -> None:
        step = _first_shown(world)
        reports = await claimed_reports(world, 3)
        sink = await greeted(world)
        _plan(world.network, trouble)
        answers = await sink.tell([_step(report, step) for report in reports])
        told = [each.source_id for each in answers]
        assert told == reports[: len(told)]
        assert len(told) < len(reports), "the report that met trouble counts as told"
        assert all(each.accepted for each in answers)
        rest = [_step(report, step) for report in reports[len(told) :]]
        later = await world.connect(Tokens()).tell(rest)
        assert [each.accepted for each in later] == [True] * len(rest)
        for report in reports:
            assert list(world.told(report)) == [step]

    @at(Level.EXACTLY_ONCE)
    async def test_nothing_is_told_without_a_token(self, world: ExpenseWorld) -> None:
        reports = await claimed_reports(world, 2)
        world.network.requests.clear()
        step = _first_shown(world)
        told = await world.connect(Tokens(0)).tell([_step(report, step) for report in reports])
        assert list(told) == []
        assert world.network.requests == []

    async def test_a_stranger_tells_nothing(self, world: ExpenseWorld) -> None:
        [report] = await claimed_reports(world, 1)
        with pytest.raises(ConnectionConfigError):
            await world.connect(Tokens(), secret="not-the-secret").tell(
                [_step(report, _first_shown(world))]
            )
        assert list(world.told(report)) == []


async def greeted(world: ExpenseWorld) -> ExpenseConnector:
    """A connector that has proven itself, so that the next request is the one that is meant."""
    connector = world.connect(Tokens())
    await connector.check()
    world.network.requests.clear()
    return connector


async def records(world: ExpenseWorld) -> list[SourceRecord[ExpenseReport]]:
    """All that the source lists now."""
    pages = await _read(world.connect(Tokens()).expense_reports(_long_ago(world)))
    return [record for page in pages for record in page.records]


async def ready(world: ExpenseWorld) -> Mapping[str, ExpenseReport]:
    """The readable reports that the source lists now, by id."""
    read = (each.record for each in await records(world))
    return {report.id: report for report in read if report is not None}


async def claimed_reports(world: ExpenseWorld, count: int) -> list[str]:
    """So many reports of EUR 10.00 that are ours."""
    reports = [world.release("10.00") for _ in range(count)]
    answers = await world.connect(Tokens()).claim(reports)
    assert {each.claim for each in answers} == {Claim.CLAIMED}
    return reports


def posted(report: str) -> ReportNews:
    """The ERP holds it."""
    return ReportNews(
        id=f"{report}-posted",
        source_id=report,
        step=ReportStep.POSTED,
        reference="LTESTREFERENCE0000001",
        document="SINV-2026-0042",
        legal_entity="FIRM-DE",
        posting_date=date(2026, 1, 31),
        amount=Money(amount=Decimal("10.00"), currency="EUR"),
        employee="E-1001",
    )


def failed(report: str) -> ReportNews:
    """The ERP does not take it, and why."""
    return ReportNews(
        id=f"{report}-failed",
        source_id=report,
        step=ReportStep.FAILED,
        reference="LTESTREFERENCE0000001",
        code="cost_centre_closed",
        message=REASON,
        employee="E-1001",
    )


def payment(report: str, step: ReportStep, amount: str, *, attempt: int = 1) -> ReportNews:
    """Money moved on its document; another `attempt` is another payment."""
    return ReportNews(
        id=f"{report}-{step}-{attempt}",
        source_id=report,
        step=step,
        reference="LTESTREFERENCE0000001",
        document="SINV-2026-0042",
        legal_entity="FIRM-DE",
        amount=Money(amount=Decimal(amount), currency="EUR"),
        on_date=_PAID_ON,
        employee="E-1001",
    )


def _step(report: str, step: ReportStep) -> ReportNews:
    if step is ReportStep.POSTED:
        return posted(report)
    return payment(report, step, "10.00")


def _first_shown(world: ExpenseWorld) -> ReportStep:
    """A step that can be seen at the source, and that needs no step before it."""
    return ReportStep.POSTED if ReportStep.POSTED in world.shows else ReportStep.PAID


def _shown(world: ExpenseWorld, way: Sequence[ReportStep]) -> list[ReportStep]:
    return [step for step in way if step in world.shows]


def _needs(world: ExpenseWorld, step: ReportStep) -> None:
    if step not in world.shows:
        pytest.skip(f"the source has no place for {step}")


def _needs_claims(world: ExpenseWorld) -> None:
    if not world.knows_claims:
        pytest.skip("the source knows no claim: any answer is CLAIMED")


def _plan(network: FaultyNetwork, trouble: str) -> None:
    match trouble:
        case "throttled":
            network.answer_next(429, {"Retry-After": "30"})
        case "failing":
            network.answer_next(500)
        case "lost":
            network.lose_next_answer()
        case _:
            network.refuse_next()


def _sum(report: ExpenseReport) -> Decimal:
    return sum((item.amount.amount for item in report.items), Decimal(0))


def _long_ago(world: ExpenseWorld) -> datetime:
    return world.now - timedelta(days=365)


async def _read(
    pages: AsyncIterator[SourcePage[ExpenseReport]],
) -> list[SourcePage[ExpenseReport]]:
    return [page async for page in pages]


def _words(text: str) -> set[str]:
    return set(text.lower().replace("'", " ").replace('"', " ").split())
