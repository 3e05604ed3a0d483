"""I4: at every instant a key, and a source line, has at most one live document in the ERP."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.invariants.rows import ErpLine, Row, Violation, line_of, work


def check(erp: Sequence[ErpLine], ledger: Iterable[Row] = ()) -> list[Violation]:
    """Check the ERP's own list; with the ledger, also that no line stands in two revisions.

    The list must be one consistent picture (a transaction, or a quiet ERP): pages read while a
    line is replaced show both its documents.
    """
    references = Counter(line["reference"] for line in erp)
    found = [
        Violation("I4", reference, f"has {count} documents in the ERP")
        for reference, count in sorted(references.items())
        if count > 1
    ]
    rows = list(ledger)
    # An ERP that takes reversals keeps the original beside its opposite.
    reversed_ones = {row["corrects"] for row in rows if row["kind"] == "reversal"}
    line_by_reference = {
        row["reference"]: line_of(row) for row in work(rows) if row["key"] not in reversed_ones
    }
    lines = Counter(
        line_by_reference[reference] for reference in references if reference in line_by_reference
    )
    found += [
        Violation("I4", f"{connection}/{source_id}", f"stands {count} times in the ERP")
        for (connection, source_id), count in sorted(lines.items())
        if count > 1
    ]
    return found
