"""Plays: what is performed so that a workflow's history can be recorded on one of its ways."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from temporalio.client import WorkflowHandle

Handle = WorkflowHandle[Any, Any]
# The platform that a play is performed on.
P = TypeVar("P")
Performance = Callable[[P], Awaitable[Handle]]


@dataclass(frozen=True, slots=True)
class Play(Generic[P]):
    """Gives the workflow whose history is kept; it ends by itself.

    `shows` are the events that make it worth keeping, in their order, and others between them.
    """

    workflow: str
    case: str
    shows: Sequence[str]
    perform: Performance[P]

    @property
    def name(self) -> str:
        """For people, and of the file that its history is kept in."""
        return f"{self.workflow}/{self.case}"


class Repertoire(Generic[P]):
    """All plays for one kind of platform."""

    def __init__(self) -> None:
        self.plays: list[Play[P]] = []

    def play(self, workflow: str, *shows: str) -> Callable[[Performance[P]], Performance[P]]:
        """Add a play of a workflow; its name is the case."""

        def added(perform: Performance[P]) -> Performance[P]:
            self.plays.append(Play(workflow, perform.__name__, shows, perform))
            return perform

        return added
