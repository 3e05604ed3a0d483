"""What a report's workflow says in Temporal's UI: how far it is, and what it waits for."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from canonical.messages import Attached, Reimbursed


def reimbursement_details(
    reimbursed: Reimbursed,
    attached: Attached,
    *,
    stopped: bool,
    uncertain: bool,
    escalations: int,
) -> str:
    """Write the details of a report in Markdown; codes and amounts only, no names."""
    parts = [_where_it_stands(reimbursed)]
    if stopped:
        parts.append(
            "It **waits for a person**: see the workflows with `LwKind = 'case'`. It goes on by "
            "itself once its case is resolved."
        )
    if uncertain:
        parts.append("It was sent without a clear answer; the ERP is asked again.")
    if escalations:
        parts.append(
            f"**Escalated {escalations} times**: the reimbursement is late. Pay document "
            f"{reimbursed.number} in the ERP, or find out what holds it up there."
        )
    if reimbursed.posted and (attached.receipts or attached.missing):
        missing = f", {attached.missing} still to be fetched" if attached.missing else ""
        parts.append(f"{attached.receipts} receipts stand with the document{missing}.")
    if reimbursed.to_be_told:
        parts.append(f"The source is still to be told {reimbursed.to_be_told} steps.")
    return "\n\n".join(parts)


def _where_it_stands(reimbursed: Reimbursed) -> str:
    if not reimbursed.posted:
        return "Not posted yet."
    if not reimbursed.number:
        return "**Posted**; the ERP has not said yet how far it is paid."
    due = f", due on {reimbursed.due_on}" if reimbursed.due_on else ""
    return (
        f"**Posted** as {reimbursed.number}: {reimbursed.total} {reimbursed.currency}{due}; "
        f"**{reimbursed.state}**, {reimbursed.paid} {reimbursed.currency} paid."
    )
