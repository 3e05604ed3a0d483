"""Concur's cash advances and ours: paid out, used up in a report, returned."""

from decimal import Decimal
from typing import Final

from canonical.expense import AdvanceStep, AdvanceUse, ExpenseReport, Owed
from canonical.money import Money
from canonical.time_entry import Approval
from connectors.concur import wire
from connectors.concur.allocation_mapping import COMPANY, COMPANY_PAID, PAYEES, money, rate

# Transaction types: 1 is paid out or returned to the administrator, 2 is used in a report (a
# return within the report included), 3 is a balance that the system carries forward.
_ISSUE: Final = 1
_USE: Final = 2
_CARRIED: Final = 3
_NAME_MAX: Final = 250


def report_from(
    document: wire.FinancialDocument,
    content: wire.AdvanceDocument,
    connection: str,
    *,
    is_approved: bool,
) -> ExpenseReport:
    """Turn a cash advance into a document of ours without items."""
    data = content.cash_advance_data
    stamp = data.issued_date or data.request_date
    if stamp is None:
        raise ValueError("cashAdvanceData: has no date at all")
    return ExpenseReport(
        connection=connection,
        id=document.id,
        number=data.cash_advance_id,
        name=(data.name or "")[:_NAME_MAX],
        employee=content.employee_data.employee_id,
        currency=data.employee_currency_alpha_code,
        report_date=stamp.date(),
        submitted_at=data.request_date,
        advances=_paid_out(content),
        approval=Approval(approved_at=data.issued_date) if is_approved else None,
        changed_at=stamp,
    )


def uses_of(content: wire.ExpenseDocument, currency: str) -> tuple[AdvanceUse, ...]:
    """What a report uses of cash advances, one use for each advance and step.

    Concur lists what is given back in cash among the uses, and says only how much it is in all:
    it is taken from a use of just that amount, or else from the uses in their order.
    """
    applied: dict[tuple[str, AdvanceStep], Decimal] = {}
    returned = content.report.cash_advance_returns_amount or Decimal(0)
    rows = list(content.cash_advance_application)
    for row in _returned_first(rows, returned):
        amount = row.cash_advance_application_amount
        back = Decimal(0)
        if row.cash_advance_transaction_type == _USE:
            back = max(min(returned, -amount), Decimal(0))
            returned -= back
        for step, part in ((AdvanceStep.RETURNED, back), (_step(row), _used(row) - back)):
            if part != 0:
                key = (row.cash_advance_id, step)
                applied[key] = applied.get(key, Decimal(0)) + part
    if returned != 0:
        raise ValueError("cashAdvanceReturnsAmount: more is returned than was advanced")
    return tuple(
        AdvanceUse(
            id=advance, step=step, amount=money(amount, currency, "cashAdvanceApplicationAmount")
        )
        for (advance, step), amount in applied.items()
    )


def _returned_first(
    rows: list[wire.AdvanceApplication], returned: Decimal
) -> list[wire.AdvanceApplication]:
    alike = [row for row in rows if row.cash_advance_application_amount == -returned]
    first = alike[0] if alike else None
    return [*alike[:1], *(row for row in rows if row is not first)]


def _step(row: wire.AdvanceApplication) -> AdvanceStep:
    kind, amount = row.cash_advance_transaction_type, row.cash_advance_application_amount
    if kind == _USE:
        return AdvanceStep.APPLIED
    if kind not in {_ISSUE, _CARRIED}:
        raise ValueError("cashAdvanceTransactionType: not known")
    if amount > 0:
        return AdvanceStep.ISSUED
    return AdvanceStep.RETURNED if kind == _ISSUE else AdvanceStep.APPLIED


def _used(row: wire.AdvanceApplication) -> Decimal:
    amount = row.cash_advance_application_amount
    return amount if _step(row) is AdvanceStep.ISSUED else -amount


def _paid_out(content: wire.AdvanceDocument) -> tuple[AdvanceUse, ...]:
    data = content.cash_advance_data
    currency = data.employee_currency_alpha_code
    if data.transaction_type not in {_ISSUE, _CARRIED}:
        raise ValueError("transactionType: not known")
    asked = None
    if data.request_amount is not None:
        asked = money(data.request_amount, data.currency_alpha_code or currency, "requestAmount")
    if not content.journal_data:
        raise ValueError("journalData: there is none, so that nobody can tell what was paid")
    abroad = asked if asked is not None and asked.currency != currency else None
    return tuple(
        AdvanceUse(
            id=data.cash_advance_id,
            step=_step_of(row),
            amount=_amount(row, currency),
            owed_to=_owed(row),
            transaction=abroad,
            exchange_rate=rate(data.exchange_rate) if abroad else None,
        )
        for row in content.journal_data
    )


def _amount(row: wire.AdvanceJournal, currency: str) -> Money:
    if row.amount <= 0:
        raise ValueError("journalData: an advance is written above nothing, with its side")
    return money(row.amount, currency, "journalData.amount")


def _step_of(row: wire.AdvanceJournal) -> AdvanceStep:
    """A debit of the advance pays it out, a credit takes it back."""
    if row.debit_or_credit == "DR":
        return AdvanceStep.ISSUED
    if row.debit_or_credit == "CR":
        return AdvanceStep.RETURNED
    raise ValueError("journalData.debitOrCredit: neither DR nor CR")


def _owed(row: wire.AdvanceJournal) -> Owed:
    party = row.payee if row.payer == COMPANY else row.payer
    if party == COMPANY_PAID:
        return Owed.EMPLOYEE
    if party not in PAYEES:
        raise ValueError("journalData: the payee has a code that is not known")
    return PAYEES[party][1]
