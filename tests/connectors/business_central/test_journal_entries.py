"""Journal entries in Business Central: a batch is the draft, and the ledger is the proof."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from canonical.journal import JournalLine
from canonical.posting import Executed, PostedDocument, PostingIntent, Unknown
from connectors.base.errors import OutcomeUnknownError, RejectedError, TransientError
from connectors.business_central import BusinessCentral
from tests.connectors.business_central.document_world import DAY
from tests.connectors.business_central.journal_world import JournalWorld

LATER = date(2026, 4, 2)


@pytest.fixture
def world() -> Iterator[JournalWorld]:
    world = JournalWorld()
    yield world
    assert world.spec.broken == []


async def posted(erp: BusinessCentral, intent: PostingIntent) -> PostedDocument:
    [outcome] = await erp.post([intent], {})
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    return outcome.document


def line(account: str, amount: str, **given: object) -> JournalLine:
    values: dict[str, object] = {"account": account, "amount": Decimal(amount), **given}
    return JournalLine.model_validate(values)


async def test_an_entry_reads_back_whole_from_the_ledger_and_its_batch_is_gone(
    world: JournalWorld,
) -> None:
    intent = world.journal(
        line("1590", "100.00", label="Work | for another"),
        line("8400", "-60.00"),
        line("8410", "-40.00", label="à la carte — 日本"),
        description="Pair IC-1 | a",
    )
    document = await posted(world.connect(), intent)
    labels = [one.label for one in document.journal_entry.lines]
    assert labels == ["Work / for another", "", "à la carte — 日本"]
    same = document.journal_entry.model_copy(update={"lines": intent.journal_entry.lines})
    assert same == intent.body
    assert await world.drafts(intent.reference) == []


async def test_an_entry_of_many_lines_is_one_posting(world: JournalWorld) -> None:
    many = [line("1590", "1.00") for _ in range(149)]
    intent = world.journal(*many, line("8400", "-149.00"))
    document = await posted(world.connect(page_size=40), intent)
    assert document.body == intent.body


async def test_a_reversal_turns_the_signs_and_reads_like_what_it_takes_back(
    world: JournalWorld,
) -> None:
    erp, intent = world.connect(), world.journal()
    original = await posted(erp, intent)
    reversal = world.reversal(intent, original.document_id, posting_date=LATER)
    document = await posted(erp, reversal)
    assert document.body == intent.body
    rows = list(world.company.rows("generalLedgerEntries"))
    assert sum(row["debitAmount"] - row["creditAmount"] for row in rows) == 0
    assert {row["postingDate"] for row in rows} == {DAY.isoformat(), LATER.isoformat()}
    listed = erp.documents_between(world.company.id, LATER, LATER)
    assert [one async for page in listed for one in page] == [document]


@pytest.mark.parametrize("aim", ["/journals", "/$batch"])
async def test_no_answer_to_a_batch_has_booked_nothing_and_the_next_attempt_books_once(
    world: JournalWorld, aim: str
) -> None:
    intent, erp = world.journal(), world.connect()
    world.aim = aim
    world.network.lose_next_write()
    with pytest.raises(TransientError):
        await erp.post([intent], {})
    document = await posted(erp, intent)
    assert await world.held(intent.reference) == [document.document_id]


async def test_a_lost_answer_to_posting_is_settled_by_the_ledger(world: JournalWorld) -> None:
    intent = world.journal()
    world.network.lose_next_write()
    document = await posted(world.connect(), intent)
    assert await world.held(intent.reference) == [document.document_id]


async def test_posting_that_is_under_way_is_unknown_and_finds_nothing_to_post_later(
    world: JournalWorld,
) -> None:
    intent = world.journal()
    world.network.hold_next_write()
    with pytest.raises(OutcomeUnknownError):
        await world.connect().post([intent], {})
    document = await posted(world.connect(), intent)
    await world.network.release()
    assert await world.held(intent.reference) == [document.document_id]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"entry_date": date(2025, 12, 30)}, "period_closed"),
        ({"currency": "USD"}, "not_the_base_currency"),
        ({"lines": (line("4711", "1"), line("8400", "-1"))}, "account_unknown"),
        ({"lines": (line("1590", "1", party="x"), line("8400", "-1"))}, "party_unsupported"),
        ({"description": 77 * "x"}, None),
    ],
)
async def test_a_refusal_has_a_code_by_its_cause_and_leaves_nothing(
    world: JournalWorld, change: dict[str, object], code: str | None
) -> None:
    intent = world.journal(**change)
    if code is None:
        assert (await posted(world.connect(), intent)).body.legal_entity == world.company.id
        return
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert told.value.code == code
    assert await world.held(intent.reference) == []
    assert await world.drafts(intent.reference) == []


async def test_a_description_that_the_ledger_would_cut_is_refused_and_not_cut(
    world: JournalWorld,
) -> None:
    intent = world.journal(description=80 * "x")
    reversal = world.reversal(intent, "unused", posting_date=LATER)
    with pytest.raises(RejectedError) as told:
        await world.connect().post([reversal], {})
    assert told.value.code == "text_too_long"


async def test_a_reference_that_would_not_be_found_again_is_never_sent(
    world: JournalWorld,
) -> None:
    intent = world.journal()
    longer = intent.model_copy(update={"reference": f"{intent.reference}A"})
    with pytest.raises(RejectedError) as told:
        await world.connect().post([longer], {})
    assert told.value.code == "reference_unfit"
    assert [one for one in world.network.requests if one.method == "POST"][1:] == []


async def test_a_company_whose_setup_cannot_be_read_is_trouble_and_no_booking(
    world: JournalWorld,
) -> None:
    [setup] = world.company.rows("generalLedgerSetup")
    world.company.delete("generalLedgerSetup", setup["id"])
    with pytest.raises(TransientError):
        await world.connect().post([world.journal()], {})


@pytest.mark.parametrize("dropped", ["amount", "documentNumber", "description", "postingDate"])
async def test_what_the_erp_drops_silently_is_refused_before_it_counts(
    world: JournalWorld, dropped: str
) -> None:
    world.company.dropped = frozenset({dropped})
    intent = world.journal()
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert told.value.code == "draft_differs"
    assert await world.drafts(intent.reference) == []


async def test_an_entry_that_was_posted_twice_shows_twice(world: JournalWorld) -> None:
    intent = world.journal()
    ids = [await world.book(intent), await world.book(intent)]
    erp = world.connect()
    found = await erp.find([intent])
    assert [one.document_id for one in found[intent.reference]] == ids
    [outcome] = await erp.post([intent], {})
    assert isinstance(outcome, Unknown)


async def test_an_entry_that_is_only_partly_there_is_trouble_and_not_absent(
    world: JournalWorld,
) -> None:
    intent = world.journal()
    await world.book(intent)
    [*_, last] = world.company.rows("generalLedgerEntries")
    world.company.delete("generalLedgerEntries", last["id"])
    with pytest.raises(TransientError) as told:
        await world.connect().find([intent])
    assert told.value.code == "answer_not_understood"


async def test_a_batch_of_somebody_else_under_the_same_code_is_left_alone(
    world: JournalWorld,
) -> None:
    intent = world.journal()
    world.company.insert("journals", {"code": intent.reference[:10], "displayName": "Payroll"})
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert told.value.code == "batch_of_another"
    assert len(world.batches(intent.reference)) == 1


async def test_the_sweep_lists_entries_of_ours_and_no_others(world: JournalWorld) -> None:
    erp = world.connect(page_size=3)
    ids = {(await posted(erp, world.journal())).document_id for _ in range(4)}
    world.company.insert(
        "generalLedgerEntries",
        {
            "documentNumber": "108001",
            "documentType": " ",
            "description": "Rent | March",
            "entryNumber": 99,
        },
    )
    before, after = (datetime.now(UTC) + timedelta(hours=n) for n in (-1, 1))
    for since in (None, before):
        swept = [one async for page in erp.documents_since(since) for one in page]
        assert {one.document_id for one in swept} == ids
        assert len(swept) == len(ids)
    assert [one async for page in erp.documents_since(after) for one in page] == []
