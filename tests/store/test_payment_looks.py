"""Looks at payments that overlap: what a later look has seen, an earlier one does not undo."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from activities.payments import PaymentActivities
from canonical.expense_document import DocumentPayment, DocumentPayments
from canonical.money import Money
from canonical.posting import PostingKind
from connectors.base.connections import Connections
from tests.store.corner import DAY, Corner, until_waiting_for


def euro(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


class SlowErp:
    """Answers what was true when it was asked, and only once it may."""

    def __init__(self, paid: str, credited: str = "0.00") -> None:
        self.paid, self.credited = paid, Decimal(credited)
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def payments_of(self, document_ids: Sequence[str]) -> Sequence[DocumentPayments]:
        self.asked.set()
        await self.may_answer.wait()
        paid = euro(self.paid)
        payments = (DocumentPayment(id="p1", paid_on=DAY, amount=paid),) if paid.amount else ()
        return [
            DocumentPayments(
                document_id=one,
                number="SINV-1",
                total=euro("100.00"),
                open=euro(f"{100 - paid.amount - self.credited:.2f}"),
                credited=self.credited,
                payments=payments,
            )
            for one in document_ids
        ]


class Look:
    """One watcher's look at what `corner` has posted."""

    def __init__(self, corner: Corner, paid: str, credited: str = "0.00") -> None:
        self.erp = SlowErp(paid, credited)
        self._corner = corner
        self._activities = PaymentActivities(corner.database, cast("Connections", self))

    def filling(self, *_: Any) -> SlowErp:
        return self.erp

    async def begin(self) -> "asyncio.Task[Any]":
        """Start, and come back when the ERP has been asked."""
        task = asyncio.create_task(self._activities._watch(self._corner.target))
        await self.erp.asked.wait()
        return task


async def posted_report(corner: Corner) -> UUID:
    key = await corner.posted("doc1", kind=PostingKind.EXPENSE, object="expense_report")
    await corner.set(key, attested_at=datetime.now(UTC))
    return key


async def owed(corner: Corner) -> list[tuple[str, str]]:
    """What the source is to be told, with the amount."""
    rows = await corner.database.fetch(
        "SELECT kind, detail::jsonb -> 'amount' ->> 'amount' AS amount FROM outbox "
        "WHERE connection = $1 ORDER BY id",
        corner.source,
    )
    return [(row["kind"], row["amount"]) for row in rows]


async def test_an_older_look_that_ends_later_takes_no_payment_back(corner: Corner) -> None:
    await posted_report(corner)
    older, newer = Look(corner, "50.00"), Look(corner, "80.00")
    late = await older.begin()
    newer.erp.may_answer.set()
    await (await newer.begin())
    older.erp.may_answer.set()
    await late
    assert await owed(corner) == [("payment_partial", "80.00")]
    last = Look(corner, "100.00")
    last.erp.may_answer.set()
    await (await last.begin())
    assert await owed(corner) == [("payment_partial", "80.00"), ("payment_paid", "100.00")]


async def look_at(corner: Corner, paid: str, credited: str) -> list[tuple[str, str]]:
    """Look once, with nobody in between; gives what the source is to be told by now."""
    look = Look(corner, paid, credited)
    look.erp.may_answer.set()
    await (await look.begin())
    return await owed(corner)


async def test_with_a_part_credited_the_rest_is_told_as_paid_once_and_taken_back_in_full(
    corner: Corner,
) -> None:
    await posted_report(corner)
    assert await look_at(corner, "0.00", "30.00") == []
    in_part = [("payment_partial", "40.00")]
    assert await look_at(corner, "40.00", "30.00") == in_part
    settled = [*in_part, ("payment_paid", "70.00")]
    for _ in range(2):
        assert await look_at(corner, "70.00", "30.00") == settled
    assert await look_at(corner, "0.00", "30.00") == [*settled, ("payment_reversed", "70.00")]


async def test_what_is_credited_in_full_is_kept_as_taken_back_and_never_told_as_paid(
    corner: Corner,
) -> None:
    key = await posted_report(corner)
    for _ in range(2):
        assert await look_at(corner, "0.00", "100.00") == []
    (row,) = await corner.database.fetch(
        "SELECT state, total, paid FROM document_payment WHERE posting_key = $1", key
    )
    assert tuple(row.values()) == ("reversed", Decimal("100.00"), Decimal("0.00"))


async def test_two_looks_that_are_kept_at_once_add_up_to_what_was_paid(corner: Corner) -> None:
    """The second has to wait for the first, and then knows what the first has kept."""
    key = await posted_report(corner)
    looks = [Look(corner, "50.00"), Look(corner, "80.00")]
    tasks = [await look.begin() for look in looks]
    async with corner.database.transaction() as connection:
        await connection.execute("SELECT FROM posting WHERE key = $1 FOR UPDATE", key)
        for look in looks:
            look.erp.may_answer.set()
        await until_waiting_for(corner, "posting")
    await asyncio.gather(*tasks)
    last = Look(corner, "90.00")
    last.erp.may_answer.set()
    await (await last.begin())
    told = await owed(corner)
    assert {kind for kind, _ in told} == {"payment_partial"}
    assert sum(Decimal(amount) for _, amount in told) == Decimal("90.00")


async def test_a_credit_note_has_a_number_and_no_payment_that_anybody_is_told_of(
    corner: Corner,
) -> None:
    invoice = await corner.posted("INV", "51", kind=PostingKind.INVOICE, object="billing_event")
    note = await corner.posted(
        "NOTE", "52", kind=PostingKind.INVOICE, object="billing_event", corrects=invoice
    )
    for key in (invoice, note):
        await corner.set(key, attested_at=datetime.now(UTC))
    for paid in ("50.00", "100.00"):
        look = Look(corner, paid)
        look.erp.may_answer.set()
        outcome = await (await look.begin())
        assert (outcome.documents, outcome.steps) == (2, 1)
    rows = await corner.database.fetch(
        "SELECT o.source_id, o.kind FROM outbox o WHERE o.connection = $1 ORDER BY o.id",
        corner.source,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("INV", "payment_partial"),
        ("INV", "payment_paid"),
    ]
    (kept,) = await corner.database.fetch(
        "SELECT number, state FROM document_payment WHERE posting_key = $1", note
    )
    assert tuple(kept.values()) == ("SINV-1", "paid")
