"""The contract suite is no decoration: a source of expenses that breaks a rule fails its test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from canonical.expense import ExpenseReport
from canonical.money import Money
from canonical.time_entry import Approval
from connectors.base.capabilities import (
    Acknowledged,
    Claim,
    Claimed,
    ReportNews,
    ReportStep,
    SourcePage,
    SourceRecord,
)
from connectors.base.errors import ConnectorError, RejectedError, TransientError
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.concur import Concur
from connectors.conformance.expense_source import (
    ExpenseReportSinkContract,
    ExpenseReportSourceContract,
)
from tests.connectors.concur.world import ConcurWorld

Records = tuple[SourceRecord[ExpenseReport], ...]


class Sabotaged:
    """A connector that does as Concur's does, but for what a subclass spoils."""

    def __init__(self, good: Concur) -> None:
        self.good = good
        self.manifest = good.manifest

    async def check(self) -> str:
        return await self.good.check()

    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        return await self.good.claim(source_ids)

    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        return await self.good.tell(news)

    def expense_reports(self, since: datetime | None) -> AsyncIterator[SourcePage[ExpenseReport]]:
        return self.spoiled_pages(self.good.expense_reports(since))

    async def spoiled_pages(
        self, pages: AsyncIterator[SourcePage[ExpenseReport]]
    ) -> AsyncIterator[SourcePage[ExpenseReport]]:
        async for page in pages:
            yield replace(page, records=self.spoiled(page.records))

    def spoiled(self, records: Records) -> Records:
        return tuple(
            replace(each, record=self.mended(each.record)) if each.record else each
            for each in records
        )

    def mended(self, report: ExpenseReport) -> ExpenseReport:
        return report


class ReadsTheFirstPageOnly(Sabotaged):
    async def spoiled_pages(
        self, pages: AsyncIterator[SourcePage[ExpenseReport]]
    ) -> AsyncIterator[SourcePage[ExpenseReport]]:
        async for page in pages:
            yield page
            return


class RepeatsARecord(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return (*records, *records[:1])


class DropsWhatItCannotRead(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(each for each in records if each.record is not None)


class LetsOneRecordSinkThePage(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        if any(each.trouble for each in records):
            raise TransientError("one_is_bad")
        return records


class QuotesWhatItCannotRead(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            replace(each, trouble=f"cannot read {each.raw}") if each.trouble else each
            for each in records
        )


class LosesACent(Sabotaged):
    def mended(self, report: ExpenseReport) -> ExpenseReport:
        cent = Decimal("0.01")
        items = tuple(
            item.model_copy(
                update={"amount": Money(amount=item.amount.amount - cent, currency="EUR")}
            )
            for item in report.items
        )
        return report.model_copy(update={"items": items, "total": None})


class InventsAnApproval(Sabotaged):
    def mended(self, report: ExpenseReport) -> ExpenseReport:
        return report.model_copy(update={"approval": Approval()})


class ClaimsOnlyTheFirst(Sabotaged):
    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        return await self.good.claim(source_ids[:1])


class ClaimsNothingAtAll(Sabotaged):
    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        return [Claimed(each, Claim.CLAIMED) for each in source_ids]


class TakesRecalledForClaimedBefore(Sabotaged):
    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        return [
            replace(each, claim=Claim.CLAIMED_BEFORE) if each.claim is Claim.RECALLED else each
            for each in await self.good.claim(source_ids)
        ]


class TakesALostClaimForClaimed(Sabotaged):
    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        try:
            answers = await self.good.claim(source_ids)
        except TransientError:
            return [Claimed(each, Claim.CLAIMED) for each in source_ids]
        return [
            replace(each, claim=Claim.CLAIMED) if each.claim is Claim.NOT_NOW else each
            for each in answers
        ]


class ClaimsTwiceAtOnce(Sabotaged):
    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        await self.good.claim(source_ids)
        return await self.good.claim(source_ids)


class CallsRefusalsAcceptance(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        answers = await self.good.tell(news)
        return [Acknowledged(each.source_id, accepted=True) for each in answers]


class CallsARepeatARefusal(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        answers = await self.good.tell(news)
        return [replace(each, accepted=each.code == "accepted") for each in answers]


class LetsARefusalEndTheBatch(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        answers = await self.good.tell(news)
        if not all(each.accepted for each in answers):
            raise RejectedError("refused")
        return answers


class SaysNothingOfReversals(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        kept = [each for each in news if each.step is not ReportStep.PAYMENT_REVERSED]
        await self.good.tell(kept)
        return [Acknowledged(each.source_id, accepted=True) for each in news]


class KeepsTheReasonToItself(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        return await self.good.tell([replace(each, message="") for each in news])


class TellsEachAttemptAnew(Sabotaged):
    attempts = 0

    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        TellsEachAttemptAnew.attempts += 1
        number = TellsEachAttemptAnew.attempts
        turned = [
            replace(each, id=f"{each.id}-{number}", step=ReportStep.PARTLY_PAID)
            if each.step is ReportStep.PAID
            else each
            for each in news
        ]
        return await self.good.tell(turned)


class TakesALostAnswerForYes(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        await self.good.tell(news)
        return [Acknowledged(each.source_id, accepted=True) for each in news]


class SabotagedWorld(ConcurWorld):
    """The good world, with a bad connector in it."""

    def __init__(self, spoil: Callable[[Concur], object], *, unlimited: bool = False) -> None:
        super().__init__()
        self._spoil = spoil
        self._unlimited = unlimited

    def connect(self, budget: RateBudget | None = None, **given: Any) -> Any:
        good = super().connect(Unlimited() if self._unlimited else budget, **given)
        return self._spoil(good)


source, sink = ExpenseReportSourceContract(), ExpenseReportSinkContract()
LOST = {"trouble": "lost"}
BITES: list[tuple[type[Sabotaged], Callable[..., Awaitable[None]], dict[str, Any]]] = [
    (ReadsTheFirstPageOnly, source.test_all_pages_come_without_loss_or_duplicate, {}),
    (ReadsTheFirstPageOnly, source.test_pages_in_a_circle_are_noticed, {}),
    (RepeatsARecord, source.test_all_pages_come_without_loss_or_duplicate, {}),
    (DropsWhatItCannotRead, source.test_an_unreadable_record_harms_no_neighbour, {}),
    (LetsOneRecordSinkThePage, source.test_an_unreadable_record_harms_no_neighbour, {}),
    (QuotesWhatItCannotRead, source.test_trouble_names_no_value, {}),
    (LosesACent, source.test_a_report_comes_whole_and_to_the_cent, {}),
    (InventsAnApproval, source.test_an_approval_claims_no_more_evidence_than_the_manifest, {}),
    (ClaimsOnlyTheFirst, source.test_claims_are_answered_one_each_in_order, {}),
    (ClaimsNothingAtAll, source.test_a_claimed_report_is_ours_and_comes_no_more, {}),
    (ClaimsNothingAtAll, source.test_claiming_again_says_so_and_harms_nothing, {}),
    (ClaimsNothingAtAll, source.test_what_does_not_exist_is_refused_and_harms_no_neighbour, {}),
    (ClaimsNothingAtAll, source.test_no_claim_is_sent_without_a_token, {}),
    (
        TakesRecalledForClaimedBefore,
        source.test_a_report_recalled_between_reading_and_claiming_is_not_ours,
        {},
    ),
    (TakesALostClaimForClaimed, source.test_a_claim_in_trouble_can_be_made_again, LOST),
    (
        TakesALostClaimForClaimed,
        source.test_a_claim_in_trouble_can_be_made_again,
        {"trouble": "throttled"},
    ),
    (ClaimsTwiceAtOnce, source.test_claims_are_answered_one_each_in_order, {}),
    (ClaimsTwiceAtOnce, source.test_a_claim_in_trouble_can_be_made_again, LOST),
    (CallsRefusalsAcceptance, sink.test_a_refusal_is_final_and_stops_nobody_else, {}),
    (CallsARepeatARefusal, sink.test_telling_twice_counts_as_told_and_shows_once, {}),
    (
        CallsARepeatARefusal,
        sink.test_in_trouble_the_rest_waits_and_is_told_once_in_the_end,
        LOST,
    ),
    (LetsARefusalEndTheBatch, sink.test_a_refusal_is_final_and_stops_nobody_else, {}),
    (SaysNothingOfReversals, sink.test_a_reversed_payment_is_told_and_may_be_paid_again, {}),
    (KeepsTheReasonToItself, sink.test_a_failure_reaches_the_processor_with_its_reason, {}),
    (TellsEachAttemptAnew, sink.test_telling_twice_counts_as_told_and_shows_once, {}),
    (
        TakesALostAnswerForYes,
        sink.test_in_trouble_the_rest_waits_and_is_told_once_in_the_end,
        {"trouble": "refused"},
    ),
    (TakesALostAnswerForYes, sink.test_nothing_is_told_without_a_token, {}),
]
# What a rule says when it is broken: its own assertion, an error it did not expect, or none where
# it expected one.
BROKEN = (AssertionError, ConnectorError, pytest.fail.Exception)


@pytest.mark.parametrize(
    ("sabotage", "rule", "given"),
    [
        pytest.param(*bite, id=f"{bite[0].__name__}-{bite[1].__name__.removeprefix('test_')}")
        for bite in BITES
    ],
)
async def test_a_sabotaged_connector_fails_the_rule(
    sabotage: type[Sabotaged], rule: Callable[..., Awaitable[None]], given: dict[str, Any]
) -> None:
    with pytest.raises(BROKEN):
        await rule(SabotagedWorld(sabotage), **given)
    # The rule is not simply impossible: the good connector keeps it.
    await rule(ConcurWorld(), **given)


@pytest.mark.parametrize(
    "rule",
    [
        source.test_nothing_is_read_without_a_token,
        source.test_no_claim_is_sent_without_a_token,
        sink.test_nothing_is_told_without_a_token,
    ],
)
async def test_a_connector_that_ignores_its_budget_fails(
    rule: Callable[..., Awaitable[None]],
) -> None:
    with pytest.raises(BROKEN):
        await rule(SabotagedWorld(lambda good: good, unlimited=True))
