"""Faults that a proxy can do to requests, chosen by what a request is, counted when they happened.

Pure: which fault meets which request depends on the plan, its seed and the order of requests.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PER_MILLE = 1000


class FaultKind(StrEnum):
    """What goes wrong, told from the client's side."""

    # The system did it, and the answer never arrives.
    LOST_ANSWER = "lost_answer"
    # The system did it, and says 500.
    ERROR_AFTER = "error_after"
    # The client gives up waiting; only then does the request reach the system.
    SLOW_COMMIT = "slow_commit"
    # The system is never reached by the other three.
    THROTTLE = "throttle"
    UNAVAILABLE = "unavailable"
    RESET_BEFORE = "reset_before"


class Fault(BaseModel):
    """One fault for the requests that all given conditions select: some of them, or the next ones.

    `fields` are members of the JSON body, such as the method of a JSON-RPC call.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    verb: str | None = None
    path_prefix: str = "/"
    fields: dict[str, str] = Field(default_factory=dict)
    rate_per_mille: int | None = Field(default=None, ge=0, le=PER_MILLE)
    next_requests: int | None = Field(default=None, ge=1)
    # For throttle: when to come back, and in which of HTTP's two forms it is said.
    retry_after_seconds: int = Field(default=1, ge=0)
    retry_after_form: Literal["seconds", "date"] = "seconds"
    # For slow_commit: how long to wait after the client has left, and for it to leave at all.
    late_milliseconds: int = Field(default=0, ge=0)
    hold_seconds_max: int = Field(default=60, ge=1)

    @model_validator(mode="after")
    def _chosen_in_one_way(self) -> Self:
        if (self.rate_per_mille is None) == (self.next_requests is None):
            raise ValueError("a fault has either a rate or a number of next requests")
        return self

    def selects(self, request: "RequestFacts") -> bool:
        """Whether a request is one of those that this fault is meant for."""
        return (
            self.verb in (None, request.verb)
            and request.path.startswith(self.path_prefix)
            and all(request.body.get(name) == value for name, value in self.fields.items())
        )


class FaultPlan(BaseModel):
    """What a proxy is told: the first fault of the list that strikes a request is its fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class RequestFacts:
    """What a fault may look at: verb, path and the members of a JSON object as body."""

    verb: str
    path: str
    body: dict[str, Any]

    @classmethod
    def of(cls, verb: str, path: str, content: bytes) -> Self:
        """Read them from a request; a body that is no JSON object has no members."""
        try:
            body = json.loads(content) if content else {}
        except ValueError:
            body = {}
        return cls(verb, path, body if isinstance(body, dict) else {})


class FaultCount(BaseModel):
    """How often a kind of fault really happened.

    `fired` counts what the client suffered. Of these, `committed` were carried out by the system,
    `refused` it declined, `unanswered` it gave no clear answer to. `spared` were chosen and let
    go: the system had refused the request, or the client never gave up.
    """

    selected: int = 0
    fired: int = 0
    committed: int = 0
    refused: int = 0
    unanswered: int = 0
    spared: int = 0


class FaultReport(BaseModel):
    """What a proxy has seen since its counters were cleared."""

    requests: int = 0
    # Requests that a slow commit still holds back, or whose late answer is still due.
    held: int = 0
    counts: dict[FaultKind, FaultCount] = Field(default_factory=dict)

    def of(self, kind: FaultKind) -> FaultCount:
        """The count of one kind, all zeros if it never came up."""
        return self.counts.get(kind, FaultCount())


@dataclass
class _Charge:
    """A fault with its own dice and the number of times that it may still strike."""

    fault: Fault
    dice: random.Random
    left: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.fault.next_requests

    def strikes(self) -> bool:
        if self.left is None:
            return self.dice.randrange(PER_MILLE) < (self.fault.rate_per_mille or 0)
        return self.left > 0


class Misfortune:
    """Chooses faults for requests by a plan."""

    def __init__(self, plan: FaultPlan) -> None:
        # Dice of their own, so that a fault meets the same requests whatever the others do.
        self._charges = [
            _Charge(fault, random.Random(f"{plan.seed}/{number}"))
            for number, fault in enumerate(plan.faults)
        ]

    @property
    def faults(self) -> Sequence[Fault]:
        """The faults of its plan."""
        return [charge.fault for charge in self._charges]

    def strike(self, request: RequestFacts) -> Fault | None:
        """Choose the fault for a request, if any; a numbered one is used up by it."""
        for charge in self._charges:
            if charge.fault.selects(request) and charge.strikes():
                if charge.left is not None:
                    charge.left -= 1
                return charge.fault
        return None

    def spare(self, fault: Fault) -> None:
        """Take back a fault that was chosen and did not happen: a numbered one strikes again."""
        for charge in self._charges:
            if charge.fault is fault and charge.left is not None:
                charge.left += 1
