"""Harvest told of invoices: what people see there, who gets no mail, and what is refused."""

from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.capabilities import InvoiceNews
from connectors.base.errors import ConnectionConfigError
from connectors.conformance.http_contract import Tokens
from connectors.conformance.invoice_status import (
    NUMBER,
    credit,
    euro,
    issued,
    life,
    payment,
    reversal,
    settlement,
)
from connectors.harvest.invoice_mapping import mark
from connectors.harvest.simulated_invoice_bodies import InvoiceChange, NewInvoice, NewPayment
from connectors.harvest.simulated_state import (
    Quirks,
    SimulatedClient,
    SimulatedInvoice,
    SimulatedMasters,
)
from tests.connectors.harvest.world import STUDIO, HarvestWorld


async def codes(world: HarvestWorld, *news: InvoiceNews) -> list[tuple[bool, str]]:
    """Tell with a connector that remembers nothing, and give what it answered."""
    answers = await world.connect().tell_invoices(news)
    assert [each.source_id for each in answers] == [each.id for each in news]
    return [(each.accepted, each.code) for each in answers]


def the_invoice(world: HarvestWorld) -> SimulatedInvoice:
    (invoice,) = world.account.invoices.invoices
    return invoice


def by_hand(world: HarvestWorld, number: str = NUMBER, notes: str | None = None) -> int:
    """An invoice that somebody made in Harvest."""
    body = NewInvoice(client_id=STUDIO, number=number, notes=notes)
    return world.account.invoices.create(body, Quirks()).id


async def test_people_see_the_invoice_as_the_erp_has_it(world: HarvestWorld) -> None:
    assert await codes(world, issued("Studio")) == [(True, "accepted")]
    invoice = the_invoice(world)
    assert (invoice.client_id, invoice.number, invoice.currency) == (STUDIO, NUMBER, "EUR")
    assert (invoice.issue_date.isoformat(), invoice.due_date.isoformat()) == (
        "2026-01-31",
        "2026-03-02",
    )
    assert (invoice.state, invoice.amount) == ("open", Decimal("119.00"))
    assert [(one.quantity, one.unit_price) for one in invoice.line_items] == [
        (2, Decimal("25.00")),
        (1, Decimal("33.33")),
        (1, Decimal("16.67")),
        (1, Decimal("19.00")),
    ]
    assert invoice.sent_at == world.now


async def test_an_invoice_in_another_currency_than_its_clients_keeps_its_own(
    world: HarvestWorld,
) -> None:
    await codes(world, issued("Acme"))
    assert the_invoice(world).currency == "EUR"


async def test_customers_get_no_mail_from_harvest(world: HarvestWorld) -> None:
    invoice = issued("Studio")
    await codes(world, invoice, settlement(invoice, "119.00"))
    assert the_invoice(world).state == "paid"
    assert world.account.invoices.mails == 0


async def test_a_paid_invoice_is_paid_and_one_whose_payment_bounced_is_open_again(
    world: HarvestWorld,
) -> None:
    invoice = issued("Studio")
    news = [
        invoice,
        payment(invoice, "first", "19.00"),
        settlement(invoice, "119.00"),
        reversal(invoice, "bounced", "100.00"),
    ]
    states = []
    for each in news:
        await codes(world, each)
        states.append((the_invoice(world).state, the_invoice(world).due_amount))
    assert states == [
        ("open", Decimal("119.00")),
        ("open", Decimal("100.00")),
        ("paid", Decimal("0.00")),
        ("open", Decimal("100.00")),
    ]


async def test_a_credit_lowers_what_is_due_and_closes_it_with_the_last_payment(
    world: HarvestWorld,
) -> None:
    invoice = issued("Studio")
    await codes(world, invoice, credit(invoice, "-30.00"))
    assert the_invoice(world).due_amount == Decimal("89.00")
    await codes(world, settlement(invoice, "89.00"))
    assert the_invoice(world).state == "paid"
    # The invoice itself told again is still the one that was told before.
    assert await codes(world, invoice) == [(True, "told_before")]


async def test_a_credit_of_more_than_is_due_is_refused_and_nothing_is_changed(
    world: HarvestWorld,
) -> None:
    invoice = issued("Studio")
    await codes(world, invoice, settlement(invoice, "119.00"))
    before = the_invoice(world)
    assert await codes(world, credit(invoice, "-0.01")) == [(False, "credit_beyond_due")]
    assert the_invoice(world) == before


async def test_a_draft_that_an_earlier_attempt_left_is_sent_and_not_made_again(
    world: HarvestWorld,
) -> None:
    world.network.let_pass(3)  # The clients, the client's invoices, the draft.
    world.network.refuse_next()
    assert list(await world.connect().tell_invoices([issued("Studio")])) == []
    assert the_invoice(world).state == "draft"
    assert await codes(world, issued("Studio")) == [(True, "accepted")]
    assert the_invoice(world).state == "open"


async def test_a_number_that_somebody_used_by_hand_is_not_ours(world: HarvestWorld) -> None:
    by_hand(world)
    assert await codes(world, issued("Studio")) == [(False, "number_taken")]
    assert the_invoice(world).state == "draft"


async def test_a_number_that_another_client_has_is_refused_by_harvest(world: HarvestWorld) -> None:
    by_hand(world)
    assert await codes(world, issued("Acme")) == [(False, "http_422")]


async def test_an_invoice_that_harvest_keeps_otherwise_stays_a_draft(world: HarvestWorld) -> None:
    world.misbehave(ignores_currency=True)
    assert await codes(world, issued("Acme")) == [(False, "not_kept")]
    assert (the_invoice(world).state, the_invoice(world).currency) == ("draft", "USD")
    assert await codes(world, issued("Acme")) == [(False, "not_kept")]


async def test_an_item_kind_that_the_account_does_not_have_is_refused(world: HarvestWorld) -> None:
    connector = world.connect(item_kind="Consulting")
    (answer,) = await connector.tell_invoices([issued("Studio")])
    assert (answer.accepted, answer.code) == (False, "http_422")
    assert world.account.invoices.invoices == ()


@pytest.mark.parametrize(
    ("clients", "code"),
    [
        ((), "unknown_customer"),
        ((("Halden", True),), "accepted"),
        ((("Halden", False),), "accepted"),
        ((("Halden", True), ("Halden", False)), "accepted"),
        ((("Halden", True), (" Halden ", True)), "ambiguous_customer"),
        ((("halden", True),), "unknown_customer"),
    ],
)
async def test_the_client_is_the_one_whom_masters_call_so(
    world: HarvestWorld, clients: tuple[tuple[str, bool], ...], code: str
) -> None:
    made = tuple(
        SimulatedClient(id=100 + n, name=name, is_active=active)
        for n, (name, active) in enumerate(clients)
    )
    world.account.put(SimulatedMasters(clients=made))
    assert await codes(world, issued("Halden")) == [(code == "accepted", code)]
    if code == "accepted":
        assert the_invoice(world).client_id == 100
        assert "Halden" in {each.code for each in (await world.connect().masters()).customers}


async def test_a_code_in_the_clients_name_is_the_customers(world: HarvestWorld) -> None:
    made = (
        SimulatedClient(id=101, name="CUST-001 Halden AG"),
        SimulatedClient(id=102, name="CUST-0012 Halden AG"),
    )
    world.account.put(SimulatedMasters(clients=made))
    assert await codes(world, issued("CUST-001")) == [(True, "accepted")]
    assert the_invoice(world).client_id == 101
    codes_read = {each.id: each.code for each in (await world.connect().masters()).customers}
    assert (codes_read["101"], codes_read[str(STUDIO)]) == ("CUST-001", "Studio")


async def test_what_is_paid_of_an_invoice_that_harvest_does_not_have_is_refused(
    world: HarvestWorld,
) -> None:
    news = life("Studio")[1:]
    assert await codes(world, *news) == [(False, "unknown_invoice")] * len(news)


@pytest.mark.parametrize("wrong", ["none", "nothing", "below nothing", "currency"])
async def test_a_payment_that_says_too_little_is_refused(world: HarvestWorld, wrong: str) -> None:
    invoice = issued("Studio")
    paid = payment(invoice, "first", "50.00")
    spoiled, code = {
        "none": (replace(paid, amount=None), "no_amount"),
        "nothing": (replace(paid, amount=euro("0.00")), "no_amount"),
        "below nothing": (replace(paid, amount=euro("-1.00")), "no_amount"),
        "currency": (
            replace(paid, amount=euro("1.00").model_copy(update={"currency": "USD"})),
            "other_currency",
        ),
    }[wrong]
    assert await codes(world, invoice, spoiled) == [(True, "accepted"), (False, code)]
    assert the_invoice(world).payments == ()


async def test_what_people_recorded_by_hand_counts_when_all_is_paid(world: HarvestWorld) -> None:
    invoice = issued("Studio")
    await codes(world, invoice)
    theirs = NewPayment(amount=Decimal("19.00"), notes="cheque", send_thank_you=False)
    world.account.invoices.pay(the_invoice(world).id, theirs)
    assert await codes(world, settlement(invoice, "119.00")) == [(True, "accepted")]
    assert [one.amount for one in the_invoice(world).payments] == [Decimal("19.00"), 100]
    assert the_invoice(world).state == "paid"
    assert await codes(world, settlement(invoice, "119.00", "again")) == [(True, "told_before")]


async def test_a_payment_without_a_day_is_of_the_day_on_which_harvest_is_told(
    world: HarvestWorld,
) -> None:
    invoice = issued("Studio")
    paid = replace(payment(invoice, "first", "50.00"), on_date=None)
    assert await codes(world, invoice, paid) == [(True, "accepted")] * 2
    (kept,) = the_invoice(world).payments
    assert kept.paid_date == world.now.date()


async def test_a_credit_that_is_none_is_refused(world: HarvestWorld) -> None:
    invoice = issued("Studio")
    answers = await codes(world, invoice, credit(invoice, "30.00"))
    assert answers[1] == (False, "no_credit")


async def test_payments_that_people_recorded_are_left_alone(world: HarvestWorld) -> None:
    invoice = issued("Studio")
    await codes(world, invoice)
    theirs = NewPayment(amount=Decimal("50.00"), notes="cheque", send_thank_you=False)
    kept = [world.account.invoices.pay(the_invoice(world).id, theirs) for _ in range(2)]
    assert await codes(world, reversal(invoice, "bounced", "50.00")) == [(False, "no_such_payment")]
    assert list(the_invoice(world).payments) == kept


async def test_the_notes_say_which_payments_were_taken_back(world: HarvestWorld) -> None:
    invoice = issued("Studio")
    await codes(world, invoice, payment(invoice, "first", "50.00"))
    (paid,) = the_invoice(world).payments
    await codes(world, reversal(invoice, "bounced", "20.00"))
    assert (the_invoice(world).notes or "").splitlines() == [
        mark(f"invoice LREF{NUMBER}"),
        f"Taken back, Ledgerway reversal {NUMBER}/bounced: "
        f"#{paid.id} [Ledgerway {NUMBER}/first]; 30.00 stays paid since 2026-02-12",
    ]
    (left,) = the_invoice(world).payments
    assert (left.amount, left.paid_date) == (Decimal("30.00"), paid.paid_date)


async def test_a_reversal_whose_rest_bounced_too_stays_taken_back(world: HarvestWorld) -> None:
    invoice = issued("Studio")
    part = reversal(invoice, "in part", "20.00")
    news = [invoice, payment(invoice, "first", "50.00"), part, reversal(invoice, "rest", "30.00")]
    await codes(world, *news)
    assert the_invoice(world).payments == ()
    assert await codes(world, part) == [(True, "told_before")]
    assert the_invoice(world).payments == ()


async def test_a_reversal_that_died_between_two_removals_is_finished_not_begun_again(
    world: HarvestWorld,
) -> None:
    invoice = issued("Studio")
    both = reversal(invoice, "both", "90.00")
    await codes(world, invoice, *(payment(invoice, f"p{n}", "40.00") for n in range(3)))
    world.network.let_pass(5)  # Clients, invoices, payments, the notes, one removal.
    world.network.refuse_next()
    assert list(await world.connect().tell_invoices([both])) == []
    assert the_invoice(world).paid == Decimal("80.00")
    # Meanwhile somebody pays by hand, and is none of our business.
    theirs = NewPayment(amount=Decimal("7.00"), send_thank_you=False)
    world.account.invoices.pay(the_invoice(world).id, theirs)
    assert await codes(world, both) == [(True, "accepted")]
    assert the_invoice(world).paid == Decimal("37.00")


async def test_a_payment_that_came_through_twice_is_one_again_when_next_told_of(
    world: HarvestWorld,
) -> None:
    invoice = issued("Studio")
    first = payment(invoice, "first", "50.00")
    await codes(world, invoice, first)
    late = NewPayment(amount=Decimal("50.00"), notes=mark(first.id), send_thank_you=False)
    world.account.invoices.pay(the_invoice(world).id, late)
    assert await codes(world, settlement(invoice, "119.00")) == [(True, "accepted")]
    assert (the_invoice(world).paid, the_invoice(world).state) == (Decimal("119.00"), "paid")


async def test_an_edit_that_harvest_refuses_leaves_the_payment_where_it_is(
    world: HarvestWorld,
) -> None:
    invoice = issued("Studio")
    world.misbehave(refuses_changes_when_paid=True)
    await codes(world, invoice, settlement(invoice, "119.00"))
    answers = await codes(world, reversal(invoice, "bounced", "119.00"))
    assert answers == [(False, "http_422")]
    assert the_invoice(world).paid == Decimal("119.00")


async def test_notes_that_somebody_rewrote_are_left_to_people(world: HarvestWorld) -> None:
    invoice = issued("Studio")
    bounced = reversal(invoice, "bounced", "50.00")
    await codes(world, invoice, payment(invoice, "first", "50.00"))
    spoiled = InvoiceChange(notes=f"Taken back, Ledgerway reversal {bounced.id}: ask Kim")
    world.account.invoices.change(the_invoice(world).id, spoiled, Quirks())
    assert await codes(world, bounced) == [(False, "notes_were_changed")]
    assert the_invoice(world).paid == Decimal("50.00")


async def test_an_invoice_that_goes_while_it_is_paid_is_unknown(world: HarvestWorld) -> None:
    invoice = issued("Studio")
    await codes(world, invoice)
    world.network.let_pass(2)
    world.network.answer_next(404)
    answers = await codes(world, payment(invoice, "first", "50.00"))
    assert answers == [(False, "unknown_invoice")]


async def test_a_missing_permission_is_for_an_operator_unless_something_was_told(
    world: HarvestWorld,
) -> None:
    world.network.let_pass(1)
    world.network.answer_next(403)
    with pytest.raises(ConnectionConfigError):
        await world.connect().tell_invoices([issued("Studio")])
    world.network.let_pass(4)
    world.network.answer_next(401)
    two = [issued("Studio", "INV-1"), issued("Acme", "INV-2")]
    assert [each.source_id for each in await world.connect().tell_invoices(two)] == [two[0].id]


async def test_an_answer_that_cannot_be_read_is_told_again_and_found(world: HarvestWorld) -> None:
    system = world.network._system

    class Garbled(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await system.handle_async_request(request)
            garbled = request.method == "POST"
            return httpx.Response(answer.status_code, content=b"{]") if garbled else answer

    world.network._system = Garbled()
    assert list(await world.connect().tell_invoices([issued("Studio")])) == []
    world.network._system = system
    assert await codes(world, issued("Studio")) == [(True, "accepted")]


MOVES = st.lists(
    # How much moves, whether it is paid or taken back, and which answer is lost on the way.
    st.tuples(st.integers(1, 3), st.booleans(), st.integers(0, 9)),
    min_size=1,
    max_size=7,
)


@settings(max_examples=40, deadline=None)
@given(MOVES)
async def test_whatever_is_paid_and_taken_back_in_any_order_the_sum_is_the_erps(
    moves: list[tuple[int, bool, int]],
) -> None:
    world = HarvestWorld()
    world.misbehave(rate_limit_calls=1_000_000)
    invoice = issued("Studio")
    await codes(world, invoice)
    paid, told = Decimal(0), [invoice]
    for number, (tens, back, lost) in enumerate(moves):
        amount = Decimal(10 * tens)
        possible = not back or amount <= paid
        step = (reversal if back else payment)(invoice, f"move {number}", f"{amount}.00")
        world.network.let_pass(lost)
        world.network.lose_next_answer()
        answers = await world.connect().tell_invoices([step])
        world.network.forget_plans()
        (answer,) = answers or await world.connect().tell_invoices([step])
        assert answer.accepted is possible
        if possible:
            told.append(step)
            paid += -amount if back else amount
        assert the_invoice(world).paid == paid
    before = the_invoice(world)
    assert await codes(world, *told) == [(True, "told_before")] * len(told)
    assert the_invoice(world) == before


async def test_a_batch_reads_each_clients_invoices_once(world: HarvestWorld) -> None:
    news = [issued("Studio", f"INV-{n}") for n in range(10)]
    connector = world.connect(Tokens(), page_size=2000)
    assert all(each.accepted for each in await connector.tell_invoices(news))
    assert [request.method for request in world.network.requests] == ["GET"] * 2 + ["POST"] * 20


async def test_a_payment_on_the_second_page_is_found(world: HarvestWorld) -> None:
    invoice = issued("Studio")
    paid = [payment(invoice, f"p{n}", "10.00") for n in range(2 * world.page_size + 1)]
    await codes(world, invoice, *paid)
    assert await codes(world, *paid) == [(True, "told_before")] * len(paid)
    assert the_invoice(world).paid == Decimal("70.00")


async def test_what_harvest_was_told_survives_a_restart_of_the_simulator(
    world: HarvestWorld,
) -> None:
    await codes(world, *life("Studio"))
    kept = world.account.state()
    again = HarvestWorld(type(kept).model_validate_json(kept.model_dump_json()))
    assert again.shown_invoices() == world.shown_invoices()
    assert await codes(again, life("Studio")[-1]) == [(True, "told_before")]
    assert await codes(again, issued("Studio", "INV-NEW")) == [(True, "accepted")]
    ids = [one.id for one in again.account.invoices.invoices]
    assert len(set(ids)) == len(ids)
