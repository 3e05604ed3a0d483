"""Histories that were recorded replay on the code as it is now: running workflows survive it."""

import base64
import json
import re
import socket
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, Final

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from runtime.temporal import DATA_CONVERTER
from runtime.topology import WORKFLOWS
from sandbox.firm import firm_of
from tests.e2e.local_platform import MONTH
from tests.replay.billing_plays import BILLING
from tests.replay.changed import (
    CuriousExpenseToReimbursement,
    DrowsyExceptionCase,
    ForgetfulInvoiceReadiness,
    HastyTimeToPosting,
)
from tests.replay.expense_plays import EXPENSES
from tests.replay.fyle_plays import FYLE
from tests.replay.histories import HISTORIES, Recorded, Scrubbing, recorded
from tests.replay.master_plays import MASTERS
from tests.replay.plays import TIME

RECORDED: Final = list(recorded())
# Beyond this, nobody reads the difference that a recording makes.
BYTES_MAX: Final = 100_000

each = pytest.mark.parametrize("one", RECORDED, ids=lambda one: one.name)


async def replay(history: WorkflowHistory, workflows: Sequence[type] = WORKFLOWS) -> None:
    """Run workflow code against a history; raises if it would do anything else now."""
    replayer = Replayer(workflows=workflows, data_converter=DATA_CONVERTER)
    await replayer.replay_workflow(history)


@each
async def test_a_recorded_history_replays(one: Recorded) -> None:
    await replay(one.history)


def test_every_workflow_has_a_recorded_history() -> None:
    names = {workflow.__name__ for workflow in WORKFLOWS}
    assert {one.workflow for one in RECORDED} == names, (
        "write a play in tests/replay and run python -m tests.replay.record"
    )


def test_every_play_was_recorded_and_shows_what_it_is_for() -> None:
    plays = {one.name: one.shows for one in TIME.plays}
    plays |= {one.name: one.shows for one in EXPENSES.plays}
    plays |= {one.name: one.shows for one in FYLE.plays}
    plays |= {one.name: one.shows for one in BILLING.plays}
    plays |= {one.name: one.shows for one in MASTERS.plays}
    assert {one.name for one in RECORDED} >= plays.keys()
    assert [one.name for one in RECORDED if not one.shows(plays.get(one.name, ()))] == []


@each
async def test_a_history_whose_first_activity_was_another_one_does_not_replay(
    one: Recorded,
) -> None:
    changed = deepcopy(one.history)
    assert any(map(_rename_activity, changed.events))
    with pytest.raises(NondeterminismError):
        await replay(changed)


@pytest.mark.parametrize(
    "changed",
    [
        HastyTimeToPosting,
        CuriousExpenseToReimbursement,
        ForgetfulInvoiceReadiness,
        DrowsyExceptionCase,
    ],
)
async def test_a_workflow_that_was_changed_without_care_does_not_replay(changed: type) -> None:
    workflow = changed.__bases__[0].__name__
    histories = [one.history for one in recorded() if one.workflow == workflow]
    assert histories
    for history in histories:
        with pytest.raises(NondeterminismError):
            await replay(history, [changed])


def _rename_activity(event: HistoryEvent) -> bool:
    """Say that an event is about another activity; False if it is about none."""
    scheduled = event.activity_task_scheduled_event_attributes
    marker = event.marker_recorded_event_attributes
    if scheduled.activity_type.name:
        scheduled.activity_type.name = "another_one"
        return True
    if marker.marker_name:
        (told,) = marker.details["data"].payloads
        told.data = json.dumps(json.loads(told.data) | {"activity_type": "another_one"}).encode()
        return True
    return False


def test_what_is_kept_names_no_machine_and_nobody() -> None:
    people = [text for one in firm_of(MONTH).employees for text in (one.name, one.email)]
    forbidden = [socket.gethostname(), "private 9", *people]
    for path in sorted(HISTORIES.glob("*/*.json")):
        assert path.stat().st_size < BYTES_MAX
        for text in _texts(json.loads(path.read_text())):
            assert not [word for word in forbidden if word in text], f"{path}: {text}"
            assert not re.search(r"\d+@|/[\w.-]+\.py\b", text), f"{path}: {text}"


def _texts(value: Any, key: str = "") -> Iterator[str]:
    """All texts in it, those in payloads decoded."""
    match value:
        case dict():
            for name, one in value.items():
                yield from _texts(one, name)
        case list():
            for one in value:
                yield from _texts(one, key)
        case str():
            yield base64.b64decode(value).decode() if key == "data" else value
        case _:
            pass


def test_what_names_a_machine_is_taken_out_and_what_was_equal_stays_so() -> None:
    scrubbed = Scrubbing().of(
        {
            "identity": "12@host",
            "taskQueue": {
                "name": "12@host-7f",
                "kind": "TASK_QUEUE_KIND_STICKY",
                "normalName": "time.main",
            },
            "failure": {"message": "refused", "stackTrace": "  File app/x.py, line 1"},
            "originalExecutionRunId": "run-a",
            "requests": [{"requestId": "r"}, {"firstExecutionRunId": "run-a"}],
        }
    )
    assert scrubbed["identity"] == "worker"
    assert scrubbed["taskQueue"]["name"] == "sticky"
    assert scrubbed["taskQueue"]["normalName"] == "time.main"
    assert scrubbed["failure"] == {"message": "refused", "stackTrace": ""}
    first, again = scrubbed["originalExecutionRunId"], scrubbed["requests"][1]
    assert first == again["firstExecutionRunId"] != scrubbed["requests"][0]["requestId"]
    assert "run-a" not in json.dumps(scrubbed)
