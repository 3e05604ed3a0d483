"""What can go wrong with a write at a simulated Tryton: planned one by one, or by chance."""

import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from connectors.tryton.simulated_lines import Line


class Fault(StrEnum):
    """One kind of trouble, and what is in the books afterwards."""

    LOST_ANSWER = "lost_answer"  # Committed; the connection is cut in the middle of the answer.
    HANG = "hang"  # Committed; the answer comes after `seconds`, or a release.
    SLOW_COMMIT = "slow_commit"  # Not yet committed; that comes after `seconds`, or a release.
    UNREADABLE = "unreadable"  # Committed; the answer is 200 and no JSON.
    BUSY = "busy"  # 503, rolled back: a lock was not had.
    BUSY_AFTER_COMMIT = "busy_after_commit"  # 503, committed: the database connection broke.
    ERROR_BEFORE = "error_before"  # 500, nothing done.
    ERROR_AFTER = "error_after"  # 500, committed.
    THROTTLED = "throttled"  # 429 with Retry-After, nothing done.
    SESSION_GONE = "session_gone"  # 401, nothing done; all sessions have ended.
    ROUNDED = "rounded"  # Committed, with durations rounded up to a quarter of an hour.
    SHIFTED = "shifted"  # Committed, with dates a day later.
    NAMELESS = "nameless"  # Committed, with no description.


ALTERING: Final = frozenset({Fault.ROUNDED, Fault.SHIFTED, Fault.NAMELESS})
_QUARTER_SECONDS: Final = 900


class Faults:
    """Decides for each write what goes wrong with it. Equal seeds make equal runs."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311  Repeatable, not secret.
        self._planned: Final[deque[Fault]] = deque()
        self._rates: dict[Fault, float] = {}
        self.seconds = 1.0
        self.fired: Final[Counter[Fault]] = Counter()

    def plan(self, faults: Iterable[Fault]) -> None:
        """Let these happen to the next writes, one each, in turn."""
        self._planned.extend(faults)

    def chance(self, rates: Mapping[Fault, float], seed: int | None = None) -> None:
        """Let each happen to so many writes in one; replaces all earlier chances."""
        self._rates = dict(rates)
        if seed is not None:
            self._random = random.Random(seed)  # noqa: S311

    def draw(self) -> Fault | None:
        """Say what goes wrong with the write that just came in."""
        fault = self._planned.popleft() if self._planned else self._by_chance()
        if fault is not None:
            self.fired[fault] += 1
        return fault

    def _by_chance(self) -> Fault | None:
        if not self._rates:
            return None
        drawn = self._random.random()
        for fault, rate in self._rates.items():
            drawn -= rate
            if drawn < 0:
                return fault
        return None


def altered(fault: Fault, line: Line) -> None:
    """Change a line as the fault says, without telling anybody."""
    if fault is Fault.ROUNDED:
        line["duration"] = -(-line["duration"] // _QUARTER_SECONDS) * _QUARTER_SECONDS
    elif fault is Fault.SHIFTED:
        line["date"] += timedelta(days=1)
    elif fault is Fault.NAMELESS:
        line["description"] = None
