"""Reconciliation of expenses: ledger and ERP to the cent, and every difference by its report."""

from decimal import Decimal

import pytest

from cli.exits import CommandError
from cli.expense_reconciliation import ExpenseReconciliation, expense_reconciliation
from tests.expenses.conftest import Opened
from tests.expenses.expense_platform import ExpensePlatform


async def reconciled(expenses: ExpensePlatform) -> ExpenseReconciliation:
    period = expenses.firm.month.name
    return await expense_reconciliation(expenses.platform, "concur", period)


def ours(found: ExpenseReconciliation) -> list[str]:
    """The differences that are about this test's reports: all tests share one ERP."""
    return [one for one in found.problems if "report " in one]


async def test_ledger_and_erp_agree_and_a_removed_document_is_named(
    opened: Opened,
) -> None:
    async with opened() as expenses:
        documents = [expenses.systems.taxi("41.20"), expenses.systems.taxi("17.35")]
        await expenses.poll()
        found = await reconciled(expenses)
        (total,) = found.ledger
        assert (total.documents, total.amount, total.currency) == (2, Decimal("58.55"), "EUR")
        assert ours(found) == []
        assert [(one.standing, one.lines) for one in found.approved] == [("POSTED", 2)]

        invoice = await expenses.systems.invoice(documents[0])
        await expenses.systems.desk.cancel(invoice.id)
        (problem,) = ours(await reconciled(expenses))
        assert documents[0] in problem
        assert "is posted here and not in the ERP" in problem


@pytest.mark.parametrize("period", ["2026-13", "october"])
async def test_a_period_that_is_no_month_is_told(local: ExpensePlatform, period: str) -> None:
    with pytest.raises(CommandError, match="is no month"):
        await expense_reconciliation(local.platform, "concur", period)
