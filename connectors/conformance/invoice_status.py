"""What every system that is told of invoices keeps to: in order, once each, refusals are final."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

import pytest

from canonical.money import Money
from connectors.base.capabilities import (
    Acknowledged,
    InvoiceNews,
    InvoiceNewsLine,
    InvoiceStatusSink,
    InvoiceStep,
)
from connectors.base.errors import ConnectionConfigError
from connectors.base.level import Level
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import FaultyNetwork, Tokens
from connectors.conformance.levels import at, rules_at

ISSUED_ON: Final = date(2026, 1, 31)
PAID_ON: Final = date(2026, 2, 12)
NUMBER: Final = "INV-2026-0007"
_ACCEPTED: Final = Acknowledged("", accepted=True).code


@dataclass(frozen=True, slots=True)
class ShownInvoice:
    """One invoice as the system shows it to its people. `total` is what was issued, with tax."""

    number: str
    issued: bool
    total: Decimal
    paid: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)


class InvoiceStatusWorld(Protocol):
    """What a connector's tests provide: a system that can be told of invoices in EUR."""

    # The code of a customer that the system knows.
    customer: str
    # Whether a credit is shown, or refused because the system has no way to show it.
    shows_credits: bool

    def invoice_sink(
        self, budget: RateBudget | None = None, *, secret: str | None = None
    ) -> InvoiceStatusSink:
        """Make a connector that remembers nothing of an earlier one."""
        ...

    def shown_invoices(self) -> Sequence[ShownInvoice]:
        """Every invoice that the system shows, however it came there; one shown twice is two."""
        ...


class RefusingWorld(InvoiceStatusWorld, Protocol):
    """An `InvoiceStatusWorld` whose system looks at what it is told."""

    def unacceptable(self, news: InvoiceNews) -> InvoiceNews:
        """The same news, in a way that the system has to refuse."""
        ...


class InvoiceHttpWorld(InvoiceStatusWorld, Protocol):
    """An `InvoiceStatusWorld` whose system is reached over HTTP."""

    network: FaultyNetwork
    secret: str


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def issued(customer: str, number: str = NUMBER) -> InvoiceNews:
    """An invoice of hours, a fee and a cut line, with tax: 119.00 in all."""
    return InvoiceNews(
        id=f"{number}/issued",
        event=f"event-of-{number}",
        step=InvoiceStep.ISSUED,
        engagement="ENG-7",
        customer=customer,
        legal_entity="DE01",
        reference=f"LREF{number}"[:21],
        number=number,
        invoice_date=ISSUED_ON,
        due_date=date(2026, 3, 2),
        net=euro("100.00"),
        total=euro("119.00"),
        lines=(
            InvoiceNewsLine("Analysis", 2 * 3600, euro("50.00")),
            InvoiceNewsLine("Workshops, up to the cap", 5000, euro("33.33")),
            InvoiceNewsLine("Licence", 0, euro("16.67")),
        ),
    )


def payment(invoice: InvoiceNews, name: str, amount: str) -> InvoiceNews:
    """A part that was paid; `name` tells payments of one amount apart."""
    return _moved(invoice, InvoiceStep.PARTLY_PAID, name, amount)


def settlement(invoice: InvoiceNews, amount: str, name: str = "settled") -> InvoiceNews:
    """That nothing is open any more; `amount` is what was paid in all."""
    return _moved(invoice, InvoiceStep.PAID, name, amount)


def reversal(invoice: InvoiceNews, name: str, amount: str) -> InvoiceNews:
    """That a payment bounced, or a part of what was paid; the ERP no longer says when."""
    told = _moved(invoice, InvoiceStep.PAYMENT_REVERSED, name, amount)
    return replace(told, on_date=None)


def _moved(invoice: InvoiceNews, step: InvoiceStep, name: str, amount: str) -> InvoiceNews:
    told = f"{invoice.number}/{name}"
    return replace(
        invoice, id=told, step=step, lines=(), amount=euro(amount), on_date=PAID_ON, due_date=None
    )


def credit(invoice: InvoiceNews, amount: str) -> InvoiceNews:
    """A credit note for a part of an invoice; `amount` is with tax, and below nothing."""
    number = f"CN-{invoice.number}"
    net = Money.rounded(Decimal(amount) / Decimal("1.19"), "EUR")
    return replace(
        invoice,
        id=f"{number}/credited",
        event=f"event-of-{number}",
        step=InvoiceStep.CREDITED,
        reference=f"LREF{number}"[:21],
        number=number,
        invoice_date=PAID_ON,
        net=net,
        total=euro(amount),
        lines=(InvoiceNewsLine("Analysis", -3600, net),),
        credits=invoice.number,
    )


def life(customer: str, number: str = NUMBER) -> tuple[InvoiceNews, ...]:
    """All that may happen to one invoice: two payments alike, one of them bounced, and so on."""
    invoice = issued(customer, number)
    return (
        invoice,
        payment(invoice, "first", "50.00"),
        payment(invoice, "second", "50.00"),
        reversal(invoice, "bounced", "50.00"),
        reversal(invoice, "bounced in part", "20.00"),
        credit(invoice, "-30.00"),
        settlement(invoice, "89.00"),
    )


LIFE_STEPS: Final = range(len(life("")))


def should_show(news: Iterable[InvoiceNews], *, shows_credits: bool) -> ShownInvoice:
    """What the system has to show of one invoice after these steps, by the rules alone."""
    shown: ShownInvoice | None = None
    for each in news:
        if each.step is InvoiceStep.ISSUED:
            total = (each.total or each.net).amount
            shown = ShownInvoice(each.number, issued=True, total=total)
            continue
        assert shown is not None, "an invoice is issued before anything else happens to it"
        moved = each.amount.amount if each.amount else Decimal(0)
        match each.step:
            case InvoiceStep.PARTLY_PAID:
                shown = replace(shown, paid=shown.paid + moved)
            case InvoiceStep.PAID:
                shown = replace(shown, paid=moved)
            case InvoiceStep.PAYMENT_REVERSED:
                shown = replace(shown, paid=shown.paid - moved)
            case InvoiceStep.CREDITED if shows_credits:
                shown = replace(shown, credited=shown.credited - (each.total or each.net).amount)
            case InvoiceStep.CREDITED:
                pass
    assert shown is not None, "nothing was issued"
    return shown


@rules_at(Level.WRITES)
class InvoiceStatusContract:
    """Inherit it with a fixture `world`: an `InvoiceStatusWorld`, new for each test."""

    async def test_an_issued_invoice_is_shown_once_by_the_erps_number_and_total(
        self, world: InvoiceStatusWorld
    ) -> None:
        answers = await world.invoice_sink().tell_invoices([issued(world.customer)])
        assert _accepted(answers) == [f"{NUMBER}/issued"]
        assert list(world.shown_invoices()) == [
            ShownInvoice(NUMBER, issued=True, total=Decimal("119.00"))
        ]

    @pytest.mark.parametrize("told", [step + 1 for step in LIFE_STEPS])
    async def test_after_each_step_it_shows_what_the_erp_says(
        self, world: InvoiceStatusWorld, told: int
    ) -> None:
        news = life(world.customer)[:told]
        answers = await world.invoice_sink().tell_invoices(news)
        assert [each.source_id for each in answers] == [each.id for each in news]
        _keeps(world, news, answers)

    async def test_steps_told_one_by_one_come_to_the_same(self, world: InvoiceStatusWorld) -> None:
        news = life(world.customer)
        answers = [
            answer for each in news for answer in await world.invoice_sink().tell_invoices([each])
        ]
        _keeps(world, news, answers)

    @at(Level.EXACTLY_ONCE)
    @pytest.mark.parametrize("step", LIFE_STEPS)
    async def test_a_step_told_again_is_accepted_and_changes_nothing(
        self, world: InvoiceStatusWorld, step: int
    ) -> None:
        news = life(world.customer)[: step + 1]
        first = await world.invoice_sink().tell_invoices(news)
        before = list(world.shown_invoices())
        again = await world.invoice_sink().tell_invoices(news[-1:])
        assert [(each.source_id, each.accepted) for each in again] == [
            (news[-1].id, first[-1].accepted)
        ]
        assert list(world.shown_invoices()) == before

    @at(Level.EXACTLY_ONCE)
    async def test_everything_told_again_changes_nothing(self, world: InvoiceStatusWorld) -> None:
        news = life(world.customer)
        await world.invoice_sink().tell_invoices(news)
        before = list(world.shown_invoices())
        again = await world.invoice_sink().tell_invoices(news)
        assert [each.source_id for each in again] == [each.id for each in news]
        assert list(world.shown_invoices()) == before

    @at(Level.EXACTLY_ONCE)
    async def test_a_payment_told_again_after_it_bounced_stays_taken_back(
        self, world: InvoiceStatusWorld
    ) -> None:
        invoice = issued(world.customer)
        paid = payment(invoice, "first", "50.00")
        news = [invoice, paid, reversal(invoice, "bounced", "50.00")]
        await world.invoice_sink().tell_invoices(news)
        answers = await world.invoice_sink().tell_invoices([paid])
        assert _accepted(answers) == [paid.id]
        (shown,) = world.shown_invoices()
        assert shown.paid == 0

    @at(Level.EXACTLY_ONCE)
    async def test_an_invoice_that_is_paid_again_after_its_payment_bounced_is_paid_once(
        self, world: InvoiceStatusWorld
    ) -> None:
        invoice = issued(world.customer)
        news = [
            invoice,
            settlement(invoice, "119.00"),
            reversal(invoice, "bounced", "119.00"),
            settlement(invoice, "119.00", "settled again"),
        ]
        answers = await world.invoice_sink().tell_invoices(news)
        _keeps(world, news, answers)
        again = await world.invoice_sink().tell_invoices(news)
        _keeps(world, news, again)

    async def test_a_credit_note_that_is_settled_shows_no_payment(
        self, world: InvoiceStatusWorld
    ) -> None:
        invoice = issued(world.customer)
        note = credit(invoice, "-30.00")
        await world.invoice_sink().tell_invoices([invoice, note])
        answers = await world.invoice_sink().tell_invoices([settlement(note, "0.00")])
        assert _accepted(answers) == [f"{note.number}/settled"]
        assert [each.paid for each in world.shown_invoices() if each.number == NUMBER] == [0]

    async def test_invoices_do_not_mix(self, world: InvoiceStatusWorld) -> None:
        one, two = life(world.customer, "INV-1"), life(world.customer, "INV-11")
        mixed = [each for pair in zip(one, two, strict=True) for each in pair]
        await world.invoice_sink().tell_invoices(mixed)
        shown = {each.number: each for each in world.shown_invoices()}
        assert shown == {
            news[0].number: should_show(news, shows_credits=world.shows_credits)
            for news in (one, two)
        }

    async def test_nothing_to_tell_is_nothing_told(self, world: InvoiceStatusWorld) -> None:
        assert list(await world.invoice_sink().tell_invoices([])) == []
        assert list(world.shown_invoices()) == []

    async def test_a_credit_that_cannot_be_shown_is_a_refusal_with_a_code(
        self, world: InvoiceStatusWorld
    ) -> None:
        invoice = issued(world.customer)
        news = [invoice, credit(invoice, "-30.00")]
        answers = await world.invoice_sink().tell_invoices(news)
        assert [each.accepted for each in answers] == [True, world.shows_credits]
        assert answers[1].code
        (shown,) = world.shown_invoices()
        assert shown.credited == (Decimal(30) if world.shows_credits else 0)


@rules_at(Level.WRITES)
class InvoiceRefusalContract:
    """Inherit it with a fixture `world`: a `RefusingWorld`, new for each test."""

    async def test_a_refusal_is_final_and_stops_nobody_else(self, world: RefusingWorld) -> None:
        refused = world.unacceptable(issued(world.customer, "INV-BAD"))
        good = [issued(world.customer, "INV-1"), issued(world.customer, "INV-2")]
        answers = await world.invoice_sink().tell_invoices([good[0], refused, good[1]])
        assert [(each.source_id, each.accepted) for each in answers] == [
            (good[0].id, True),
            (refused.id, False),
            (good[1].id, True),
        ]
        assert answers[1].code not in ("", _ACCEPTED)
        assert sorted(each.number for each in world.shown_invoices()) == ["INV-1", "INV-2"]

    async def test_what_follows_a_refused_invoice_is_refused_too(
        self, world: RefusingWorld
    ) -> None:
        refused = [world.unacceptable(each) for each in life(world.customer, "INV-BAD")]
        good = life(world.customer, "INV-1")
        answers = await world.invoice_sink().tell_invoices([*refused, *good])
        assert [each.accepted for each in answers[: len(refused)]] == [False] * len(refused)
        _keeps(world, good, answers[len(refused) :])


@rules_at(Level.EXACTLY_ONCE)
class InvoiceHttpContract:
    """Inherit it with a fixture `world`: an `InvoiceHttpWorld`, new for each test."""

    @pytest.mark.parametrize("step", LIFE_STEPS)
    async def test_whichever_answer_is_lost_a_step_told_again_is_shown_once(
        self, world: InvoiceHttpWorld, step: int
    ) -> None:
        lost = 0
        while True:
            news = life(world.customer, f"INV-{lost}")[: step + 1]
            before = list(await world.invoice_sink().tell_invoices(news[:-1]))
            world.network.let_pass(lost)
            world.network.lose_next_answer()
            answers = await world.invoice_sink().tell_invoices(news[-1:])
            met = world.network.forget_plans() == 0
            if met:
                assert list(answers) == [], "an answer that never came was taken for a yes or a no"
                answers = await world.invoice_sink().tell_invoices(news[-1:])
            _keeps(world, news, [*before, *answers])
            if not met:
                break
            lost += 1
        assert lost, "nothing was asked of the system"

    @pytest.mark.parametrize("step", LIFE_STEPS)
    async def test_a_budget_that_ends_in_the_middle_of_a_step_is_not_exceeded_and_loses_nothing(
        self, world: InvoiceHttpWorld, step: int
    ) -> None:
        calls = 0
        while True:
            news = life(world.customer, f"INV-{calls}")[: step + 1]
            before = list(await world.invoice_sink().tell_invoices(news[:-1]))
            asked = len(world.network.requests)
            answers = await world.invoice_sink(Tokens(calls)).tell_invoices(news[-1:])
            assert len(world.network.requests) - asked <= calls
            told = bool(answers)
            answers = answers or await world.invoice_sink().tell_invoices(news[-1:])
            _keeps(world, news, [*before, *answers])
            if told:
                break
            calls += 1
        assert calls, "a step was told without a token"

    @pytest.mark.parametrize("trouble", ["throttled", "failing", "lost", "refused"])
    async def test_trouble_ends_the_batch_and_the_rest_waits(
        self, world: InvoiceHttpWorld, trouble: str
    ) -> None:
        news = [issued(world.customer, f"INV-{number}") for number in range(3)]
        start = len(world.network.requests)
        await world.invoice_sink().tell_invoices(news[:1])
        for_one = len(world.network.requests) - start
        world.network.let_pass(for_one)
        match trouble:
            case "throttled":
                world.network.answer_next(429, {"Retry-After": "30"})
            case "failing":
                world.network.answer_next(500)
            case "lost":
                world.network.lose_next_answer()
            case _:
                world.network.refuse_next()
        told = await world.invoice_sink().tell_invoices(news)
        assert world.network.forget_plans() == 0
        assert len(told) < len(news)
        assert [each.source_id for each in told] == [each.id for each in news[: len(told)]]
        later = await world.invoice_sink().tell_invoices(news[len(told) :])
        assert all(each.accepted for each in (*told, *later))
        assert sorted(each.number for each in world.shown_invoices()) == ["INV-0", "INV-1", "INV-2"]

    async def test_bad_credentials_are_for_an_operator(self, world: InvoiceHttpWorld) -> None:
        sink = world.invoice_sink(secret="not-the-secret")
        with pytest.raises(ConnectionConfigError):
            await sink.tell_invoices([issued(world.customer)])


def _accepted(answers: Sequence[Acknowledged]) -> list[str]:
    assert all(each.accepted for each in answers), answers
    return [each.source_id for each in answers]


def _keeps(
    world: InvoiceStatusWorld, news: Sequence[InvoiceNews], answers: Sequence[Acknowledged]
) -> None:
    """All was accepted, but for a credit that cannot be shown; and the invoice shows just that."""
    assert [(each.source_id, each.accepted) for each in answers] == [
        (each.id, world.shows_credits or each.step is not InvoiceStep.CREDITED) for each in news
    ]
    number = news[0].number
    shown = [each for each in world.shown_invoices() if each.number == number]
    assert shown == [should_show(news, shows_credits=world.shows_credits)]
