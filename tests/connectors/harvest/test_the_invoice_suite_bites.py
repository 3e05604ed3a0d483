"""The suite of invoice status is no decoration: each way to get it wrong fails a rule's test."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from connectors.base.capabilities import Acknowledged, InvoiceNews, InvoiceStep
from connectors.base.errors import ConnectionConfigError, ConnectorError, RejectedError
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.conformance.invoice_status import (
    InvoiceHttpContract,
    InvoiceRefusalContract,
    InvoiceStatusContract,
)
from connectors.harvest import Harvest
from connectors.harvest.invoice_books import InvoiceBooks
from connectors.harvest.invoice_telling import InvoiceTelling
from tests.connectors.harvest.world import HarvestWorld

News = Sequence[InvoiceNews]
Answers = Sequence[Acknowledged]


class Sabotaged:
    """A connector that does as Harvest's does, but for what a subclass spoils."""

    def __init__(self, good: Harvest) -> None:
        self.good = good
        self.manifest = good.manifest

    async def tell_invoices(self, news: News) -> Answers:
        return await self.good.tell_invoices(news)


class ForgetsWhatItTold(Sabotaged):
    """Looks nothing up: every step is a new one."""

    _made = count()

    def __init__(self, good: Harvest) -> None:
        super().__init__(good)
        self._own = next(self._made)

    async def tell_invoices(self, news: News) -> Answers:
        again = [
            replace(each, id=f"{each.id}#{self._own}") if each.amount else each for each in news
        ]
        answers = await self.good.tell_invoices(again)
        return [replace(a, source_id=n.id) for a, n in zip(answers, news, strict=False)]


class TellsLastFirst(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        return list(reversed(await self.good.tell_invoices(list(reversed(news)))))


class LetsARefusalEndTheBatch(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        answers = await self.good.tell_invoices(news)
        if not all(each.accepted for each in answers):
            raise RejectedError("refused")
        return answers


class StopsAtARefusal(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        told: list[Acknowledged] = []
        for each in news:
            told += await self.good.tell_invoices([each])
            if not told[-1].accepted:
                break
        return told


class CallsRefusalsAcceptance(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        answers = await self.good.tell_invoices(news)
        return [Acknowledged(each.source_id, accepted=True) for each in answers]


class RefusesWithoutACode(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        answers = await self.good.tell_invoices(news)
        return [each if each.accepted else replace(each, code="") for each in answers]


class RefusesWhatItToldBefore(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        answers = await self.good.tell_invoices(news)
        return [replace(each, accepted=each.code != "told_before") for each in answers]


class AnswersByNumber(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        answers = await self.good.tell_invoices(news)
        return [replace(a, source_id=n.number) for a, n in zip(answers, news, strict=False)]


class LeavesDrafts(Sabotaged):
    """Says yes as soon as the invoice is made."""

    async def tell_invoices(self, news: News) -> Answers:
        create = self.good._client.create

        async def no_messages(path: str, body: Any, kind: Any) -> Any:
            return None if path.endswith("/messages") else await create(path, body, kind)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.good._client, "create", no_messages)
            return await self.good.tell_invoices(news)


class TellsTheNetAmount(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        return await self.good.tell_invoices([replace(each, total=None) for each in news])


class IgnoresReversals(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        told: list[Acknowledged] = []
        for each in news:
            if each.step is InvoiceStep.PAYMENT_REVERSED:
                told.append(Acknowledged(each.id, accepted=True))
            else:
                told += await self.good.tell_invoices([each])
        return told


class TakesAllPaymentsBack(Sabotaged):
    """Forgets that a part of a payment may stay."""

    async def tell_invoices(self, news: News) -> Answers:
        whole = [
            replace(each, amount=each.amount.model_copy(update={"amount": each.amount.amount * 2}))
            if each.step is InvoiceStep.PAYMENT_REVERSED and each.amount
            else each
            for each in news
        ]
        return await self.good.tell_invoices(whole)


class HidesCredits(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        told: list[Acknowledged] = []
        for each in news:
            if each.step is InvoiceStep.CREDITED:
                told.append(Acknowledged(each.id, accepted=True))
            else:
                told += await self.good.tell_invoices([each])
        return told


class PaysWithoutLooking(Sabotaged):
    """Records payments and takes them back without looking what was told before."""

    async def tell_invoices(self, news: News) -> Answers:
        answers: list[Acknowledged] = []
        for each in news:
            if each.amount is None or each.step is InvoiceStep.PAYMENT_REVERSED:
                answers += await self.good.tell_invoices([each])
                continue

            async def none(*_: object) -> list[Any]:
                return []

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(InvoiceBooks, "payments", none)
                answers += await self.good.tell_invoices([each])
        return answers


class TakesALostAnswerForAYes(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        answers = await self.good.tell_invoices(news)
        rest = [Acknowledged(each.id, accepted=True) for each in news[len(answers) :]]
        return [*answers, *rest]


class TriesTwice(Sabotaged):
    """Repeats at once what met trouble; what had been planned to go wrong has gone by then."""

    async def tell_invoices(self, news: News) -> Answers:
        answers = await self.good.tell_invoices(news)
        return [*answers, *await self.good.tell_invoices(news[len(answers) :])]


class SkipsWhatMetTrouble(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        told: list[Acknowledged] = []
        for each in news:
            told += await self.good.tell_invoices([each])
        return told


class SwallowsBadCredentials(Sabotaged):
    async def tell_invoices(self, news: News) -> Answers:
        with suppress(ConnectionConfigError):
            return await self.good.tell_invoices(news)
        return []


class SabotagedWorld(HarvestWorld):
    """The good world, with a bad connector in it."""

    def __init__(self, spoil: Callable[[Harvest], Any], *, unlimited: bool = False) -> None:
        super().__init__()
        self._spoil = spoil
        self._unlimited = unlimited

    def invoice_sink(self, budget: RateBudget | None = None, *, secret: str | None = None) -> Any:
        return self._spoil(
            super().invoice_sink(Unlimited() if self._unlimited else budget, secret=secret)
        )


status, refusal, http = InvoiceStatusContract(), InvoiceRefusalContract(), InvoiceHttpContract()
Rule = Callable[..., Awaitable[None]]
BITES: list[tuple[type[Sabotaged], Rule, dict[str, Any]]] = [
    (ForgetsWhatItTold, status.test_a_step_told_again_is_accepted_and_changes_nothing, {"step": 1}),
    (ForgetsWhatItTold, status.test_a_step_told_again_is_accepted_and_changes_nothing, {"step": 3}),
    (ForgetsWhatItTold, status.test_everything_told_again_changes_nothing, {}),
    (ForgetsWhatItTold, status.test_a_payment_told_again_after_it_bounced_stays_taken_back, {}),
    (
        ForgetsWhatItTold,
        http.test_whichever_answer_is_lost_a_step_told_again_is_shown_once,
        {"step": 1},
    ),
    (PaysWithoutLooking, status.test_everything_told_again_changes_nothing, {}),
    (TellsLastFirst, status.test_after_each_step_it_shows_what_the_erp_says, {"told": 2}),
    (AnswersByNumber, status.test_after_each_step_it_shows_what_the_erp_says, {"told": 2}),
    (LeavesDrafts, status.test_an_issued_invoice_is_shown_once_by_the_erps_number_and_total, {}),
    (TellsTheNetAmount, status.test_after_each_step_it_shows_what_the_erp_says, {"told": 1}),
    (IgnoresReversals, status.test_after_each_step_it_shows_what_the_erp_says, {"told": 4}),
    (IgnoresReversals, status.test_steps_told_one_by_one_come_to_the_same, {}),
    (TakesAllPaymentsBack, status.test_after_each_step_it_shows_what_the_erp_says, {"told": 5}),
    (HidesCredits, status.test_a_credit_that_cannot_be_shown_is_a_refusal_with_a_code, {}),
    (HidesCredits, status.test_invoices_do_not_mix, {}),
    (
        RefusesWhatItToldBefore,
        status.test_a_step_told_again_is_accepted_and_changes_nothing,
        {"step": 0},
    ),
    (LetsARefusalEndTheBatch, refusal.test_a_refusal_is_final_and_stops_nobody_else, {}),
    (StopsAtARefusal, refusal.test_a_refusal_is_final_and_stops_nobody_else, {}),
    (StopsAtARefusal, refusal.test_what_follows_a_refused_invoice_is_refused_too, {}),
    (CallsRefusalsAcceptance, refusal.test_a_refusal_is_final_and_stops_nobody_else, {}),
    (RefusesWithoutACode, refusal.test_a_refusal_is_final_and_stops_nobody_else, {}),
    (
        TakesALostAnswerForAYes,
        http.test_whichever_answer_is_lost_a_step_told_again_is_shown_once,
        {"step": 0},
    ),
    (
        TakesALostAnswerForAYes,
        http.test_a_budget_that_ends_in_the_middle_of_a_step_is_not_exceeded_and_loses_nothing,
        {"step": 1},
    ),
    (
        TriesTwice,
        http.test_whichever_answer_is_lost_a_step_told_again_is_shown_once,
        {"step": 0},
    ),
    *(
        (bad, http.test_trouble_ends_the_batch_and_the_rest_waits, {"trouble": "lost"})
        for bad in (TriesTwice, SkipsWhatMetTrouble)
    ),
    (SwallowsBadCredentials, http.test_bad_credentials_are_for_an_operator, {}),
]
BROKEN = (AssertionError, ConnectorError, pytest.fail.Exception)


@pytest.mark.parametrize(
    ("sabotage", "rule", "given"),
    [
        pytest.param(*bite, id=f"{bite[0].__name__}-{bite[1].__name__.removeprefix('test_')}")
        for bite in BITES
    ],
)
async def test_a_sabotaged_connector_fails_the_rule(
    sabotage: type[Sabotaged], rule: Rule, given: dict[str, Any]
) -> None:
    with pytest.raises(BROKEN):
        await rule(SabotagedWorld(sabotage), **given)
    # The rule is not simply impossible: the good connector keeps it.
    await rule(HarvestWorld(), **given)


async def test_a_connector_that_ignores_its_budget_fails() -> None:
    rule = http.test_a_budget_that_ends_in_the_middle_of_a_step_is_not_exceeded_and_loses_nothing
    with pytest.raises(BROKEN):
        await rule(SabotagedWorld(lambda good: good, unlimited=True), 1)


async def test_a_connector_that_remembers_instead_of_looking_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was told is known to one process only, so that another tells it again."""
    told: WeakKeyDictionary[InvoiceTelling, set[str]] = WeakKeyDictionary()
    tell = InvoiceTelling.tell

    async def remembering(self: InvoiceTelling, news: News) -> tuple[Acknowledged, ...]:
        known = told.setdefault(self, set())
        fresh = [each for each in news if each.id not in known]
        answers = {each.source_id: each for each in await tell(self, fresh)}
        known |= answers.keys()
        return tuple(answers.get(each.id, Acknowledged(each.id, accepted=True)) for each in news)

    async def no_payments(*_: object) -> list[Any]:
        return []

    monkeypatch.setattr(InvoiceTelling, "tell", remembering)
    monkeypatch.setattr(InvoiceBooks, "payments", no_payments)
    world = HarvestWorld()
    with pytest.raises(BROKEN):
        await status.test_a_step_told_again_is_accepted_and_changes_nothing(world, 1)
