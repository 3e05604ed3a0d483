"""Progress on a terminal: what happens now, and how far it is."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
)
from rich.progress import TimeElapsedColumn as Elapsed

from sandbox.demo import Stage
from sandbox.platform_view import Standing


class Curtain:
    """Bars while they help; plain lines where nobody looks at a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Elapsed(),
            console=console,
            disable=not console.is_terminal,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def stage(self) -> Stage:
        """What the demo talks to."""
        return Stage(step=self.step, building=self.building, standing=self.standing)

    def step(self, what: str) -> None:
        """Something new begins."""
        self._progress.console.print(f"[dim]·[/] {what}", highlight=False)

    def building(self, what: str, percent: int) -> None:
        """Something is so many per cent done."""
        self._bar(what, percent, 100)

    def standing(self, now: Standing) -> None:
        """How many of the approved lines are decided."""
        self._bar("Lines posted or in a case", now.posted + now.stopped, now.approved)

    def _bar(self, what: str, done: int, total: int) -> None:
        if not self._console.is_terminal:
            return
        if what not in self._bars:
            self._bars[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._bars[what], completed=done, total=total)
