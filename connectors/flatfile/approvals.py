"""Approvals as three columns say them: whether, by whom, and when."""

from canonical.time_entry import Approval
from connectors.flatfile.cells import Cells

COLUMNS = ("approved", "approved_by", "approved_at")


def approval(cells: Cells, *, evidence: bool) -> Approval | None:
    """Read an approval; None where it is said that there is none.

    With `evidence` an approval names who approved and when, or is trouble.
    """
    approved = cells.flag("approved")
    approver, moment = cells.text("approved_by"), cells.moment("approved_at")
    if cells.text("approved") is None:
        cells.wrong("approved", "fill it in")
    if not approved:
        return None
    for column in ("approved_by", "approved_at"):
        if evidence and cells.text(column) is None:
            cells.wrong(column, "fill it in: it is the evidence of the approval")
    return cells.part(
        Approval,
        {"approver": "approved_by"},
        approver=approver,
        approved_at=moment,
    )


def said_approved(text: str) -> bool:
    """What a cell says of an approval where the rest cannot be read; raises ValueError."""
    if text.lower() not in ("yes", "no", "true", "false"):
        raise ValueError("neither yes nor no")
    return text.lower() in ("yes", "true")
