"""I8: each state change has exactly one audit row; folding them gives the state table."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from tests.invariants.rows import Row, Violation

_FROM_ANYWHERE = {"POSTED"}
# POSTING.md section 2.
_STEPS = {
    None: {"PENDING", "EXCEPTION"},
    "PENDING": {"SENDING", "EXCEPTION", "SUPERSEDED", "CANCELLED", "WAIVED"} | _FROM_ANYWHERE,
    "SENDING": {"SENDING", "PENDING", "EXCEPTION", "IN_DOUBT", "DUPLICATE"}
    | {"SUPERSEDED", "CANCELLED"}
    | _FROM_ANYWHERE,
    "POSTED": {"REVERSED", "DUPLICATE"},
    "EXCEPTION": {"PENDING", "SUPERSEDED", "CANCELLED", "WAIVED"} | _FROM_ANYWHERE,
    "IN_DOUBT": {"PENDING", "DUPLICATE", "CANCELLED", "SUPERSEDED", "WAIVED"} | _FROM_ANYWHERE,
    "DUPLICATE": {"REVERSED"} | _FROM_ANYWHERE,
}
_CASE_STEPS = {
    None: {"OPEN"},
    "OPEN": {"TRYING", "WAITING_FOR_SOURCE", "RESOLVED"},
    "TRYING": {"OPEN", "RESOLVED"},
    "WAITING_FOR_SOURCE": {"TRYING", "RESOLVED"},
}


def check(
    ledger: Iterable[Row], audit: Iterable[Row], cases: Iterable[Row] = ()
) -> list[Violation]:
    """Fold the audit rows of postings and cases; both sides come from one transaction."""
    trails: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(audit, key=lambda one: int(one["id"])):
        trails.setdefault((row["subject_kind"], row["subject"]), []).append(row)
    found: list[tuple[str, str]] = []
    for posting in ledger:
        trail = trails.pop(("posting", str(posting["key"])), [])
        found += _folded(posting["reference"], posting["state"], trail, _STEPS)
        if trail and trail[-1]["fence"] != posting["fence"]:
            found.append((posting["reference"], "has a fence that no audit row tells of"))
    known_cases = list(cases)
    for case in known_cases:
        trail = trails.pop(("case", str(case["id"])), [])
        found += _folded(f"case {case['id']}", case["state"], trail, _CASE_STEPS)
    for kind, subject in trails:
        if kind == "posting" or known_cases:
            found.append((subject, f"has audit rows, and no {kind} of that name exists"))
    return [Violation("I8", subject, message) for subject, message in found]


def _folded(
    name: str, state: str, trail: Sequence[Row], steps: dict[str | None, set[str]]
) -> Iterator[tuple[str, str]]:
    if not trail:
        yield name, "has no audit row at all"
        return
    if trail[0]["from_state"] is not None:
        yield name, "has lost the beginning of its audit trail"
    if trail[-1]["to_state"] != state:
        yield name, f"is {state}, and its last audit row says {trail[-1]['to_state']}"
    for before, after in pairwise(trail):
        if after["from_state"] != before["to_state"]:
            yield name, f"lacks the step from {before['to_state']} to {after['from_state']}"
        if (after["fence"] or 0) < (before["fence"] or 0):
            yield name, "has a fence that falls"
    for row in trail:
        if row["to_state"] not in steps.get(row["from_state"], set()):
            yield name, f"went from {row['from_state']} to {row['to_state']}"
        if not (row["actor"] and row["reason"] and row["correlation_id"]):
            yield name, "has an audit row without actor, reason or correlation id"
    claims = [row["fence"] for row in trail if _is_claim(row)]
    if len(claims) != len(set(claims)):
        yield name, "was claimed twice under one fence"


def _is_claim(row: Row) -> bool:
    return row["to_state"] == "SENDING" and row["outcome"] is None
