"""What BambooHR's answers mean: each kind of trouble, in each of the forms that it has for it."""

import httpx
import pytest

from connectors.bamboohr.answers import said, verdict
from connectors.base.errors import (
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer
from connectors.conformance.http_contract import Tokens
from tests.connectors.bamboohr.world import BambooWorld

READS, WRITES = False, True


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, httpx.Headers(named), body)


@pytest.mark.parametrize(
    ("given", "write", "kind", "code"),
    [
        (answer(401), READS, ConnectionConfigError, "http_401"),
        (answer(403), READS, ConnectionConfigError, "http_403"),
        (answer(403), WRITES, ConnectionConfigError, "http_403"),
        (answer(404), READS, RejectedError, "http_404"),
        (answer(404), WRITES, RejectedError, "http_404"),
        (answer(400), WRITES, RejectedError, "http_400"),
        (answer(409), WRITES, RejectedError, "http_409"),
        (answer(429, retry_after="30"), READS, TransientError, "http_429"),
        (answer(429), READS, TransientError, "http_429"),
        (answer(429, retry_after="30"), WRITES, TransientError, "http_429"),
        (answer(429), WRITES, RejectedError, "employee_limit"),
        (answer(503, retry_after="30"), READS, TransientError, "http_503"),
        # It throttled with 503 until September 2026, and nothing says that a write was not done.
        (answer(503, retry_after="30"), WRITES, OutcomeUnknownError, "http_503"),
        (answer(500), READS, TransientError, "http_500"),
        (answer(500), WRITES, OutcomeUnknownError, "http_500"),
        (answer(302), WRITES, OutcomeUnknownError, "http_302"),
        (
            answer(200, b'{"error":{"code":429,"message":"later"}}'),
            READS,
            TransientError,
            "throttled",
        ),
        (answer(200, b'{"error":"no"}'), READS, TransientError, "error_in_a_good_answer"),
        (answer(400, b'{"error":{"code":"BadPage"}}'), READS, RejectedError, "bad_page"),
    ],
)
def test_an_answer_means_one_thing(
    given: Answer, write: bool, kind: type[Exception], code: str
) -> None:
    found = verdict(given, write)
    assert type(found) is kind
    assert isinstance(found, ConnectorError)
    assert found.code == code


@pytest.mark.parametrize(
    "given",
    [
        answer(409, x_bamboohr_error_message="Duplicate email"),
        answer(409, x_bamboohr_error_messsage="Duplicate email"),
        answer(409, b'{"error":{"code":"BadRequest","message":"Duplicate email"}}'),
        answer(409, b'{"title":"Conflict","status":409,"detail":"Duplicate email"}'),
    ],
)
def test_its_words_are_found_in_each_of_its_forms(given: Answer) -> None:
    assert said(given) == "Duplicate email"
    assert str(verdict(given, WRITES)) == "Duplicate email"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":[]}', b'{"error":"x"}'])
def test_without_words_it_says_nothing(body: bytes) -> None:
    assert said(answer(400, body)) == ""


@pytest.mark.parametrize("status", [429, 503])
async def test_throttled_pauses_the_connection_for_as_long_as_it_says(
    world: BambooWorld, status: int
) -> None:
    world.hire()
    world.misbehave(throttled=1, throttled_status=status, retry_after_seconds=30)
    budget = Tokens()
    with pytest.raises(TransientError) as told:
        await world.connect(budget).masters()
    assert told.value.retry_after_seconds == 30
    assert budget.paused == [30]


async def test_trouble_with_one_of_a_few_asked_alone_is_trouble_for_all(
    world: BambooWorld,
) -> None:
    for number in range(3):
        world.hire(f"E-{number}")
    world.network.let_pass(3)
    world.network.answer_next(500)
    with pytest.raises(TransientError):
        await world.connect().masters()


async def test_an_answer_that_is_no_record_is_transient(world: BambooWorld) -> None:
    connector = world.connect()
    for read in (
        lambda: connector.masters_changed_since(world.now),
        connector.cost_centre_assignments,
    ):
        world.network.answer_next(200, body=b'"a word"')
        with pytest.raises(TransientError):
            await read()


@pytest.mark.parametrize("body", [b"[]", b"{", b'"x"'])
async def test_an_employee_that_cannot_be_read_is_transient(
    world: BambooWorld, body: bytes
) -> None:
    world.hire()
    world.network.let_pass(2)
    world.network.answer_next(200, body=body)
    with pytest.raises(TransientError):
        await world.connect().masters()


async def test_a_company_that_is_not_there_is_for_an_operator(world: BambooWorld) -> None:
    world.network.answer_next(404, body=b"")
    with pytest.raises(ConnectionConfigError):
        await world.connect().masters()


async def test_a_dataset_whose_fields_have_other_names_is_for_an_operator(
    world: BambooWorld,
) -> None:
    for number in range(9):
        world.hire(f"E-{number}")
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect(dataset_id_field="somethingElse").masters()
    assert told.value.code == "http_422"


async def test_names_and_addresses_are_in_no_trouble_and_in_no_log(
    world: BambooWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.hire(first_name="Zebedee", last_name="Quill", email="zebedee@firm.example")
    world.spec.tolerant = True
    said_of: list[str] = []
    for status in (400, 403, 409, 500):
        world.network.answer_next(
            status, {"X-BambooHR-Error-Message": "Zebedee is wrong"}, b'{"firstName":"Zebedee"}'
        )
        with pytest.raises((ConnectionConfigError, TransientError)) as told:
            await world.connect().masters()
        said_of.append(f"{told.value} {told.value!r} {told.value.__cause__!r}")
    assert "Zebedee" not in f"{said_of} {caplog.text}"
