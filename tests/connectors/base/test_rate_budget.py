"""Retry-After in all its forms, and the budget of a system that declares no limit."""

from datetime import UTC, datetime

import pytest

from connectors.base.rate_budget import RETRY_AFTER_MAX_SECONDS, Unlimited, retry_after_seconds

NOW = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("3601", RETRY_AFTER_MAX_SECONDS),
        ("9" * 5000, RETRY_AFTER_MAX_SECONDS),
        ("Mon, 12 Jan 2026 09:31:30 GMT", 90),
        ("Mon, 12 Jan 2026 09:31:30 -0000", 90),
        ("Mon, 12 Jan 2026 10:31:30 +0100", 90),
        ("Mon, 12 Jan 2026 09:29:00 GMT", 0),
        ("Tue, 12 Jan 2027 09:30:00 GMT", RETRY_AFTER_MAX_SECONDS),
        ("Mon, 12 Jan 99999999999999999999 09:31:30 GMT", None),
        ("Mon, 32 Jan 2026 09:31:30 GMT", None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("\u0667", None),
        ("\uff11\uff12", None),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str | None, seconds: int | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds


async def test_no_limit_grants_everything() -> None:
    budget = Unlimited()
    assert [await budget.take(calls) for calls in (1, 1_000_000)] == [0, 0]


async def test_no_limit_still_honours_a_pause() -> None:
    budget = Unlimited()
    await budget.pause(60)
    assert 59 <= await budget.take() <= 60


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    budget = Unlimited()
    await budget.pause(60)
    await budget.pause(1)
    assert await budget.take() > 50


async def test_a_pause_ends() -> None:
    budget = Unlimited()
    await budget.pause(0)
    assert await budget.take() == 0
