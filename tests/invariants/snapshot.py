"""Snapshots of a ledger, and everything that is wrong with them.

For fault campaigns and whole-way tests::

    from tests.invariants.snapshot import read_ledger, violations

    erp_lines = [...]                        # 1. the ERP first (one consistent list),
    snapshot = await read_ledger(dsn)        # 2. the ledger after it,
    source_entries = [...]                   # 3. the source last.
    found = violations(snapshot.ledger, snapshot.audit, source_entries, erp_lines,
                       cases=snapshot.cases, settled=False)
    assert found == [], report(found)

- `ledger_rows` and `audit_rows` are plain mappings with the columns of `posting` (plus
  `case_state`) and `audit`; `read_ledger` reads both, and `cases`, in one transaction.
- `erp_lines` are `ErpLine`s, what the ERP itself shows of documents with our reference, asked by
  an administrator and not through a connector: `erp_line(...)` makes one.
- `source_entries` are `SourceEntry`s, everything the source shows, approved or not:
  `source_entry(...)` makes one. A line that was deleted there is given as not approved.
- `settled=False` at a random instant of a campaign: I1 within the ledger, I3 for documents that
  are unknown, I4, I5 and I8. The ERP must be read before the ledger: whatever it holds then was
  written down before.
- `settled=True` (the default) when nothing is PENDING, SENDING or owed to a workflow: everything.
- `excused` are references that a drill spoilt in the ERP on purpose (edited, removed, doubled):
  the ERP's side of them is not compared, their rows in the ledger still are.
- `earlier` is the `ledger` of an earlier snapshot of the same campaign; `sends` what a proxy or
  simulator saw leave (`{"reference": ..., "body": ...}` each).

Each checker is a module of its own (`partition`, `control_totals`, `bijection`, `duplicates`,
`bodies`, `corrections`, `audit_completeness`, and `floats` for I16, which reads source code), with
`check(...) -> list[Violation]`; none imports anything of the product.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from tests.invariants import (
    audit_completeness,
    bijection,
    bodies,
    control_totals,
    corrections,
    duplicates,
    partition,
)
from tests.invariants.rows import ErpLine, Row, SourceEntry, Violation

_SHOWN_MAX = 20


@dataclass(frozen=True)
class Snapshot:
    """A ledger at one instant."""

    ledger: list[Row]
    audit: list[Row]
    cases: list[Row]


async def read_ledger(dsn: str) -> Snapshot:
    """Read a ledger as it is at one instant, with plain SQL."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            postings = await connection.fetch(
                "SELECT p.*, c.state AS case_state FROM posting p "
                "LEFT JOIN exception_case c ON c.id = p.case_id ORDER BY p.key"
            )
            audit = await connection.fetch("SELECT * FROM audit ORDER BY id")
            cases = await connection.fetch("SELECT * FROM exception_case ORDER BY id")
    finally:
        await connection.close()
    return Snapshot(
        [dict(row) for row in postings], [dict(row) for row in audit], [dict(row) for row in cases]
    )


def violations(
    ledger_rows: Sequence[Row],
    audit_rows: Iterable[Row],
    source_entries: Iterable[SourceEntry],
    erp_lines: Sequence[ErpLine],
    *,
    cases: Iterable[Row] = (),
    settled: bool = True,
    earlier: Sequence[Row] = (),
    sends: Iterable[Mapping[str, str]] = (),
    excused: Collection[str] = (),
) -> list[Violation]:
    """Everything that is wrong, invariant by invariant; nothing if all is well."""
    entries = list(source_entries)
    fair_rows = [row for row in ledger_rows if row["reference"] not in excused]
    fair_lines = [line for line in erp_lines if line["reference"] not in excused]
    spoilt = {
        (row["connection"], row["source_id"]) for row in ledger_rows if row["reference"] in excused
    }
    fair_entries = [one for one in entries if (one["connection"], one["id"]) not in spoilt]
    found = partition.check(ledger_rows, entries, settled=settled)
    if settled:
        found += control_totals.check(ledger_rows, erp_lines, entries, excused=excused)
    found += bijection.check(fair_rows, fair_lines, settled=settled)
    found += duplicates.check(fair_lines, ledger_rows)
    found += bodies.check(ledger_rows, fair_lines, sends=sends, earlier=earlier)
    found += corrections.check(
        ledger_rows, fair_lines, fair_entries, settled=settled, earlier=earlier
    )
    found += audit_completeness.check(ledger_rows, audit_rows, cases)
    return found


def report(found: Sequence[Violation]) -> str:
    """Say what is wrong, one violation per line, the first ones only."""
    lines = [f"{one.invariant} {one.subject}: {one.message}" for one in found[:_SHOWN_MAX]]
    rest = len(found) - _SHOWN_MAX
    return "\n".join([f"{len(found)} violations", *lines, *([f"and {rest} more"] * (rest > 0))])


def erp_line(
    *,
    document_id: str,
    reference: str,
    seconds: int,
    work_date: date,
    legal_entity: str | None = None,
) -> ErpLine:
    """A document of ours as the ERP shows it; without legal entity if the dump tells none."""
    line = ErpLine(
        document_id=document_id, reference=reference, seconds=seconds, work_date=work_date
    )
    if legal_entity is not None:
        line["legal_entity"] = legal_entity
    return line


def source_entry(
    *,
    connection: str,
    entry_id: str,
    approved: bool,
    seconds: int | None,
    work_date: date | None,
) -> SourceEntry:
    """A line of work as its source shows it now."""
    return SourceEntry(
        connection=connection,
        id=entry_id,
        approved=approved,
        seconds=seconds,
        work_date=work_date,
    )
