"""Transaction 1 and giving it back: compare-and-set, whoever comes at the same time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from canonical.posting import PostingKind
from store import posting_attempts
from store.postings import AttemptClass
from tests.store.corner import WHO, Corner


async def test_a_claim_marks_the_row_before_anything_is_sent(corner: Corner) -> None:
    key = await corner.pending()
    (posting,) = await corner.read(key)
    assert await corner.claim(posting, lane="mine") == {key: 1}
    row = await corner.row(key)
    assert (row["state"], row["fence"], row["claimed_by"]) == ("SENDING", 1, "mine")
    assert (row["unknown_since"], row["evidence"]) == (None, "{}")
    assert abs(datetime.now(UTC) - row["sent_at"]) < timedelta(minutes=1)


async def test_a_row_that_has_moved_on_is_not_claimed(corner: Corner) -> None:
    key = await corner.pending()
    (posting,) = await corner.read(key)
    await corner.claim(posting)
    assert await corner.claim(posting) == {}


@pytest.mark.parametrize("state", ["CANCELLED", "SUPERSEDED", "WAIVED", "POSTED"])
async def test_what_is_settled_is_not_claimed(corner: Corner, state: str) -> None:
    key = await corner.pending()
    (posting,) = await corner.read(key)
    await corner.set(key, state=state, erp_document_id="501")
    assert await corner.claim(posting) == {}


async def test_of_two_claims_at_once_one_wins_and_the_other_does_not_wait(corner: Corner) -> None:
    keys = [await corner.pending(str(number)) for number in range(20)]
    postings = await corner.read(*keys)
    async with corner.database.transaction() as first:
        mine = await posting_attempts.claim(first, postings, "mine", "{}", WHO)
        async with asyncio.timeout(5):
            # The first is not committed: its rows are skipped, not waited for.
            assert await corner.claim(*postings, lane="other") == {}
    assert set(mine) == set(keys)
    assert await corner.claim(*postings, lane="other") == {}
    assert {(await corner.row(key))["claimed_by"] for key in keys} == {"mine"}


async def test_many_lanes_share_the_rows_among_them(corner: Corner) -> None:
    keys = [await corner.pending(str(number)) for number in range(40)]
    postings = await corner.read(*keys)
    claims = await asyncio.gather(
        *(corner.claim(*postings[lane:], lane=str(lane)) for lane in range(8))
    )
    won = [key for claim in claims for key in claim]
    assert sorted(won) == sorted(keys)
    assert {(await corner.row(key))["fence"] for key in keys} == {1}


async def test_lanes_that_list_rows_in_other_orders_do_not_block_each_other(
    corner: Corner,
) -> None:
    keys = [await corner.pending(str(number)) for number in range(30)]
    postings = await corner.read(*keys)
    async with asyncio.timeout(20):
        claims = await asyncio.gather(
            *(corner.claim(*postings[::step]) for step in (1, -1) for _ in range(4))
        )
    assert sum(len(claim) for claim in claims) == len(keys)


async def test_a_claim_taken_over_remembers_since_when_the_outcome_is_unknown(
    corner: Corner,
) -> None:
    key = await corner.sending()
    long_ago = datetime.now(UTC) - timedelta(minutes=9)
    await corner.set(key, sent_at=long_ago)
    (posting,) = await corner.read(key)
    assert await corner.claim(posting, lane="other") == {key: 2}
    assert (await corner.row(key))["unknown_since"] == long_ago
    (again,) = await corner.read(key)
    assert await corner.claim(again, lane="third") == {key: 3}
    # The first attempt counts, not the last.
    assert (await corner.row(key))["unknown_since"] == long_ago


@pytest.mark.parametrize(("age_max", "taken"), [(60, False), (600, True), (None, True)])
async def test_a_key_that_the_erp_may_have_forgotten_is_not_used_again(
    corner: Corner, age_max: int | None, taken: bool
) -> None:
    key = await corner.sending()
    first = datetime.now(UTC) - timedelta(seconds=120)
    await corner.set(key, unknown_since=first)
    (posting,) = await corner.read(key)
    fences = await corner.claim(posting, key_age_max_seconds=age_max)
    assert bool(fences) == taken


async def test_a_row_never_sent_has_no_key_that_could_be_too_old(corner: Corner) -> None:
    (posting,) = await corner.read(await corner.pending())
    assert await corner.claim(posting, key_age_max_seconds=0)


async def give_back(corner: Corner, *fences: tuple[object, int]) -> None:
    async with corner.database.transaction() as connection:
        await posting_attempts.give_back(connection, dict(fences), WHO)  # type: ignore[arg-type]  # Keys are ids.


async def test_a_claim_that_grew_too_old_is_given_back(corner: Corner) -> None:
    key = await corner.sending()
    await give_back(corner, (key, 1))
    row = await corner.row(key)
    assert (row["state"], row["last_outcome"], row["fence"]) == ("PENDING", "given_back", 1)


async def test_giving_back_with_a_stale_fence_does_nothing(corner: Corner) -> None:
    key = await corner.sending()
    (posting,) = await corner.read(key)
    await corner.claim(posting, lane="other")
    before = await corner.row(key)
    await give_back(corner, (key, 1))
    assert await corner.row(key) == before


@pytest.mark.parametrize("state", ["POSTED", "EXCEPTION", "PENDING"])
async def test_only_what_is_being_sent_is_given_back(corner: Corner, state: str) -> None:
    key = await corner.sending()
    await corner.set(key, state=state, erp_document_id="501", case_id=await corner.case())
    await give_back(corner, (key, 1))
    assert await corner.state(key) == state


async def test_giving_back_does_not_settle_an_earlier_attempt(corner: Corner) -> None:
    key = await corner.sending()
    (posting,) = await corner.read(key)
    await corner.claim(posting, lane="other")
    await give_back(corner, (key, 2))
    row = await corner.row(key)
    assert (row["state"], row["unknown_since"] is None) == ("SENDING", False)


@pytest.mark.parametrize(
    ("news", "state"),
    [({"withdrawn": True}, "CANCELLED"), ({"next_revision": 2}, "SUPERSEDED")],
    ids=str,
)
async def test_a_claim_given_back_after_news_is_not_sent(
    corner: Corner, news: dict[str, object], state: str
) -> None:
    key = await corner.sending()
    await corner.set(key, **news)
    await give_back(corner, (key, 1))
    assert await corner.state(key) == state


async def to_post(corner: Corner) -> list[object]:
    async with corner.database.transaction() as connection:
        found = await posting_attempts.to_post(connection, corner.source, "sheet-1")
    return [one.key for one in found]


async def test_a_replacement_is_not_sent_before_its_taking_back_is_posted(corner: Corner) -> None:
    original = await corner.posted()
    await corner.set(original, attested_at=datetime.now(UTC))
    back = await corner.pending(kind=PostingKind.UNDO, corrects=original)
    again = await corner.pending(revision=2, waits_for=back)
    assert await to_post(corner) == [back]
    await corner.set(back, state="SENDING", fence=1, sent_at=datetime.now(UTC))
    assert await to_post(corner) == [back]
    await corner.record(back, AttemptClass.EXECUTED, document_id="501", attested=True)
    assert await to_post(corner) == [again]


async def test_what_is_posted_and_was_not_read_back_is_picked_up(corner: Corner) -> None:
    unattested = await corner.posted("1")
    attested = await corner.posted("2", document_id="502")
    disputed = await corner.posted("3", document_id="503")
    await corner.set(attested, attested_at=datetime.now(UTC))
    await corner.set(disputed, case_id=await corner.case())
    assert await to_post(corner) == [unattested]


async def test_what_waits_for_a_person_is_not_sent(corner: Corner) -> None:
    await corner.stopped("1")
    in_doubt = await corner.sending("2")
    await corner.set(in_doubt, state="IN_DOUBT", case_id=await corner.case())
    assert await to_post(corner) == []
