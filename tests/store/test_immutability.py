"""What of a posting stays as it was, and what the ledger's own numbers and texts may be."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid5

import asyncpg
import pytest

from canonical.posting import PostingKind, PostingState
from tests.store.corner import Corner

S = PostingState


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "L" + "A" * 20},
        {"fence": 0},
        {"body_hash": "another body"},
        {"erp_document_id": "502"},
        {"erp_document_id": None},
    ],
    ids=lambda change: "-".join(f"{name}" for name in change),
)
async def test_what_was_sent_stays(corner: Corner, change: dict[str, Any]) -> None:
    key = await corner.posted()
    with pytest.raises(asyncpg.CheckViolationError):
        await corner.set(key, **change)


async def test_the_key_of_a_posting_is_for_ever(corner: Corner) -> None:
    key = await corner.pending()
    with pytest.raises(asyncpg.CheckViolationError, match="key of a posting is for ever"):
        await corner.database.execute(
            "UPDATE posting SET key = $2 WHERE key = $1", key, uuid5(key, "other")
        )


async def test_what_was_never_sent_may_mean_something_else(corner: Corner) -> None:
    key = await corner.pending()
    await corner.set(key, body_hash="another body")
    assert (await corner.row(key))["body_hash"] == "another body"


async def test_a_reference_stays_even_before_it_is_sent(corner: Corner) -> None:
    key = await corner.pending()
    with pytest.raises(asyncpg.CheckViolationError):
        await corner.set(key, reference="L" + "B" * 20)


async def test_only_a_duplicate_that_was_settled_takes_another_document(corner: Corner) -> None:
    key = await corner.posted(document_id="501")
    await corner.set(key, state="DUPLICATE")
    await corner.set(key, state="POSTED", erp_document_id="502")
    assert (await corner.row(key))["erp_document_id"] == "502"


@pytest.mark.parametrize(
    "amount",
    ["NaN", "1e15", "-1e15", "1e16", "0.00001", "1.00005", "Infinity", "-Infinity"],
)
async def test_an_amount_that_is_none_is_refused(corner: Corner, amount: str) -> None:
    # A plain numeric would take NaN, and SUM would be NaN for ever; numeric(18,2) would round.
    with pytest.raises(asyncpg.CheckViolationError):
        await corner.pending(amount=Decimal(amount))


@pytest.mark.parametrize("amount", ["0", "-120.00", "999999999999999.9999", "1.005", "1E+3"])
async def test_an_amount_keeps_every_digit(corner: Corner, amount: str) -> None:
    key = await corner.pending(amount=Decimal(amount))
    assert (await corner.row(key))["amount"] == Decimal(amount)


@pytest.mark.parametrize("currency", ["eur", "EU", "EURO", "", "E1R"])
async def test_a_currency_is_three_capital_letters(corner: Corner, currency: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await corner.pending(currency=currency)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
async def test_unstorable_text_is_refused_and_is_not_taken_for_an_outage(
    corner: Corner, text: str
) -> None:
    # Why ingest has to replace such characters: the database cannot hold them.
    with pytest.raises((asyncpg.DataError, UnicodeEncodeError)) as caught:
        await corner.pending(document_id=text)
    assert not isinstance(caught.value, OSError | asyncpg.PostgresConnectionError)


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": 0},
        {"amendment": -1},
        {"kind": "payment"},
        {"kind": PostingKind.UNDO},
    ],
    ids=str,
)
async def test_a_row_that_makes_no_sense_is_refused(
    corner: Corner, changes: dict[str, Any]
) -> None:
    new = corner.posting()
    columns = {"revision": 1, "amendment": 0, "kind": "time", **changes}
    with pytest.raises(asyncpg.CheckViolationError):
        await corner.database.execute(
            """
            INSERT INTO posting (key, reference, tenant, target, connection, object, source_id,
              leg, document_id, legal_entity, seconds, amount, currency, intent, body_hash, state,
              actor, reason, correlation_id, revision, amendment, kind)
            VALUES ($1, $2, 't', $3, $4, 'time_entry', '1', 'main', 'd', 'DE01', 1, 1, 'EUR', '{}',
              'h', 'PENDING', 'a', 'r', 'c', $5, $6, $7)
            """,
            *(new.key, new.reference, corner.target, corner.source),
            *columns.values(),
        )


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"state": "POSTED"}, "no document"),
        ({"state": "SENDING"}, "never claimed"),
        ({"state": "SENDING", "fence": 1}, "no time of sending"),
        ({"state": "EXCEPTION"}, "no case"),
        ({"intent": None}, "nothing to send"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_state_without_what_belongs_to_it_is_refused(
    corner: Corner, state: dict[str, Any], why: str
) -> None:
    key = await corner.pending()
    with pytest.raises(asyncpg.CheckViolationError):
        await corner.set(key, **state)


async def test_in_doubt_without_a_case_is_refused(corner: Corner) -> None:
    key = await corner.sending()
    with pytest.raises(asyncpg.CheckViolationError):
        await corner.set(key, state="IN_DOUBT")


@pytest.mark.parametrize("state", [S.PENDING, S.SENDING, S.EXCEPTION, S.IN_DOUBT])
async def test_a_line_has_one_unsettled_posting_of_a_kind(
    corner: Corner, state: PostingState
) -> None:
    key = await corner.stopped() if state is S.EXCEPTION else await corner.sending()
    if state is S.IN_DOUBT:
        await corner.set(key, state=state, case_id=await corner.case())
    if state is S.PENDING:
        await corner.set(key, state=state)
    with pytest.raises(asyncpg.UniqueViolationError):
        await corner.pending(revision=2)


@pytest.mark.parametrize("state", ["POSTED", "CANCELLED", "SUPERSEDED", "WAIVED"])
async def test_a_settled_posting_makes_room_for_the_next(corner: Corner, state: str) -> None:
    key = await corner.pending()
    await corner.set(key, state=state, erp_document_id="501")
    assert await corner.state(await corner.pending(revision=2)) == "PENDING"


async def test_a_taking_back_stands_beside_its_replacement(corner: Corner) -> None:
    original = await corner.posted()
    back = await corner.pending(kind=PostingKind.UNDO, corrects=original)
    again = await corner.pending(revision=2, waits_for=back)
    assert [await corner.state(key) for key in (back, again)] == ["PENDING", "PENDING"]


async def test_a_posting_that_is_known_stays_as_it_is(corner: Corner) -> None:
    key = await corner.sending()
    await corner.write(corner.posting(seconds=1, document_id="elsewhere"))
    row = await corner.row(key)
    assert (row["state"], row["seconds"], row["document_id"]) == ("SENDING", 3600, "sheet-1")


async def test_one_reference_belongs_to_one_posting(corner: Corner) -> None:
    key = await corner.pending()
    reference = (await corner.row(key))["reference"]
    with pytest.raises(asyncpg.UniqueViolationError):
        await corner.pending("101", reference=reference)


async def test_when_it_was_posted_is_an_instant(corner: Corner) -> None:
    posted_at = (await corner.row(await corner.posted()))["posted_at"]
    assert abs((datetime.now(UTC) - posted_at).total_seconds()) < 60
