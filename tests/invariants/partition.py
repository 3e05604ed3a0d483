"""I1: every approved line stands in exactly one state, and each state is what it says it is."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tests.invariants.rows import (
    DROPPED,
    HELD,
    TAKES_BACK,
    UNSETTLED,
    WORK,
    Row,
    SourceEntry,
    Violation,
    by_line,
    is_noted_stray,
    standing,
    taking_back_of,
    work,
)

_STATES = UNSETTLED | HELD | DROPPED | {"WAIVED", "REVERSED"}


def check(
    ledger: Sequence[Row], entries: Iterable[SourceEntry] = (), *, settled: bool = True
) -> list[Violation]:
    """Check the ledger by itself and, once all is settled, against what the source approved."""
    found = [*_rows(ledger), *_reversals(ledger), *_lines(ledger)]
    if settled:
        found += _entries(ledger, entries)
    return [Violation("I1", subject, message) for subject, message in found]


def _rows(ledger: Iterable[Row]) -> Iterator[tuple[str, str]]:
    for row in ledger:
        name, state = row["reference"], row["state"]
        if state not in _STATES:
            yield name, f"is in no known state: {state}"
        if state in ("EXCEPTION", "IN_DOUBT") and row["released_at"] is None:
            if row["case_id"] is None:
                yield name, f"is {state} without a case"
            elif row["case_state"] == "RESOLVED":
                yield name, f"is {state} in a case that is closed"
        if state == "SENDING" and (row["fence"] < 1 or row["sent_at"] is None):
            yield name, "is SENDING and was never claimed"
        if state in HELD | {"REVERSED"} and not row["erp_document_id"]:
            yield name, f"is {state} without a document"
        if state in DROPPED and row["posted_at"] is not None and not is_noted_stray(row):
            yield name, f"is {state} and was posted"


def _reversals(ledger: Sequence[Row]) -> Iterator[tuple[str, str]]:
    by_key = {row["key"]: row for row in ledger}
    taken_back = {
        row["corrects"] for row in ledger if row["kind"] in TAKES_BACK and row["state"] == "POSTED"
    }
    for row in ledger:
        name = row["reference"]
        if row["state"] == "REVERSED" and row["key"] not in taken_back:
            yield name, "is REVERSED and nothing that takes it back is POSTED"
        if row["key"] in taken_back and row["state"] != "REVERSED":
            yield name, f"was taken back and is {row['state']}"
        if row["kind"] in TAKES_BACK and row["corrects"] not in by_key:
            yield name, "takes back what the ledger does not know"


def _lines(ledger: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for (connection, source_id), rows in by_line(ledger).items():
        name = f"{connection}/{source_id}"
        for kind in sorted(WORK | TAKES_BACK):
            open_ones = [r for r in rows if r["kind"] == kind and r["state"] in UNSETTLED]
            per_leg = Counter((row["target"], row["leg"]) for row in open_ones)
            if any(count > 1 for count in per_leg.values()):
                yield name, f"has {len(open_ones)} unsettled postings of kind {kind}"
        revisions = Counter(
            (row["target"], row["leg"], row["revision"])
            for row in work(rows)
            if row["state"] not in DROPPED
        )
        for (*_, revision), count in revisions.items():
            if count > 1:
                yield name, f"stands {count} times in revision {revision}"
        yield from ((name, message) for message in _chain(rows))


def _chain(rows: Sequence[Row]) -> Iterator[str]:
    by_key = {row["key"]: row for row in rows}
    held = [row for row in work(rows) if row["state"] in HELD]
    if len(held) > 1:
        yield f"has {len(held)} postings in the ERP that nothing takes back"
    for row in rows:
        before = by_key.get(row["waits_for"])
        begun = row["state"] in HELD | {"SENDING", "REVERSED"}
        if begun and before is not None and before["state"] != "POSTED":
            yield f"was replaced while its taking back was {before['state']}"


def _entries(ledger: Sequence[Row], entries: Iterable[SourceEntry]) -> Iterator[tuple[str, str]]:
    known = by_line(ledger)
    for entry in entries:
        rows = known.get((entry["connection"], entry["id"]), [])
        name = f"{entry['connection']}/{entry['id']}"
        now = standing(rows)
        if entry["approved"]:
            if now is None or now["state"] == "REVERSED":
                yield name, "is approved and stands nowhere"
            continue
        for row in work(rows):
            back = taking_back_of(rows, row)
            decided = back is not None and back["state"] in UNSETTLED | {"WAIVED"}
            if row["state"] in HELD | UNSETTLED and not decided:
                yield name, f"is not approved and stands as {row['state']}"
