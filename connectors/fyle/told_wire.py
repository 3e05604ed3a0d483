"""Fyle's JSON around what it is told: bulk refusals, exports, and where reports stand."""

from typing import Literal

from connectors.fyle.wire import Id, State, Wire


class BulkRow(Wire):
    """One row that made Fyle refuse a bulk call."""

    row: int | None = None
    key: str | int | None = None
    message: str = ""


class BulkError(Wire):
    """Why a bulk call was refused as a whole."""

    error: Literal["BulkError"]
    data: list[BulkRow]


class Made(Wire):
    """A record that was created; we keep its id."""

    id: Id


class ReportStanding(Wire):
    """Where a report stands now, and how it is paid."""

    id: Id
    state: State
    reimbursement_id: Id | None


class ExportSummary(Wire):
    """What Fyle shows its finance user of an expense's export; empty before the first."""

    state: str | None = None
    error_type: str | None = None
    url: str | None = None


class NumberedReport(Wire):
    """A report as its expenses name it."""

    seq_num: str | None = None


class ExportedExpense(Wire):
    """An expense, as far as telling about its export needs it."""

    id: Id
    report_id: Id
    report: NumberedReport | None = None
    accounting_export_summary: ExportSummary = ExportSummary()

    @property
    def number(self) -> str:
        """What people call the report."""
        return (self.report.seq_num if self.report else None) or self.report_id


class ExportLine(Wire):
    """That a report is part of an accounting export, and under which number the ERP has it."""

    object_id: Id
    reference: str | None


class Export(Wire):
    """One accounting export."""

    id: Id
    name: str
