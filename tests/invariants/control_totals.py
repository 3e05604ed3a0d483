"""I2: source, ledger and ERP agree to the last second, count and reference."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

from tests.invariants.rows import (
    HELD,
    ErpLine,
    Row,
    SourceEntry,
    Violation,
    by_line,
    standing,
    work,
)

# Lines, seconds, and a sum over the references: equal sums are the same documents.
Total = tuple[int, int, int]
_NOTHING: Total = (0, 0, 0)


def check(
    ledger: Sequence[Row],
    erp: Sequence[ErpLine],
    entries: Iterable[SourceEntry] = (),
    *,
    excused: Collection[str] = (),
) -> list[Violation]:
    """Compare the totals of each legal entity and month; holds once all is settled.

    Amounts are not compared: a line of time carries hours, and no ERP here is told a price.
    References that are `excused` are left out of both sides.
    """
    told = all("legal_entity" in line for line in erp)
    ours = _sum(
        (
            row["legal_entity"] if told else "",
            row["original_date"],
            row["seconds"],
            row["reference"],
        )
        for row in work(ledger)
        if row["state"] in HELD and row["reference"] not in excused
    )
    theirs = _sum(
        (
            line.get("legal_entity", "") if told else "",
            line["work_date"],
            line["seconds"],
            line["reference"],
        )
        for line in erp
        if line["reference"] not in excused
    )
    found = [*_differences(ours, theirs), *_source(ledger, entries)]
    return [Violation("I2", subject, message) for subject, message in found]


def _sum(lines: Iterable[tuple[str, date, int, str]]) -> Mapping[str, Total]:
    totals: dict[str, Total] = defaultdict(lambda: _NOTHING)
    for legal_entity, day, seconds, reference in lines:
        group = f"{legal_entity} {day:%Y-%m}".strip()
        count, time, checksum = totals[group]
        digest = int.from_bytes(hashlib.sha256(reference.encode()).digest()[:8], "big")
        totals[group] = (count + 1, time + seconds, checksum + digest)
    return totals


def _differences(
    ours: Mapping[str, Total], theirs: Mapping[str, Total]
) -> Iterator[tuple[str, str]]:
    for group in sorted({*ours, *theirs}):
        ledger, erp = ours.get(group, _NOTHING), theirs.get(group, _NOTHING)
        if ledger[:2] != erp[:2]:
            yield (
                group,
                (
                    f"the ledger has {ledger[0]} lines of {ledger[1]} s, "
                    f"the ERP {erp[0]} of {erp[1]} s"
                ),
            )
        elif ledger != erp:
            yield group, "ledger and ERP have as many lines and hours, and other references"


def _source(ledger: Sequence[Row], entries: Iterable[SourceEntry]) -> Iterator[tuple[str, str]]:
    """Approved = posted + what waits or was waived, month by month."""
    known = by_line(ledger)
    months: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for entry in entries:
        if not entry["approved"] or entry["seconds"] is None or entry["work_date"] is None:
            continue
        total = months[f"{entry['work_date']:%Y-%m}"]
        total[0] += 1
        total[1] += entry["seconds"]
        now = standing(known.get((entry["connection"], entry["id"]), []))
        if now is not None and now["state"] != "REVERSED":
            total[2] += 1
            total[3] += now["seconds"]
    for month, (lines, seconds, ours, our_seconds) in sorted(months.items()):
        if (lines, seconds) != (ours, our_seconds):
            yield (
                month,
                (
                    f"the source approved {lines} lines of {seconds} s, "
                    f"the ledger accounts for {ours} of {our_seconds} s"
                ),
            )
