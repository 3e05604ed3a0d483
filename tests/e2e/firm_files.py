"""The made-up firm as files in folders: what its people did, and its ERP that only imports."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.flatfile.expense_parts import ITEMS, REPORTS, TABLES
from connectors.flatfile.masters import OF_AN_ERP
from connectors.flatfile.periods import PERIODS
from connectors.flatfile.tables import Columns
from connectors.flatfile.time_entries import COLUMNS as TIME
from sandbox.firm import Firm

Line = Mapping[str, str]
_COLUMNS = {kind.stem: kind.columns for kind in (*OF_AN_ERP, PERIODS)} | {"time": TIME} | TABLES


class Folder:
    """A folder of tables, each written whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def put(self, stem: str, lines: Iterable[Line]) -> None:
        """Write a table in place of what was there."""
        columns: Columns = _COLUMNS[stem]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, (*columns.required, *columns.optional), restval="")
        writer.writeheader()
        writer.writerows(lines)
        written = self.path / f".{stem}"
        written.write_text(text.getvalue())
        written.replace(self.path / f"{stem}.csv")

    def lines(self, name: str) -> list[dict[str, Any]]:
        """What stands in a file of JSON lines."""
        path = self.path / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class TimeFolder(Folder):
    """What the firm's people entered, as their own system exports it."""

    def __init__(self, path: Path, firm: Firm) -> None:
        super().__init__(path)
        self.entries: dict[int, dict[str, str]] = {}
        put_masters(self, firm)
        self.write()

    def enter(self, number: int, hours: str, *, day: str, approved: bool = True) -> None:
        """Enter work, or change it."""
        self.entries[number] = {
            "id": str(number),
            "employee": "DE01-EMP-001",
            "project": "PRJ-1001",
            "task": "Analysis",
            "work_date": day,
            "hours": hours,
            "billable": "yes",
            "note": f"private {number}",
            "approved": "yes" if approved else "no",
            "approved_by": "mara",
            "approved_at": f"{day}T18:00:00Z",
        }
        self.write()

    def write(self) -> None:
        """Export all of it."""
        self.put("time", self.entries.values())


class ErpFolder(Folder):
    """An ERP that only imports files; it takes what it finds."""

    def __init__(self, path: Path, firm: Firm) -> None:
        super().__init__(path)
        self.firm = firm
        self.imported: dict[str, dict[str, Any]] = {}
        put_masters(self, firm)
        self.set_periods(closed=(firm.month.before().name,))

    def set_periods(self, closed: Sequence[str]) -> None:
        """Write the calendar."""
        months = (self.firm.month.before(), self.firm.month, self.firm.month.next())
        self.put(
            "periods",
            [
                {
                    "legal_entity": entity.code,
                    "name": month.name,
                    "fiscal_year": str(month.year),
                    "starts_on": month.first_day.isoformat(),
                    "ends_on": month.last_day.isoformat(),
                    "state": "closed" if month.name in closed else "open",
                }
                for entity in self.firm.legal_entities
                for month in months
            ],
        )

    def import_all(self) -> list[dict[str, Any]]:
        """Take every file away and book it; gives what was new."""
        new = []
        for path in sorted((self.path / "outbox").iterdir()):
            document = json.loads(path.read_text())
            assert path.stem not in self.imported, "delivered twice"
            self.imported[path.stem] = document
            new.append(document)
            path.unlink()
        return new

    def seconds_of(self, note: str) -> list[int]:
        """What all that was booked comes to for one note, each document by itself."""
        return [
            one["document"]["seconds"]
            for one in self.imported.values()
            if one["document"].get("note") == note
        ]


def put_masters(folder: Folder, firm: Firm) -> None:
    """Write the firm's master data."""
    folder.put(
        "legal_entities",
        [
            {"code": one.code, "name": one.name, "currency": one.currency}
            for one in firm.legal_entities
        ],
    )
    folder.put(
        "employees",
        [
            {
                "code": one.code,
                "name": one.name,
                "email": one.email,
                "legal_entity": one.legal_entity.code,
                "party": one.code,
                "cost_centre": one.cost_centre.code,
                "active_from": one.started_on.isoformat(),
                "active_until": one.ended_on.isoformat() if one.ended_on else "",
            }
            for one in firm.employees
        ],
    )
    folder.put("customers", [{"code": one.code, "name": one.name} for one in firm.customers])
    folder.put(
        "projects",
        [
            {
                "code": one.code,
                "name": one.name,
                "legal_entity": one.legal_entity.code,
                "customer": one.customer.code,
            }
            for one in firm.projects
        ],
    )
    folder.put(
        "tasks",
        [{"project": one.code, "name": task} for one in firm.projects for task in one.tasks],
    )
    folder.put(
        "dimension_values",
        [
            {
                "dimension": "cost_centre",
                "code": centre.code,
                "name": centre.name,
                "legal_entity": entity.code,
            }
            for centre in firm.cost_centres
            for entity in firm.legal_entities
        ],
    )


def put_report(
    folder: Folder, report: str, amount: str, *, day: str, approved: bool = True
) -> None:
    """Write one expense report of one train ride, in place of all others."""
    folder.put(
        REPORTS,
        [
            {
                "id": report,
                "number": report,
                "employee": "DE01-EMP-001",
                "legal_entity": "DE01",
                "cost_centre": "CC-100",
                "currency": "EUR",
                "report_date": day,
                "approved": "yes" if approved else "no",
                "approved_by": "mara",
                "approved_at": f"{day}T18:00:00Z",
            }
        ],
    )
    folder.put(
        ITEMS,
        [
            {
                "report": report,
                "id": "1",
                "type_code": "TRAIN",
                "type_name": "Train",
                "transaction_date": day,
                "paid_by": "employee",
                "owed_to": "employee",
                "amount": amount,
                "approved_amount": amount,
                "has_receipt": "yes",
            }
        ],
    )
