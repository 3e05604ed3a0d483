"""Asking again: what a try left over is tried once more, soon at first and less often later."""

from datetime import timedelta
from typing import Final

from temporalio import workflow

from workflows.policies import ASK_AGAIN_MAX

with workflow.unsafe.imports_passed_through():
    from canonical.messages import Posted

# Two to this power of seconds is more than anybody waits.
_DOUBLINGS_MAX: Final = 10


class AskingAgain:
    """When what is left over is tried once more: when somebody said, or with growing delay.

    Growing, so that an ERP's outage of hours costs a handful of tries and not thousands.
    """

    def __init__(self) -> None:
        self._guesses = 0

    def after(self, posted: Posted) -> timedelta | None:
        """How long to wait after a try; None if nothing is left over."""
        seconds = posted.again_in_seconds
        if posted.posted or seconds is None:
            self.begin_anew()
        if seconds is None:
            return None
        if not posted.again_exactly:
            seconds = max(seconds, 2 ** min(self._guesses, _DOUBLINGS_MAX))
            self._guesses += 1
        return min(timedelta(seconds=seconds), ASK_AGAIN_MAX)

    def begin_anew(self) -> None:
        """Forget the tries that came to nothing: there is news."""
        self._guesses = 0
