"""Postings moved on by news and by people: only from where they may, and only what was meant."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from canonical.posting import PostingKind, TimeLine
from store import posting_ledger
from store.postings import Moves, Requeue, StillStopped
from tests.store.corner import DAY, WHO, Corner

OTHER_BODY = TimeLine(legal_entity="1", employee="7", task="14", work_date=DAY, seconds=7200)


async def move(corner: Corner, **moves: Any) -> None:
    async with corner.database.transaction() as connection:
        await posting_ledger.move(connection, Moves(**moves), WHO)


@pytest.mark.parametrize(
    ("move_to", "state"), [("cancel", "CANCELLED"), ("supersede", "SUPERSEDED")]
)
async def test_what_waits_is_ended_by_news(corner: Corner, move_to: str, state: str) -> None:
    keys = [await corner.pending("1"), await corner.stopped("2")]
    await move(corner, **{move_to: keys})
    assert [await corner.state(key) for key in keys] == [state, state]


@pytest.mark.parametrize("move_to", ["cancel", "supersede"])
async def test_what_is_under_way_or_posted_is_not_ended(corner: Corner, move_to: str) -> None:
    keys = [await corner.sending("1"), await corner.posted("2")]
    await move(corner, **{move_to: keys})
    assert [await corner.state(key) for key in keys] == ["SENDING", "POSTED"]


async def test_news_about_what_is_under_way_is_only_noted(corner: Corner) -> None:
    withdrawn, changed = await corner.sending("1"), await corner.sending("2")
    await move(corner, note_withdrawn=[withdrawn], note_revision=[(changed, 3)])
    await move(corner, note_revision=[(changed, 2)])
    rows = await corner.row(withdrawn), await corner.row(changed)
    assert [row["state"] for row in rows] == ["SENDING", "SENDING"]
    assert (rows[0]["withdrawn"], rows[1]["next_revision"]) == (True, 3)


def requeued(corner: Corner, key: UUID, **changes: Any) -> Requeue:
    new = corner.posting("1", **changes)
    assert new.intent is not None
    return Requeue(
        key=key,
        legal_entity=new.legal_entity,
        seconds=new.seconds,
        amount=new.amount,
        currency=new.currency,
        intent=new.intent,
    )


async def requeue(corner: Corner, *passed: Requeue) -> None:
    async with corner.database.transaction() as connection:
        await posting_ledger.requeue(connection, passed, WHO)


async def test_a_stopped_posting_is_queued_again_with_what_it_means_now(corner: Corner) -> None:
    key = await corner.stopped("1")
    again = requeued(corner, key, body=OTHER_BODY)
    await requeue(corner, again)
    row = await corner.row(key)
    assert (row["state"], row["case_id"], row["released_at"]) == ("PENDING", None, None)
    assert (row["seconds"], row["body_hash"]) == (7200, OTHER_BODY.body_hash)
    assert row["intent"] == again.intent.model_dump_json()


async def test_a_body_that_was_sent_is_not_replaced(corner: Corner) -> None:
    key = await corner.stopped("1")
    await corner.set(key, fence=1)
    await requeue(corner, requeued(corner, key, body=OTHER_BODY))
    assert await corner.state(key) == "EXCEPTION"
    await requeue(corner, requeued(corner, key))
    assert await corner.state(key) == "PENDING"


@pytest.mark.parametrize("state", ["CANCELLED", "POSTED", "WAIVED"])
async def test_what_ended_meanwhile_is_not_queued_again(corner: Corner, state: str) -> None:
    key = await corner.stopped("1")
    await corner.set(key, state=state, erp_document_id="501")
    await requeue(corner, requeued(corner, key))
    assert await corner.state(key) == state


async def test_a_posting_stopped_again_hangs_on_its_new_case_and_is_not_released(
    corner: Corner,
) -> None:
    key = await corner.stopped("1")
    await corner.set(key, released_at=datetime.now(UTC))
    other = await corner.case("P-2")
    async with corner.database.transaction() as connection:
        await posting_ledger.still_stopped(connection, [StillStopped(key, other)])
    row = await corner.row(key)
    assert (row["case_id"], row["released_at"], row["state"]) == (other, None, "EXCEPTION")


async def test_what_is_written_down_reads_back_the_same(corner: Corner) -> None:
    new = corner.posting("1")
    await corner.write(new)
    (posting,) = await corner.read(new.key)
    assert posting.intent == new.intent
    assert (posting.amount, posting.seconds, posting.fence) == (new.amount, 3600, 0)
    assert (posting.claimed_ms_ago, posting.unknown_ms_ago, posting.has_news) == (None, None, False)


async def test_ages_are_told_by_the_databases_clock(corner: Corner) -> None:
    key = await corner.sending()
    await corner.set(
        key,
        sent_at=datetime.now(UTC) - timedelta(seconds=30),
        unknown_since=datetime.now(UTC) - timedelta(seconds=90),
    )
    (posting,) = await corner.read(key)
    assert posting.claimed_ms_ago is not None
    assert posting.unknown_ms_ago is not None
    assert 29_000 < posting.claimed_ms_ago < 60_000
    assert 89_000 < posting.unknown_ms_ago < 120_000


async def test_an_unreadable_line_has_no_intent_and_says_so(corner: Corner) -> None:
    new = replace(corner.posting("1"), intent=None, case_id=await corner.case())
    await corner.write(replace(new, state=type(new.state)("EXCEPTION")))
    (posting,) = await corner.read(new.key)
    with pytest.raises(ValueError, match="has no intent"):
        _ = posting.intent


async def test_a_documents_standing_counts_what_is_left(corner: Corner) -> None:
    case_id = await corner.case()
    await corner.pending("1")
    await corner.sending("2")
    await corner.set(await corner.posted("3"), attested_at=datetime.now(UTC))
    await corner.stopped("4", case_id)
    in_doubt = await corner.sending("5")
    await corner.set(in_doubt, state="IN_DOUBT", case_id=case_id)
    async with corner.database.transaction() as connection:
        standing = await posting_ledger.standing_of(connection, corner.source, "sheet-1")
    assert (standing.to_post, standing.stopped, standing.cases) == (2, 2, (case_id,))


async def test_a_replacement_behind_a_stopped_taking_back_is_nothing_to_post(
    corner: Corner,
) -> None:
    original = await corner.posted()
    await corner.set(original, attested_at=datetime.now(UTC))
    back = await corner.stopped(kind=PostingKind.UNDO, corrects=original)
    await corner.pending(revision=2, waits_for=back)
    async with corner.database.transaction() as connection:
        standing = await posting_ledger.standing_of(connection, corner.source, "sheet-1")
    assert (standing.to_post, standing.stopped) == (0, 1)


async def test_documents_of_the_erp_find_their_postings_by_reference(corner: Corner) -> None:
    key = await corner.posted()
    reference = (await corner.row(key))["reference"]
    async with corner.database.transaction() as connection:
        find = posting_ledger.by_reference
        found = await find(connection, corner.target, [reference, "L" + "X" * 20])
        elsewhere = await find(connection, "another-erp", [reference])
    assert {ref: one.key for ref, one in found.items()} == {reference: key}
    assert elsewhere == {}


async def test_what_was_posted_and_is_not_listed_is_missing(corner: Corner) -> None:
    listed, lost = await corner.posted("1"), await corner.posted("2", "502")
    fresh, gone = await corner.posted("3", "503"), await corner.posted("4", "504")
    begun = datetime.now(UTC)
    for key in (listed, lost, gone):
        await corner.set(key, posted_at=begun - timedelta(hours=1))
    await corner.set(fresh, posted_at=begun + timedelta(seconds=1))
    await corner.set(gone, state="REVERSED")
    references = [(await corner.row(listed))["reference"]]
    async with corner.database.transaction() as connection:
        missing = await posting_ledger.posted_but_not_among(
            connection, corner.target, references, begun
        )
    assert [one.key for one in missing] == [lost]
