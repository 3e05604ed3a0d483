"""A simulated organisation: its records, its clock, and what people and we change in them."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final

from connectors.fyle.simulated_documents import Directory, reimbursement_of
from connectors.fyle.simulated_state import (
    ExpenseChange,
    OrganisationState,
    Quirks,
    SimulatedExport,
    SimulatedLine,
    SimulatedMasters,
    SimulatedReport,
    SimulatedSummary,
)
from connectors.fyle.wire import ReportState

PAYABLE: Final = frozenset({ReportState.APPROVED, ReportState.PAYMENT_PROCESSING})


def _now() -> datetime:
    return datetime.now(UTC)


class SimulatedFyle:
    """All of one organisation's state. Each change moves `updated_at`, our own write-back too."""

    def __init__(
        self, state: OrganisationState | None = None, *, clock: Callable[[], datetime] = _now
    ) -> None:
        self._opened_with: Final = state or OrganisationState()
        self.clock = clock
        self.quirks = Quirks()
        self.served: Counter[str] = Counter()
        self._calls: deque[float] = deque()
        self._tokens: dict[str, datetime] = {}
        kinds = tuple(SimulatedMasters.model_fields)
        self._masters: dict[str, dict[Any, Any]] = {kind: {} for kind in kinds}
        self.reports: dict[str, SimulatedReport] = {}
        self.exports = {each.id: each for each in self._opened_with.exports}
        self.lines = {each.id: each for each in self._opened_with.lines}
        # The steps that took effect on a report, each as often as it did.
        self.told = {name: list(steps) for name, steps in self._opened_with.told.items()}
        self.put(SimulatedMasters(**{kind: getattr(self._opened_with, kind) for kind in kinds}))
        self.add(self._opened_with.reports)

    @property
    def facts(self) -> OrganisationState:
        """What the organisation was opened with: its name, currency and secrets."""
        return self._opened_with

    @property
    def directory(self) -> Directory:
        """The master records that documents name."""
        return Directory(self.facts.org_id, self.facts.currency, **self._masters)

    def state(self) -> OrganisationState:
        """Everything, as a file that another simulator can start from."""
        masters = {name: tuple(found.values()) for name, found in self._masters.items()}
        return self.facts.model_copy(
            update={
                **masters,
                "reports": tuple(self.reports.values()),
                "exports": tuple(self.exports.values()),
                "lines": tuple(self.lines.values()),
                "told": {name: tuple(steps) for name, steps in self.told.items()},
            }
        )

    # What people do.

    def put(self, masters: SimulatedMasters) -> None:
        """Add master records, or replace those with the same id."""
        for name, found in self._masters.items():
            found |= {each.id: each for each in getattr(masters, name)}

    def add(self, reports: Iterable[SimulatedReport]) -> int:
        """Add reports; KeyError if one names a master that is not there."""
        added = list(reports)
        for report in added:
            self._know(report)
            self.reports[report.id] = self._stamped(report)
        return len(added)

    def _know(self, report: SimulatedReport) -> None:
        known = self.directory
        known.people[report.employee_id]
        if report.approver_id is not None:
            known.people[report.approver_id]
        for each in report.expenses:
            known.categories[each.category_id]

    def _stamped(self, report: SimulatedReport) -> SimulatedReport:
        at = report.updated_at or self.clock()
        expenses = tuple(
            each if each.updated_at else each.model_copy(update={"updated_at": at})
            for each in report.expenses
        )
        return report.model_copy(update={"updated_at": at, "expenses": expenses})

    def move(self, ids: Iterable[str], state: ReportState) -> int:
        """Move reports to a state, whatever people did for it; KeyError for one not there."""
        moved = [self.reports[each] for each in ids]
        for report in moved:
            news: dict[str, Any] = {"state": state}
            if state is ReportState.PAID:
                news["paid_at"] = self.clock()
            elif state in PAYABLE:
                news |= {"approved_at": report.approved_at or self.clock(), "paid_at": None}
            else:
                # Sent back: its approvals and exports count no more.
                news |= {"approved_at": None, "expenses": self._without_summaries(report)}
            self.update(report.id, **news)
        return len(moved)

    def _without_summaries(self, report: SimulatedReport) -> tuple[Any, ...]:
        stamp = {"summary": None, "updated_at": self.clock()}
        return tuple(each.model_copy(update=stamp) for each in report.expenses)

    def change(self, changes: Iterable[ExpenseChange]) -> int:
        """Change what expenses say; KeyError for one that is not there."""
        changed = 0
        for each in changes:
            report = self.report_of(each.id)
            news = each.model_dump(exclude={"id"}, exclude_none=True) | {"updated_at": self.clock()}
            expenses = tuple(
                one.model_copy(update=news) if one.id == each.id else one for one in report.expenses
            )
            if self.quirks.expense_moves_report:
                self.update(report.id, expenses=expenses)
            else:
                self.reports[report.id] = report.model_copy(update={"expenses": expenses})
            changed += 1
        return changed

    def delete(self, ids: Iterable[str]) -> int:
        """Remove reports without a trace."""
        return sum(self.reports.pop(each, None) is not None for each in list(ids))

    # What we do.

    def update(self, report_id: str, **news: Any) -> None:
        """Change a report; it has changed now."""
        changed = {**news, "updated_at": self.clock()}
        self.reports[report_id] = self.reports[report_id].model_copy(update=changed)

    def report_of(self, expense_id: str) -> SimulatedReport:
        """The report that an expense is in; KeyError if there is none."""
        for report in self.reports.values():
            if any(each.id == expense_id for each in report.expenses):
                return report
        raise KeyError(expense_id)

    def reimbursed_by(self, reimbursement: str) -> SimulatedReport | None:
        """The report that a reimbursement is for."""
        found = (each for each in self.reports.values() if reimbursement_of(each) == reimbursement)
        return next(found, None)

    def pay(self, report_id: str) -> None:
        """Mark a report as paid."""
        self.move([report_id], ReportState.PAID)
        self.tell(report_id, "paid")

    def revert(self, report_id: str) -> None:
        """Move a paid report back to where it waits for payment."""
        self.move([report_id], ReportState.PAYMENT_PROCESSING)
        self.tell(report_id, "payment_reversed")

    def summarise(self, expense_id: str, summary: SimulatedSummary) -> str:
        """Set the export state of an expense; gives its report."""
        report = self.report_of(expense_id)
        news = {"summary": summary, "updated_at": self.clock()}
        expenses = tuple(
            each.model_copy(update=news) if each.id == expense_id else each
            for each in report.expenses
        )
        self.update(report.id, expenses=expenses)
        return report.id

    def export(self, export: SimulatedExport) -> None:
        """Keep an accounting export."""
        self.exports[export.id] = export

    def line(self, line: SimulatedLine) -> None:
        """Keep a line of an accounting export; it makes a report exported."""
        self.lines[line.id] = line
        if line.object_id in self.reports:
            self.update(line.object_id)
            self.tell(line.object_id, "posted")

    def tell(self, report_id: str, step: str) -> None:
        """Remember that a step took effect."""
        self.told.setdefault(report_id, []).append(step)

    def exported(self, report_id: str) -> bool:
        """Whether a report is in an accounting export."""
        return any(each.object_id == report_id for each in self.lines.values())

    # What it answers with.

    def new_token(self) -> str:
        """Give a token that is good for as long as Fyle's are."""
        token = f"simulated-token-{len(self._tokens) + 1}"
        self._tokens[token] = self.clock()
        return token

    def knows(self, token: str) -> bool:
        """Whether a token is good now."""
        since = self._tokens.get(token)
        return since is not None and (
            (self.clock() - since).total_seconds() < self.quirks.token_seconds
        )

    def admit(self, at: float) -> int:
        """Count a call at a monotonic time; 0 if it may pass, else the seconds to wait."""
        window = self.quirks.rate_limit_seconds
        while self._calls and self._calls[0] <= at - window:
            self._calls.popleft()
        if len(self._calls) >= self.quirks.rate_limit_calls:
            self.served["throttled"] += 1
            return max(1, ceil(self._calls[0] + window - at))
        self._calls.append(at)
        return 0

    def use_up(self, quirk: str) -> bool:
        """Whether a counted quirk strikes now; it then has one less to go."""
        left = int(getattr(self.quirks, quirk))
        if left > 0:
            self.quirks = self.quirks.model_copy(update={quirk: left - 1})
            self.served[quirk] += 1
        return left > 0

    def summary(self) -> dict[str, Any]:
        """How things stand, in counts."""
        return {
            "reports": len(self.reports),
            "states": Counter(str(each.state) for each in self.reports.values()),
            "exports": len(self.exports),
            "lines": len(self.lines),
            "served": dict(self.served),
            "quirks": self.quirks.model_dump(mode="json"),
        }
