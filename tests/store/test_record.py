"""Transaction 2: what one attempt says, and what it may not say, about a row."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from canonical.posting import PostingKind
from store.postings import AttemptClass, AttemptResult
from tests.store.corner import Corner

A = AttemptClass
NOT_EXECUTED = [one for one in A if one is not A.EXECUTED]
LONG_AGO = datetime.now(UTC) - timedelta(minutes=9)


async def sent_again(corner: Corner, **columns: Any) -> UUID:
    """A row under fence 2, with an earlier attempt that was never settled."""
    key = await corner.sending()
    await corner.set(key, fence=2, unknown_since=LONG_AGO, **columns)
    return key


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (A.NOT_EXECUTED, "PENDING"),
        (A.CONFLICT, "PENDING"),
        (A.PROVEN_ABSENT, "PENDING"),
        (A.REFUSED, "EXCEPTION"),
        (A.UNKNOWN, "SENDING"),
        (A.IN_DOUBT, "IN_DOUBT"),
    ],
)
async def test_the_first_attempt_decides_alone(
    corner: Corner, outcome: AttemptClass, state: str
) -> None:
    key = await corner.sending()
    (row,) = await corner.record(key, outcome, code="word", case_id=await corner.case())
    assert (row.key, row.state, row.has_news) == (key, state, False)
    stored = await corner.row(key)
    assert (stored["state"], stored["last_outcome"]) == (state, f"{outcome}:word")
    assert (stored["unknown_since"] is None) == (outcome is not A.UNKNOWN)


async def test_executed_is_posted_with_its_document(corner: Corner) -> None:
    key = await corner.sending()
    await corner.record(key, A.EXECUTED, document_id="501", attested=True)
    row = await corner.row(key)
    assert (row["state"], row["erp_document_id"], row["unknown_since"]) == ("POSTED", "501", None)
    assert row["posted_at"] is not None
    assert row["attested_at"] is not None


async def test_executed_is_posted_before_it_is_attested(corner: Corner) -> None:
    key = await corner.sending()
    await corner.record(key, A.EXECUTED, document_id="501")
    assert (await corner.row(key))["attested_at"] is None


@pytest.mark.parametrize("outcome", NOT_EXECUTED)
async def test_a_stale_fence_says_nothing(corner: Corner, outcome: AttemptClass) -> None:
    key = await sent_again(corner)
    before = await corner.row(key)
    case_id = await corner.case()
    assert await corner.record(key, outcome, fence=1, case_id=case_id) == []
    assert await corner.row(key) == before


async def test_executed_counts_under_a_stale_fence_because_the_document_exists(
    corner: Corner,
) -> None:
    key = await sent_again(corner)
    await corner.record(key, A.EXECUTED, fence=1, document_id="501")
    assert await corner.state(key) == "POSTED"


@pytest.mark.parametrize("state", ["PENDING", "EXCEPTION", "IN_DOUBT"])
async def test_a_document_that_exists_is_adopted_wherever_the_row_stands(
    corner: Corner, state: str
) -> None:
    key = await corner.sending()
    await corner.set(key, state=state, case_id=await corner.case())
    await corner.record(key, A.EXECUTED, fence=99, document_id="501")
    assert await corner.state(key) == "POSTED"


@pytest.mark.parametrize("outcome", NOT_EXECUTED)
@pytest.mark.parametrize("state", ["PENDING", "EXCEPTION", "CANCELLED", "POSTED"])
async def test_only_a_row_that_is_being_sent_hears_that_nothing_happened(
    corner: Corner, outcome: AttemptClass, state: str
) -> None:
    key = await corner.sending()
    await corner.set(key, state=state, case_id=await corner.case(), erp_document_id="501")
    assert await corner.record(key, outcome, case_id=await corner.case()) == []
    assert await corner.state(key) == state


@pytest.mark.parametrize("outcome", [A.NOT_EXECUTED, A.CONFLICT, A.REFUSED, A.UNKNOWN])
@pytest.mark.parametrize("news", [{}, {"withdrawn": True}, {"next_revision": 2}], ids=str)
async def test_an_attempt_speaks_for_itself_while_an_earlier_one_is_unsettled(
    corner: Corner, outcome: AttemptClass, news: dict[str, Any]
) -> None:
    key = await sent_again(corner, **news)
    await corner.record(key, outcome, fence=2, case_id=await corner.case())
    row = await corner.row(key)
    assert (row["state"], row["unknown_since"]) == ("SENDING", LONG_AGO)


async def test_proven_absent_settles_every_attempt(corner: Corner) -> None:
    key = await sent_again(corner)
    await corner.record(key, A.PROVEN_ABSENT, fence=2)
    row = await corner.row(key)
    assert (row["state"], row["unknown_since"]) == ("PENDING", None)


async def test_an_unknown_outcome_is_unknown_since_it_was_sent(corner: Corner) -> None:
    key = await corner.sending()
    await corner.set(key, sent_at=LONG_AGO)
    await corner.record(key, A.UNKNOWN)
    assert (await corner.row(key))["unknown_since"] == LONG_AGO


@pytest.mark.parametrize(
    ("news", "state"),
    [
        ({"withdrawn": True}, "CANCELLED"),
        ({"next_revision": 2}, "SUPERSEDED"),
        ({"withdrawn": True, "next_revision": 2}, "CANCELLED"),
    ],
    ids=str,
)
@pytest.mark.parametrize("outcome", [A.NOT_EXECUTED, A.CONFLICT, A.REFUSED, A.PROVEN_ABSENT])
async def test_what_was_not_executed_and_has_news_is_never_pending_again(
    corner: Corner, outcome: AttemptClass, news: dict[str, Any], state: str
) -> None:
    key = await corner.sending()
    await corner.set(key, **news)
    (row,) = await corner.record(key, outcome, case_id=await corner.case())
    assert (row.state, row.has_news) == (state, True)


@pytest.mark.parametrize("news", [{"withdrawn": True}, {"next_revision": 2}], ids=str)
async def test_what_was_posted_and_has_news_says_so(corner: Corner, news: dict[str, Any]) -> None:
    key = await corner.sending()
    await corner.set(key, **news)
    (row,) = await corner.record(key, A.EXECUTED, document_id="501")
    assert (row.state, row.has_news) == ("POSTED", True)


async def test_a_second_document_is_kept_and_never_written_over_the_first(corner: Corner) -> None:
    key = await corner.posted(document_id="501")
    for document_id in ("502", "503", "502"):
        await corner.record(key, A.EXECUTED, document_id=document_id, code="duplicate")
    row = await corner.row(key)
    assert (row["state"], row["erp_document_id"]) == ("DUPLICATE", "501")
    assert row["other_document_ids"] == ["502", "503"]


async def test_the_same_document_again_is_no_duplicate(corner: Corner) -> None:
    key = await corner.posted(document_id="501")
    posted_at = (await corner.row(key))["posted_at"]
    await corner.record(key, A.EXECUTED, document_id="501")
    row = await corner.row(key)
    assert (row["state"], row["posted_at"], row["other_document_ids"]) == ("POSTED", posted_at, [])


async def test_a_duplicate_stays_one_until_a_single_document_was_seen(corner: Corner) -> None:
    key = await corner.posted(document_id="501")
    await corner.record(key, A.EXECUTED, document_id="502", code="duplicate")
    await corner.record(key, A.EXECUTED, document_id="501")
    assert await corner.state(key) == "DUPLICATE"
    await corner.record(key, A.EXECUTED, document_id="502", code="single", attested=True)
    row = await corner.row(key)
    assert (row["state"], row["erp_document_id"]) == ("POSTED", "502")
    assert row["attested_at"] is not None


@pytest.mark.parametrize("state", ["SUPERSEDED", "CANCELLED", "WAIVED", "REVERSED"])
async def test_documents_of_what_is_not_to_be_there_are_noted_and_change_no_state(
    corner: Corner, state: str
) -> None:
    """Even several of them: a sweep that failed on them would find nothing else either."""
    key = await corner.pending()
    if state == "REVERSED":
        await corner.set(key, state="POSTED", erp_document_id="500")
    await corner.set(key, state=state)
    for document_id in ("501", "502"):
        await corner.record(
            key, A.EXECUTED, document_id=document_id, code="stray", case_id=await corner.case()
        )
    row = await corner.row(key)
    assert (row["state"], row["last_outcome"]) == (state, "executed:stray")
    known = {row["erp_document_id"], *row["other_document_ids"]}
    assert {"501", "502"} <= known


@pytest.mark.parametrize("code", ["altered", "missing", "duplicate"])
async def test_what_is_disputed_is_attested_no_longer(corner: Corner, code: str) -> None:
    # Otherwise its case would block nothing, and close by itself.
    key = await corner.posted()
    await corner.set(key, attested_at=datetime.now(UTC))
    await corner.record(key, A.EXECUTED, document_id="501", code=code, case_id=await corner.case())
    row = await corner.row(key)
    assert (row["attested_at"], row["case_id"]) == (None, await corner.case())
    await corner.record(key, A.EXECUTED, document_id="501", attested=True)
    assert (await corner.row(key))["attested_at"] is not None


@pytest.mark.parametrize("kind", [PostingKind.UNDO, PostingKind.REVERSAL])
@pytest.mark.parametrize("state", ["POSTED", "DUPLICATE"])
async def test_a_posted_taking_back_reverses_its_original_in_the_same_transaction(
    corner: Corner, kind: PostingKind, state: str
) -> None:
    original = await corner.posted()
    await corner.set(original, state=state)
    back = await corner.sending(kind=kind, corrects=original)
    await corner.record(back, A.EXECUTED, document_id="501", attested=True)
    reversed_one = await corner.row(original)
    assert (reversed_one["state"], reversed_one["erp_document_id"]) == ("REVERSED", "501")
    last, other = (await corner.audit(original))[-1], (await corner.audit(back))[-1]
    assert (last["to_state"], last["transaction"]) == ("REVERSED", other["transaction"])


@pytest.mark.parametrize("outcome", [A.NOT_EXECUTED, A.REFUSED, A.UNKNOWN, A.CONFLICT])
async def test_a_taking_back_that_was_not_posted_reverses_nothing(
    corner: Corner, outcome: AttemptClass
) -> None:
    original = await corner.posted()
    back = await corner.sending(kind=PostingKind.UNDO, corrects=original)
    await corner.record(back, outcome, case_id=await corner.case())
    assert await corner.state(original) == "POSTED"


async def test_outcomes_of_many_rows_are_recorded_at_once(corner: Corner) -> None:
    keys = [await corner.sending(str(number)) for number in range(3)]
    case_id = await corner.case()
    rows = await corner.record_all(
        AttemptResult(keys[0], 1, A.EXECUTED, document_id="501"),
        AttemptResult(keys[1], 1, A.REFUSED, code="closed", case_id=case_id),
        AttemptResult(keys[2], 7, A.UNKNOWN),
    )
    assert {row.key: row.state for row in rows} == {keys[0]: "POSTED", keys[1]: "EXCEPTION"}
    assert (await corner.row(keys[1]))["case_id"] == case_id
    assert await corner.state(keys[2]) == "SENDING"


async def acknowledgements(corner: Corner) -> list[tuple[Any, ...]]:
    rows = await corner.database.fetch(
        "SELECT source_id, document_id, state FROM outbox WHERE connection = $1 ORDER BY id",
        corner.source,
    )
    return [tuple(row) for row in rows]


async def test_the_source_is_owed_one_acknowledgement_however_often_it_is_recorded(
    corner: Corner,
) -> None:
    key = await corner.sending("100")
    for attested in (False, True, True):
        await corner.record(key, A.EXECUTED, document_id="501", attested=attested, acknowledge=True)
    assert await acknowledgements(corner) == [("100", "501", "WAITING")]


async def test_only_work_that_is_posted_is_acknowledged_and_only_if_the_source_listens(
    corner: Corner,
) -> None:
    silent, refused = await corner.sending("1"), await corner.sending("2")
    await corner.record(silent, A.EXECUTED, document_id="501")
    case_id = await corner.case()
    await corner.record(refused, A.REFUSED, case_id=case_id, acknowledge=True)
    back = await corner.sending("1", kind=PostingKind.UNDO, corrects=silent)
    await corner.record(back, A.EXECUTED, document_id="501", acknowledge=True)
    assert await acknowledgements(corner) == []
