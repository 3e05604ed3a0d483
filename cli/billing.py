"""What the commands about billing share: the month they are about, and its decision."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.exits import CommandError

if TYPE_CHECKING:
    from canonical.billing_messages import Amount, Decided
    from canonical.messages import DocumentRef
    from runtime.bootstrap import Platform

Engagement = Annotated[str, typer.Argument(help="The engagement's id, as its contract has it.")]
Period = Annotated[
    str, typer.Option("--period", "-p", help="The month, such as 2026-10; the last one if omitted.")
]
# Words that leave room for the money beside them; what they mean in full, `readiness show` says.
_IN_SHORT: Final = {
    "withdrawn_after_billing": "withdrawn",
    "changed_after_billing": "changed",
    "no_contract_line": "no line",
    "fx_missing": "no FX",
    "milestone_unsigned": "unsigned",
    "schedule_mismatch": "schedule",
    "no_purchase_order": "no order",
    "tax_missing": "no tax",
    "write_down_too_large": "write-down",
    "ready_not_released": "ready",
}
By = Annotated[str, typer.Option(help="Who decides; goes into the audit trail.")]


def month_named(text: str) -> str:
    """The month that was named, or the last full one; CommandError if it is none."""
    if not text:
        return f"{datetime.now(UTC).date().replace(day=1) - timedelta(days=1):%Y-%m}"
    try:
        return f"{datetime.strptime(text, '%Y-%m').replace(tzinfo=UTC):%Y-%m}"
    except ValueError as error:
        raise CommandError(f"--period: '{text}' is no month; write it like 2026-10") from error


def source_of_contracts(opened: "Platform") -> str:
    """The one connection that contracts come from; CommandError if there is none, or several."""
    from runtime.bootstrap import work_sources

    names = sorted(work_sources(opened.configuration))
    if len(names) != 1:
        raise CommandError(
            "No source of contracts is configured; see docs/how-to/bill-a-month.md"
            if not names
            else f"Several sources of contracts are configured: {', '.join(names)}"
        )
    return names[0]


def ref_of(opened: "Platform", engagement: str, period: str) -> "DocumentRef":
    """Name an engagement's month as messages do."""
    from canonical.billing_period import BillingPeriod
    from canonical.messages import BILLING, DocumentRef

    source = source_of_contracts(opened)
    target = opened.configuration.connections[source].posts_to
    assert target is not None
    return DocumentRef(
        connection=source,
        document=BillingPeriod(engagement, period).document_id,
        target=target,
        kind=BILLING,
    )


async def decide(opened: "Platform", ref: "DocumentRef", request: Mapping[str, Any]) -> "Decided":
    """Ask the month's workflow for a decision; it is started if it has ended, or is lost."""
    from temporalio.client import WorkflowUpdateFailedError
    from temporalio.exceptions import ApplicationError

    from activities.document_workflows import DocumentWorkflows
    from canonical.billing_messages import Decided
    from runtime.bootstrap import routes_of

    workflows = DocumentWorkflows(opened.client, routes_of(opened.configuration))
    try:
        return await workflows.ask(ref, "decide", dict(request), Decided)
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        said = cause.message if isinstance(cause, ApplicationError) else str(cause)
        raise CommandError(f"Not decided: {said}") from error


def in_short(reason: str) -> str:
    """Why something is not billed, in a word or two."""
    return _IN_SHORT.get(reason, reason.replace("_", " "))


def amounts(found: Sequence["Amount"]) -> str:
    """Amounts in words."""
    return " + ".join(f"{Decimal(one.amount):,} {one.currency}" for one in found) or "nothing"
