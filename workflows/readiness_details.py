"""What Temporal's UI says of an engagement's month: amounts, what blocks them, what can be done."""

from collections.abc import Iterator, Sequence
from typing import Final

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from canonical.billing import open_case_called
    from canonical.billing_messages import Amount, ReadinessView
from canonical.hours import hours_from_seconds

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
    return " + ".join(f"{one.amount} {one.currency}" for one in amounts) or "nothing"


def _blocked(view: ReadinessView) -> str:
    rows = [
        f"| {one.reason.replace('_', ' ')} | {one.amount.amount} {one.amount.currency} "
        f"| {hours_from_seconds(one.seconds):.2f} | {one.lines} | until {_NEXT[one.reason]} |"
        for one in view.blocked
    ]
    head = "| blocked | amount | hours | lines | |\n|---|--:|--:|--:|---|"
    return "\n".join([head, *rows])


def _invoices(view: ReadinessView) -> str:
    rows = [
        f"| {one.number or one.event[:8]} | {'credit note' if one.credits else 'invoice'} "
        f"| {one.net.amount} {one.net.currency} | {one.total or '—'} | {one.paid or '—'} "
        f"| {(one.payment or one.state).lower()} |"
        for one in view.invoices
    ]
    head = "| number | | net | total | paid | state |\n|---|---|--:|--:|--:|---|"
    return "\n".join([head, *rows])


def _how_to_release(view: ReadinessView) -> str:
    people = "Two different people release it" if view.needs_two else "Release it"
    request = f'{{"kind": "release", "by": "your name", "snapshot": "{view.snapshot}"}}'
    return f"{people} by the update `decide`:\n\n```json\n{request}\n```"
