"""The ERP's codes for the lines of an expense report: they exist, are open, and are the entity's.

What a person put in place of a code stands in where the report's own cannot be used, and only
there: one report has many lines, and most of them are right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from canonical.exception_case import Cause
from canonical.expense_document import ExpenseRole
from canonical.masters import COST_CENTRE, Employee, Master
from rules.expense_lines import PostingLine
from rules.facts import Facts
from rules.policies import Policy

# Lines that are a cost, or join one, and so carry its cost centre.
_COSTS: Final = frozenset(
    {ExpenseRole.EXPENSE, ExpenseRole.TAX_NON_RECOVERABLE, ExpenseRole.ROUNDING}
)


class Stop(Exception):  # noqa: N818  A decision for a person, not an error of the program.
    """Why a report stops here, in words for the person who decides."""

    def __init__(self, cause: Cause, subject: str, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause
        self.subject = subject
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Codes:
    """Finds the code of each line; raises Stop for one that is missing, unknown or closed."""

    amendments: Mapping[str, str]
    entity: str
    facts: Facts
    policy: Policy
    employee: Employee
    posting_date: date
    # The source's id of the employee, and when each item was incurred.
    claimant: str = ""
    incurred: Mapping[str, date] = field(default_factory=dict)

    def check_currency(self, currency: str) -> None:
        """Stop a report in a currency that the ERP does not book."""
        known = self.facts.currencies
        if known and (currency not in known or not known[currency].active):
            raise Stop(
                Cause.UNKNOWN_CURRENCY,
                currency,
                f"The ERP does not book in {currency}. Open the currency there and retry, or have "
                "the reports reimbursed in another one.",
            )

    def account(self, line: PostingLine) -> str:
        """The account of a line."""
        amended = self.amendments.get("account") if line.role in _COSTS else None
        what = f"costs of type '{line.label}'" if line.role in _COSTS else _said(line.role)
        return self._usable(
            [line.account, amended],
            self._account_is_open,
            lambda code: Stop(
                Cause.UNKNOWN_ACCOUNT,
                code or what,
                f"{self.entity} has no account for {what}. Name one in the policies' tables and "
                "retry" + (", or amend the reports." if line.role in _COSTS else ".")
                if code is None
                else f"Account {code}, which the policies name for {what}, is not open in "
                f"{self.entity}. Open it in the ERP or name another, and retry.",
            ),
        )

    def tax(self, line: PostingLine) -> str:
        """The tax code of a recovered tax."""
        return self._usable(
            [line.tax_code, self.amendments.get("tax_code")],
            self._tax_is_open,
            lambda code: Stop(
                Cause.MISSING_TAX_CODE,
                line.tax_name if code is None else code,
                f"The tax table of {self.entity} has no ERP tax code for recovered tax "
                f"'{line.tax_name}'. Add it to the policies and retry, or amend the reports."
                if code is None
                else f"Tax code {code} is not open in {self.entity}. Open it in the ERP or name "
                "another in the policies' tax table, and retry.",
            ),
        )

    def cost_centre(self, line: PostingLine) -> str | None:
        """The cost centre of a cost; None where none is asked for."""
        if line.role not in _COSTS or COST_CENTRE not in self.policy.required_dimensions:
            return None
        day = self.incurred.get(line.item or "", self.posting_date)
        assigned = self.facts.cost_centre_of(self.claimant, day)
        own = line.cost_centre or assigned or self.employee.cost_centre
        who = self.employee.code
        return self._usable(
            [own, self.amendments.get(COST_CENTRE)],
            self._cost_centre_is_open,
            lambda code: (
                Stop(
                    Cause.MISSING_DIMENSION,
                    f"cost centre of {who}",
                    f"Costs of employee {who} name no cost centre, and the employee has none. "
                    "Give one in the source and retry, or amend the reports.",
                )
                if code is None
                else Stop(
                    Cause.INACTIVE_DIMENSION,
                    code,
                    f"Cost centre {code} is not known or not active in the ERP. Open it there and "
                    "retry, or amend the reports to another cost centre.",
                )
            ),
        )

    def project(self, code: str | None) -> str:
        """The project of a cost, by its code; None takes the one that a person gave."""
        return self._usable(
            [code, self.amendments.get("project")], self._project_is_open, self._no_project
        )

    def _usable(
        self,
        codes: list[str | None],
        is_open: Callable[[str], bool],
        otherwise: Callable[[str | None], Stop],
    ) -> str:
        """The first code that can be used; the report's own goes before a person's."""
        given = [code for code in codes if code is not None]
        for code in given:
            if is_open(code):
                return code
        raise otherwise(given[-1] if given else None)

    def _account_is_open(self, code: str) -> bool:
        return self._is_open(self.facts.accounts, code)

    def _tax_is_open(self, code: str) -> bool:
        return self._is_open(self.facts.tax_codes, code)

    def _cost_centre_is_open(self, code: str) -> bool:
        value = self.facts.cost_centres.get((self.entity, code))
        return value is not None and value.active_on(self.posting_date)

    def _project_is_open(self, code: str) -> bool:
        project = self.facts.projects_by_code.get(code)
        return (
            project is not None
            and project.legal_entity in {None, self.entity}
            and project.active_on(self.posting_date)
        )

    def _is_open(self, known: Mapping[tuple[str, str], Master], code: str) -> bool:
        """Whether a code can be used; an ERP that lists none of a kind cannot be asked."""
        if not known:
            return True
        one = known.get((self.entity, code))
        return one is not None and one.active_on(self.posting_date)

    def _no_project(self, code: str | None) -> Stop:
        if code is None:
            return Stop(
                Cause.MISSING_PROJECT,
                self.employee.code,
                f"A billable cost of employee {self.employee.code} names no project. Give it one "
                "in the source, or amend the reports to a project.",
            )
        found = self.facts.projects_by_code.get(code)
        if found is None:
            return Stop(
                Cause.UNKNOWN_PROJECT,
                code,
                f"The ERP has no project {code}. Create it there or correct its code in the "
                "source, then retry; or amend the reports to another project.",
            )
        if found.legal_entity not in {None, self.entity}:
            return Stop(
                Cause.OTHER_LEGAL_ENTITY,
                f"{self.entity} on {code}",
                f"Project {code} belongs to {found.legal_entity}, its costs to {self.entity}. "
                "Amend the reports to a project of the same legal entity, or reject them.",
            )
        return Stop(
            Cause.CLOSED_PROJECT,
            code,
            f"Project {code} is closed in the ERP. Reopen it there and retry, or amend the reports "
            "to another project.",
        )


def _said(role: ExpenseRole) -> str:
    return f"role {role.value}"
