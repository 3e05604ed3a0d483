"""Lanes: how many of one legal entity's calls an ERP is sent side by side.

An ERP locks what the documents of one company share (the sequence of their numbers, a register),
and nothing across companies: so they wait for each other, and for nobody else's.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from canonical.messages import BILLING, REPORT, TIMESHEET, posting_queue
from canonical.posting import PostingKind
from connectors.base.manifest import PostingOperation

# What is posted of each kind of document.
_POSTED_OF: Final[Mapping[str, PostingKind]] = {
    TIMESHEET: PostingKind.TIME,
    REPORT: PostingKind.EXPENSE,
    BILLING: PostingKind.INVOICE,
}


def widths(target: str, operations: Sequence[PostingOperation]) -> dict[str, int]:
    """Give each posting queue of an ERP with the width of its lanes.

    What shares a queue shares its lanes, so the narrowest counts.
    """
    widths: dict[str, int] = {}
    for queue, width in _asked_for(target, operations):
        widths[queue] = min(width, widths.get(queue, width))
    return widths


def _asked_for(target: str, operations: Sequence[PostingOperation]) -> Iterator[tuple[str, int]]:
    for kind, posted in _POSTED_OF.items():
        for one in operations:
            if one.kind is posted:
                yield posting_queue(target, kind), one.concurrency_max


class Lanes:
    """The lanes of one process; another process's collisions are the ERP's own locks' to refuse."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, str], asyncio.Semaphore] = {}

    def of(
        self, queue: str, legal_entity: str, target: str, operations: Sequence[PostingOperation]
    ) -> asyncio.Semaphore:
        """The lane of one legal entity on a posting queue; entered in the order of asking."""
        lane = (queue, legal_entity)
        if lane not in self._lanes:
            self._lanes[lane] = asyncio.Semaphore(widths(target, operations).get(queue, 1))
        return self._lanes[lane]
