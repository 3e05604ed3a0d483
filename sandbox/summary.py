"""The demo's result: for people as a table, for programs as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canonical.exact import decimal_text
from canonical.hours import hours_from_seconds
from canonical.time_entry import TIME_ENTRY
from sandbox.billing_act import BillingAct
from sandbox.control_totals import ControlTotals, Total
from sandbox.expense_act import ExpenseAct
from sandbox.masters_act import MastersAct
from store.reports import Blocked


@dataclass(frozen=True, slots=True)
class Summary:
    """What the demo came to."""

    totals: ControlTotals
    # Of time alone; those of expenses are theirs.
    cases: Sequence[Blocked]
    expenses: ExpenseAct
    billing: BillingAct
    masters: MastersAct
    fired: Mapping[str, int]
    seconds: int

    @property
    def agree(self) -> bool:
        """Every side says the same, of time, expenses, invoices and masters."""
        acts = (self.totals, self.expenses, self.billing, self.masters)
        return all(one.agree for one in acts)

    def as_json(self) -> dict[str, Any]:
        """The summary with its documented top-level keys; amounts and hours are text."""
        totals = self.totals
        return {
            "approved_lines": totals.approved,
            "posted_lines": totals.erp.lines,
            "lines_in_cases": totals.in_cases,
            "cases": [_case(case) for case in self.cases],
            "duplicates": totals.duplicates,
            "control_totals": {
                "source": _total(totals.source),
                "ledger": _total(totals.ledger),
                "erp": _total(totals.erp),
            },
            "differences": totals.differences,
            "expenses": {
                **self.expenses.as_json(),
                "cases": [_case(case) for case in self.expenses.cases],
            },
            "billing": self.billing.as_json(),
            "masters": self.masters.as_json(),
            "faults_fired": dict(self.fired),
            "seconds": self.seconds,
        }

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(self.as_json(), indent=2) + "\n")


def summary_of(
    totals: ControlTotals,
    cases: Sequence[Blocked],
    expenses: ExpenseAct,
    billing: BillingAct,
    masters: MastersAct,
    *,
    fired: Mapping[str, int],
    seconds: int,
) -> Summary:
    """Put together what was found; `cases` are all that are open."""
    happened = {kind: count for kind, count in fired.items() if count}
    of_time = [case for case in cases if case.object == TIME_ENTRY]
    return Summary(totals, of_time, expenses, billing, masters, happened, seconds)


def _case(case: Blocked) -> dict[str, Any]:
    return {
        "cause": case.cause,
        "subject": case.subject,
        "legal_entity": case.legal_entity,
        "lines": case.lines,
        "hours": decimal_text(hours_from_seconds(case.seconds)),
        "amount": decimal_text(case.amount),
        "currency": case.currency,
    }


def _total(total: Total) -> dict[str, Any]:
    return {"lines": total.lines, "hours": total.hours}
