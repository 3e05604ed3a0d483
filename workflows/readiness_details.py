"""What Temporal's UI says of an engagement's month: amounts, what blocks them, what can be done."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from canonical.billing import open_case_called
    from canonical.billing_messages import Amount, ReadinessView
from canonical.hours import hours_from_seconds

# One that does not break, and is not taken away at the edge of a cell.
_SPACE: Final = "\u00a0"
_LEFT: Final = "---"
_RIGHT: Final = "--:"
_NEXT: Final = {
    "unapproved": "its approvers approve it in its source",
    "unposted": "it is posted by itself",
    "in_case": "somebody resolves the case: `ledgerway cases list`",
    "no_contract_line": "the contract says which line it belongs to",
    "no_rate": "the contract, its role, customer or standard prices get a rate for its day",
    "over_cap": "the customer agrees to more; it is not on this invoice",
    "milestone_unsigned": "the customer accepts it, with evidence",
    "no_purchase_order": "the customer's order is known, valid and large enough",
    "schedule_mismatch": "contract and ERP agree on key and amount",
    "fx_missing": "the ERP has an exchange rate for the invoice date",
    "tax_missing": "the policy has a row for service, customer and day",
    "changed_after_billing": "its invoice is credited",
    "withdrawn_after_billing": "its invoice is credited",
    "excluded": "somebody includes it again; it is not on this invoice",
    "write_down_too_large": "the price falls by less, or there is more to bill",
}


def readiness_details(
    view: ReadinessView, *, stopped: int, uncertain: int, last_answer: str
) -> str:
    """Say it in Markdown, for people who look at the workflow."""
    return "\n\n".join(_parts(view, stopped=stopped, uncertain=uncertain, last_answer=last_answer))


def _parts(view: ReadinessView, *, stopped: int, uncertain: int, last_answer: str) -> Iterator[str]:
    if not view.known:
        yield f"**No contract.** Its source does not show engagement {view.engagement}."
    else:
        verdict = "Ready" if view.ready else "Not ready"
        yield (
            f"**{verdict}**: {_sum(view.ready_amounts)} of {_sum(view.billable)} can be billed up "
            f"to {view.cut_off_date}, on an invoice of {view.invoice_date}."
        )
    if view.blocked:
        yield _blocked(view)
    if view.open_cases:
        cases = ", ".join(map(open_case_called, view.open_cases))
        yield f"**Held** by {cases}: nothing is billed before somebody mends it."
    for warning in view.warnings:
        yield f"⚠ {warning}"
    if stopped:
        yield f"**{stopped}** invoices wait for a person: see the workflows with `LwKind = 'case'`."
    if uncertain:
        yield f"**{uncertain}** were sent without a clear answer; the ERP is asked again."
    if view.invoices:
        yield _invoices(view)
    if view.can_be_released:
        yield _how_to_release(view)
    if last_answer:
        yield f"Last decision: {last_answer}"


def _sum(amounts: Sequence[Amount]) -> str:
    return " + ".join(map(_money, amounts)) or "nothing"


def _money(one: Amount) -> str:
    """An amount that is not torn from its currency at the end of a line."""
    return f"{Decimal(one.amount):,}{_SPACE}{one.currency}"


def _blocked(view: ReadinessView) -> str:
    return _table(
        (("blocked", _LEFT), ("amount", _RIGHT), ("hours", _RIGHT), ("lines", _RIGHT), ("", _LEFT)),
        [
            (
                one.reason.replace("_", " "),
                _money(one.amount),
                f"{hours_from_seconds(one.seconds):,.2f}",
                str(one.lines),
                f"until {_NEXT[one.reason]}",
            )
            for one in view.blocked
        ],
    )


def _invoices(view: ReadinessView) -> str:
    return _table(
        (
            *(("number", _LEFT), ("", _LEFT), ("net", _RIGHT)),
            *(("total", _RIGHT), ("paid", _RIGHT), ("state", _LEFT)),
        ),
        [
            (
                one.number or one.event[:8],
                "credit note" if one.credits else "invoice",
                _money(one.net),
                f"{Decimal(one.total):,}" if one.total else "—",
                f"{Decimal(one.paid):,}" if one.paid else "—",
                (one.payment or one.state).lower(),
            )
            for one in view.invoices
        ],
    )


def _table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown. Temporal's UI leaves no room between columns: the cells bring theirs."""
    said = [[name for name, _ in columns], *rows]
    lines = ["|".join(("", *(f"{one}{_SPACE * 2}" for one in row), "")) for row in said]
    lines.insert(1, "|".join(("", *(aligned for _, aligned in columns), "")))
    return "\n".join(lines)


def _how_to_release(view: ReadinessView) -> str:
    people = "Two different people release it" if view.needs_two else "Release it"
    # The hash is as wide as what the UI shows of a line.
    request = json.dumps(
        {"kind": "release", "by": "your name", "snapshot": view.snapshot}, indent=1
    )
    return f"{people} by the update `decide`:\n\n```json\n{request}\n```"
