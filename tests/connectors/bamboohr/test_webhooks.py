"""Webhooks: genuine if BambooHR signed them with our key, lately; and what their log says."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.bamboohr.simulated_webhooks import WEBHOOK_ID, webhook
from connectors.bamboohr.webhooks import AGE_MAX, signature_of
from connectors.base.errors import ConnectionConfigError, TransientError
from tests.connectors.bamboohr.world import KEY, BambooWorld

# Computed by `openssl dgst -sha256 -hmac` over the body followed by the time.
BODY, SENT = b'{"type":"employee.updated"}', "1768210200"


def test_the_signature_is_over_the_body_and_then_the_time() -> None:
    assert signature_of(BODY, SENT, "a-key") == (
        "9befb03423a5eedb685b375b0d0c60b43b3b16fc2b079be83413fc29e346cb83"
    )


async def test_what_bamboohr_sends_is_genuine(world: BambooWorld) -> None:
    kim = int(world.hire())
    for event in ("employee.created", "employee.updated", "employee.deleted"):
        headers, body = webhook(world.company, event, kim, ["department"])
        assert world.connect().is_genuine(headers, body, world.now)


@pytest.mark.parametrize("seconds", [-AGE_MAX.seconds, 0, AGE_MAX.seconds])
async def test_within_minutes_of_its_time_it_is_genuine(world: BambooWorld, seconds: int) -> None:
    headers, body = webhook(world.company, "employee.updated", 101)
    assert world.connect().is_genuine(headers, body, world.now + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-AGE_MAX.seconds - 1, AGE_MAX.seconds + 1, 86_400])
async def test_sent_again_later_it_is_not(world: BambooWorld, seconds: int) -> None:
    headers, body = webhook(world.company, "employee.updated", 101)
    assert not world.connect().is_genuine(headers, body, world.now + timedelta(seconds=seconds))


async def test_the_time_cannot_be_renewed_by_who_has_no_key(world: BambooWorld) -> None:
    headers, body = webhook(world.company, "employee.updated", 101)
    later = world.now + timedelta(days=1)
    renewed = {**headers, "x-bamboohr-timestamp": str(int(later.timestamp()))}
    assert not world.connect().is_genuine(renewed, body, later)


@pytest.mark.parametrize(
    "change",
    [
        {"x-bamboohr-signature": ""},
        {"x-bamboohr-signature": "0" * 64},
        {"x-bamboohr-signature": "ä" * 64},
        {"x-bamboohr-timestamp": ""},
    ],
)
async def test_with_another_header_it_is_not(world: BambooWorld, change: dict[str, str]) -> None:
    headers, body = webhook(world.company, "employee.updated", 101)
    assert not world.connect().is_genuine({**headers, **change}, body, world.now)


async def test_with_a_header_missing_or_another_body_it_is_not(world: BambooWorld) -> None:
    headers, body = webhook(world.company, "employee.updated", 101)
    connector = world.connect()
    assert not connector.is_genuine({}, body, world.now)
    assert not connector.is_genuine(headers, body + b" ", world.now)
    for missing in ("x-bamboohr-timestamp", "x-bamboohr-signature"):
        rest = {name: value for name, value in headers.items() if name != missing}
        assert not connector.is_genuine(rest, body, world.now)


@pytest.mark.parametrize(
    ("written", "good"),
    [
        ("2026-01-12T09:30:00Z", True),
        ("2026-01-12T10:30:00+01:00", True),
        ("2026-01-12T09:30:00", False),
        ("yesterday", False),
        ("99999999999999999999", False),
        ("-1768210200", False),
    ],
)
async def test_its_time_may_be_written_in_two_ways(
    world: BambooWorld, written: str, good: bool
) -> None:
    headers = {
        "x-bamboohr-timestamp": written,
        "x-bamboohr-signature": signature_of(BODY, written, KEY),
    }
    now = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
    assert world.connect().is_genuine(headers, BODY, now) is good


async def test_without_a_key_of_ours_nothing_is_genuine(world: BambooWorld) -> None:
    headers, body = webhook(world.company, "employee.updated", 101)
    assert not world.connect(webhook_key=None).is_genuine(headers, body, world.now)


async def test_check_says_how_the_last_request_was_answered(world: BambooWorld) -> None:
    connector = world.connect(webhook_id=str(WEBHOOK_ID))
    assert "sent nothing in 14 days" in await connector.check()
    webhook(world.company, "employee.updated", 101, answered=503)
    assert "was answered 503" in await connector.check()


async def test_a_log_that_says_with_200_that_it_is_asked_too_often_is_not_read_as_one(
    world: BambooWorld,
) -> None:
    world.misbehave(log_throttled=True)
    with pytest.raises(TransientError) as told:
        await world.connect(webhook_id=str(WEBHOOK_ID)).check()
    assert told.value.code == "throttled"


async def test_a_webhook_that_is_not_there_is_for_an_operator(world: BambooWorld) -> None:
    with pytest.raises(ConnectionConfigError):
        await world.connect(webhook_id="5").check()
