"""Turns: one company's documents wait for each other, and for nobody else's."""

import asyncio
from dataclasses import dataclass

from activities.turns import Turns, at_once
from canonical.messages import BILLING, REPORT, TIMESHEET, DocumentRef, posting_queue
from canonical.posting import PostingKind
from connectors.base.guard import Bulk, DraftThenPost
from connectors.base.manifest import PostingOperation, ReferenceField


def operation(kind: PostingKind, side_by_side: int) -> PostingOperation:
    """One kind of write of an ERP that takes so many side by side."""
    return PostingOperation(
        kind=kind,
        guard=DraftThenPost(),
        bulk=Bulk("NONE"),
        reference=ReferenceField("number", 40),
        send_window_seconds=30,
        concurrency_max=side_by_side,
    )


OPERATIONS = (
    operation(PostingKind.TIME, 4),
    operation(PostingKind.EXPENSE, 3),
    operation(PostingKind.INVOICE, 2),
)
REPORTED = DocumentRef(connection="source", document="1", target="erp", kind=REPORT)
DOCUMENTS = posting_queue("erp", REPORT)


@dataclass
class Meter:
    """Counts how many are under way at once."""

    now: int = 0
    most: int = 0

    async def work(self, turn: asyncio.Semaphore) -> None:
        """Be under way for a few turns of the loop."""
        async with turn:
            self.now += 1
            self.most = max(self.most, self.now)
            for _ in range(5):
                await asyncio.sleep(0)
            self.now -= 1


def test_what_shares_a_queue_is_taken_as_its_least_patient_kind_asks() -> None:
    assert posting_queue("erp", BILLING) == DOCUMENTS
    assert at_once("erp", OPERATIONS) == {posting_queue("erp", TIMESHEET): 4, DOCUMENTS: 2}


def test_an_erp_that_posts_no_documents_has_no_queue_for_them() -> None:
    assert at_once("erp", OPERATIONS[:1]) == {posting_queue("erp", TIMESHEET): 4}


async def test_a_company_has_as_many_under_way_as_its_erp_takes() -> None:
    turns, meter = Turns(), Meter()
    await asyncio.gather(*(meter.work(turns.of(REPORTED, "DE01", OPERATIONS)) for _ in range(9)))
    assert meter.most == 2


async def test_another_company_does_not_wait() -> None:
    turns, meter = Turns(), Meter()
    await asyncio.gather(
        *(
            meter.work(turns.of(REPORTED, entity, OPERATIONS))
            for entity in ("DE01", "US01", "GB01")
            for _ in range(9)
        )
    )
    assert meter.most == 6
