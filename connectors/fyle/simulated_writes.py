"""What the simulated Fyle does with what it is sent: all rows of a bulk call, or none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.fyle.simulated_json import STAMPS, Json
from connectors.fyle.simulated_lists import list_of
from connectors.fyle.simulated_organisation import PAYABLE, SimulatedFyle
from connectors.fyle.simulated_state import SimulatedExport, SimulatedLine, SimulatedSummary
from connectors.fyle.wire import ReportState

# What Fyle's own integrations look for in its answers.
NOT_PAYABLE: Final = "Report is not in APPROVED or PAYMENT_PROCESSING State"
DENIED: Final = "Permission denied to perform this action."


class RefusedError(Exception):
    """A write that Fyle refuses, as it says so."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk call: the member that names a row, what is wrong with one, and what it does."""

    key: str
    required: frozenset[str]
    wrong: Callable[[SimulatedFyle, Json], str | None]
    carry_out: Callable[[SimulatedFyle, Sequence[Json]], None]


def bulk(fyle: SimulatedFyle, call: Bulk, body: Any) -> None:
    """Carry a bulk call out, or raise RefusedError with every bad row and do nothing."""
    rows = _data(body)
    if not isinstance(rows, list) or not rows:
        raise _invalid("data", "Missing data for required field.")
    for row in rows:
        missing = sorted(call.required - row.keys())
        if missing:
            raise _invalid(missing[0], "Missing data for required field.")
    troubles = [(at, row, call.wrong(fyle, row)) for at, row in enumerate(rows)]
    bad = [
        {"row": at, "key": row[call.key], "message": trouble}
        for at, row, trouble in troubles
        if trouble is not None
    ]
    if bad:
        named = [] if fyle.quirks.unnamed_bulk_errors else bad
        raise RefusedError(400, {"data": named, "error": "BulkError", "message": None})
    call.carry_out(fyle, rows)


def _data(body: Any) -> Any:
    if not isinstance(body, dict) or set(body) != {"data"}:
        raise _invalid("data", "Unknown field or missing data.")
    return body["data"]


def _invalid(member: str, why: str) -> RefusedError:
    told = {"data": {"0": {member: [why]}}, "error": "ValidationError", "message": None}
    return RefusedError(400, told)


def _report_trouble(fyle: SimulatedFyle, row: Json) -> str | None:
    report = fyle.reports.get(row["id"])
    if report is None:
        return DENIED
    return None if report.state in PAYABLE else NOT_PAYABLE


def _reimbursement_trouble(fyle: SimulatedFyle, row: Json) -> str | None:
    report = fyle.reimbursed_by(row["id"])
    if report is None:
        return DENIED
    return None if report.state in PAYABLE else NOT_PAYABLE


def _pay_reports(fyle: SimulatedFyle, rows: Sequence[Json]) -> None:
    for row in rows:
        fyle.pay(row["id"])


def _pay_reimbursements(fyle: SimulatedFyle, rows: Sequence[Json]) -> None:
    for row in rows:
        report = fyle.reimbursed_by(row["id"])
        assert report is not None
        fyle.pay(report.id)


def _expense_trouble(fyle: SimulatedFyle, row: Json) -> str | None:
    try:
        fyle.report_of(row["id"])
    except KeyError:
        return DENIED
    return None


def _summarise(fyle: SimulatedFyle, rows: Sequence[Json]) -> None:
    failed = dict.fromkeys(
        fyle.summarise(row["id"], _summary(row)) for row in rows if row["state"] == "ERROR"
    )
    for row in rows:
        if row["state"] != "ERROR":
            fyle.summarise(row["id"], _summary(row))
    for report in failed:
        fyle.tell(report, "failed")


def _summary(row: Json) -> SimulatedSummary:
    members = {name: row[name] for name in ("state", "error_type", "url")}
    return SimulatedSummary.model_validate(members)


def _line_trouble(fyle: SimulatedFyle, row: Json) -> str | None:
    if row["accounting_export_id"] not in fyle.exports:
        return "Invalid accounting export found"
    known = row["object_type"] == "REPORT" and row["object_id"] in fyle.reports
    return None if known else DENIED


def _write_lines(fyle: SimulatedFyle, rows: Sequence[Json]) -> None:
    for row in rows:
        fyle.line(SimulatedLine.model_validate({"id": f"ael{len(fyle.lines) + 1:09}", **row}))


BULK: Final[Mapping[str, Bulk]] = {
    "/reports/mark_paid/bulk": Bulk("id", frozenset({"id"}), _report_trouble, _pay_reports),
    "/reimbursements/mark_paid/bulk": Bulk(
        "id", frozenset({"id"}), _reimbursement_trouble, _pay_reimbursements
    ),
    "/expenses/accounting_export_summary/bulk": Bulk(
        "id", frozenset({"id", "state", "error_type", "url"}), _expense_trouble, _summarise
    ),
    "/accounting_export_lineitems/bulk": Bulk(
        "object_id",
        frozenset({"object_id", "object_type", "reference", "accounting_export_id"}),
        _line_trouble,
        _write_lines,
    ),
}


def make_export(fyle: SimulatedFyle, body: Any) -> Json:
    """Create an accounting export; it wants one file, if only one that is no file."""
    record = _data(body)
    for member in ("file_ids", "exported_at", "name"):
        if not record.get(member):
            raise _invalid(member, "Missing data for required field.")
    if len(record["file_ids"]) != 1 or (
        fyle.quirks.refuses_empty_file and record["file_ids"][0] is None
    ):
        raise _invalid("file_ids", "Not a valid file.")
    export = SimulatedExport.model_validate({"id": f"ae{len(fyle.exports) + 1:09}", **record})
    fyle.export(export)
    return {
        **export.model_dump(),
        "org_id": fyle.facts.org_id,
        "client_id": "tpaLedgerway",
        **STAMPS,
    }


def revert(fyle: SimulatedFyle, body: Any) -> str:
    """Move a paid report back to processing; gives its id."""
    report = fyle.reports.get(_data(body).get("id", ""))
    if report is None:
        raise RefusedError(404, {"message": "Resource not found"})
    if report.state is not ReportState.PAID:
        raise RefusedError(400, {"message": "Report is not in PAID state"})
    fyle.revert(report.id)
    return report.id


def shown(fyle: SimulatedFyle, report: str) -> bytes:
    """A report as the answer to a write shows it."""
    place = {"order": "id.asc", "offset": "0", "limit": "1", "id": f"eq.{report}"}
    page = list_of(fyle, "reports", place)
    return b'{"data":' + page[page.index(b"[") + 1 : -2] + b"}"
