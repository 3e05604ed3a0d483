"""Exchange rates and cost prices: of a simulated Tryton, of the real one, and as plain numbers."""

import logging
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from canonical.contracts import ExchangeRate
from canonical.exact import EVERY_DIGIT, scale_of
from connectors.base.errors import RejectedError
from connectors.base.rate_budget import Unlimited
from connectors.tryton import Tryton, TrytonOptions, connect
from connectors.tryton.rates import Worth, exchange
from connectors.tryton.simulated_books import Books
from connectors.tryton.simulated_state import (
    SimulatedCompany,
    SimulatedCostPrice,
    SimulatedEmployee,
    SimulatedRate,
    SimulatedState,
)
from connectors.tryton.simulator import SimulatedTryton
from rules.billing_exchange import find_exchange
from sandbox.tryton.currency_seed import CURRENCIES, rates_of
from sandbox.tryton.json_rpc import ErpError, JsonRpcSession
from tests.connectors.tryton.invoice_world import InvoiceWorld

OPENING, FIRST, LAST = date(2026, 1, 1), date(2026, 10, 1), date(2026, 10, 31)


def rate(currency: str, day: date, number: str) -> SimulatedRate:
    return SimulatedRate(currency=currency, date=day, rate=Decimal(number))


def costs(day: date, price: str) -> SimulatedCostPrice:
    return SimulatedCostPrice(date=day, cost_price=Decimal(price))


STATE = SimulatedState(
    companies=(
        SimulatedCompany(code="DE01", name="Nord GmbH", currency="EUR"),
        SimulatedCompany(code="US01", name="Nord Inc", currency="USD"),
    ),
    employees=(
        SimulatedEmployee(
            company="DE01",
            code="E-1",
            name="Anna",
            cost_prices=(costs(date(2026, 7, 1), "75.1234"), costs(OPENING, "70")),
        ),
        SimulatedEmployee(
            company="US01",
            code="E-2",
            name="Ben",
            end_date=date(2026, 6, 30),
            cost_prices=(costs(OPENING, "90.00"),),
        ),
        SimulatedEmployee(company="US01", code="E-3", name="Cleo"),
    ),
    customers=(),
    projects=(),
    rates=(
        rate("EUR", OPENING, "1.0"),
        rate("USD", OPENING, "1.08"),
        rate("GBP", OPENING, "0.85"),
        rate("USD", date(2026, 10, 5), "1.1"),
        rate("GBP", date(2026, 10, 6), "0.88"),
        rate("USD", date(2026, 11, 1), "1.2"),
    ),
)


@pytest.fixture
def system() -> SimulatedTryton:
    return SimulatedTryton(Books(STATE))


@pytest.fixture
async def tryton(system: SimulatedTryton) -> AsyncIterator[Tryton]:
    options = TrytonOptions(
        "erp", "http://tryton.example", "erp", "connector", SecretStr("connector-pw"), page_size=2
    )
    tryton = connect(options, Unlimited(), httpx.ASGITransport(system))
    yield tryton
    await tryton.close()


def told(rates: Any) -> list[tuple[str, date]]:
    return [
        (f"1 {one.source_currency} = {one.rate:f} {one.target_currency}", one.on_date)
        for one in rates
    ]


async def test_a_pair_is_told_on_each_day_on_which_one_of_its_rates_changed(
    tryton: Tryton,
) -> None:
    found = await tryton.exchange_rates(FIRST, LAST)
    assert told(found) == [
        ("1 EUR = 1.1 USD", date(2026, 10, 5)),
        ("1 GBP = 1.2941176471 USD", date(2026, 10, 5)),
        ("1 EUR = 0.88 GBP", date(2026, 10, 6)),
        ("1 GBP = 1.2500000000 USD", date(2026, 10, 6)),
    ]
    assert {one.origin for one in found} == {"tryton"}


async def test_both_ends_of_the_window_belong_to_it_and_what_is_before_does_not(
    tryton: Tryton,
) -> None:
    day = date(2026, 10, 5)
    assert told(await tryton.exchange_rates(day, day)) == [
        ("1 EUR = 1.1 USD", day),
        ("1 GBP = 1.2941176471 USD", day),
    ]
    assert await tryton.exchange_rates(date(2026, 10, 7), LAST) == []


async def test_the_answer_of_two_windows_is_that_of_both_together(tryton: Tryton) -> None:
    middle = date(2026, 10, 5)
    before = await tryton.exchange_rates(OPENING, middle)
    after = await tryton.exchange_rates(middle + timedelta(days=1), LAST)
    assert [*before, *after] == await tryton.exchange_rates(OPENING, LAST)


async def test_on_its_first_day_a_pair_comes_once_although_both_rates_begin(
    tryton: Tryton,
) -> None:
    assert told(await tryton.exchange_rates(OPENING, OPENING)) == [
        ("1 EUR = 1.08 USD", OPENING),
        ("1 EUR = 0.85 GBP", OPENING),
        ("1 GBP = 1.2705882353 USD", OPENING),
    ]
    # Before that, no currency has a rate, and so no pair has one.
    assert await tryton.exchange_rates(date(2025, 1, 1), date(2025, 12, 31)) == []


async def test_a_currency_without_an_iso_code_is_left_out_and_said_so(
    tryton: Tryton, system: SimulatedTryton, caplog: pytest.LogCaptureFixture
) -> None:
    for record in system.books.tables["currency.currency"].values():
        if record["code"] == "GBP":
            record["code"] = "gb"
    with caplog.at_level(logging.WARNING):
        found = await tryton.exchange_rates(FIRST, LAST)
    assert told(found) == [("1 EUR = 1.1 USD", date(2026, 10, 5))]
    assert "1 currencies without an ISO code" in caplog.text


@pytest.mark.parametrize(
    ("model", "spoilt"),
    [("currency.currency.rate", {"rate": "much"}), ("currency.currency", {"code": 7})],
)
async def test_a_rate_that_cannot_be_read_is_an_error_and_not_an_older_rate(
    tryton: Tryton, system: SimulatedTryton, model: str, spoilt: dict[str, Any]
) -> None:
    list(system.books.tables[model].values())[-1].update(spoilt)
    with pytest.raises(RejectedError) as refused:
        await tryton.exchange_rates(FIRST, date(2026, 11, 30))
    assert refused.value.code == "answer_not_understood"


async def test_cost_prices_of_all_people_and_times_in_their_companys_currency(
    tryton: Tryton,
) -> None:
    people = {each.code: each.id for each in (await tryton.masters()).employees}
    found = {
        (one.employee, one.valid_from, one.rate.amount, one.rate.currency)
        for one in await tryton.cost_rates()
    }
    assert found == {
        (people["E-1"], date(2026, 7, 1), Decimal("75.1234"), "EUR"),
        (people["E-1"], OPENING, Decimal(70), "EUR"),
        (people["E-2"], OPENING, Decimal("90.00"), "USD"),
    }


async def test_of_two_cost_prices_of_one_day_the_one_entered_last_counts(
    tryton: Tryton, system: SimulatedTryton, caplog: pytest.LogCaptureFixture
) -> None:
    prices = system.books.tables["company.employee_cost_price"]
    prices[4] = {**prices[1], "id": 4, "cost_price": Decimal("80.50")}
    with caplog.at_level(logging.WARNING):
        found = [one for one in await tryton.cost_rates() if one.valid_from == date(2026, 7, 1)]
    assert [one.rate.amount for one in found] == [Decimal("80.50")]
    assert "two cost prices of one day" in caplog.text


@pytest.mark.parametrize(
    "spoilt", [{"cost_price": Decimal(-1)}, {"employee.": None}, {"cost_price": "much"}]
)
async def test_a_cost_price_that_is_none_is_left_out_and_its_neighbours_stay(
    tryton: Tryton,
    system: SimulatedTryton,
    caplog: pytest.LogCaptureFixture,
    spoilt: dict[str, Any],
) -> None:
    system.books.tables["company.employee_cost_price"][1].update(spoilt)
    with caplog.at_level(logging.WARNING):
        found = await tryton.cost_rates()
    assert [one.rate.amount for one in found] == [Decimal(70), Decimal("90.00")]
    assert "much" not in caplog.text


numbers = st.decimals(min_value="0.000001", max_value="99999999", places=6)


@given(numbers, numbers)
def test_a_pairs_rate_is_trytons_own_arithmetic_with_ten_places_or_exactly(
    first: Decimal, second: Decimal
) -> None:
    found = exchange(Worth("AAA", first), Worth("BBB", second), FIRST)
    rates = {"AAA": first, "BBB": second}
    source, target = rates[found.source_currency], rates[found.target_currency]
    off = EVERY_DIGIT.subtract(EVERY_DIGIT.multiply(found.rate, source), target)
    assert abs(off) <= source * Decimal("0.00000000006")
    assert scale_of(found.rate) <= 10
    assert found.rate >= 1 or source == 1


@given(numbers)
def test_from_the_currency_whose_rate_is_one_the_rate_is_the_number_that_tryton_has(
    number: Decimal,
) -> None:
    base, other = Worth("ZZZ", Decimal("1.0")), Worth("AAA", number)
    for pair in ((base, other), (other, base)):
        found = exchange(*pair, FIRST)
        assert (found.rate, found.on_date) == (number, FIRST)
        # Of two that are worth the same, either may be the one.
        assert found.source_currency == "ZZZ" or number == 1


@pytest.mark.erp
async def test_the_real_erp_converts_by_just_these_rates(invoices: InvoiceWorld) -> None:
    session, month = invoices.session, invoices.month
    target = invoices.connect()
    rates = await target.exchange_rates(month.first_day, month.last_day)
    day = month.working_days()[7]
    ids = {
        row["code"]: row["id"] for row in await session.find("currency.currency", [], "id", "code")
    }
    pairs = [(one, other) for one in ids for other in ids if one < other]
    for source, target_currency in [*pairs, *((other, one) for one, other in pairs)]:
        amount = Decimal("1234567.89")
        theirs = await _computed(session, day, ids[source], amount, ids[target_currency])
        exchange_ = find_exchange(source, target_currency, day, rates, days_max=4)
        assert exchange_ is not None
        assert exchange_.rate is not None
        ours = (
            amount * exchange_.rate.rate
            if exchange_.direction == "multiply"
            else amount / exchange_.rate.rate
        )
        # Between two currencies that are not the base, a quotient of ten places is multiplied.
        exact = "EUR" in (source, target_currency)
        assert abs(ours - theirs) <= (Decimal("1e-18") if exact else Decimal("0.0001"))


@pytest.mark.erp
async def test_the_real_erps_rates_are_those_of_each_working_day(invoices: InvoiceWorld) -> None:
    month = invoices.month
    found = await invoices.connect().exchange_rates(month.first_day, month.last_day)
    for code in CURRENCIES:
        wanted = {
            day: number
            for day, number in rates_of(code, month.first_day, month).items()
            if day in month.working_days() and code != "EUR"
        }
        assert {one.on_date: one.rate for one in found if _is_pair(one, "EUR", code)} == wanted
    assert len(found) == 10 * len(month.working_days())
    # The base has one rate for ever, which is in force all the same.
    assert {one.source_currency for one in found if one.target_currency == "JPY"} == {
        *("EUR", "USD", "GBP", "CHF")
    }


@pytest.mark.erp
async def test_the_real_erps_cost_prices_are_the_firms(invoices: InvoiceWorld) -> None:
    target, firm = invoices.connect(), invoices.firm
    people = {each.id: each.code for each in (await target.masters()).employees}
    found = {
        (people[one.employee], one.valid_from, one.rate.amount, one.rate.currency)
        for one in await target.cost_rates()
    }
    assert found == {
        (each.code, each.started_on, each.cost_rate, each.legal_entity.currency)
        for each in firm.employees
    }


@pytest.mark.erp
async def test_the_real_erp_takes_two_cost_prices_of_one_day_and_the_later_entry_counts_here(
    invoices: InvoiceWorld,
) -> None:
    session, target = invoices.session, invoices.connect()
    first = next(iter(await target.cost_rates()))
    price = {
        "employee": int(first.employee),
        "date": first.valid_from,
        "cost_price": first.rate.amount + 1,
    }
    (number,) = await session.create("company.employee_cost_price", [price])
    try:
        found = [one for one in await target.cost_rates() if one.employee == first.employee]
        assert [(one.valid_from, one.rate.amount) for one in found] == [
            (first.valid_from, first.rate.amount + 1)
        ]
    finally:
        await session.call("model.company.employee_cost_price.delete", [number])


@pytest.mark.erp
async def test_before_a_currencys_first_rate_the_real_erp_converts_nothing_either(
    invoices: InvoiceWorld,
) -> None:
    session, day = invoices.session, date(1999, 12, 31)
    euro, dollar = [
        await session.find_one("currency.currency", [["code", "=", code]])
        for code in ("EUR", "USD")
    ]
    assert await invoices.connect().exchange_rates(date(1999, 1, 1), day) == []
    with pytest.raises(ErpError):
        await _computed(session, day, euro, Decimal(1), dollar)


@pytest.mark.erp
async def test_what_a_deactivated_currency_is_worth_is_not_told(invoices: InvoiceWorld) -> None:
    session, month = invoices.session, invoices.month
    yen = await session.find_one("currency.currency", [["code", "=", "JPY"]])
    await session.write("currency.currency", [yen], {"active": False})
    try:
        found = await invoices.connect().exchange_rates(month.first_day, month.last_day)
        assert found
        assert "JPY" not in {one.target_currency for one in found}
    finally:
        await session.write("currency.currency", [yen], {"active": True})


def _is_pair(one: ExchangeRate, source: str, target: str) -> bool:
    return (one.source_currency, one.target_currency) == (source, target)


async def _computed(
    session: JsonRpcSession, day: date, source: int, amount: Decimal, target: int
) -> Decimal:
    """Let Tryton convert an amount itself, unrounded, at the rates of a day."""
    context = {"language": "en", "date": day}
    found: Decimal = await session.call(
        "model.currency.currency.compute", source, amount, target, False, context, context=False
    )
    return found
