"""Xero's masters, calendar and payments, as ours."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from canonical.expense_document import PaymentState
from canonical.masters import COST_CENTRE
from canonical.posting import Executed
from canonical.posting_period import PeriodState, PostingPeriod
from connectors.base.errors import ConnectionConfigError, RejectedError, TransientError
from connectors.xero.simulated_ledger import pay, unpay
from connectors.xero.simulated_state import (
    SimulatedContact,
    SimulatedMasters,
    SimulatedProject,
    SimulatedTask,
)
from tests.connectors.xero.firm import (
    CENTRES,
    CUSTOMER,
    OTHER_CUSTOMER,
    PEOPLE,
    PERSON,
    PROJECTS,
    TASKS,
    uid,
)
from tests.connectors.xero.world import BillWorld, SaleWorld, XeroWorld


class Careless:
    """A budget of somebody who does not count: Xero itself says when it is enough."""

    async def take(self, calls: int = 1) -> int:
        return 0

    async def pause(self, seconds: int) -> None:
        pass


async def test_masters_are_known_by_the_codes_that_people_use(world: XeroWorld) -> None:
    masters = await world.connect().masters()
    [entity] = masters.legal_entities
    assert (entity.id, entity.code, entity.currency) == (
        world.options().tenant_id,
        "FIRM-DE",
        "EUR",
    )
    assert {each.code: each.customer for each in masters.projects} == {
        "P-100": CUSTOMER,
        "P-200": OTHER_CUSTOMER,
        "P-300": CUSTOMER,
        "P-900": CUSTOMER,
    }
    assert {each.code: each.name for each in masters.projects}["P-200"] == "Shop"
    assert [each.code for each in masters.tasks] == ["Consulting", "DEV", "Testing"]
    assert all(each.id == f"{each.project}/{each.id[37:]}" for each in masters.tasks)
    assert {each.code for each in masters.customers} == {"C-1", "C-2"}
    assert {each.code for each in masters.currencies} == {"EUR", "USD", "JPY"}


@pytest.mark.parametrize(
    ("called", "code", "name"),
    [
        ("P-100 Website", "P-100", "Website"),
        ("P-100: Website", "P-100", "Website"),
        ("R&D - Phase 1", "R&D", "Phase 1"),
        ("Website", "Website", "Website"),
        ("Project management", f"(no code: {PROJECTS[0]})", "Project management"),
        ("Phase 1", f"(no code: {PROJECTS[0]})", "Phase 1"),
    ],
)
async def test_a_project_whose_name_has_no_code_in_it_matches_none_by_accident(
    world: XeroWorld, called: str, code: str, name: str
) -> None:
    world.xero.put(
        SimulatedMasters(
            projects=(SimulatedProject(id=PROJECTS[0], name=called, contact_id=CUSTOMER),)
        )
    )
    found = (await world.connect().masters()).projects
    [project] = [each for each in found if each.id == PROJECTS[0]]
    assert (project.code, project.name) == (code, name)


async def test_a_task_without_a_code_keeps_its_whole_name_by_which_it_is_matched(
    world: XeroWorld,
) -> None:
    task = SimulatedTask(id=TASKS[0], name="Project management")
    project = SimulatedProject(
        id=PROJECTS[0], name="P-100 Website", contact_id=CUSTOMER, tasks=(task,)
    )
    world.xero.put(SimulatedMasters(projects=(project,)))
    found = (await world.connect().masters()).tasks
    [one] = [each for each in found if each.id == f"{PROJECTS[0]}/{TASKS[0]}"]
    assert (one.code, one.name) == ("Project management", "Project management")


async def test_people_are_brought_together_by_their_address(world: XeroWorld) -> None:
    people = {each.name: each for each in (await world.connect().masters()).employees}
    kim = people["Kim Allen"]
    assert (kim.id, kim.code, kim.party) == (PERSON, "E-1001", PEOPLE[0])
    lee = people["Lee Park"]
    assert (lee.id, lee.code, lee.party) == (PEOPLE[1], "E-1002", PEOPLE[1])
    assert people["Bo Ross"].party is None
    assert not people["Ada 'Countess' Byron"].active


async def test_what_is_no_longer_used_is_shown_as_such(world: XeroWorld) -> None:
    masters = await world.connect().masters()
    centres = {each.code: each for each in masters.dimension_values}
    assert {code for code, each in centres.items() if each.dimension == COST_CENTRE} == {
        *CENTRES,
        "CC-900",
    }
    assert centres["North"].dimension == "Region"
    assert not centres["CC-900"].active
    assert not {each.code: each for each in masters.accounts}["499"].active
    assert not {each.code: each for each in masters.tax_codes}["OLD"].active
    assert {each.code: each.rate for each in masters.tax_codes}["INPUT2"] == 19
    assert not {each.code: each for each in masters.projects}["P-900"].active


async def test_a_record_that_cannot_be_read_costs_no_other(world: XeroWorld) -> None:
    world.spec.tolerant = True
    world.misbehave(spoilt={'"Acme"': {"Name": "17"}})
    customers = (await world.connect().masters()).customers
    assert [each.code for each in customers] == ["C-2"]


async def test_tasks_are_asked_for_again_only_after_a_while(world: XeroWorld) -> None:
    xero = world.connect()
    first = await xero.masters()
    world.network.requests.clear()
    assert await xero.masters() == first
    assert not [each for each in world.network.requests if each.url.path.endswith("/Tasks")]
    await world.pass_time(3_600)
    assert await xero.masters() == first
    assert len([r for r in world.network.requests if r.url.path.endswith("/Tasks")]) == 3


async def test_a_reading_that_was_throttled_goes_on_where_it_was(world: XeroWorld) -> None:
    world.misbehave(minute_limit=9)
    xero = world.connect(Careless())
    with pytest.raises(TransientError):
        await xero.masters()
    await world.pass_time(60)
    assert len((await xero.masters()).tasks) == 3


async def test_many_contacts_come_page_by_page(world: XeroWorld) -> None:
    many = tuple(
        SimulatedContact(id=uid("cf", n), name=f"C {n}", account_number=f"X-{n}", is_customer=True)
        for n in range(250)
    )
    world.xero.put(SimulatedMasters(contacts=many))
    masters = await world.connect().masters()
    assert len(masters.customers) == 252


async def test_a_category_of_cost_centres_that_is_not_there_is_for_an_operator(
    world: XeroWorld,
) -> None:
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect(cost_centre_category="Abteilung").masters()
    assert told.value.code == "cost_centre_category"


async def _calendar(world: XeroWorld) -> dict[str, PostingPeriod]:
    return {each.name: each for each in await world.connect().posting_periods()}


async def test_without_a_lock_every_month_is_open(world: XeroWorld) -> None:
    calendar = await _calendar(world)
    assert {each.state for each in calendar.values()} == {PeriodState.OPEN}
    assert calendar["2026-02"].ends_on == date(2026, 2, 28)
    assert calendar["2024-02"].ends_on == date(2024, 2, 29)
    assert calendar["2026-02"].fiscal_year == "2026"


@pytest.mark.parametrize("member", ["period_lock_date", "end_of_year_lock_date"])
async def test_what_a_lock_date_ends_on_is_closed(world: XeroWorld, member: str) -> None:
    setattr(world.xero, member, date(2026, 2, 28))
    calendar = await _calendar(world)
    assert calendar["2026-02"].state is PeriodState.CLOSED
    assert calendar["2026-03"].state is PeriodState.OPEN


async def test_a_month_that_is_locked_in_part_is_two_periods(world: XeroWorld) -> None:
    world.xero.period_lock_date = date(2026, 3, 15)
    world.xero.end_of_year_lock_date = date(2025, 12, 31)
    calendar = await _calendar(world)
    locked, left = calendar["2026-03 locked"], calendar["2026-03 open"]
    assert (locked.ends_on, locked.state) == (date(2026, 3, 15), PeriodState.CLOSED)
    assert (left.starts_on, left.state) == (date(2026, 3, 16), PeriodState.OPEN)
    days = sorted((each.starts_on, each.ends_on) for each in calendar.values())
    assert all((b[0] - a[1]).days == 1 for a, b in pairwise(days))


async def _posted(world: Any, intent: Any) -> str:
    [outcome] = await world.connect().post([intent], {})
    assert isinstance(outcome, Executed)
    return outcome.document_id


async def test_a_bill_is_followed_to_its_payment_and_back(bills: BillWorld) -> None:
    document_id = await _posted(bills, bills.report(bills.cost("100.00")))
    xero, record = bills.connect(), document_id.partition("/")[2]
    [none] = await xero.payments_of([document_id])
    assert (none.state, none.due_on) == (PaymentState.NONE, bills.record(document_id)["DueDate"])
    pay(bills.xero, record, Decimal("40.00"), date(2026, 4, 1))
    [part] = await xero.payments_of([document_id])
    assert (part.state, part.paid, part.open.amount) == (PaymentState.PARTIAL, 40, 60)
    last = pay(bills.xero, record, Decimal("60.00"), date(2026, 4, 2))
    [paid] = await xero.payments_of([document_id])
    assert (paid.state, paid.paid) == (PaymentState.PAID, 100)
    assert [(each.paid_on, each.amount.amount) for each in paid.payments] == [
        (date(2026, 4, 1), 40),
        (date(2026, 4, 2), 60),
    ]
    unpay(bills.xero, last)
    [bounced] = await xero.payments_of([document_id])
    assert (bounced.state, bounced.paid, len(bounced.payments)) == (PaymentState.PARTIAL, 40, 1)


async def test_what_is_credited_is_not_paid(sales: SaleWorld) -> None:
    invoice = sales.invoice(sales.line(1, "100.00"))
    document_id = await _posted(sales, invoice)
    line = sales.line(1, "-100.00", id="credit/1", credits="event/1")
    body = invoice.customer_invoice.model_copy(update={"lines": (line,), "credits": "event"})
    credit = sales.intent_of(
        body, body.invoice_date, corrects=invoice.key, corrects_document=document_id
    )
    credit_id = await _posted(sales, credit)
    told = {each.document_id: each for each in await sales.connect().payments_of([document_id])}
    assert told[document_id].state is PaymentState.REVERSED
    assert (told[document_id].paid, told[document_id].credited) == (0, Decimal("119.00"))
    [note] = await sales.connect().payments_of([credit_id])
    assert (note.total.amount, note.open.amount, note.paid) == (Decimal("-119.00"), 0, 0)


async def test_money_that_is_paid_back_on_a_credit_note_is_paid(bills: BillWorld) -> None:
    document_id = await _posted(bills, bills.report(bills.cost("-30.00")))
    pay(bills.xero, document_id.partition("/")[2], Decimal("30.00"), date(2026, 4, 1))
    [told] = await bills.connect().payments_of([document_id])
    assert (told.state, told.paid, told.credited) == (PaymentState.PAID, -30, 0)


async def test_what_was_voided_stands_no_more(bills: BillWorld) -> None:
    document_id = await _posted(bills, bills.report())
    bills.record(document_id)["Status"] = "VOIDED"
    [told] = await bills.connect().payments_of([document_id])
    assert told.state is PaymentState.REVERSED


@pytest.mark.exhaustive
async def test_payments_of_many_take_few_calls(bills: BillWorld) -> None:
    ids = [await bills.book(bills.report(bills.cost("1.00"))) for _ in range(100)]
    xero = bills.connect()
    await xero.check()
    before = len(bills.network.requests)
    told = await xero.payments_of(ids)
    assert {each.document_id for each in told} == set(ids)
    assert len(bills.network.requests) - before == 3


async def test_what_is_no_document_has_no_payments(world: XeroWorld) -> None:
    with pytest.raises(RejectedError):
        await world.connect().payments_of(["journal/x"])
