"""`ledgerway explain`: what would be posted and why, from a file, on a machine without anything."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import explain
from runtime.configuration import SHIPPED, load_configuration
from tests.cli.explained_pages import FYLE, HARVEST, concur, only
from tests.cli.terminal import Answered, Terminal
from tests.connectors.concur.golden import COST, Case, Row, cases, named_alike, summed

NO_TRACEBACK = "Traceback"


class Desk:
    """Somebody at a terminal with a file."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self._terminal = terminal
        self._folder = folder

    async def explain(self, content: Any, connection: str, *options: str) -> Answered:
        """Save a document and have it explained."""
        file = self._folder / "document.json"
        as_text = content if isinstance(content, bytes) else json.dumps(content).encode()
        file.write_bytes(as_text)
        return await self._terminal.type("explain", file, "--connection", connection, *options)

    async def lines(self, content: Any, connection: str) -> list[dict[str, Any]]:
        """The lines of the one document, for a program."""
        answered = await self.explain(content, connection, "--json")
        assert answered.code == 0, answered
        found: list[dict[str, Any]] = answered.json["lines"]
        return found


@pytest.fixture
def desk(nowhere: Terminal, tmp_path: Path) -> Desk:
    return Desk(nowhere, tmp_path)


def rows(lines: list[dict[str, Any]]) -> list[Row]:
    signs = {"debit": 1, "credit": -1}
    return [
        Row(line["account"], signs[line["side"]] * Decimal(line["amount"]), line["currency"])
        for line in lines
    ]


@pytest.mark.parametrize("one", [one for one in cases() if one.exact], ids=lambda one: str(one.id))
async def test_the_lines_are_saps_posting_record_row_by_row(one: Case, desk: Desk) -> None:
    ours = rows(await desk.lines(one.page, "concur"))

    assert summed(named_alike(ours, one.record), ()) == summed(one.record, ())
    assert COST not in {row.label for row in ours}


@pytest.mark.parametrize("one", cases(), ids=lambda one: str(one.id))
async def test_every_document_of_saps_can_be_explained_and_posted(one: Case, desk: Desk) -> None:
    answered = await desk.explain(one.page, "concur")

    assert answered.code == 0
    assert "It can be posted." in answered.out


async def test_each_line_says_its_role_its_side_and_the_rules_with_their_versions(
    desk: Desk,
) -> None:
    lines = await desk.lines(concur("2.1-report"), "concur")

    assert [(one["role"], one["side"], one["amount"], one["currency"]) for one in lines] == [
        ("expense", "debit", "8.40", "EUR"),
        ("tax_recoverable", "debit", "1.60", "EUR"),
        ("employee_payable", "credit", "10.00", "EUR"),
    ]
    assert [one["rules"][0]["rule"] for one in lines] == [
        "expense-cost", "expense-tax", "expense-payee",
    ]  # fmt: skip
    assert all(rule["version"] and rule["why"] for one in lines for rule in one["rules"])


async def test_a_page_in_the_other_spelling_and_a_document_on_its_own_are_read_alike(
    desk: Desk,
) -> None:
    page = concur()
    as_text = only(page) | {"document": json.dumps(only(page)["document"])}

    told = [
        await desk.lines(each, "concur")
        for each in (page, {"content": page["fIDocuments"]}, {"content": [as_text]}, only(page))
    ]

    assert told[0] == told[1] == told[2] == told[3]


async def test_several_documents_are_told_apart_and_have_no_lines_at_the_top(desk: Desk) -> None:
    page = {"content": [only(concur("2.1-report")), only(concur("2.2-report"))]}

    said = (await desk.explain(page, "concur", "--json")).json

    assert "lines" not in said
    assert [len(one["lines"]) for one in said["documents"]] == [3, 3]
    assert {one["policy_version"] for one in said["documents"]} == {"shipped-1"}


async def test_time_is_explained_by_its_hours_and_what_they_are_worth(desk: Desk) -> None:
    (line,) = await desk.lines(HARVEST, "harvest")

    assert (line["role"], line["amount"], line["currency"]) == ("time", "180.00", "EUR")
    assert line["hours"] == "1.5000"
    assert line["rules"][0]["rule"] == "time-value"


async def test_an_entry_that_is_not_approved_is_not_posted_and_it_is_said(desk: Desk) -> None:
    answered = await desk.explain(HARVEST, "harvest")

    assert "1 entries are not approved" in answered.out


async def test_the_workings_of_another_expense_source_are_the_same(desk: Desk) -> None:
    lines = await desk.lines(FYLE, "fyle")

    assert [(one["account"], one["role"], one["side"], one["amount"]) for one in lines] == [
        ("Taxi", "expense", "debit", "50.00"),
        ("Credit Card Vendor", "card_clearing", "credit", "50.00"),
    ]


async def test_a_disagreement_is_shown_beside_the_lines_and_the_document_is_not_postable(
    desk: Desk,
) -> None:
    answered = await desk.explain(concur(entryApprovedAmount=11), "concur", "--json")

    assert answered.code == 1
    assert [one["cause"] for one in answered.json["documents"][0]["problems"]] == [
        "total_disagrees",
        "amount_disagrees",
    ]
    assert sum(row.amount for row in rows(answered.json["lines"])) == 0


async def test_a_recalled_report_would_not_be_posted(desk: Desk) -> None:
    page = {"content": [only(concur()) | {"docStatus": "RECALLED"}]}

    answered = await desk.explain(page, "concur")

    assert answered.code == 1
    assert "not approved" in answered.out


NAN = json.dumps(concur()).replace('"entryApprovedAmount": 10', '"entryApprovedAmount": NaN')
HUGE = NAN.replace("NaN", "1e400")
UNREADABLE = {
    "NaN for an amount": NAN.encode(),
    "an exponent beyond anything": HUGE.encode(),
    "text for an amount": concur(entryApprovedAmount="10"),
    "true for an amount": concur(entryApprovedAmount=True),
    "more decimals than the currency has": concur(entryApprovedAmount=10.001),
    "an amount beyond anything": concur(entryApprovedAmount=10**17),
    "no amount": concur(entryApprovedAmount=None),
    "a flag that is no flag": concur(entryIsPersonal="maybe"),
    "a flag that is a list": concur(entryIsPersonal=["Y"]),
    "no such day": concur(entryDate="2019-02-30T00:00:00.000Z"),
    "no journal": concur(allocation=[]),
    "an object for a list": concur(allocation={}),
    "a document that is a number": {"content": [only(concur()) | {"document": 5}]},
    "a document in broken text": {"content": [only(concur()) | {"document": "{"}]},
    "a kind that is not read": {"content": [only(concur()) | {"docType": "invoice"}]},
    "a document without an id": {"content": [{"docType": "expense", "document": {}}]},
    "a document that is null": {"content": [None]},
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_read_is_said_and_nothing_falls_over(content: Any, desk: Desk) -> None:
    for options in ((), ("--json",)):
        answered = await desk.explain(content, "concur", *options)

        assert answered.code == 1
        assert "cannot be read" in " ".join(answered.out.split())
        assert NO_TRACEBACK not in answered.out + answered.err


NO_PAGES = {
    "an empty file": b"",
    "broken JSON": b'{"content": [',
    "no JSON": b"Dear Sirs,",
    "bytes": bytes(range(256)),
    "a list": b"[]",
    "a number": b"1",
    "a page of something else": b'{"time_entries": []}',
    "a list that is a number": b'{"content": 5}',
    "nested beyond anything": b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a page without documents": b'{"content": []}',
}


@pytest.mark.parametrize("content", NO_PAGES.values(), ids=NO_PAGES)
@pytest.mark.parametrize("connection", ["concur", "harvest", "fyle"])
async def test_what_is_no_page_is_said_in_one_sentence(
    content: bytes, connection: str, desk: Desk
) -> None:
    answered = await desk.explain(content, connection)

    assert answered.code == 1
    assert "document.json" in answered.said
    assert NO_TRACEBACK not in answered.out + answered.err


async def test_a_file_that_is_too_large_is_not_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "_BYTES_MAX", 100)

    answered = await desk.explain(concur(), "concur")

    assert answered.code == 1
    assert "Split it" in answered.said


async def test_a_file_that_is_not_there_is_an_error_of_usage(
    nowhere: Terminal, tmp_path: Path
) -> None:
    for missing in (tmp_path / "nothing.json", tmp_path):
        answered = await nowhere.type("explain", missing, "-c", "concur")

        assert answered.code == 2
        assert "cannot be read" in answered.said


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ("sap", "There is no connection 'sap'; there are bamboohr, business_central, concur"),
        ("tryton", "is no source of documents"),
        ("[/]", "There is no connection '[/]'"),
    ],
)
async def test_a_connection_that_cannot_be_used_is_an_error_of_usage(
    connection: str, said: str, desk: Desk
) -> None:
    answered = await desk.explain(concur(), connection)

    assert answered.code == 2
    assert said in answered.said


async def test_what_a_source_wrote_is_shown_and_never_obeyed(desk: Desk) -> None:
    name = "[red]Taxi[/] [/nothing] \x1b[2J \x00"

    answered = await desk.explain(concur(expenseTypeName=name), "concur")

    assert answered.code == 0
    assert "[red]Taxi[/] [/nothing]" in " ".join(answered.out.split())
    assert "\x1b[2J" not in answered.out


async def test_the_table_fits_a_hundred_columns(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.explain.out", _narrow())
    for one in cases():
        answered = await desk.explain(one.page, "concur")

        assert answered.code == 0
        assert max(len(line) for line in answered.out.splitlines()) <= 100


def _narrow() -> Any:
    from rich.console import Console

    return Console(width=100)


async def test_the_tables_of_an_installation_count_where_it_has_them(
    desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "connections.yaml").write_text((SHIPPED / "connections.yaml").read_text())
    tables = {"version": "2026-07", "accounts_by_type": {"LNDRY": "6644"}}
    (folder / "policies.yaml").write_text(yaml.safe_dump({"default": {"expense": tables}}))

    answered = await desk.explain(concur(), "concur", "--json", "--config", str(folder))

    assert answered.json["lines"][0]["account_code"] == "6644"
    assert answered.json["documents"][0]["policy_version"] == "2026-07"


async def test_a_configuration_that_cannot_be_used_is_an_error_of_usage(
    desk: Desk, tmp_path: Path
) -> None:
    answered = await desk.explain(concur(), "concur", "--config", str(tmp_path / "nowhere"))

    assert answered.code == 2
    assert "connections.yaml" in answered.said


def test_the_shipped_configuration_has_every_system_and_its_tables_can_be_read() -> None:
    configuration, policies = load_configuration(SHIPPED)

    assert {
        *("harvest", "concur", "fyle", "flatfile"),
        *("flatfile_time", "flatfile_expenses", "flatfile_export"),
        *("business_central", "tryton", "xero", "salesforce", "bamboohr"),
    } == set(configuration.connections)
    assert all(name == one.system for name, one in configuration.connections.items())
    assert policies.default.expense.taxes
    assert policies.default.expense.mileage
    assert policies.default.expense.per_diem
