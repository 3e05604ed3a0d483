"""Exchange rates: an answer is the whole truth of the days that were asked for, no others'."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from canonical.contracts import ExchangeRate
from store import rates
from tests.store.corner import DAY, Corner

FIRST, LAST = DAY, DAY + timedelta(days=30)


def euros_for(rate: str, on: date = DAY, source: str = "GBP", origin: str = "ECB") -> ExchangeRate:
    return ExchangeRate(
        source_currency=source,
        target_currency="EUR",
        rate=Decimal(rate),
        on_date=on,
        origin=origin,
    )


async def save(
    corner: Corner, *shown: ExchangeRate, first: date = FIRST, last: date = LAST
) -> bool:
    async with corner.database.transaction() as connection:
        return await rates.save_exchange_rates(connection, corner.source, shown, first, last)


async def known(corner: Corner, source: str | None = None) -> list[tuple[str, str, date]]:
    async with corner.database.connection() as connection:
        found = await rates.exchange_rates_of(connection, source or corner.source)
    return [(one.source_currency, f"{one.rate:f}", one.on_date) for one in found]


async def test_what_is_shown_is_known_and_shown_again_it_is_no_news(corner: Corner) -> None:
    pounds, dollars = euros_for("1.15"), euros_for("0.93", source="USD")
    assert await save(corner, pounds, dollars)
    assert not await save(corner, dollars, pounds)
    assert await known(corner) == [("GBP", "1.15", DAY), ("USD", "0.93", DAY)]


async def test_a_rate_that_was_put_right_replaces_the_wrong_one(corner: Corner) -> None:
    await save(corner, euros_for("11.5"))
    assert await save(corner, euros_for("1.15"))
    assert await known(corner) == [("GBP", "1.15", DAY)]


@pytest.mark.parametrize("day", [FIRST, DAY + timedelta(days=9), LAST])
async def test_a_rate_that_was_taken_back_is_not_known_any_more(corner: Corner, day: date) -> None:
    """Otherwise work would be billed at a price that nobody stands for."""
    await save(corner, euros_for("11.5", day), euros_for("0.93", day, "USD"))
    assert await save(corner, euros_for("0.93", day, "USD"))
    assert await known(corner) == [("USD", "0.93", day)]


async def test_an_empty_answer_empties_its_window(corner: Corner) -> None:
    await save(corner, euros_for("1.15"))
    assert await save(corner)
    assert await known(corner) == []
    assert not await save(corner)


async def test_days_that_were_not_asked_for_keep_their_rates(corner: Corner) -> None:
    before, after = FIRST - timedelta(days=1), LAST + timedelta(days=1)
    await save(corner, euros_for("1.14", before), first=before, last=before)
    await save(corner, euros_for("1.16", after), first=after, last=after)
    assert not await save(corner)
    assert await known(corner) == [("GBP", "1.14", before), ("GBP", "1.16", after)]


async def test_a_rate_of_another_origin_is_another_rate(corner: Corner) -> None:
    await save(corner, euros_for("1.15"), euros_for("1.20", origin="BoE"))
    assert await save(corner, euros_for("1.20", origin="BoE"))
    assert await known(corner) == [("GBP", "1.20", DAY)]


async def test_what_another_system_shows_is_not_touched(corner: Corner) -> None:
    async with corner.database.transaction() as connection:
        await rates.save_exchange_rates(connection, corner.target, [euros_for("1.15")], FIRST, LAST)
    await save(corner)
    assert await known(corner, corner.target) == [("GBP", "1.15", DAY)]
