"""The audit trail: one row per state change, in the same transaction, and none of it can go."""

import random
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

import asyncpg
import pytest

from canonical.exception_case import CaseState
from canonical.posting import PostingState
from store import cases, posting_attempts, posting_ledger
from store.database import Row
from store.postings import AttemptClass, AttemptResult, Moves, Who
from tests.store.corner import WHO, Corner

S = PostingState


def steps(rows: Sequence[Row]) -> list[tuple[str | None, str]]:
    return [(row["from_state"], row["to_state"]) for row in rows]


async def test_a_posting_is_audited_from_its_birth(corner: Corner) -> None:
    key = await corner.pending()
    (born,) = await corner.audit(key)
    assert (born["from_state"], born["to_state"], born["fence"]) == (None, "PENDING", 0)
    assert (born["actor"], born["reason"], born["correlation_id"]) == (
        WHO.actor,
        WHO.reason,
        WHO.correlation_id,
    )


async def test_each_change_has_one_row_with_who_and_why(corner: Corner) -> None:
    await corner.pending()
    (posting,) = await corner.read(corner.posting().key)
    fences = await corner.claim(posting)
    other = Who("posting", "sent to the ERP", "harvest/sheet-1")
    async with corner.database.transaction() as connection:
        done = AttemptResult(posting.key, fences[posting.key], AttemptClass.UNKNOWN, code="reset")
        await posting_attempts.record(connection, [done], other, acknowledge=False)
    rows = await corner.audit(posting.key)
    assert steps(rows) == [(None, "PENDING"), ("PENDING", "SENDING"), ("SENDING", "SENDING")]
    assert [row["fence"] for row in rows] == [0, 1, 1]
    last = rows[-1]
    assert (last["outcome"], last["actor"], last["reason"], last["correlation_id"]) == (
        "unknown:reset",
        *("posting", "sent to the ERP", "harvest/sheet-1"),
    )


async def test_the_row_is_written_in_the_transaction_of_the_change(corner: Corner) -> None:
    key = await corner.sending()
    await corner.record(key, AttemptClass.EXECUTED, document_id="501")
    row = await corner.database.fetch_row(
        "SELECT xmin::text AS transaction FROM posting WHERE key = $1", key
    )
    assert row is not None
    assert (await corner.audit(key))[-1]["transaction"] == row["transaction"]


async def test_a_change_that_is_rolled_back_leaves_no_row(corner: Corner) -> None:
    key = await corner.pending()

    async def fail() -> None:
        async with corner.database.transaction() as connection:
            await posting_ledger.move(connection, Moves(cancel=[key]), WHO)
            raise RuntimeError("the worker died here")

    with pytest.raises(RuntimeError):
        await fail()
    assert (await corner.state(key), len(await corner.audit(key))) == ("PENDING", 1)


async def test_a_change_without_an_audit_row_does_not_happen(corner: Corner) -> None:
    """If the audit row cannot be written, posting stops: here because it names nobody."""
    key = await corner.pending()
    with pytest.raises(asyncpg.NotNullViolationError):
        await corner.set(key, state="CANCELLED", actor=None)
    assert await corner.state(key) == "PENDING"


async def test_what_changes_no_state_is_no_step(corner: Corner) -> None:
    key = await corner.sending()
    before = len(await corner.audit(key))
    async with corner.database.transaction() as connection:
        await posting_ledger.move(connection, Moves(note_withdrawn=[key]), WHO)
        await posting_attempts.attest(connection, [key])
    assert len(await corner.audit(key)) == before


async def test_a_claim_taken_over_is_a_step_of_its_own(corner: Corner) -> None:
    key = await corner.sending()
    (posting,) = await corner.read(key)
    await corner.claim(posting, lane="other")
    assert steps(await corner.audit(key))[-1] == ("SENDING", "SENDING")
    assert [row["fence"] for row in await corner.audit(key)][-1] == 2


async def test_a_thousand_rows_in_one_statement_have_a_thousand_audit_rows(
    corner: Corner,
) -> None:
    await corner.write(*(corner.posting(str(number)) for number in range(1000)))
    await corner.database.execute(
        "UPDATE posting SET state = 'CANCELLED' WHERE connection = $1", corner.source
    )
    counted = await corner.database.fetch(
        "SELECT a.to_state, count(*) AS steps, count(DISTINCT a.subject) AS postings FROM audit a "
        "JOIN posting p ON a.subject = p.key::text WHERE p.connection = $1 "
        "GROUP BY 1 ORDER BY 1",
        corner.source,
    )
    assert [tuple(row) for row in counted] == [("CANCELLED", 1000, 1000), ("PENDING", 1000, 1000)]


async def test_cases_are_audited_too(corner: Corner) -> None:
    case_id = await corner.case()
    async with corner.database.transaction() as connection:
        await cases.open_cases(connection, [corner.opening(sentence="Other words.")], WHO)
        for state in (CaseState.TRYING, CaseState.RESOLVED):
            await cases.set_state(connection, case_id, state, WHO, expected=list(CaseState))
    rows = await corner.audit(case_id)
    assert steps(rows) == [(None, "OPEN"), ("OPEN", "TRYING"), ("TRYING", "RESOLVED")]
    assert {row["subject_kind"] for row in rows} == {"case"}


@pytest.mark.parametrize(
    "attack",
    [
        "DELETE FROM audit WHERE false",
        "DELETE FROM audit",
        "UPDATE audit SET actor = 'nobody' WHERE false",
        "TRUNCATE audit",
        "DELETE FROM posting WHERE false",
        "DELETE FROM posting",
        "TRUNCATE posting CASCADE",
        "DELETE FROM exception_case",
        "TRUNCATE exception_case CASCADE",
    ],
)
async def test_nothing_of_the_record_is_ever_removed_or_rewritten(
    corner: Corner, attack: str
) -> None:
    await corner.stopped()
    with pytest.raises(asyncpg.CheckViolationError, match="never removed or rewritten"):
        await corner.database.execute(attack)


async def _any_step(corner: Corner, chance: random.Random, keys: list[UUID]) -> None:
    """Something that a worker or a person may do, right or wrong, to one posting."""
    key = chance.choice(keys)
    (posting,) = await corner.read(key)
    fence = posting.fence - chance.choice([0, 0, 0, 1])
    case_id = await corner.case()
    match chance.randrange(6):
        case 0 | 1:
            await corner.claim(posting, lane=chance.choice("ab"))
        case 2:
            async with corner.database.transaction() as connection:
                await posting_attempts.give_back(connection, {key: fence}, WHO)
        case 3:
            document = chance.choice(["501", "502"])
            await corner.record(
                key, AttemptClass.EXECUTED, fence=fence, document_id=document, case_id=case_id
            )
        case 4:
            outcome = chance.choice(
                [one for one in AttemptClass if one is not AttemptClass.EXECUTED]
            )
            await corner.record(key, outcome, fence=fence, case_id=case_id)
        case _:
            moves = [
                Moves(cancel=[key]),
                Moves(supersede=[key]),
                Moves(note_withdrawn=[key]),
                Moves(note_revision=[(key, 2)]),
            ]
            async with corner.database.transaction() as connection:
                await posting_ledger.move(connection, chance.choice(moves), WHO)


@pytest.mark.parametrize("seed", range(4))
async def test_folding_the_audit_rows_gives_the_state_table(corner: Corner, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  Seeded: a red run is red again.
    keys = [await corner.pending(str(number)) for number in range(4)]
    for _ in range(60):
        await _any_step(corner, chance, keys)
    for key in keys:
        rows = await corner.audit(key)
        now = await corner.row(key)
        assert rows[0]["from_state"] is None
        for before, after in pairwise(rows):
            assert after["from_state"] == before["to_state"]
            assert after["fence"] >= before["fence"]
        assert (rows[-1]["to_state"], rows[-1]["fence"]) == (now["state"], now["fence"])
