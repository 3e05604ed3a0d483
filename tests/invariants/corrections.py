"""I6: what is posted is only ever taken back and replaced; the net is what the source approved."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from tests.invariants.rows import (
    DROPPED,
    TAKES_BACK,
    ErpLine,
    Line,
    Row,
    SourceEntry,
    Violation,
    by_line,
    line_of,
)

_FINAL = DROPPED | {"POSTED", "REVERSED"}
_STAYS = ("erp_document_id", "seconds", "amount", "currency", "body_hash", "reference")


def check(
    ledger: Sequence[Row],
    erp: Sequence[ErpLine],
    entries: Iterable[SourceEntry] = (),
    *,
    settled: bool = True,
    earlier: Iterable[Row] = (),
) -> list[Violation]:
    """Check each taking back against its original and, once all is settled, the net of chains.

    The net is not checked for lines of which something waits for a person or was waived.
    """
    found = [*_opposites(ledger), *_untouched(ledger, earlier)]
    if settled:
        found += _net(ledger, erp, entries)
    return [Violation("I6", subject, message) for subject, message in found]


def _opposites(ledger: Sequence[Row]) -> Iterator[tuple[str, str]]:
    by_key = {row["key"]: row for row in ledger}
    for row in ledger:
        original = by_key.get(row["corrects"])
        if row["kind"] not in TAKES_BACK or original is None:
            continue
        name = row["reference"]
        if (row["seconds"], row["amount"], row["currency"]) != (
            -original["seconds"],
            -original["amount"],
            original["currency"],
        ):
            yield name, "is not the opposite of what it takes back"
        ours, theirs = json.loads(row["intent"]), json.loads(original["intent"])
        if (ours["body"], ours["dimensions"]) != (theirs["body"], theirs["dimensions"]):
            yield name, "was not copied from what was posted"
        if ours["corrects_document"] != original["erp_document_id"]:
            yield name, "is about another document than the one that was posted"


def _untouched(ledger: Iterable[Row], earlier: Iterable[Row]) -> Iterator[tuple[str, str]]:
    now = {row["key"]: row for row in ledger}
    for before in earlier:
        after = now.get(before["key"])
        if after is None or before["state"] not in ("POSTED", "REVERSED"):
            continue
        changed = [name for name in _STAYS if before[name] != after[name]]
        if changed:
            yield before["reference"], f"was posted and changed afterwards: {', '.join(changed)}"


def _net(
    ledger: Sequence[Row], erp: Iterable[ErpLine], entries: Iterable[SourceEntry]
) -> Iterator[tuple[str, str]]:
    by_reference = {row["reference"]: row for row in ledger}
    booked: dict[Line, int] = defaultdict(int)
    for line in erp:
        row = by_reference.get(line["reference"])
        if row is not None:
            sign = -1 if row["kind"] == "reversal" else 1
            booked[line_of(row)] += sign * line["seconds"]
    known = by_line(ledger)
    for entry in entries:
        name: Line = (entry["connection"], entry["id"])
        rows = known.get(name, [])
        if any(row["state"] not in _FINAL for row in rows) or entry["seconds"] is None:
            continue
        due = entry["seconds"] if entry["approved"] else 0
        if booked[name] != due:
            yield "/".join(name), f"nets to {booked[name]} s in the ERP, and {due} s are approved"
        posted = sum(row["seconds"] for row in rows if row["state"] in ("POSTED", "REVERSED"))
        if posted != due:
            yield "/".join(name), f"nets to {posted} s in the ledger, and {due} s are approved"
