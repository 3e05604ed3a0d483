"""Fyle's reports and ours: pure functions, no request and no clock."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from canonical.expense import AdvanceStep, AdvanceUse, ExpenseItem, ExpenseReport
from canonical.text import label, storable
from canonical.time_entry import Approval
from connectors.base.capabilities import SourceRecord
from connectors.base.dates import moment_of
from connectors.base.records import RAW_CHARS_MAX, RawRecord, parsed, raw_page, trouble_of
from connectors.fyle import wire
from connectors.fyle.item_mapping import cut, items_from, money, naming
from connectors.fyle.options import Setting

_NAME_MAX: Final = 250
_RELEASED: Final = frozenset(
    {
        wire.ReportState.PAYMENT_PROCESSING,
        wire.ReportState.PAYMENT_PENDING,
        wire.ReportState.PAID,
    }
)
_APPROVED: Final = "APPROVAL_DONE"
_BY_ITSELF: Final = "SYSTEM"

W = TypeVar("W", bound=wire.Wire)
V = TypeVar("V")


def released(state: wire.ReportState) -> bool:
    """Whether finance released it for payment; one that is only approved still waits for that."""
    return state in _RELEASED


def readable(records: Iterable[RawRecord], kind: type[W]) -> list[W]:
    """The records that can be read; nobody misses the others here."""
    found = (parsed(record, kind) for record in records)
    return [each for each in found if not isinstance(each, str)]


def by_report(expenses: Iterable[RawRecord]) -> Mapping[str, Sequence[RawRecord]]:
    """Lay expenses to their reports; one that names none is missed when they are counted."""
    found: dict[str, list[RawRecord]] = {}
    for record in expenses:
        report = _tried(wire.id_of, _members(record).get("report_id"))
        if report is not None:
            found.setdefault(report, []).append(record)
    return found


def is_id(text: str) -> bool:
    """Whether a text may be an id of Fyle's, and so stand in a filter."""
    return _tried(wire.id_of, text) is not None


def id_in(record: RawRecord) -> str | None:
    """The id of a record, even of one that is wrong elsewhere."""
    return _tried(wire.id_of, _members(record).get("id"))


def stamp_of(record: RawRecord) -> datetime | None:
    """When a record changed, even one that is wrong elsewhere."""
    return _tried(moment_of, _members(record).get("updated_at"))


def perhaps_released(record: RawRecord) -> bool:
    """Whether a report has expenses to be read: it is released, or its state is unreadable."""
    state = _tried(wire.ReportState, _members(record).get("state"))
    return state is None or released(state)


def source_record(
    record: RawRecord, expenses: Sequence[RawRecord], setting: Setting
) -> SourceRecord[ExpenseReport]:
    """Turn one report of a page into what the intake takes; never raises for its content."""
    report, raw = parsed(record, wire.Report), _kept(record, expenses)
    if isinstance(report, str):
        return _unreadable(record, raw, report)
    try:
        document, trouble = expense_report(report, expenses, setting), None
    except ValueError as error:
        document, trouble = None, trouble_of(error)
    return SourceRecord(
        source_id=report.id,
        raw=raw,
        record=document,
        trouble=trouble,
        document_id=report.id,
        employee=employee_of(report),
        approved=released(report.state),
        changed_at=report.updated_at,
    )


def reports_on(page: bytes, setting: Setting) -> tuple[SourceRecord[ExpenseReport], ...]:
    """Read a page as people keep one: Fyle's reports, each with its `expenses` inside.

    The expenses may also stand beside the reports in one list, as Fyle's two answers would, and
    one report may stand alone. Raises ValueError if it is no such page; a report's own trouble
    is in its record.
    """
    try:
        reports = raw_page(page, "data")
    except ValueError:
        alone = raw_page(b'{"data":[%s]}' % page, "data")
        if len(alone.records) != 1 or "seq_num" not in _members(alone.records[0]):
            raise
        reports = alone
    beside: Mapping[str, Sequence[RawRecord]] = {}
    if "expenses" in reports.envelope:
        beside = by_report(raw_page(page, "expenses").records)
    return tuple(
        source_record(record, _embedded(record) or beside.get(id_in(record) or "", ()), setting)
        for record in reports.records
    )


def _embedded(record: RawRecord) -> Sequence[RawRecord]:
    if "expenses" not in _members(record):
        return ()
    return raw_page(record.text.encode(errors="replace"), "expenses").records


def expense_report(
    report: wire.Report, expenses: Sequence[RawRecord], setting: Setting
) -> ExpenseReport:
    """Turn a report and its expenses into ours; raises ValueError that names what is wrong."""
    if not label(report.seq_num):
        raise ValueError("seq_num: is blank")
    # What is not released may be unfinished in any way, and is read without its expenses.
    whole = released(report.state) or bool(expenses)
    items = _items(report, expenses, setting) if whole else ()
    # What the employee keeps to himself is in Fyle's sum, and not in what is approved.
    kept = sum((each.amount.amount for each in items if each.personal), Decimal(0))
    with naming("amount"):
        total = money(report.amount - kept, report.currency)
    return ExpenseReport(
        connection=setting.connection,
        id=report.id,
        number=label(report.seq_num),
        name=cut(report.purpose or "", _NAME_MAX),
        employee=employee_of(report),
        legal_entity=setting.legal_entity,
        home_country=setting.home_country,
        currency=report.currency,
        report_date=report.submitted_on,
        submitted_at=report.last_submitted_at,
        items=items,
        advances=_advances(report) if whole else (),
        total=total if whole else None,
        approval=_approval(report) if released(report.state) else None,
        changed_at=report.updated_at,
    )


def _items(
    report: wire.Report, expenses: Sequence[RawRecord], setting: Setting
) -> tuple[ExpenseItem, ...]:
    if len(expenses) != report.num_expenses:
        raise ValueError(f"expenses: {len(expenses)} of {report.num_expenses} came")
    spent = []
    for number, record in enumerate(expenses, 1):
        expense = parsed(record, wire.Expense)
        if isinstance(expense, str):
            named = id_in(record) or f"number {number}"
            raise ValueError(f"expense {named}: {expense}")  # noqa: TRY004  One way out for both.
        spent.append(expense)
    # By day, so that a report reads the same whatever order its page had.
    spent.sort(key=lambda each: (each.spent_at, each.id))
    items: list[ExpenseItem] = []
    for expense in spent:
        with naming(f"expense {expense.id}"):
            items += items_from(expense, setting)
    return tuple(items)


def _advances(report: wire.Report) -> tuple[AdvanceUse, ...]:
    with naming("applied_advance_wallets"):
        return tuple(
            AdvanceUse(
                id=each.id, step=AdvanceStep.APPLIED, amount=money(each.amount, report.currency)
            )
            for each in report.applied_advance_wallets or ()
        )


def employee_of(report: wire.Report) -> str:
    """The code that HR and the ERP know the person by; without one, Fyle's own id."""
    return label(report.employee.code or "") or report.employee.id


def _approval(report: wire.Report) -> Approval:
    """Who approved last. The submitter himself is named as one only if nobody else approved."""
    done = [each for each in report.approvals if each.state == _APPROVED]
    done.sort(key=lambda each: each.approver_order or 0)
    others = [each for each in done if each.approver_user_id != report.user_id]
    approver: str | None = None
    if others:
        last = others[-1]
        by_itself = _BY_ITSELF if last.approver_type == _BY_ITSELF else None
        approver = last.approver_user_id or by_itself
    elif done:
        # In the words in which the report names its submitter, so that the two can be compared.
        approver = employee_of(report)
    return Approval(approver=approver, approved_at=report.last_approved_at)


def _unreadable(record: RawRecord, raw: str, trouble: str) -> SourceRecord[ExpenseReport]:
    """Keep of a report that cannot be read whatever can: which, whose, when, whether approved."""
    members = _members(record)
    employee = members.get("employee")
    code = employee.get("code") or employee.get("id") if isinstance(employee, dict) else None
    state = _tried(wire.ReportState, members.get("state"))
    return SourceRecord(
        source_id=id_in(record),
        raw=raw,
        trouble=trouble,
        document_id=id_in(record),
        employee=label(code) or None if isinstance(code, str) else None,
        approved=None if state is None else released(state),
        changed_at=stamp_of(record),
    )


def _kept(record: RawRecord, expenses: Sequence[RawRecord]) -> str:
    """The report with its expenses inside, as the inbox keeps it and `reports_on` reads it."""
    text = record.text
    if expenses and text.endswith("}") and "expenses" not in _members(record):
        text = f'{text[:-1]},"expenses":[{",".join(each.text for each in expenses)}]}}'
    return storable(text[:RAW_CHARS_MAX])


def _members(record: RawRecord) -> Mapping[str, Any]:
    return record.value if isinstance(record.value, dict) else {}


def _tried(read: Callable[[Any], V], value: object) -> V | None:
    try:
        return read(value)
    except (ValueError, TypeError):
        return None
