"""The posting record: the lines of an expense report as accountants write them down.

SAP's published posting records for Concur are the measure. They have one row for each item,
allocation and payee, and one for each payee; several taxes are shown by authority, a single one
and partly recoverable ones by what can be recovered, and a foreign tax stays within its cost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from canonical.expense_document import ExpenseRole
from canonical.money import Money
from rules.expense_lines import LABELS, ExpensePosting, PostingLine

_TAXES: Final = frozenset({ExpenseRole.TAX_RECOVERABLE, ExpenseRole.TAX_NON_RECOVERABLE})
_PAYEES: Final = frozenset(
    {
        ExpenseRole.EMPLOYEE_PAYABLE,
        ExpenseRole.CARD_CLEARING,
        ExpenseRole.ADVANCE,
        ExpenseRole.VENDOR_PAYABLE,
    }
)


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One row; `lines` are what the ERP is told for it."""

    label: str
    role: ExpenseRole
    amount: Money
    lines: tuple[PostingLine, ...]

    @property
    def side(self) -> Literal["debit", "credit"]:
        """On which side of the account it stands."""
        return "credit" if self.amount.amount < 0 else "debit"


def posting_record(posting: ExpensePosting) -> tuple[RecordRow, ...]:
    """Give the rows, in the order of the lines; their sum is nothing too."""
    groups = groupby(posting.lines, key=lambda line: (line.item, line.allocation))
    rows = [row for _, lines in groups for row in _rows(tuple(lines))]
    return tuple(_summed_per_payee(rows))


def _summed_per_payee(rows: Sequence[RecordRow]) -> Iterator[RecordRow]:
    """Bring the rows of each payee together, where the last of them stands."""
    last = {row.role: number for number, row in enumerate(rows)}
    for number, row in enumerate(rows):
        if row.role not in _PAYEES:
            yield row
        elif last[row.role] == number:
            alike = [line for one in rows if one.role is row.role for line in one.lines]
            summed = _row(alike, row.label, row.role)
            if summed.amount.amount != 0:
                yield summed


def _rows(lines: Sequence[PostingLine]) -> Iterator[RecordRow]:
    """The rows of one allocation of one item, or of lines that belong to none."""
    within = [line for line in lines if line.role in _TAXES and line.foreign_tax]
    taxes = [line for line in lines if line.role in _TAXES and not line.foreign_tax]
    costs = [line for line in lines if line.role not in _TAXES]
    for number, line in enumerate(costs):
        yield _row((line, *within) if number == 0 else (line,), line.label, line.role)
    if not costs and within:
        yield _row(within, within[0].label, within[0].role)
    yield from _by_recovery(taxes) if _by_recovery_is_shown(taxes) else _by_tax(taxes)


def _by_recovery_is_shown(taxes: Sequence[PostingLine]) -> bool:
    """A single tax, or several of which each is recovered in part."""
    numbers = {line.tax for line in taxes}
    roles = {number: {one.role for one in taxes if one.tax == number} for number in numbers}
    return len(numbers) == 1 or all(found == _TAXES for found in roles.values())


def _by_recovery(taxes: Sequence[PostingLine]) -> Iterator[RecordRow]:
    for role in (ExpenseRole.TAX_RECOVERABLE, ExpenseRole.TAX_NON_RECOVERABLE):
        lines = [line for line in taxes if line.role is role]
        if lines:
            yield _row(lines, LABELS[role], role)


def _by_tax(taxes: Sequence[PostingLine]) -> Iterator[RecordRow]:
    for position, number in enumerate(dict.fromkeys(line.tax for line in taxes), start=1):
        lines = [line for line in taxes if line.tax == number]
        recovered = any(line.role is ExpenseRole.TAX_RECOVERABLE for line in lines)
        role = ExpenseRole.TAX_RECOVERABLE if recovered else ExpenseRole.TAX_NON_RECOVERABLE
        yield _row(lines, f"Tax Type {position}", role)


def _row(lines: Sequence[PostingLine], label: str, role: ExpenseRole) -> RecordRow:
    currency = lines[0].amount.currency
    amount = sum((line.amount for line in lines), Money.zero(currency))
    return RecordRow(label, role, amount, tuple(lines))
