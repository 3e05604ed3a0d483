"""Turns: how many of one legal entity's calls an ERP is sent side by side.

An ERP locks what the documents of one company share (the sequence of their numbers, a register),
and nothing across companies: so they wait for their turn among each other, and for nobody
else's.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from canonical.messages import BILLING, REPORT, TIMESHEET, DocumentRef, posting_queue
from canonical.posting import PostingKind
from connectors.base.manifest import PostingOperation

# What is posted of each kind of document.
_POSTED_OF: Final[Mapping[str, PostingKind]] = {
    TIMESHEET: PostingKind.TIME,
    REPORT: PostingKind.EXPENSE,
    BILLING: PostingKind.INVOICE,
}


def at_once(target: str, operations: Sequence[PostingOperation]) -> dict[str, int]:
    """Give each posting queue of an ERP with how many of one legal entity go side by side.

    What shares a queue shares the turns, so the least counts.
    """
    least: dict[str, int] = {}
    for queue, taken in _taken_by(target, operations):
        least[queue] = min(taken, least.get(queue, taken))
    return least


def _taken_by(target: str, operations: Sequence[PostingOperation]) -> Iterator[tuple[str, int]]:
    for kind, posted in _POSTED_OF.items():
        for one in operations:
            if one.kind is posted:
                yield posting_queue(target, kind), one.concurrency_max


class Turns:
    """The turns of one process; another process's collisions are the ERP's own locks' to refuse."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, str], asyncio.Semaphore] = {}

    def of(
        self, ref: DocumentRef, legal_entity: str, operations: Sequence[PostingOperation]
    ) -> asyncio.Semaphore:
        """The turns of a document's legal entity, taken in the order of asking."""
        queue = posting_queue(ref.target, ref.kind)
        whose = (queue, legal_entity)
        if whose not in self._turns:
            self._turns[whose] = asyncio.Semaphore(at_once(ref.target, operations)[queue])
        return self._turns[whose]
