"""What a folder says of expenses: reports with items and shares, whole or not at all."""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from canonical.expense import ExpenseReport, Owed, PaidBy
from canonical.money import Money
from connectors.base.capabilities import ReportStep, SourceRecord
from connectors.base.errors import ConnectionConfigError
from connectors.conformance.expense_source import PRIVATE, payment, posted
from connectors.conformance.http_contract import Tokens
from tests.connectors.flatfile.expense_world import ExpenseWorld, head, item, report_in_json

NEVER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> ExpenseWorld:
    return ExpenseWorld(tmp_path / "drop")


async def records(world: ExpenseWorld, **options: Any) -> Sequence[SourceRecord[ExpenseReport]]:
    """All that a folder says."""
    pages = world.connect(Tokens(), **options).expense_reports(None)
    return [record async for page in pages for record in page.records]


async def only(world: ExpenseWorld, **options: Any) -> ExpenseReport:
    """The one good report."""
    [record] = await records(world, **options)
    assert record.trouble is None
    assert record.record is not None
    return record.record


def share(report: str, item_id: str, name: str, **cells: str) -> dict[str, str]:
    """A share of an item."""
    return {"report": report, "item": item_id, "id": name, **cells}


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


HOTEL = item(
    "R-1",
    "2",
    type_code="HOTEL",
    amount="1190.00",
    approved_amount="1000.00",
    transaction_amount="1300.00",
    transaction_currency="USD",
    exchange_rate="1.0924369748",
    exchange_direction="divide",
    settled_amount="1190.00",
    settled_currency="EUR",
    paid_by="company_card",
    owed_to="card_issuer",
    billable="yes",
    has_receipt="yes",
    tax_receipt="yes",
    country="DE",
    vendor="Hotel, Zur Post",
)
SHARES = [
    share(
        *("R-1", "2", "a"),
        share="60",
        gross="714.00",
        project="PRJ-1",
        cost_centre="CC-100",
        tax_code="V19",
        tax_country="DE",
        tax_amount="114.00",
        tax_reclaimable="114.00",
    ),
    share("R-1", "2", "b", share="40", gross="476.00", owed_to="employee"),
]


async def test_three_tables_say_all_of_a_report_exactly(world: ExpenseWorld) -> None:
    world.put_tables([head("R-1", total="1010.00")], [item("R-1"), HOTEL], SHARES)
    report = await only(world)
    assert (report.connection, report.id, report.number) == ("expenses", "R-1", "ER-R-1")
    assert report.total == euros("1010.00")
    assert report.approval is not None
    assert report.approval.approver == "mara"
    taxi, hotel = report.items
    assert taxi.transaction == taxi.amount == euros("10.00")
    assert (taxi.paid_by, taxi.owed_to) == (PaidBy.EMPLOYEE, Owed.EMPLOYEE)
    assert hotel.transaction == Money(amount=Decimal("1300.00"), currency="USD")
    assert hotel.exchange_rate == Decimal("1.0924369748")
    assert hotel.approved == euros("1000.00")
    assert hotel.settled == euros("1190.00")
    first, second = hotel.allocations
    assert (first.share, first.gross, first.project) == (Decimal(60), euros("714.00"), "PRJ-1")
    [tax] = first.taxes
    assert (tax.code, tax.amount, tax.reclaimable) == ("V19", euros("114.00"), euros("114.00"))
    assert (second.owed_to, second.taxes) == (Owed.EMPLOYEE, ())


async def test_a_report_means_the_same_in_tables_and_in_json(world: ExpenseWorld) -> None:
    world.put_tables([head("R-1", total="1010.00")], [item("R-1"), HOTEL], SHARES)
    in_tables = await only(world)
    for path in world.folder.iterdir():
        path.unlink()
    text = in_tables.model_dump_json(exclude={"connection", "changed_at"})
    world.put("expense_reports.jsonl", f"{text}\n")
    assert await only(world) == in_tables


BROKEN = {
    "currency": ([head("R-1", currency="EURO")], [], []),
    "total": ([head("R-1", total="1,00")], [], []),
    "approved_by": ([head("R-1", approved_by="")], [], []),
    "amount": ([head("R-1")], [item("R-1", amount="1.005")], []),
    "approved_amount": ([head("R-1")], [item("R-1", approved_amount="")], []),
    "paid_by": ([head("R-1")], [item("R-1", paid_by="cash")], []),
    "transaction_currency": ([head("R-1")], [item("R-1", transaction_amount="5")], []),
    "id": ([head("R-1")], [item("R-1", "7"), item("R-1", "7")], []),
    "item": ([head("R-1")], [item("R-1")], [share("R-1", "7", "a")]),
    "tax_amount": ([head("R-1")], [item("R-1")], [share("R-1", "1", "a", tax_code="V19")]),
    "share": ([head("R-1")], [item("R-1")], [share("R-1", "1", "a", share="x")]),
    "report of an item": ([], [item("R-1")], []),
    "report of a share": ([], [], [share("R-1", "1", "a")]),
}


@pytest.mark.parametrize("said", BROKEN)
async def test_a_report_with_a_wrong_part_is_wrong_as_a_whole_and_harms_no_neighbour(
    world: ExpenseWorld, said: str
) -> None:
    heads, items, shares = BROKEN[said]
    column = said.partition(" ")[0]
    world.put_tables([*heads, head("R-2", name=PRIVATE)], [*items, item("R-2")], shares)
    read = {one.source_id: one for one in await records(world)}
    assert read.keys() == {"R-1", "R-2"}
    assert read["R-2"].record is not None
    assert read["R-1"].record is None
    assert read["R-1"].document_id == "R-1"
    place = {1: "expense_reports.csv", 2: "expense_items.csv", 3: "expense_allocations.csv"}
    table = place[3 if shares else 2 if items else 1]
    assert f"{table}, line " in (read["R-1"].trouble or "")
    assert f"column {column}: " in (read["R-1"].trouble or "")
    with (world.folder / "rejected_expenses.csv").open(newline="") as file:
        told = [(one["file"], one["column"]) for one in csv.DictReader(file)]
    assert (table, column) in told


async def test_the_same_report_in_two_places_is_one_trouble(world: ExpenseWorld) -> None:
    world.put_tables([head("R-1", approved=False)], [item("R-1")])
    one = report_in_json("R-1", amount="10.00", note="", approved=True)
    world.put("expense_reports.jsonl", f"{json.dumps(one)}\n")
    [twice] = await records(world)
    assert "it stands 2 times" in (twice.trouble or "")
    assert twice.approved is None, "nobody can tell which of them counts"


async def test_evidence_is_asked_of_json_too(world: ExpenseWorld) -> None:
    one = report_in_json("R-1", amount="10.00", note="", approved=True)
    one["approval"] = {"approver": "mara"}
    world.put("expense_reports.jsonl", f"{json.dumps(one)}\n")
    [record] = await records(world)
    assert "which are its evidence" in (record.trouble or "")
    assert (await only(world, approval_evidence=False)).approval is not None


async def test_a_number_of_json_is_refused_and_never_a_binary_float(world: ExpenseWorld) -> None:
    one = report_in_json("R-1", amount="10.00", note="", approved=True)
    one["items"][0]["amount"] = {"amount": 10.1, "currency": "EUR"}
    world.put("expense_reports.jsonl", f"{json.dumps(one)}\n")
    [record] = await records(world)
    assert record.record is None


async def test_nothing_is_shown_where_no_file_changed(world: ExpenseWorld) -> None:
    world.release("10.00")
    pages = world.connect(Tokens()).expense_reports(NEVER)
    assert [page.records async for page in pages] == [()]
    since = world.now
    world.pass_time(60)
    world.put("expense_allocations.csv", (world.folder / "expense_allocations.csv").read_text())
    [page] = [page async for page in world.connect(Tokens()).expense_reports(since)]
    assert [one.changed_at for one in page.records] == [world.now], "a part that changed is news"


async def test_a_folder_without_reports_is_no_drop(world: ExpenseWorld) -> None:
    (world.folder / "expense_reports.csv").unlink()
    with pytest.raises(ConnectionConfigError) as told:
        await records(world)
    assert told.value.code == "no_drop"
    with pytest.raises(ConnectionConfigError):
        await world.connect(Tokens()).check()


async def test_a_check_names_what_is_there(world: ExpenseWorld) -> None:
    said = await world.connect(Tokens()).check()
    assert said.endswith("expense_allocations.csv, expense_items.csv, expense_reports.csv")


async def test_a_step_is_written_whole_with_money_as_text(world: ExpenseWorld) -> None:
    report = world.release("10.00")
    await world.connect(Tokens()).tell([payment(report, ReportStep.PAID, "10.00")])
    [step] = world.steps()
    assert next(iter(step)) == "id"
    assert step["amount"] == {"amount": "10.00", "currency": "EUR"}
    assert (step["report"], step["step"], step["on_date"]) == (report, "paid", "2026-02-06")


async def test_a_report_that_was_posted_and_taken_away_is_still_told_of_its_payment(
    world: ExpenseWorld,
) -> None:
    report = world.release("10.00")
    await world.connect(Tokens()).tell([posted(report)])
    del world.reports[report]
    world.put_tables([])
    [answer, other] = await world.connect(Tokens()).tell(
        [payment(report, ReportStep.PAID, "10.00"), posted("R-7")]
    )
    assert answer.accepted
    assert (other.accepted, other.code) == (False, "no_such_report")
    assert list(world.told(report)) == [ReportStep.POSTED, ReportStep.PAID]
