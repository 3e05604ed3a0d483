"""Exception cases: one per root cause, whoever opens it, and closed only when it blocks nothing."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import pytest

from canonical.exception_case import CaseState, Cause
from canonical.money import Money
from canonical.posting import PostingKind
from store import amendments, case_lines, cases
from store.cases import CaseOpening
from tests.store.corner import WHO, Corner, until_waiting_for


async def open_cases(corner: Corner, *openings: CaseOpening) -> set[UUID]:
    async with corner.database.transaction() as connection:
        return set((await cases.open_cases(connection, openings, WHO)).values())


async def read(corner: Corner, case_id: UUID) -> Any:
    async with corner.database.transaction() as connection:
        (found,) = await cases.read(connection, [case_id])
    return found


async def set_state(corner: Corner, case_id: UUID, state: CaseState, *expected: CaseState) -> bool:
    async with corner.database.transaction() as connection:
        return await cases.set_state(
            connection, case_id, state, WHO, expected=expected or list(CaseState)
        )


async def test_a_root_cause_has_one_open_case(corner: Corner) -> None:
    first = await open_cases(corner, corner.opening("P-1"))
    again = await open_cases(corner, corner.opening("P-1", sentence="In better words."))
    assert first == again
    assert (await read(corner, *first)).root_cause.sentence == "In better words."


@pytest.mark.parametrize(
    "other",
    [
        {"subject": "P-2"},
        {"cause": Cause.CLOSED_TASK},
        {"legal_entity": "US01"},
        {"tenant": "southwind"},
        {"target": "elsewhere"},
    ],
    ids=str,
)
async def test_another_root_cause_has_another_case(corner: Corner, other: dict[str, Any]) -> None:
    first = await open_cases(corner, corner.opening("P-1"))
    assert first != await open_cases(corner, corner.opening(**{"subject": "P-1", **other}))


async def test_a_cause_that_comes_back_after_its_case_was_closed_is_a_new_case(
    corner: Corner,
) -> None:
    (first,) = await open_cases(corner, corner.opening("P-1"))
    await set_state(corner, first, CaseState.RESOLVED)
    assert first not in await open_cases(corner, corner.opening("P-1"))


async def test_many_openings_at_once_open_each_case_once(corner: Corner) -> None:
    subjects = [f"P-{number}" for number in range(12)]
    orders: list[Callable[[list[str]], list[str]]] = [list, lambda some: some[::-1]]
    async with asyncio.timeout(20):
        opened = await asyncio.gather(
            *(
                open_cases(corner, *(corner.opening(one) for one in order(subjects)))
                for order in orders
                for _ in range(4)
            )
        )
    assert all(ids == opened[0] for ids in opened)
    row = await corner.database.fetch_row(
        "SELECT count(*) AS n FROM exception_case WHERE connection = $1", corner.source
    )
    assert row is not None
    assert (row["n"], len(opened[0])) == (len(subjects), len(subjects))


async def test_an_opening_that_was_rolled_back_leaves_room_for_the_next(corner: Corner) -> None:
    async with corner.database.connection() as first:
        taken = first.transaction()
        await taken.start()
        gone = await cases.open_cases(first, [corner.opening("P-1")], WHO)
        waiting = asyncio.create_task(open_cases(corner, corner.opening("P-1")))
        await until_waiting_for(corner, "exception_case")
        await taken.rollback()
    assert (await waiting).isdisjoint(gone.values())


async def test_a_case_shows_what_it_blocks_now(corner: Corner) -> None:
    case_id = await corner.case()
    await corner.stopped("1", case_id)
    await corner.stopped("2", case_id, amount=Decimal(900), currency="JPY", seconds=60)
    await corner.stopped("3", case_id, amount=Decimal("0.50"))
    cancelled = await corner.stopped("4", case_id)
    await corner.set(cancelled, state="CANCELLED")
    case = await read(corner, case_id)
    assert (case.lines, case.seconds) == (3, 7260)
    assert case.amounts == (
        Money(amount=Decimal("120.50"), currency="EUR"),
        Money(amount=Decimal(900), currency="JPY"),
    )


async def test_a_posted_document_in_dispute_is_blocked_by_its_case(corner: Corner) -> None:
    case_id = await corner.case()
    for number, column in enumerate(
        ({}, {"state": "DUPLICATE"}, {"attested_at": datetime.now(UTC)})
    ):
        key = await corner.posted(str(number), document_id=str(number))
        await corner.set(key, case_id=case_id, **column)
    assert (await read(corner, case_id)).lines == 2


async def test_the_case_that_blocks_most_is_listed_first(corner: Corner) -> None:
    small, large = await corner.case("P-small"), await corner.case("P-large")
    closed = await corner.case("P-closed")
    await corner.stopped("1", small)
    for number in range(3):
        await corner.stopped(f"2{number}", large)
    await set_state(corner, closed, CaseState.RESOLVED)
    async with corner.database.transaction() as connection:
        listed = [case.id for case in await cases.unresolved(connection)]
    assert str(closed) not in listed
    assert listed.index(str(large)) < listed.index(str(small))


async def test_a_case_moves_only_from_where_it_is_expected(corner: Corner) -> None:
    case_id = await corner.case()
    assert not await set_state(corner, case_id, CaseState.RESOLVED, CaseState.TRYING)
    assert await set_state(corner, case_id, CaseState.TRYING, CaseState.OPEN)
    assert not await set_state(corner, case_id, CaseState.TRYING, CaseState.OPEN)


async def let_go(corner: Corner, case_id: UUID, limit: int | None = None) -> list[str]:
    async with corner.database.transaction() as connection:
        found = await case_lines.let_go(connection, case_id, WHO, limit=limit)
    return [one.source_id for one in found]


async def test_one_line_is_let_go_first_and_then_the_rest(corner: Corner) -> None:
    case_id = await corner.case()
    for name in ("b", "a", "c"):
        await corner.stopped(name, case_id)
    assert await let_go(corner, case_id, limit=1) == ["a"]
    async with corner.database.transaction() as connection:
        tried = await case_lines.being_tried(connection, case_id)
    assert [one.source_id for one in tried] == ["a"]
    assert sorted(await let_go(corner, case_id)) == ["b", "c"]
    assert await let_go(corner, case_id) == []


async def test_a_stopped_line_that_is_let_go_still_hangs_on_its_case(corner: Corner) -> None:
    case_id = await corner.case()
    key = await corner.stopped("1", case_id)
    await let_go(corner, case_id)
    row = await corner.row(key)
    assert (row["state"], row["case_id"]) == ("EXCEPTION", case_id)
    assert row["released_at"] is not None


@pytest.mark.parametrize(
    ("news", "state"),
    [({}, "PENDING"), ({"withdrawn": True}, "CANCELLED"), ({"next_revision": 2}, "SUPERSEDED")],
    ids=str,
)
async def test_a_line_in_doubt_that_a_person_lets_go_may_be_sent_unless_there_is_news(
    corner: Corner, news: dict[str, Any], state: str
) -> None:
    case_id = await corner.case()
    key = await corner.sending("1")
    await corner.set(key, unknown_since=datetime.now(UTC))
    await corner.set(key, state="IN_DOUBT", case_id=case_id, **news)
    await let_go(corner, case_id)
    row = await corner.row(key)
    assert (row["state"], row["case_id"], row["unknown_since"]) == (state, None, None)


async def test_a_disputed_document_that_is_let_go_is_read_back_again(corner: Corner) -> None:
    case_id = await corner.case()
    key = await corner.posted("1")
    await corner.set(key, case_id=case_id)
    await let_go(corner, case_id)
    row = await corner.row(key)
    assert (row["state"], row["case_id"], row["attested_at"]) == ("POSTED", None, None)


async def waive(corner: Corner, case_id: UUID) -> list[str]:
    async with corner.database.transaction() as connection:
        return [one.source_id for one in await case_lines.waive(connection, case_id, WHO)]


async def test_what_is_waived_is_never_posted(corner: Corner) -> None:
    case_id = await corner.case()
    stopped, in_doubt = await corner.stopped("1", case_id), await corner.sending("2")
    other = await corner.stopped("3", await corner.case("P-2"))
    await corner.set(in_doubt, state="IN_DOUBT", case_id=case_id)
    assert sorted(await waive(corner, case_id)) == ["1", "2"]
    states = [await corner.state(key) for key in (stopped, in_doubt, other)]
    assert states == ["WAIVED", "WAIVED", "EXCEPTION"]


async def test_a_disputed_document_that_is_waived_is_accepted_as_it_is(corner: Corner) -> None:
    case_id = await corner.case()
    key = await corner.posted("1")
    await corner.set(key, case_id=case_id)
    await waive(corner, case_id)
    row = await corner.row(key)
    assert (row["state"], row["attested_at"] is None) == ("POSTED", False)


async def test_a_replacement_is_waived_with_the_taking_back_that_it_waits_for(
    corner: Corner,
) -> None:
    case_id = await corner.case()
    original = await corner.posted()
    back = await corner.stopped(case=case_id, kind=PostingKind.UNDO, corrects=original)
    replacement = await corner.pending(revision=2, waits_for=back)
    await waive(corner, case_id)
    states = [await corner.state(key) for key in (original, back, replacement)]
    assert states == ["POSTED", "WAIVED", "WAIVED"]


async def amend(corner: Corner, case_id: UUID, **changes: str) -> None:
    async with corner.database.transaction() as connection:
        await amendments.amend(connection, case_id, changes, "ana")


async def amended(corner: Corner, *source_ids: str) -> dict[tuple[str, int], dict[str, str]]:
    async with corner.database.transaction() as connection:
        return await amendments.of_lines(connection, corner.source, "time_entry", source_ids)


async def test_every_line_of_a_case_is_amended_in_its_revision(corner: Corner) -> None:
    case_id = await corner.case()
    await corner.stopped("1", case_id)
    await corner.stopped("2", case_id, revision=4)
    await corner.stopped("3", await corner.case("P-2"))
    await amend(corner, case_id, task="T-1", cost_centre="CC-1")
    await amend(corner, case_id, task="T-2")
    expected = {"task": "T-2", "cost_centre": "CC-1"}
    assert await amended(corner, "1", "2", "3") == {("1", 1): expected, ("2", 4): expected}


async def test_an_amendment_belongs_to_its_source(corner: Corner) -> None:
    case_id = await corner.case()
    await corner.stopped("1", case_id)
    await amend(corner, case_id, task="T-1")
    other = Corner(corner.database, -corner.number)
    assert await amended(other, "1") == {}


async def test_a_case_that_is_not_there_cannot_hold_a_line(corner: Corner) -> None:
    nowhere = uuid5(UUID(int=0), str(corner.number))
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await corner.stopped("1", nowhere)
