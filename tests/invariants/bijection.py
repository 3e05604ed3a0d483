"""I3: each document of ours in the ERP has its posting, and each posting its document."""

from collections.abc import Iterator, Sequence

from tests.invariants.rows import HELD, TAKES_BACK, ErpLine, Row, Violation

_NEVER_THERE = frozenset({"SUPERSEDED", "CANCELLED", "WAIVED"})


def check(
    ledger: Sequence[Row], erp: Sequence[ErpLine], *, settled: bool = True
) -> list[Violation]:
    """Check that nothing is in the ERP unknown to us and, once all is settled, the reverse."""
    found = [*_documents(ledger, erp, settled=settled)]
    if settled:
        found += _postings(ledger, erp)
    return [Violation("I3", subject, message) for subject, message in found]


def _documents(
    ledger: Sequence[Row], erp: Sequence[ErpLine], *, settled: bool
) -> Iterator[tuple[str, str]]:
    by_reference = {row["reference"]: row for row in ledger}
    standing_originals = {
        row["corrects"] for row in ledger if row["kind"] == "reversal" and row["state"] == "POSTED"
    }
    for line in erp:
        row = by_reference.get(line["reference"])
        name = f"{line['reference']} document {line['document_id']}"
        if row is None:
            yield name, "is in the ERP and was never written down"
        elif row["fence"] == 0 and row["state"] not in HELD:
            yield name, f"is in the ERP and was never claimed ({row['state']})"
        elif row["key"] in standing_originals:
            continue
        elif row["state"] in _NEVER_THERE or (settled and row["state"] not in HELD | {"IN_DOUBT"}):
            yield name, f"is in the ERP and {row['state']} in the ledger"


def _postings(ledger: Sequence[Row], erp: Sequence[ErpLine]) -> Iterator[tuple[str, str]]:
    documents: dict[str, set[str]] = {}
    for line in erp:
        documents.setdefault(line["reference"], set()).add(line["document_id"])
    for row in ledger:
        shown = documents.get(row["reference"], set())
        if row["state"] != "POSTED" or row["kind"] in TAKES_BACK - {"reversal"}:
            continue
        if row["erp_document_id"] not in shown:
            yield row["reference"], f"is POSTED and the ERP shows {sorted(shown) or 'nothing'}"
