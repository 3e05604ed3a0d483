"""Tokens, limits and days of Xero's: who asks, how often, and what an answer means."""

import asyncio
import re
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from connectors.base.errors import (
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.guard import IdempotencyKey, Lookup
from connectors.base.http import Answer, Timeouts
from connectors.conformance.http_contract import Tokens
from connectors.xero import XeroOptions, manifest_for
from connectors.xero.refusals import refusal_in
from connectors.xero.wire import instant, ms_day, ms_instant
from tests.connectors.xero.world import BillWorld, XeroWorld


def tokens_fetched(world: XeroWorld) -> int:
    return sum(request.url.path == "/connect/token" for request in world.network.requests)


async def test_a_token_is_used_for_as_long_as_it_lives_and_renewed_before_its_end(
    world: XeroWorld,
) -> None:
    xero = world.connect()
    await xero.check()
    await world.pass_time(1_679)
    await xero.check()
    assert tokens_fetched(world) == 1
    await world.pass_time(1)
    await xero.check()
    assert tokens_fetched(world) == 2


async def test_many_who_begin_at_once_fetch_one_token(world: XeroWorld) -> None:
    xero = world.connect()
    await asyncio.gather(*(xero.check() for _ in range(4)))
    assert tokens_fetched(world) == 1


async def test_a_token_that_ends_early_costs_a_write_nothing(bills: BillWorld) -> None:
    xero, report = bills.connect(), bills.report()
    await xero.check()
    bills.now = bills.now.replace(year=bills.now.year + 1)
    with pytest.raises(TransientError) as told:
        await xero.post([report], {})
    assert told.value.code == "token_expired"
    assert await bills.held(report.reference) == []
    assert len(await xero.post([report], {})) == 1


async def test_an_organisation_that_the_connection_does_not_open_is_for_an_operator(
    world: XeroWorld,
) -> None:
    with pytest.raises(ConnectionConfigError):
        await world.connect(tenant_id="00000000-0000-4000-8000-0000000000ff").check()


@pytest.mark.parametrize("as_date", [True, False])
@pytest.mark.parametrize(("limit", "waits"), [("minute_limit", 60), ("day_limit", 3_600)])
async def test_a_limit_pauses_the_connection_for_as_long_as_xero_says(
    world: XeroWorld, limit: str, waits: int, *, as_date: bool
) -> None:
    world.misbehave(**{limit: 1, "retry_after_as_date": as_date})
    budget = Tokens()
    with pytest.raises(TransientError) as told:
        await world.connect(budget).check()
    assert told.value.code == "http_429"
    [paused] = budget.paused
    assert waits - 2 <= paused <= waits


async def test_a_sixth_call_at_once_is_turned_away_and_did_nothing(bills: BillWorld) -> None:
    bills.misbehave(concurrent_limit=5, slow_seconds=0.01)
    reports = [bills.report() for _ in range(6)]
    sessions = [bills.connect() for _ in reports]
    outcomes = await asyncio.gather(
        *(one.post([report], {}) for one, report in zip(sessions, reports, strict=True)),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, TransientError)]
    held = [await bills.held(report.reference) for report in reports]
    assert refused
    assert sum(map(bool, held)) + len(refused) == 6


async def test_a_write_that_could_not_be_out_in_time_does_not_begin(bills: BillWorld) -> None:
    with pytest.raises(TransientError) as told:
        await bills.connect().post([bills.report()], {}, last_byte_by=0.0)
    assert told.value.code == "too_late"
    assert bills.network.writes == []


async def test_a_key_whose_first_request_is_under_way_is_unknown(bills: BillWorld) -> None:
    bills.network.answer_next_write(409, carried_out=False)
    with pytest.raises(OutcomeUnknownError) as told:
        await bills.connect().post([bills.report()], {})
    assert told.value.code == "key_in_use"


@pytest.mark.parametrize("status", [400, 403, 405, 413])
async def test_a_read_that_is_refused_is_for_an_operator(world: XeroWorld, status: int) -> None:
    xero = world.connect()
    await xero.check()
    world.network.answer_next(status)
    with pytest.raises(ConnectionConfigError):
        await xero.find([world.intent()])


async def test_nothing_new_may_be_said_without_a_body(bills: BillWorld) -> None:
    await bills.book(bills.report())
    bills.spec.tolerant = True
    # A token, the projects, and the time of each.
    bills.network.let_pass(6)
    for _ in range(3):
        bills.network.answer_next(304, body=b"")
    pages = bills.connect().documents_since(bills.now)
    assert [each async for page in pages for each in page] == []
    assert bills.network.forget_plans() == 0


def test_a_key_that_is_trusted_too_little_leaves_everything_to_look_ups() -> None:
    for seconds, guard in ((360, IdempotencyKey(360)), (339, Lookup()), (0, Lookup())):
        manifest = manifest_for(Timeouts(), seconds)
        for operation in manifest.operations:
            if operation.kind in ("time", "expense", "invoice", "reversal"):
                assert operation.guard == guard


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("/Date(1552262400000+0000)/", date(2019, 3, 11)),
        ("/Date(1552262400000)/", date(2019, 3, 11)),
        # The offset is where somebody was; the milliseconds are UTC.
        ("/Date(1552262400000+1300)/", date(2019, 3, 11)),
        ("/Date(1552348799999-0800)/", date(2019, 3, 11)),
        ("2019-03-11T00:00:00", date(2019, 3, 11)),
        ("2019-03-11", date(2019, 3, 11)),
    ],
)
def test_a_day_is_read_in_each_of_xeros_forms(text: str, day: date) -> None:
    assert ms_day(text) == day


@pytest.mark.parametrize(
    "value",
    [None, 0, True, "", "/Date()/", "/Date(1e3)/", "/Date(99999999999999999)/", "/Date(0)/", "x"],
)
def test_what_is_no_day_is_not_guessed(value: Any) -> None:
    with pytest.raises(ValueError, match=r"(not|no such|form|years)"):
        ms_day(value)


def test_an_instant_keeps_its_seventh_decimal_out() -> None:
    moment = instant("2020-02-28T03:24:29.2215641Z")
    assert moment == datetime(2020, 2, 28, 3, 24, 29, 221564, tzinfo=UTC)
    assert ms_instant("/Date(-1)/").year == 1969


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"<html><b>Kim Allen</b> failed</html>", "http_400", "http_400"),
        (b"", "http_400", "http_400"),
        (b'{"Message": null, "Elements": "x"}', "http_400", "http_400"),
        (
            b'{"Elements": [{"ValidationErrors": [{"Message": "Contact \'Kim\' is odd"}]}]}',
            "validation",
            "Contact \N{HORIZONTAL ELLIPSIS} is odd",
        ),
        (b'{"message": "Project is closed", "modelState": {}}', "project_closed", "Project"),
        (b'{"modelState": {"a": ["duration too long", 7]}}', "duration_unfit", "duration"),
        (b'{"Message": "The idempotency key was used"}', "key_of_another_body", "idempotency"),
    ],
)
def test_a_refusal_is_read_in_each_of_xeros_forms(body: bytes, code: str, said: str) -> None:
    error = refusal_in(Answer(400, httpx.Headers(), body))
    assert isinstance(error, RejectedError)
    assert error.code == code
    assert said in str(error)
    assert "Kim" not in str(error)


@pytest.mark.parametrize(
    "wrong",
    [
        {"page_size": 0},
        {"page_size": 101},
        {"timezone": "Mars/Olympus"},
        {"project_code": "(x"},
        {"project_code": ".*"},
    ],
)
def test_options_that_cannot_work_are_refused_at_once(
    world: XeroWorld, wrong: dict[str, Any]
) -> None:
    with pytest.raises((ValueError, re.error)):
        world.options(**wrong)


def test_secrets_are_in_no_text(world: XeroWorld) -> None:
    options = world.options()
    assert isinstance(options, XeroOptions)
    assert world.secret not in repr(options)
