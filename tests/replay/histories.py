"""Recorded histories: where they are kept, and what is taken out of them before they are."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

HISTORIES: Final = Path(__file__).parent / "histories"
# Ids that the server makes anew in every run; a replay needs them to be there and to be the same
# wherever one of them occurs again.
_RUN_TIME_IDS: Final = frozenset(
    {
        *("runId", "firstExecutionRunId", "originalExecutionRunId", "newExecutionRunId"),
        *("requestId", "continuedExecutionRunId"),
    }
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A history that was recorded: of which workflow, and on which of its ways."""

    workflow: str
    case: str
    history: WorkflowHistory

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.workflow}/{self.case}"

    def steps(self) -> Iterator[str]:
        """What happened: the activities that were asked for, and all other kinds of event."""
        for event in self.history.events:
            scheduled = event.activity_task_scheduled_event_attributes
            marker = event.marker_recorded_event_attributes
            if scheduled.activity_type.name:
                yield scheduled.activity_type.name
            elif marker.marker_name:
                (told,) = marker.details["data"].payloads
                yield json.loads(told.data)["activity_type"]
            else:
                yield EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")

    def shows(self, wanted: Sequence[str]) -> bool:
        """Whether these steps are among what happened, in their order."""
        left = self.steps()
        return all(step in left for step in wanted)


def recorded() -> Iterator[Recorded]:
    """All that are kept."""
    for path in sorted(HISTORIES.glob("*/*.json")):
        kept = json.loads(path.read_text())
        history = WorkflowHistory.from_json(kept["workflowId"], {"events": kept["events"]})
        yield Recorded(path.parent.name, path.stem, history)


def keep(one: Recorded) -> Path:
    """Write a history without what names the machine that it was recorded on."""
    path = HISTORIES / f"{one.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    events = Scrubbing().of(json.loads(one.history.to_json())["events"])
    kept = {"workflowId": one.history.workflow_id, "events": events}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    return path


class Scrubbing:
    """Takes worker identities, host names, paths in stack traces and run-time ids out."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def of(self, value: Any, key: str = "") -> Any:
        """The same, fit to be kept."""
        match value:
            case {"kind": "TASK_QUEUE_KIND_STICKY"}:
                # It is named after the process that it belongs to.
                return {**value, "name": "sticky"}
            case dict():
                return {name: self.of(one, name) for name, one in value.items()}
            case list():
                return [self.of(one, key) for one in value]
            case str():
                return self._text(value, key)
            case _:
                return value

    def _text(self, text: str, key: str) -> str:
        if key == "identity":
            return "worker"
        if key == "stackTrace":
            return ""
        if key in _RUN_TIME_IDS:
            return self._ids.setdefault(text, str(uuid5(NAMESPACE_OID, str(len(self._ids)))))
        return text
