"""What an expense report comes to in the books: every line, its rule, and what is not right.

Pure and driven by the tables of a legal entity's policy. The lines always balance, whatever the
report; what must not be posted as it is, is a problem beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypedDict

from canonical.exception_case import Cause
from canonical.expense import (
    AdvanceStep,
    AdvanceUse,
    ExpenseItem,
    ExpenseReport,
    Owed,
)
from canonical.expense_document import ExpenseRole
from canonical.money import Money
from rules.expense_allocation import Portion, portions_of
from rules.expense_consistency import consistency_of, posted_items
from rules.expense_findings import Findings, Rule, problem, warning
from rules.expense_lines import LABELS, PERSONAL, ROLE_OF, ExpensePosting, PostingLine, Recharge
from rules.expense_policy import ExpensePolicy
from rules.expense_reasons import reason_of_cost
from rules.expense_tax import TaxShare, net_of, taxes_of


@dataclass(slots=True)
class _Books:
    """What has been written so far about one report."""

    report: ExpenseReport
    policy: ExpensePolicy
    lines: list[PostingLine] = field(default_factory=list)
    recharges: list[Recharge] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    # By payee, what is owed to it by costs, and what advances change in that.
    owed: dict[ExpenseRole, Money] = field(default_factory=dict)
    residual: Decimal = Decimal(0)

    def owe(self, role: ExpenseRole, amount: Money) -> None:
        """Owe an amount to a payee; it becomes one line in the end."""
        self.owed[role] = self.owed.get(role, Money.zero(amount.currency)) + amount

    def write(self, line: PostingLine) -> None:
        """Write a line down, if it comes to anything."""
        if line.amount.amount != 0:
            self.lines.append(line)


def post_report(report: ExpenseReport, policy: ExpensePolicy) -> ExpensePosting:
    """Give the lines of a report, with the rule that decided each."""
    books = _Books(report, policy, findings=consistency_of(report, policy))
    for item in posted_items(report):
        _post_item(books, item)
    for advance in report.advances:
        _post_advance(books, advance)
    _write_payees(books)
    if not books.lines:
        books.findings += problem(
            Cause.NOTHING_TO_POST,
            report.number,
            f"Report {report.number} comes to nothing: nobody is owed anything for it. Waive it "
            "with a reason, or reject it.",
        )
    return ExpensePosting(
        number=report.number,
        currency=report.currency,
        lines=tuple(books.lines),
        recharges=tuple(books.recharges),
        residual=Money.rounded(books.residual, report.currency),
        problems=tuple(dict.fromkeys(books.findings.problems)),
        warnings=tuple(dict.fromkeys(books.findings.warnings)),
        policy_version=policy.version,
    )


def _post_item(books: _Books, item: ExpenseItem) -> None:
    """Post the portions of an item, and owe them to whoever is owed."""
    portions, left, findings = portions_of(item, books.report)
    books.findings += findings
    for portion in portions:
        if item.personal:
            _post_personal(books, item, portion)
        else:
            _post_portion(books, item, portion)
            books.owe(ROLE_OF[portion.owed_to], portion.gross)
    if left.amount != 0:
        _write_rounding(books, left, item, None, "the item's allocations do not sum to it")
        books.owe(ROLE_OF[item.owed_to], left)


def _post_personal(books: _Books, item: ExpenseItem, portion: Portion) -> None:
    """The employee's own cost: nothing if the employee paid it, else owed back (DOMAIN rule 21)."""
    _, findings = taxes_of(item, portion.allocation, books.report, books.policy)
    books.findings += findings
    if item.billable:
        books.findings += warning(f"{item.type_name} is personal, so it is not billed to anybody")
    if portion.owed_to is Owed.EMPLOYEE:
        books.findings += warning(
            f"{item.type_name} of {item.transaction_date} is personal and was paid by the employee,"
            " so nothing is posted for it"
        )
        return
    role = ExpenseRole.EMPLOYEE_RECEIVABLE
    books.write(
        PostingLine(
            role=role,
            label=PERSONAL,
            amount=portion.gross,
            rule=Rule.PERSONAL,
            why="a personal cost that the company pays is owed back by the employee",
            account=books.policy.accounts_by_role.get(role),
            item=item.id,
            allocation=portion.allocation.id,
        )
    )
    books.owe(ROLE_OF[portion.owed_to], portion.gross)


def _post_portion(books: _Books, item: ExpenseItem, portion: Portion) -> None:
    """The cost net of tax, then each tax, then what rounding left between them."""
    shares, findings = taxes_of(item, portion.allocation, books.report, books.policy)
    net, left, found = net_of(item, portion.allocation, portion.gross, shares, books.report.number)
    books.findings += findings + found
    books.write(
        PostingLine(
            role=ExpenseRole.EXPENSE,
            label=item.type_name,
            amount=net,
            rule=Rule.ALLOCATION if portion.was_split else Rule.COST,
            why=reason_of_cost(item, portion, books.policy),
            account=_cost_account(books, item, portion),
            **_objects(item, portion),
        )
    )
    for share in shares:
        _post_tax(books, item, portion, share, net)
    if left.amount != 0:
        _write_rounding(books, left, item, portion, "net and taxes do not sum to the gross amount")
    _recharge(books, item, portion, shares)


def _cost_account(books: _Books, item: ExpenseItem, portion: Portion) -> str | None:
    return books.policy.account_of_cost(item.type_code, portion.allocation.account)


class _Objects(TypedDict):
    """What a line of an item is booked on."""

    item: str
    allocation: str
    cost_centre: str | None
    project: str | None


def _objects(item: ExpenseItem, portion: Portion) -> _Objects:
    return {
        "item": item.id,
        "allocation": portion.allocation.id,
        "cost_centre": portion.cost_centre,
        "project": portion.allocation.project,
    }


def _post_tax(
    books: _Books, item: ExpenseItem, portion: Portion, share: TaxShare, net: Money
) -> None:
    roles = books.policy.accounts_by_role
    books.write(
        PostingLine(
            role=ExpenseRole.TAX_RECOVERABLE,
            label=LABELS[ExpenseRole.TAX_RECOVERABLE],
            amount=share.recoverable,
            rule=Rule.TAX,
            why=share.why,
            account=roles.get(ExpenseRole.TAX_RECOVERABLE),
            tax=share.number,
            tax_name=share.name,
            tax_code=share.erp_tax,
            tax_base=net,
            **_objects(item, portion),
        )
    )
    rest = ExpenseRole.TAX_NON_RECOVERABLE
    books.write(
        PostingLine(
            role=rest,
            label=LABELS[rest],
            amount=share.rest,
            rule=Rule.TAX,
            why=share.why,
            account=roles.get(rest) or _cost_account(books, item, portion),
            tax=share.number,
            tax_name=share.name,
            foreign_tax=share.foreign,
            **_objects(item, portion),
        )
    )


def _write_rounding(
    books: _Books, left: Money, item: ExpenseItem, portion: Portion | None, why: str
) -> None:
    books.residual += left.amount
    role = ExpenseRole.ROUNDING
    books.write(
        PostingLine(
            role=role,
            label=LABELS[role],
            amount=left,
            rule=Rule.ROUNDING,
            why=why,
            account=books.policy.accounts_by_role.get(role),
            item=item.id,
            allocation=portion.allocation.id if portion else None,
            cost_centre=portion.cost_centre if portion else None,
        )
    )


def _recharge(
    books: _Books, item: ExpenseItem, portion: Portion, shares: Sequence[TaxShare]
) -> None:
    """Pass a billable cost on to the project, net of what tax is recovered of it."""
    project = portion.allocation.project
    if not item.billable or (project is None and not books.policy.billable_needs_project):
        return
    if project is None:
        books.findings += _no_project(books.report, item)
    recovered = sum((one.recoverable for one in shares), Money.zero(portion.gross.currency))
    books.recharges.append(
        Recharge(project, item.id, item.transaction_date, portion.gross + -recovered)
    )


def _no_project(report: ExpenseReport, item: ExpenseItem) -> Findings:
    return problem(
        Cause.MISSING_PROJECT,
        f"{report.number} {item.type_name}",
        f"Report {report.number}: {item.type_name} is billable and names no project. Give it one "
        "in the source, or amend the report to a project.",
    )


def _post_advance(books: _Books, advance: AdvanceUse) -> None:
    """An advance is owed back from when it is paid out until it is used or returned."""
    amount = advance.amount
    payee = ROLE_OF[advance.owed_to]
    out = advance.step is AdvanceStep.ISSUED
    books.write(
        PostingLine(
            role=ExpenseRole.ADVANCE,
            label=LABELS[ExpenseRole.ADVANCE],
            amount=amount if out else -amount,
            rule=Rule.ADVANCE,
            why=_ADVANCE_WHY[advance.step],
            account=books.policy.accounts_by_role.get(ExpenseRole.ADVANCE),
            item=advance.id,
        )
    )
    if advance.step is AdvanceStep.RETURNED:
        _write_returned(books, advance)
    else:
        books.owe(payee, amount if out else -amount)


_ADVANCE_WHY: Final[Mapping[AdvanceStep, str]] = {
    AdvanceStep.ISSUED: "an advance is paid out, and owed back",
    AdvanceStep.APPLIED: "an advance pays for costs of the report",
    AdvanceStep.RETURNED: "what is left of an advance is returned",
}


def _write_returned(books: _Books, advance: AdvanceUse) -> None:
    """What is left of an advance: the employee owes it until it is paid back."""
    role = ExpenseRole.EMPLOYEE_RECEIVABLE
    books.write(
        PostingLine(
            role=role,
            label=LABELS[role],
            amount=advance.amount,
            rule=Rule.ADVANCE,
            why="the employee pays back what is left of an advance",
            account=books.policy.accounts_by_role.get(role),
            item=advance.id,
        )
    )


def _write_payees(books: _Books) -> None:
    """One line for each payee, summed; a negative total is owed the other way (DOMAIN rule 22)."""
    for role, amount in books.owed.items():
        books.write(
            PostingLine(
                role=role,
                label=LABELS[role],
                amount=-amount,
                rule=Rule.PAYEE,
                why=_PAYEE_WHY[role],
                account=books.policy.accounts_by_role.get(role),
            )
        )


_PAYEE_WHY: Final[Mapping[ExpenseRole, str]] = {
    ExpenseRole.EMPLOYEE_PAYABLE: "the employee is paid what they are owed in all",
    ExpenseRole.CARD_CLEARING: "the card's issuer is paid what was charged",
    ExpenseRole.ADVANCE: "paid with an advance",
    ExpenseRole.VENDOR_PAYABLE: "the vendor is paid directly",
}
