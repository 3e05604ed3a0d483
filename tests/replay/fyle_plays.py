"""Plays of expenses whose source takes back what was released, as Concur never does."""

from decimal import Decimal
from typing import Final

from tests.expenses.fyle_platform import FylePlatform
from tests.replay.repertoire import Handle, Repertoire

FYLE: Final[Repertoire[FylePlatform]] = Repertoire()
_POST: Final = "post_document"
_SIGNALED: Final = "WORKFLOW_EXECUTION_SIGNALED"


@FYLE.play("ExpenseToReimbursement", _POST, _SIGNALED, _POST, "read_reimbursement")
async def withdrawn_after_posting(local: FylePlatform) -> Handle:
    """The report is sent back after it was posted: its reversal leaves nothing to be paid."""
    report = await _posted(local)
    local.systems.send_back(report)
    await local.poll()
    return local.workflow(report)


@FYLE.play("ExpenseToReimbursement", _POST, _SIGNALED, _POST, _SIGNALED, "read_reimbursement")
async def changed_after_posting(local: FylePlatform) -> Handle:
    """The report is reversed, and what replaces it is paid."""
    report = await _posted(local)
    local.systems.change(report, amount=Decimal("31.50"))
    await local.poll()
    await local.look_and_tell()
    *_, replacement = await local.systems.invoices(report)
    await local.systems.desk.pay(replacement.id, replacement.posting_date)
    await local.look_and_tell()
    return local.workflow(report)


@FYLE.play("ExpenseToReimbursement", "announce_cases", _SIGNALED, "announce_cases")
async def withdrawn_while_stopped(local: FylePlatform) -> Handle:
    """The report is sent back while somebody has to decide on it."""
    report = local.systems.taxi(is_billable=True, project_id=None)
    await local.poll()
    await local.visible(await local.case_of("missing_project"))
    local.systems.send_back(report)
    await local.poll()
    return local.workflow(report)


async def _posted(local: FylePlatform) -> str:
    report = local.systems.taxi()
    await local.poll()
    await local.look_and_tell()
    return report
