"""A small ledger in which all is well, for tests that break it in one place."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from tests.invariants import bodies
from tests.invariants.rows import ErpLine, SourceEntry, Violation
from tests.invariants.snapshot import erp_line, source_entry, violations

DAY = date(2026, 10, 1)
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
_STEPS = {
    "PENDING": ["PENDING"],
    "SENDING": ["PENDING", "SENDING"],
    "POSTED": ["PENDING", "SENDING", "POSTED"],
    "DUPLICATE": ["PENDING", "SENDING", "POSTED", "DUPLICATE"],
    "REVERSED": ["PENDING", "SENDING", "POSTED", "REVERSED"],
    "EXCEPTION": ["EXCEPTION"],
    "IN_DOUBT": ["PENDING", "SENDING", "IN_DOUBT"],
    "SUPERSEDED": ["PENDING", "SUPERSEDED"],
    "CANCELLED": ["PENDING", "CANCELLED"],
    "WAIVED": ["EXCEPTION", "WAIVED"],
}


@dataclass
class Seeded:
    """Four dumps that agree; a test changes them and asks what is found."""

    ledger: list[dict[str, Any]] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    entries: list[SourceEntry] = field(default_factory=list)
    erp: list[ErpLine] = field(default_factory=list)

    def posting(self, source_id: str, state: str = "POSTED", **changes: Any) -> dict[str, Any]:
        """Add a posting in a state, with the audit rows that led there."""
        row: dict[str, Any] = {
            "tenant": "northwind",
            "target": "tryton",
            "connection": "harvest",
            "object": "time_entry",
            "source_id": source_id,
            "revision": 1,
            "kind": "time",
            "leg": "main",
            "amendment": 0,
            "legal_entity": "DE01",
            "original_date": DAY,
            "seconds": 3600,
            "amount": Decimal("120.00"),
            "currency": "EUR",
            "state": state,
            "fence": int("SENDING" in _STEPS[state]),
            "sent_at": NOON if "SENDING" in _STEPS[state] else None,
            "posted_at": NOON if "POSTED" in _STEPS[state] else None,
            "erp_document_id": f"5{source_id}" if "POSTED" in _STEPS[state] else None,
            "last_outcome": None,
            "corrects": None,
            "waits_for": None,
            "released_at": None,
            "case_id": None,
            "case_state": None,
            **changes,
        }
        row["key"] = bodies.key_of(row)
        row["reference"] = bodies.reference_of(row["key"])
        row["intent"] = self._intent(row)
        row["body_hash"] = sha256(bodies.body_of(row).encode()).hexdigest()
        if state in ("EXCEPTION", "IN_DOUBT"):
            row |= {"case_id": self.case(), "case_state": "OPEN"} | changes
        self.ledger.append(row)
        self._audited("posting", str(row["key"]), _STEPS[state])
        return row

    def _intent(self, row: dict[str, Any]) -> str:
        originals = [one for one in self.ledger if one["key"] == row["corrects"]]
        body = {
            "legal_entity": "1",
            "employee": "7",
            "task": "13",
            "work_date": row["original_date"].isoformat(),
            "seconds": originals[0]["seconds"] if originals else row["seconds"],
            "note": "design \u20ac",
        }
        document = originals[0]["erp_document_id"] if originals else None
        return json.dumps(
            {
                "key": str(row["key"]),
                "reference": row["reference"],
                "dimensions": [],
                "body": body,
                "corrects_document": document,
            }
        )

    def case(self) -> str:
        """Add an open case."""
        case_id = f"case-{len(self.cases)}"
        self.cases.append({"id": case_id, "state": "OPEN"})
        self._audited("case", case_id, ["OPEN"])
        return case_id

    def _audited(self, kind: str, subject: str, states: Sequence[str]) -> None:
        for before, after in zip([None, *states], states, strict=False):
            self.audit.append(
                {
                    "id": len(self.audit) + 1,
                    "at": NOON,
                    "subject_kind": kind,
                    "subject": subject,
                    "from_state": before,
                    "to_state": after,
                    "fence": int("SENDING" in states[: states.index(after) + 1]),
                    "outcome": None if after != "POSTED" else "executed",
                    "actor": "posting",
                    "reason": "sent",
                    "correlation_id": "sheet-1",
                }
            )

    def entry(self, source_id: str, seconds: int | None = 3600, *, approved: bool = True) -> None:
        """Let the source show a line."""
        self.entries.append(
            source_entry(
                connection="harvest",
                entry_id=source_id,
                approved=approved,
                seconds=seconds,
                work_date=DAY,
            )
        )

    def document(self, row: dict[str, Any], **changes: Any) -> None:
        """Let the ERP show the document of a posting."""
        values = {
            "document_id": row["erp_document_id"] or "600",
            "reference": row["reference"],
            "seconds": row["seconds"],
            "work_date": row["original_date"],
            "legal_entity": row["legal_entity"],
        }
        self.erp.append(erp_line(**values | changes))

    def found(self, **more: Any) -> list[Violation]:
        """Everything that is wrong."""
        return violations(self.ledger, self.audit, self.entries, self.erp, cases=self.cases, **more)

    def broken(self, **more: Any) -> set[str]:
        """The invariants that are broken."""
        return {one.invariant for one in self.found(**more)}


def good() -> Seeded:
    """One line of every fate: posted, corrected, withdrawn, stopped, dropped, waived."""
    world = Seeded()
    world.entry("1")
    world.document(world.posting("1"))
    # Corrected from one hour to two.
    world.entry("2", 7200)
    original = world.posting("2", "REVERSED")
    back = world.posting(
        "2", kind="undo", corrects=original["key"], seconds=-3600, amount=Decimal("-120.00")
    )
    world.document(world.posting("2", revision=2, seconds=7200, waits_for=back["key"]))
    # Withdrawn after it was posted, before it was posted, and stopped.
    world.entry("3", approved=False)
    gone = world.posting("3", "REVERSED")
    world.posting("3", kind="undo", corrects=gone["key"], seconds=-3600, amount=Decimal("-120.00"))
    world.entry("4", approved=False)
    world.posting("4", "CANCELLED")
    world.entry("5")
    world.posting("5", "EXCEPTION")
    world.entry("6")
    world.posting("6", "SUPERSEDED")
    world.document(world.posting("6", amendment=1))
    world.entry("7")
    world.posting("7", "WAIVED")
    return world
