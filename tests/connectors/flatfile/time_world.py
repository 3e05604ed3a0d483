"""A folder of time entries that tests work in; its clock is ahead of the machine's and stands."""

import csv
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import FaultyNetwork
from connectors.flatfile.options import ApprovedDropOptions
from connectors.flatfile.time_drop import TimeDrop, connect
from connectors.flatfile.time_entries import COLUMNS
from tests.connectors.flatfile.workbook import workbook

TITLES = (*COLUMNS.required, *COLUMNS.optional)
MASTERS = {
    "employees.csv": "code,name,email\nE-1,Ana Arendt,ana@firm.example\nE-2,Ben Brook,\n",
    "customers.csv": "code,name,currency\nCUST-001,Halden,EUR\n",
    "projects.csv": "code,name,customer\nPRJ-1,Platform,CUST-001\n",
    "tasks.csv": "project,name\nPRJ-1,Analysis\n",
}


@dataclass(frozen=True)
class Entry:
    """One line, and since when it stands as it does."""

    cells: Mapping[str, str]
    since: datetime
    running: bool = False


def nowhere() -> FaultyNetwork:
    """A network that leads nowhere: a folder needs none."""
    return FaultyNetwork(httpx.MockTransport(lambda _: httpx.Response(404)))


@dataclass
class TimeWorld:
    """Whoever fills the drop: each instant's changes are in a file of their own."""

    folder: Path
    form: str = "csv"
    page_size: int = 3
    secret: str = "none"
    now: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    )
    entries: dict[str, Entry] = field(default_factory=dict)
    # Behind which there is nothing.
    network: FaultyNetwork = field(default_factory=nowhere)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        for name, text in MASTERS.items():
            self.put(name, text)
        self._write()

    def connect(self, budget: RateBudget, *, secret: str | None = None, **options: Any) -> TimeDrop:
        given = {"page_size": self.page_size, **options}
        return connect(ApprovedDropOptions("time", str(self.folder), **given), budget)

    def put(self, name: str, text: str | bytes) -> Path:
        """Put a file there, whole, at the world's time."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(path, (self.now.timestamp(), self.now.timestamp()))
        return path

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def add(self, day: date, hours: str, *, person: int = 1, note: str = "") -> str:
        name = f"T-{len(self.entries) + 1}"
        cells = {
            "id": name,
            "employee": f"E-{person}",
            "customer": "CUST-001",
            "project": "PRJ-1",
            "task": "Analysis",
            "work_date": day.isoformat(),
            "hours": hours,
            "billable": "yes",
            "rate": "150.00",
            "currency": "EUR",
            "note": note,
            "approved": "no",
        }
        self._set(name, Entry(cells, self.now))
        return name

    def approve(self, entry: str) -> None:
        if not self.entries[entry].running:
            evidence = {"approved_by": "mara", "approved_at": "2026-01-12T09:00:00Z"}
            self.change_cells(entry, approved="yes", **evidence)

    def withdraw(self, entry: str) -> None:
        self.change_cells(entry, approved="no", approved_by="", approved_at="")

    def lock(self, entry: str) -> None:
        """The last approver stays named in a line that was handed back."""
        self.change_cells(entry, approved_by="mara", approved_at="2026-01-12T09:00:00Z")

    def start_timer(self, entry: str) -> None:
        """Whoever fills the drop shows what is still running as not approved."""
        self.entries[entry] = replace(self.entries[entry], running=True)

    def change(self, entry: str, *, hours: str | None = None, note: str | None = None) -> None:
        given = {"hours": hours, "note": note}
        self.change_cells(entry, **{name: text for name, text in given.items() if text is not None})

    def change_cells(self, entry: str, **cells: str) -> None:
        """Change some cells of a line."""
        before = self.entries[entry]
        self._set(entry, replace(before, cells={**before.cells, **cells}, since=self.now))

    def delete(self, entry: str) -> None:
        del self.entries[entry]
        self._write()

    def add_unreadable(self, private: str) -> None:
        cells = {"id": "BAD", "employee": "E-1", "work_date": private, "note": private}
        self._set("BAD", Entry(cells, self.now))

    def sink(self, budget: RateBudget, *, secret: str | None = None) -> TimeDrop:
        return self.connect(budget)

    def refuse_acknowledgements(self) -> None:
        pytest.fail("a folder refuses nobody")

    def drop_acknowledgements(self) -> None:
        pytest.fail("a folder says yes to nothing that it does not keep")

    def steps(self) -> list[dict[str, str]]:
        """What stands in the file of statuses."""
        path = self.folder / "time_status.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def references(self) -> Mapping[str, str]:
        return {step["entry"]: step["reference"] for step in self.steps()}

    # No wire, and nobody on it.

    def send_pages_in_a_circle(self) -> None:
        pytest.fail("a folder sends no pages")

    def break_next_page(self) -> None:
        pytest.fail("a folder sends no pages")

    def _set(self, name: str, entry: Entry) -> None:
        self.entries[name] = entry
        self._write()

    def _write(self) -> None:
        """Write all files again; those whose lines stand as they did keep their time."""
        for path in self.folder.glob("time[.-]*"):
            path.unlink()
        now, by_time = self.now, dict[datetime, list[Mapping[str, str]]]()
        for entry in self.entries.values():
            by_time.setdefault(entry.since, []).append(entry.cells)
        for number, (self.now, lines) in enumerate(by_time.items()):
            self.put(f"time-{number}.{self.form}", self._text(lines))
        self.now = now
        if not by_time:
            self.put("time.csv", self.as_table([]))

    def _text(self, lines: list[Mapping[str, str]]) -> str | bytes:
        if self.form == "xlsx":
            return workbook([list(TITLES), *([line.get(one) for one in TITLES] for line in lines)])
        if self.form == "jsonl":
            return "".join(f"{json.dumps(dict(line))}\n" for line in lines)
        return self.as_table(lines)

    @staticmethod
    def as_table(lines: list[Mapping[str, str]]) -> str:
        """Lines as a table with all columns."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, TITLES, restval="")
        writer.writeheader()
        writer.writerows(lines)
        return text.getvalue()
