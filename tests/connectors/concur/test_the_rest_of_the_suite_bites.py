"""The rules about pages, order and strangers are no decoration either: each has its saboteur."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any, ClassVar

import pytest

from canonical.expense import ExpenseReport
from connectors.base.capabilities import (
    Acknowledged,
    Claimed,
    ReportNews,
    ReportStep,
    SourcePage,
)
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.expense_source import (
    ExpenseReportSinkContract,
    ExpenseReportSourceContract,
)
from tests.connectors.concur.test_the_suite_bites import BROKEN, Sabotaged, SabotagedWorld
from tests.connectors.concur.world import ConcurWorld

Pages = AsyncIterator[SourcePage[ExpenseReport]]


class SwallowsABrokenPage(Sabotaged):
    async def spoiled_pages(self, pages: Pages) -> Pages:
        try:
            async for page in pages:
                yield page
        except TransientError:
            return


class AsksTwiceForAPage(Sabotaged):
    async def spoiled_pages(self, pages: Pages) -> Pages:
        try:
            yield await anext(pages)
        except TransientError:
            yield await anext(pages)


class AddsACentAtEachReading(Sabotaged):
    readings: ClassVar[Any] = count(1)

    def mended(self, report: ExpenseReport) -> ExpenseReport:
        more = Decimal(next(self.readings)) / 100
        items = tuple(
            item.model_copy(
                update={
                    "amount": item.amount.model_copy(update={"amount": item.amount.amount + more})
                }
            )
            for item in report.items
        )
        return report.model_copy(update={"items": items, "total": None})


class MakesUpEmployees(Sabotaged):
    def mended(self, report: ExpenseReport) -> ExpenseReport:
        return report.model_copy(update={"employee": "NOBODY"})

    async def masters(self) -> Any:
        return await self.good.masters()

    async def close(self) -> None:
        await self.good.close()


class GreetsBeforeItClaims(Sabotaged):
    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        await self.good.check()
        return await self.good.claim(source_ids)


class GreetsBeforeItTells(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        await self.good.check()
        return await self.good.tell(news)


class AnswersOutOfOrder(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        return list(await self.good.tell(news))[::-1]


class SaysNothingOfParts(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        kept = [each for each in news if each.step is not ReportStep.PARTLY_PAID]
        await self.good.tell(kept)
        return [Acknowledged(each.source_id, accepted=True) for each in news]


class TakesAFailureForPosted(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        return await self.good.tell([replace(each, step=ReportStep.POSTED) for each in news])


class SwallowsBadCredentials(Sabotaged):
    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        with suppress(ConnectionConfigError):
            return await self.good.tell(news)
        return []

    def expense_reports(self, since: Any) -> Pages:
        return self._quietly(super().expense_reports(since))

    async def _quietly(self, pages: Pages) -> Pages:
        with suppress(ConnectionConfigError):
            async for page in pages:
                yield page


source, sink = ExpenseReportSourceContract(), ExpenseReportSinkContract()
Rule = Callable[..., Awaitable[None]]
BITES: list[tuple[type[Sabotaged], Rule]] = [
    (SwallowsABrokenPage, source.test_a_broken_page_is_transient_and_shows_nothing_private),
    (AsksTwiceForAPage, source.test_a_lost_page_is_transient_and_was_one_attempt),
    (AddsACentAtEachReading, source.test_only_what_is_financial_changes_the_hash),
    (MakesUpEmployees, source.test_whoever_claims_a_report_is_among_the_employees),
    (GreetsBeforeItClaims, source.test_claiming_nothing_sends_nothing),
    (SwallowsBadCredentials, source.test_bad_credentials_are_for_an_operator),
    (AnswersOutOfOrder, sink.test_each_report_is_told_in_order),
    (SaysNothingOfParts, sink.test_the_way_of_the_money_is_told_step_by_step),
    (TakesAFailureForPosted, sink.test_a_failed_report_comes_again_once_it_was_mended),
    (GreetsBeforeItTells, sink.test_telling_nothing_sends_nothing),
    (SwallowsBadCredentials, sink.test_a_stranger_tells_nothing),
]


@pytest.mark.parametrize(
    ("sabotage", "rule"), BITES, ids=[f"{one.__name__}-{rule.__name__}" for one, rule in BITES]
)
async def test_a_sabotaged_connector_fails_the_rule(sabotage: type[Sabotaged], rule: Rule) -> None:
    # A world refuses, too, what cannot have come so far.
    with pytest.raises((*BROKEN, ValueError)):
        await rule(SabotagedWorld(sabotage))
    # The rule is not simply impossible: the good connector keeps it.
    await rule(ConcurWorld())
