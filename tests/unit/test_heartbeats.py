"""Heartbeats: an activity that was given a time-out for them says that it lives, others do not."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities import heartbeats
from activities.heartbeats import Heartbeats
from workflows.policies import LOCAL, POST, READ, READ_NOW, RECORD

BEATS = 3


class Working(ActivityInboundInterceptor):
    """An activity that works until its heart has beaten so often, or for a moment without."""

    def __init__(self) -> None:
        self.beats = 0
        self.enough = asyncio.Event()

    def beat(self, *_: Any) -> None:
        """One more."""
        self.beats += 1
        if self.beats == BEATS:
            self.enough.set()

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  The SDK's name.
        if activity.info().heartbeat_timeout:
            await self.enough.wait()
        else:
            for _ in range(100):
                await asyncio.sleep(0)
        return "done"


async def run(working: Working, beats_within: timedelta | None) -> Any:
    """Run it behind our interceptor, as a worker would."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_timeout=beats_within)
    environment.on_heartbeat = working.beat
    given = ExecuteActivityInput(fn=lambda: None, args=(), executor=None, headers={})
    return await environment.run(Heartbeats().intercept_activity(working).execute_activity, given)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heart that beats as fast as it can."""
    monkeypatch.setattr(heartbeats, "HEARTBEAT_EVERY_SECONDS", 0)


async def test_it_beats_while_it_works_and_stops_when_it_is_done() -> None:
    working = Working()
    async with asyncio.timeout(10):
        assert await run(working, timedelta(seconds=5)) == "done"
    seen = working.beats
    assert seen >= BEATS
    for _ in range(100):
        await asyncio.sleep(0)
    assert working.beats == seen


@pytest.mark.parametrize("beats_within", [None, timedelta(0)], ids=["none", "zero"])
async def test_without_a_time_out_nothing_is_said(beats_within: timedelta | None) -> None:
    working = Working()
    assert await run(working, beats_within) == "done"
    assert working.beats == 0


@pytest.mark.parametrize(
    "policy", [READ, READ_NOW, RECORD, POST], ids=("read", "read_now", "record", "post")
)
def test_whoever_may_die_is_missed_within_seconds(policy: dict[str, Any]) -> None:
    assert policy["heartbeat_timeout"] == timedelta(seconds=5)


def test_what_runs_in_the_workflows_own_process_needs_none() -> None:
    assert "heartbeat_timeout" not in LOCAL
