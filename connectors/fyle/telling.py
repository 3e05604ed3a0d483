"""What Fyle is told of its reports: exported or not, paid, and payment taken back."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from connectors.base.capabilities import Acknowledged, ReportNews, ReportStep
from connectors.base.errors import (
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.fyle import told_wire, wire
from connectors.fyle.client import BulkRefusedError, FyleClient
from connectors.fyle.exports import Exports, is_line_of, summary_of
from connectors.fyle.manifest import REPORTS_MAX, ROWS_MAX
from connectors.fyle.mapping import is_id, readable
from connectors.fyle.options import FyleOptions

UNKNOWN: Final = "unknown_report"
_REFUSED: Final = "refused_by_source"
_TOLD_BEFORE: Final = "told_before"
_NOT_PROVIDED: Final = "not_provided"

Run = Sequence[ReportNews]
Row = Mapping[str, Any]
# What became of the reports of a run: a code for those that Fyle refused, None for the others.
Outcomes = Mapping[str, str | None]


class Telling:
    """Tells Fyle in bulk; whatever is repeated is looked up first, so nothing shows twice."""

    def __init__(
        self, client: FyleClient, options: FyleOptions, now: Callable[[], datetime]
    ) -> None:
        self._client: Final = client
        self._status_url: Final = options.status_url
        self._exports: Final = Exports(client, options.export_file_id, now)

    async def tell(self, news: Sequence[ReportNews]) -> tuple[Acknowledged, ...]:
        """Tell in order, until the budget or the answers end; a refusal stops nobody else."""
        told: list[Acknowledged] = []
        for step, run in runs_of(news):
            try:
                told += await self._run(step, run)
            except (TransientError, OutcomeUnknownError):
                break
            except ConnectionConfigError:
                if not told:
                    raise
                break
        return tuple(told)

    async def _run(self, step: ReportStep, run: Run) -> Iterable[Acknowledged]:
        ways: dict[ReportStep, Callable[[Run], Awaitable[Outcomes]]] = {
            ReportStep.POSTED: self._exported,
            ReportStep.FAILED: self._failed,
            ReportStep.PAID: self._paid,
            ReportStep.PAYMENT_REVERSED: self._reverted,
        }
        way = ways.get(step)
        if way is None:
            return [Acknowledged(each.source_id, accepted=True, code=_NOT_PROVIDED) for each in run]
        outcomes = await way([each for each in run if is_id(each.source_id)])
        return [_answer(each.source_id, outcomes) for each in run]

    async def _exported(self, run: Run) -> Outcomes:
        """Put reports into an accounting export, and mark their expenses as complete."""
        expenses = await self._expenses(run)
        known = [each for each in run if each.source_id in expenses]
        lines = await self._exports.lines(each.source_id for each in known)
        rows = {
            each.source_id: await self._exports.line(each)
            for each in known
            if not any(is_line_of(each, shown) for shown in lines.get(each.source_id, ()))
        }
        refused = await self._send("/admin/accounting_export_lineitems/bulk", rows)
        left = [each for each in known if each.source_id not in refused]
        refused |= await self._summarise(left, expenses)
        return _outcomes(known, refused)

    async def _failed(self, run: Run) -> Outcomes:
        """Mark the expenses of reports as failed, and leave the reason where finance finds it.

        The reason is an export without a line: a line would call the report exported.
        """
        expenses = await self._expenses(run)
        known = [each for each in run if each.source_id in expenses]
        for each in known:
            await self._exports.explain(each, expenses[each.source_id][0].number)
        return _outcomes(known, await self._summarise(known, expenses))

    async def _expenses(self, run: Run) -> Mapping[str, Sequence[told_wire.ExportedExpense]]:
        found = defaultdict(list)
        listed = await self._client.all_with(
            "/admin/expenses", "report_id", (each.source_id for each in run)
        )
        for expense in readable(listed, told_wire.ExportedExpense):
            found[expense.report_id].append(expense)
        return found

    async def _summarise(
        self, run: Run, expenses: Mapping[str, Sequence[told_wire.ExportedExpense]]
    ) -> set[str]:
        """Set the export state of all expenses that do not have it yet; gives refused reports."""
        rows: dict[str, Row] = {}
        report_of: dict[str, str] = {}
        for each in run:
            wanted = summary_of(each, self._status_url)
            for expense in expenses[each.source_id]:
                if expense.accounting_export_summary != wanted:
                    rows[expense.id] = {"id": expense.id, **wanted.model_dump()}
                    report_of[expense.id] = each.source_id
        refused = await self._send("/admin/expenses/accounting_export_summary/bulk", rows)
        return {report_of[each] for each in refused}

    async def _paid(self, run: Run) -> Outcomes:
        """Mark reports as paid: by their reimbursement, or by themselves if they have none."""
        standings = await self.standings(each.source_id for each in run)
        reimbursed: dict[str, Row] = {}
        bare: dict[str, Row] = {}
        payable = [each for each in run if _unpaid(standings.get(each.source_id))]
        for each in payable:
            reimbursement = standings[each.source_id].reimbursement_id
            if reimbursement is None:
                bare[each.source_id] = {"id": each.source_id}
            else:
                code = each.document or each.reference
                reimbursed[reimbursement] = {"id": reimbursement, "code": code[:255]}
        refused = await self._send("/admin/reimbursements/mark_paid/bulk", reimbursed)
        refused |= await self._send("/admin/reports/mark_paid/bulk", bare)
        reports = {
            each.source_id
            for each in payable
            if refused & {each.source_id, standings[each.source_id].reimbursement_id}
        }
        # Somebody else may have paid it in between: that is told before, not refused.
        now = {**standings, **await self.standings(reports)}
        return {
            report: _paid_code(standing, refused=report in reports)
            for report, standing in now.items()
        }

    async def _reverted(self, run: Run) -> Outcomes:
        """Move paid reports back to where they wait for payment; Fyle takes one at a time."""
        standings = await self.standings(each.source_id for each in run)
        outcomes: dict[str, str | None] = {}
        for report, standing in standings.items():
            outcomes[report] = _REFUSED
            if standing.state is wire.ReportState.PAYMENT_PROCESSING:
                outcomes[report] = _TOLD_BEFORE
            elif standing.state is wire.ReportState.PAID:
                try:
                    await self._client.make("/admin/reports/revert_to_processing", {"id": report})
                except RejectedError:
                    continue
                outcomes[report] = None
        return outcomes

    async def standings(self, reports: Iterable[str]) -> Mapping[str, told_wire.ReportStanding]:
        """Where reports stand now; one that Fyle does not list is not in the answer."""
        listed = await self._client.all_with("/admin/reports", "id", reports)
        return {each.id: each for each in readable(listed, told_wire.ReportStanding)}

    async def _send(self, path: str, rows: Mapping[str, Row]) -> set[str]:
        """Write rows by their ids, and give those that Fyle refused.

        One bad row makes Fyle refuse all. It names the bad ones, and the others are sent again
        without them; if it names none, the rows are halved until the bad ones stand alone.
        """
        refused: set[str] = set()
        waiting = [list(rows)[at : at + ROWS_MAX] for at in range(0, len(rows), ROWS_MAX)]
        while waiting:
            ids = waiting.pop()
            try:
                await self._client.bulk(path, [rows[each] for each in ids])
            except RejectedError as refusal:
                bad = _named(refusal, ids)
                if bad or len(ids) == 1:
                    refused |= bad or set(ids)
                    waiting.append([each for each in ids if each not in refused])
                else:
                    middle = len(ids) // 2
                    waiting += [ids[middle:], ids[:middle]]
            waiting = [each for each in waiting if each]
        return refused


def runs_of(news: Sequence[ReportNews]) -> Iterator[tuple[ReportStep, Run]]:
    """Split news into runs that go into bulk calls: one step, no report twice, not too many."""
    run: list[ReportNews] = []
    for each in news:
        if run and (
            each.step is not run[0].step
            or len(run) >= REPORTS_MAX
            or any(other.source_id == each.source_id for other in run)
        ):
            yield run[0].step, run
            run = []
        run.append(each)
    if run:
        yield run[0].step, run


def _named(refusal: RejectedError, ids: Sequence[str]) -> set[str]:
    """The rows that a refusal names, by their key or by where they stand in what was sent."""
    found: set[str] = set()
    for row in refusal.rows if isinstance(refusal, BulkRefusedError) else ():
        if str(row.key) in ids:
            found.add(str(row.key))
        elif row.row is not None and 0 <= row.row < len(ids):
            found.add(ids[row.row])
    return found


def _unpaid(standing: told_wire.ReportStanding | None) -> bool:
    return standing is not None and standing.state is not wire.ReportState.PAID


def _paid_code(standing: told_wire.ReportStanding, *, refused: bool) -> str | None:
    if standing.state is wire.ReportState.PAID:
        return _TOLD_BEFORE
    return f"report_is_{standing.state.lower()}" if refused else None


def _outcomes(known: Run, refused: set[str]) -> Outcomes:
    return {each.source_id: _REFUSED if each.source_id in refused else None for each in known}


def _answer(report: str, outcomes: Outcomes) -> Acknowledged:
    code = outcomes.get(report, UNKNOWN)
    if code is None:
        return Acknowledged(report, accepted=True)
    return Acknowledged(report, accepted=code == _TOLD_BEFORE, code=code)
