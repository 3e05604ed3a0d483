"""A folder of expense reports that tests work in; its clock is ahead of the machine's."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base.capabilities import ReportStep
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import FaultyNetwork
from connectors.flatfile.expense_drop import ExpenseDrop, connect
from connectors.flatfile.expense_parts import ALLOCATIONS, ITEMS, REPORTS, TABLES
from connectors.flatfile.options import ApprovedDropOptions
from tests.connectors.flatfile.time_world import nowhere

Lines = Sequence[Mapping[str, str]]


@dataclass
class ExpenseWorld:
    """Whoever fills the drop, in one of the two forms that reports may have."""

    folder: Path
    as_json: bool = False
    page_size: int = 3
    secret: str = "none"
    knows_claims: bool = False
    shows: frozenset[ReportStep] = frozenset(ReportStep)
    now: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    )
    network: FaultyNetwork = field(default_factory=nowhere)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self._write()

    def connect(
        self, budget: RateBudget, *, secret: str | None = None, **options: Any
    ) -> ExpenseDrop:
        given = {"page_size": self.page_size, **options}
        return connect(ApprovedDropOptions("expenses", str(self.folder), **given), budget)

    def put(self, name: str, text: str) -> Path:
        """Put a file there, whole, at the world's time."""
        path = self.folder / name
        path.write_text(text)
        os.utime(path, (self.now.timestamp(), self.now.timestamp()))
        return path

    def put_tables(self, reports: Lines, items: Lines = (), allocations: Lines = ()) -> None:
        """Put all three tables there."""
        for stem, lines in ((REPORTS, reports), (ITEMS, items), (ALLOCATIONS, allocations)):
            self.put(f"{stem}.csv", as_table(stem, lines))

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def release(self, amount: str, *, note: str = "") -> str:
        name = f"R-{len(self.reports) + 1}"
        self.reports[name] = {"amount": amount, "note": note, "approved": True}
        self._write()
        return name

    def recall(self, report: str) -> bool:
        self.reports[report]["approved"] = False
        self._write()
        return True

    def resubmit(self, report: str, amount: str) -> str:
        self.reports[report].update(amount=amount, approved=True)
        self._write()
        return report

    def add_unreadable(self, private: str) -> None:
        self.bad.append(private)
        self._write()

    def send_pages_in_a_circle(self) -> None:
        pytest.fail("a folder sends no pages")

    def break_next_page(self) -> None:
        pytest.fail("a folder sends no pages")

    def steps(self) -> list[dict[str, Any]]:
        """What stands in the file of statuses."""
        path = self.folder / "expense_status.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def told(self, report: str) -> Sequence[ReportStep]:
        return [ReportStep(one["step"]) for one in self.steps() if one["report"] == report]

    def reason(self, report: str) -> str:
        return " ".join(one["message"] for one in self.steps() if one["report"] == report)

    def _write(self) -> None:
        if self.as_json:
            lines = [json.dumps(report_in_json(name, **one)) for name, one in self.reports.items()]
            lines += [json.dumps({"id": "BAD", "currency": one}) for one in self.bad]
            self.put(f"{REPORTS}.jsonl", "".join(f"{line}\n" for line in lines) or "\n")
            return
        heads = [head(name, approved=one["approved"]) for name, one in self.reports.items()]
        items = [
            {**item(name), "amount": one["amount"], "note": one["note"]}
            | {"approved_amount": one["amount"]}
            for name, one in self.reports.items()
        ]
        heads += [{**head("BAD"), "report_date": one, "name": one} for one in self.bad]
        self.put_tables(heads, items)


def as_table(stem: str, lines: Lines) -> str:
    """Lines as a table with all columns."""
    columns = TABLES[stem]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, (*columns.required, *columns.optional), restval="")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def head(name: str, /, *, approved: bool = True, **cells: str) -> dict[str, str]:
    """A report's own line."""
    return {
        "id": name,
        "number": f"ER-{name}",
        "employee": "E-1001",
        "currency": "EUR",
        "report_date": "2026-01-31",
        "approved": "yes" if approved else "no",
        "approved_by": "mara",
        "approved_at": "2026-02-02T09:00:00Z",
        **cells,
    }


def item(report: str, name: str = "1", /, **cells: str) -> dict[str, str]:
    """A taxi ride."""
    return {
        "report": report,
        "id": name,
        "type_code": "TAXI",
        "type_name": "Taxi",
        "transaction_date": "2026-01-20",
        "paid_by": "employee",
        "owed_to": "employee",
        "amount": "10.00",
        "approved_amount": "10.00",
        **cells,
    }


def report_in_json(name: str, *, amount: str, note: str, approved: bool) -> dict[str, Any]:
    """The same report in JSON."""
    money = {"amount": amount, "currency": "EUR"}
    one = {
        "id": "1",
        "type_code": "TAXI",
        "type_name": "Taxi",
        "transaction_date": "2026-01-20",
        "paid_by": "employee",
        "owed_to": "employee",
        "approved": money,
        "amount": money,
        "transaction": money,
        "note": note,
    }
    approval = {"approver": "mara", "approved_at": "2026-02-02T09:00:00Z"} if approved else None
    return {
        "id": name,
        "number": f"ER-{name}",
        "employee": "E-1001",
        "currency": "EUR",
        "report_date": "2026-01-31",
        "items": [one],
        "approval": approval,
    }
