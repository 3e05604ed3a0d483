"""Where systems disagree about masters, as people and as programs read it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich.table import Table

from canonical.cross_reference import MasterKind
from cli.output import table

if TYPE_CHECKING:
    from store.correction_plans import Worth
    from store.master_issues import OpenIssue
    from store.master_reports import Held

    # What each correction plan comes to, by the id of its issue.
    Plans = Mapping[UUID, Sequence[Worth]]

_ID_SHOWN = 8


def called(kind: MasterKind) -> str:
    """A kind of record in words."""
    return kind.replace("_", " ")


def conflicts_table(issues: Sequence["OpenIssue"], held: Sequence["Held"], plans: "Plans") -> Table:
    """One row per case: its owner's value and the other one, and the money that hangs on it."""
    return table(
        "Masters that wait for people",
        ("Case", "What", "Record", "Its owner's, there", "Money"),
        [
            (
                str(one.case_id)[:_ID_SHOWN],
                _what(one),
                f"{one.issue.code} in {one.issue.connection}",
                _values(one),
                _corrected(plans[one.id])
                if one.id in plans
                else _held([it for it in held if it.case_id == one.case_id]),
            )
            for one in issues
        ],
    )


def _what(one: "OpenIssue") -> str:
    field = f": {one.issue.field.replace('_', ' ')}" if one.issue.field else ""
    return one.issue.cause.removeprefix("master_").replace("_", " ") + field


def _values(one: "OpenIssue") -> str:
    """Both values of a field; or what is known beside, such as who is meant."""
    issue = one.issue
    if issue.field:
        return f"{issue.owner_value or '(nothing)'}, {issue.value or '(nothing)'}"
    return issue.value or ", ".join(issue.candidates)


def _held(held: Sequence["Held"]) -> str:
    amounts = [f"{one.amount:,} {one.currency}" for one in held if one.amount != Decimal(0)]
    return f"holds up {', '.join(amounts)}" if amounts else ""


def _corrected(plan: Sequence["Worth"]) -> str:
    """Nothing waits for a plan; it says what would be taken back and posted anew."""
    return ", ".join(
        f"corrects {one.lines} lines, {one.amount:,} {one.currency}"
        + (f"; {one.invoiced} are invoiced" if one.invoiced else "")
        for one in plan
    )


def conflict_as_json(one: "OpenIssue", held: Sequence["Held"], plans: "Plans") -> dict[str, Any]:
    """The same for programs, candidates and lines of a plan with their ids."""
    issue = one.issue
    return {
        "case": str(one.case_id),
        "kind": one.kind,
        "owner": one.owner,
        "code": issue.code,
        "cause": issue.cause,
        "connection": issue.connection,
        "field": issue.field,
        "owner_value": issue.owner_value,
        "value": issue.value,
        "candidates": issue.candidates,
        "holds_up": [
            {"lines": it.lines, "amount": it.amount, "currency": it.currency}
            for it in held
            if it.case_id == one.case_id
        ],
        "corrects": [asdict(it) for it in plans.get(one.id, ())],
    }
