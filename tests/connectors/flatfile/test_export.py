"""Documents in a folder: what they say, what takes them back, and who is told of trouble."""

import csv
import json
import os
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.attestation import agrees
from canonical.posting import Executed, NotExecuted, PostedDocument, PostingIntent
from connectors.base.errors import ConnectionConfigError, RejectedError, TransientError
from connectors.flatfile import export_index, export_shelf
from connectors.flatfile.export_index import TITLES
from connectors.flatfile.export_papers import PostedPaper, paper_of
from tests.connectors.flatfile.export_documents import expense, invoice, journal, reversal_of
from tests.connectors.flatfile.export_world import CLOSED_DAY, DAY, ExportWorld, intent_of

EVERYTHING = {
    "time": lambda: ExportWorld.line(seconds=5400, note='Kick-off, "1st" — 日本'),
    "expense": expense,
    "invoice": invoice,
    "credit note": lambda: invoice(-1),
    "journal": journal,
}


@pytest.fixture
def world(tmp_path: Path) -> ExportWorld:
    return ExportWorld(tmp_path / "erp")


async def posted(world: ExportWorld, intent: PostingIntent) -> PostedDocument:
    """Post one document."""
    [outcome] = await world.connect().post([intent], {})
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    return outcome.document


@pytest.mark.parametrize("kind", EVERYTHING)
async def test_every_kind_of_document_comes_back_as_it_was_sent(
    world: ExportWorld, kind: str
) -> None:
    intent = EVERYTHING[kind]()
    document = await posted(world, intent)
    assert document.body == intent.body
    assert agrees(intent, document)
    written = world.written(intent.reference)
    assert (written["reference"], written["kind"]) == (intent.reference, intent.kind.value)
    assert (written["posting_date"], written["period"]) == ("2026-10-05", "2026-10")
    assert written["dimensions"] == {"cost_centre": "CC-100"}
    assert written["contract"] == intent.body.CONTRACT
    assert written["takes_back"] is None


@pytest.mark.parametrize("kind", EVERYTHING)
async def test_what_takes_a_document_back_is_its_opposite_on_its_own_day(
    world: ExportWorld, kind: str
) -> None:
    intent = EVERYTHING[kind]()
    await posted(world, intent)
    back = reversal_of(intent, day=date(2026, 10, 31))
    document = await posted(world, back)
    # It shows what it takes back, which is what it was made of.
    assert agrees(back, document)
    original, opposite = world.written(intent.reference), world.written(back.reference)
    assert opposite["posting_date"] == "2026-10-31"
    assert opposite["takes_back"] == intent.reference
    assert amounts(opposite["document"]) == [-each for each in amounts(original["document"])]
    assert await world.held(intent.reference) == [intent.reference], "it stands, as its opposite"


def amounts(value: Any) -> list[Decimal]:
    """All quantities of a document that are booked, in its order."""
    found: list[Decimal] = []
    for name, each in value.items():
        if name in ("amount", "seconds", "tax_base") and each is not None:
            found.append(Decimal(each))
        elif isinstance(each, list):
            found += [amount for one in each for amount in amounts(one)]
    return found


def test_the_opposite_of_nothing_is_nothing() -> None:
    line = ExportWorld.line(seconds=0)
    body = json.loads(paper_of(reversal_of(line)).data)["document"]
    assert body["seconds"] == 0
    zero = expense()
    lines = (zero.expense_document.lines[0].model_copy(update={"amount": Decimal("0.00")}),)
    free = zero.expense_document.model_copy(update={"lines": lines, "disbursements": ()})
    [shown] = json.loads(paper_of(reversal_of(intent_of(free, zero.kind))).data)["document"][
        "lines"
    ]
    assert shown["amount"] == "0.00"


@given(st.binary(max_size=300))
def test_a_file_that_is_no_document_says_so_and_nothing_else(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is|its content"):
        PostedPaper(export_shelf.Paper("LABC", data))


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: value | {"reference": "LOTHER"},
        lambda value: value | {"contract": "money/v1"},
        lambda value: value | {"contract": ["time_line/v1"]},
        lambda value: value | {"document": {}},
        lambda value: value | {"posting_date": "yesterday"},
        lambda value: value | {"document": value["document"] | {"seconds": 1.5}},
        lambda value: value | {"document": value["document"] | {"seconds": "x"}},
    ],
)
async def test_a_document_that_was_damaged_is_told_and_never_taken_for_missing(
    world: ExportWorld, damage: Any
) -> None:
    intent = world.intent()
    await posted(world, intent)
    path = world.folder / "documents" / f"{intent.reference}.json"
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    target = world.connect()
    with pytest.raises(RejectedError) as told:
        await target.find([intent])
    assert told.value.code == "document_unreadable"
    [outcome] = await target.post([intent], {})
    assert isinstance(outcome, NotExecuted)
    assert (outcome.refused, outcome.code) == (True, "document_unreadable")
    assert [each async for page in target.documents_since(None) for each in page] == []
    assert len(await world.held(intent.reference)) == 1


async def test_a_closed_period_refuses_and_a_document_that_is_there_is_done_all_the_same(
    world: ExportWorld,
) -> None:
    intent = world.intent()
    first = await posted(world, intent)
    periods = world.folder / "periods.csv"
    periods.write_text(periods.read_text().replace("open", "closed"))
    assert await posted(world, intent) == first
    [outcome] = await world.connect().post([world.intent()], {})
    assert isinstance(outcome, NotExecuted)
    assert (outcome.refused, outcome.code) == (True, "period_closed")
    nowhere = intent_of(intent.body, intent.kind, day=date(2031, 1, 1))
    [outcome] = await world.connect().post([nowhere], {})
    assert isinstance(outcome, NotExecuted)
    assert outcome.code == "no_period"


async def test_what_takes_back_counts_in_the_period_that_was_decided_for_it(
    world: ExportWorld,
) -> None:
    body = world.intent().time_line.model_copy(update={"work_date": CLOSED_DAY})
    late = intent_of(body, world.intent().kind, day=DAY)
    await posted(world, late)
    [page] = [
        page async for page in world.connect().documents_between("DE01", CLOSED_DAY, CLOSED_DAY)
    ]
    assert [each.reference for each in page] == [late.reference], "time is found by its own day"
    back = reversal_of(expense(), day=date(2026, 10, 31))
    await posted(world, back)
    between = world.connect().documents_between("DE01", date(2026, 10, 31), date(2026, 10, 31))
    assert [each.reference async for page in between for each in page] == [back.reference]
    other = world.connect().documents_between("US01", CLOSED_DAY, date(2026, 12, 31))
    assert [each async for page in other for each in page] == []


async def test_a_sweep_finishes_what_a_dead_writer_left(world: ExportWorld) -> None:
    intents = [world.intent(), world.intent()]
    for intent in intents:
        written = world.folder / "writing" / f"{intent.reference}.abc"
        written.write_bytes(paper_of(intent).data)
        os.link(written, world.folder / "documents" / f"{intent.reference}.json")
    assert world.names_in("outbox") == []
    pages = world.connect(page_size=1).documents_since(None)
    assert len([page async for page in pages]) == 2
    assert world.names_in("outbox") == world.names_in("documents")
    assert await world.connect().remove_stray_drafts(datetime.now(UTC) + timedelta(days=1)) == 0


async def test_a_young_stray_may_be_under_way_and_stays(world: ExportWorld) -> None:
    (world.folder / "writing" / "LABC.abc").write_text("{")
    assert await world.connect().remove_stray_drafts(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert (world.folder / "writing" / "LABC.abc").exists()


async def test_nothing_gets_its_name_after_the_claim_has_ended(world: ExportWorld) -> None:
    intent = world.intent()
    with pytest.raises(TransientError) as told:
        await world.connect().post([intent], {}, last_byte_by=time.monotonic() - 1)
    assert told.value.code == "too_late"
    assert await world.held(intent.reference) == []
    assert list((world.folder / "writing").iterdir()) == []


async def test_a_folder_without_a_calendar_is_a_share_that_is_not_mounted(
    world: ExportWorld,
) -> None:
    intent = world.intent()
    (world.folder / "periods.csv").unlink()
    target = world.connect()
    for asking in (target.find([intent]), target.post([intent], {}), target.check()):
        with pytest.raises(ConnectionConfigError) as told:
            await asking
        assert told.value.code == "no_drop"
    with pytest.raises(ConnectionConfigError):
        await anext(target.documents_since(None))
    with pytest.raises(ConnectionConfigError):
        await target.remove_stray_drafts(datetime.now(UTC))


async def test_the_folders_are_made_when_they_are_first_needed(world: ExportWorld) -> None:
    for name in ("documents", "outbox", "writing"):
        (world.folder / name).rmdir()
    intent = world.intent()
    assert await world.connect().find([intent]) == {}
    await posted(world, intent)
    assert world.names_in("outbox") == [intent.reference]


async def test_a_file_system_without_links_is_no_place_for_documents(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    assert "0 documents" in await world.connect().check()
    monkeypatch.setattr(export_shelf.os, "link", no_links)
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect().check()
    assert told.value.code == "no_links"
    assert list((world.folder / "documents").iterdir()) == []


async def test_a_file_system_where_a_name_can_be_taken_twice_is_none_either(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def overwrites(source: Path, name: Path) -> None:
        name.unlink(missing_ok=True)
        link(source, name)

    monkeypatch.setattr(export_shelf.os, "link", overwrites)
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect().check()
    assert "taken twice" in str(told.value)


async def test_what_returns_is_on_the_disk_in_the_order_that_no_crash_can_turn(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, link, rename = os.fsync, os.link, Path.rename

    def synced(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink()
        order.append(name.name if name.is_dir() else name.parent.name + " file")
        sync(descriptor)

    def linked(source: Path, name: Path) -> None:
        order.append("name")
        link(source, name)

    def renamed(self: Path, to: Path) -> Path:
        order.append("move")
        return rename(self, to)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", linked)
    monkeypatch.setattr(Path, "rename", renamed)
    await posted(world, world.intent())
    steps = ["writing file", "writing", "name", "documents", "move", "outbox", "writing"]
    assert order[: len(steps)] == steps


def index_of(world: ExportWorld, name: str) -> list[dict[str, str]]:
    """A list for people."""
    with (world.folder / "index" / name).open(newline="") as file:
        return list(csv.DictReader(file))


async def test_people_find_every_document_in_a_list_of_its_kind_and_month(
    world: ExportWorld,
) -> None:
    hours, report, bill = world.intent(seconds=5400), expense(), invoice()
    entry = journal()
    back = reversal_of(hours)
    for intent in (hours, report, bill, entry, back, hours):
        await posted(world, intent)
    [first, second] = index_of(world, "time-2026-10.csv")
    assert tuple(first) == TITLES
    assert (first["reference"], first["hours"], first["party"]) == (
        *(hours.reference, "1.5000"),
        "E-1",
    )
    assert (second["hours"], second["takes_back"]) == ("-1.5000", hours.reference)
    [shown] = index_of(world, "expense-2026-10.csv")
    assert (shown["subject"], shown["amount"], shown["currency"]) == ("ER-7", "60.00", "EUR")
    assert index_of(world, "invoice-2026-10.csv")[0]["amount"] == "225.38"
    assert index_of(world, "journal-2026-10.csv")[0]["amount"] == "1234567890123.45"


async def test_a_list_that_was_cut_or_taken_away_is_completed_by_the_next_sweep(
    world: ExportWorld,
) -> None:
    intents = [world.intent(seconds=60 * number) for number in range(3)]
    await world.connect().post(intents, {})
    path = world.folder / "index" / "time-2026-10.csv"
    whole = path.read_bytes()
    for kept in (0, 5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:kept])
        assert [page async for page in world.connect().documents_since(None)]
        assert sorted(path.read_bytes().splitlines()) == sorted(whole.splitlines())
    path.unlink()
    await world.connect().find(intents)
    assert sorted(path.read_bytes().splitlines()) == sorted(whole.splitlines())


async def test_a_list_that_cannot_be_written_costs_the_documents_nothing(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise TransientError("cannot_write", "full")

    monkeypatch.setattr(export_index.GrowingFile, "add", full)
    await posted(world, world.intent())


async def test_masters_and_calendar_come_from_the_folder(world: ExportWorld) -> None:
    target = world.connect()
    masters = await target.masters()
    assert [one.id for one in masters.accounts] == ["DE01/6600"]
    assert [(one.id, one.rate) for one in masters.tax_codes] == [("DE01/V19", Decimal(19))]
    assert [one.id for one in masters.tasks] == ["PRJ-1/T0", "PRJ-1/T1", "PRJ-1/T2"]
    assert [one.code for one in masters.currencies] == ["EUR"]
    periods = await target.posting_periods()
    assert [(one.name, one.state.value, one.connection) for one in periods] == [
        ("2026-09", "CLOSED", "erp"),
        ("2026-10", "OPEN", "erp"),
    ]


async def test_a_period_that_cannot_be_read_is_none_and_told_beside_the_calendar(
    world: ExportWorld,
) -> None:
    path = world.folder / "periods.csv"
    path.write_text(path.read_text().replace("open", "ajar"))
    assert [one.name for one in await world.connect().posting_periods()] == ["2026-09"]
    assert "periods.csv,3,state" in (world.folder / "rejected_periods.csv").read_text()
    [outcome] = await world.connect().post([world.intent()], {})
    assert isinstance(outcome, NotExecuted)
    assert outcome.code == "no_period"


async def test_one_call_is_of_one_kind_and_one_legal_entity(world: ExportWorld) -> None:
    with pytest.raises(ValueError, match="one kind"):
        await world.connect().post([world.intent(), expense()], {})
    assert await world.connect().post([], {}) == ()
