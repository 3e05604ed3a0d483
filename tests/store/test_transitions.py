"""Which steps of a posting are legal: the database decides, whoever asks."""

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import asyncpg
import pytest

from canonical.posting import PostingState
from store.database import Connection
from tests.store.corner import Corner

S = PostingState
# POSTING.md section 2, written down once more. POSTED from anywhere that is not decided: what the
# ERP turned out to hold is adopted.
LEGAL = {
    S.PENDING: {S.SENDING, S.EXCEPTION, S.SUPERSEDED, S.CANCELLED, S.WAIVED, S.POSTED},
    S.SENDING: {
        *(S.PENDING, S.POSTED, S.EXCEPTION, S.IN_DOUBT, S.DUPLICATE, S.SUPERSEDED, S.CANCELLED)
    },
    S.POSTED: {S.REVERSED, S.DUPLICATE},
    S.EXCEPTION: {S.PENDING, S.SUPERSEDED, S.CANCELLED, S.WAIVED, S.POSTED},
    S.IN_DOUBT: {S.POSTED, S.PENDING, S.DUPLICATE, S.CANCELLED, S.SUPERSEDED, S.WAIVED},
    S.DUPLICATE: {S.POSTED, S.REVERSED},
    S.SUPERSEDED: set[PostingState](),
    S.CANCELLED: set[PostingState](),
    S.WAIVED: set[PostingState](),
    S.REVERSED: set[PostingState](),
}
# The shortest way from PENDING to each state.
WAY = {
    S.PENDING: [],
    S.SENDING: [S.SENDING],
    S.POSTED: [S.POSTED],
    S.EXCEPTION: [S.EXCEPTION],
    S.IN_DOUBT: [S.SENDING, S.IN_DOUBT],
    S.DUPLICATE: [S.POSTED, S.DUPLICATE],
    S.SUPERSEDED: [S.SUPERSEDED],
    S.CANCELLED: [S.CANCELLED],
    S.WAIVED: [S.WAIVED],
    S.REVERSED: [S.POSTED, S.REVERSED],
}


async def step(connection: Connection, key: UUID, state: PostingState) -> None:
    await connection.execute("UPDATE posting SET state = $2 WHERE key = $1", key, state)


async def may(connection: Connection, key: UUID, state: PostingState) -> bool:
    """Whether the database lets a row go there; leaves the row where it was."""
    taken = connection.transaction()
    await taken.start()
    try:
        await step(connection, key, state)
    except asyncpg.CheckViolationError as refused:
        if "may not go from" not in str(refused):
            raise
        return False
    else:
        return True
    finally:
        await taken.rollback()


@pytest.mark.parametrize("old", PostingState)
async def test_exactly_the_legal_steps_are_taken(corner: Corner, old: PostingState) -> None:
    # With a case, a document and a fence, so that nothing but the step can be refused.
    key = await corner.pending()
    case_id = await corner.case()
    await corner.set(
        key, case_id=case_id, erp_document_id="501", fence=1, sent_at=datetime.now(UTC)
    )
    async with corner.database.transaction() as connection:
        for state in WAY[old]:
            await step(connection, key, state)
        found = {new for new in PostingState if await may(connection, key, new)}
    assert found == LEGAL[old] | {old}


def test_every_pair_of_states_was_decided_on() -> None:
    assert set(LEGAL) == set(WAY) == set(PostingState)
    legal = sum(new in LEGAL[old] for old, new in product(PostingState, repeat=2))
    assert (legal, len(PostingState)) == (28, 10)


@pytest.mark.parametrize("state", sorted(set(PostingState) - {S.PENDING, S.EXCEPTION}))
async def test_a_posting_is_born_pending_or_stopped(corner: Corner, state: PostingState) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await corner.pending(state=state, case_id=await corner.case())


async def test_one_illegal_step_among_many_takes_none(corner: Corner) -> None:
    good, bad = await corner.pending("1"), await corner.posted("2")
    with pytest.raises(asyncpg.CheckViolationError):
        await corner.database.execute(
            "UPDATE posting SET state = 'CANCELLED' WHERE key = ANY($1::uuid[])", [good, bad]
        )
    assert await corner.state(good) == "PENDING"


async def test_a_resolved_case_stays_resolved(corner: Corner) -> None:
    case_id = await corner.case()
    change = "UPDATE exception_case SET state = $2 WHERE id = $1"
    await corner.database.execute(change, case_id, "RESOLVED")
    with pytest.raises(asyncpg.CheckViolationError, match="stays resolved"):
        await corner.database.execute(change, case_id, "OPEN")
