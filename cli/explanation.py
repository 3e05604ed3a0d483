"""What would be posted for a source's documents and why, in one form for all sources."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from canonical.exact import decimal_text
from canonical.expense import ExpenseReport
from canonical.hours import hours_from_seconds, value_of
from canonical.money import NO_CURRENCY, Money
from canonical.time_entry import TimeEntry
from connectors.base.capabilities import SourceRecord
from rules.expense_lines import ExpensePosting, PostingLine
from rules.expense_posting import post_report
from rules.expense_record import RecordRow, posting_record
from rules.policies import Policies

_TIME_RULE: Final = ("time-value", "1")


@dataclass(frozen=True, slots=True)
class Why:
    """A rule that decided a line, in its version, and what it went by."""

    rule: str
    version: str
    why: str


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One line, by the name that people know its account by; `amount` is never below nothing."""

    account: str
    role: str
    side: str
    amount: str
    currency: str
    whys: tuple[Why, ...]
    # What is known beside: the ERP's codes, the source's ids, and parts where there are several.
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One document; it can be posted if nothing is wrong with it."""

    id: str
    kind: str
    number: str
    lines: tuple[ExplainedLine, ...] = ()
    problems: tuple[Mapping[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def can_be_posted(self) -> bool:
        """Whether it would be posted as it is; whether the ERP takes it, only the ERP knows."""
        return not self.problems


def explain_page(
    records: Sequence[SourceRecord[Any]], policies: Policies
) -> tuple[Explanation, ...]:
    """Explain every document of a page, in order; time entries by their timesheet."""
    explained: list[Explanation] = []
    timesheets: dict[str, list[SourceRecord[TimeEntry]]] = {}
    for number, record in enumerate(records, start=1):
        if record.record is None:
            explained.append(_unreadable(record, number))
        elif isinstance(record.record, TimeEntry):
            timesheets.setdefault(record.record.timesheet, []).append(record)
        elif isinstance(record.record, ExpenseReport):
            explained.append(explain_report(record.record, policies))
    explained += [_timesheet(name, entries) for name, entries in timesheets.items()]
    return tuple(explained)


def explain_report(report: ExpenseReport, policies: Policies) -> Explanation:
    """Explain an expense report by its posting record."""
    posting = post_report(report, policies.of(report.legal_entity or "").expense)
    problems = [
        {"cause": one.cause.value, "subject": one.subject, "sentence": one.sentence}
        for one in posting.problems
    ]
    if report.approval is None:
        problems.insert(0, _not_approved(f"Report {report.number}"))
    return Explanation(
        id=report.id,
        kind="expense_report",
        number=report.number,
        lines=tuple(_line(row) for row in posting_record(posting)),
        problems=tuple(problems),
        warnings=posting.warnings,
        more=_more_of(report, posting),
    )


def as_json(explanations: Sequence[Explanation], connection: str) -> dict[str, Any]:
    """Everything, for programs; the lines of a single document also stand at the top."""
    documents = [_document(one) for one in explanations]
    alone = documents[0] if len(documents) == 1 else {}
    return {
        "connection": connection,
        "can_be_posted": bool(documents) and all(one.can_be_posted for one in explanations),
        **{name: alone[name] for name in ("lines", "rules") if name in alone},
        "documents": documents,
    }


def _document(one: Explanation) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "number": one.number,
        "can_be_posted": one.can_be_posted,
        **one.more,
        "lines": [_line_json(line) for line in one.lines],
        "rules": _rules_of(one.lines),
        "problems": list(one.problems),
        "warnings": list(one.warnings),
    }


def _line_json(line: ExplainedLine) -> dict[str, Any]:
    return {
        "account": line.account,
        "role": line.role,
        "side": line.side,
        "amount": line.amount,
        "currency": line.currency,
        "rules": [{"rule": one.rule, "version": one.version, "why": one.why} for one in line.whys],
        **line.more,
    }


def _rules_of(lines: Iterable[ExplainedLine]) -> list[dict[str, str]]:
    """The rules that decided the lines, each once, in the order in which they come first."""
    found = dict.fromkeys((why.rule, why.version) for line in lines for why in line.whys)
    return [{"rule": rule, "version": version} for rule, version in found]


def _more_of(report: ExpenseReport, posting: ExpensePosting) -> dict[str, Any]:
    return {
        "employee": report.employee,
        "currency": report.currency,
        "document_date": report.latest_date.isoformat(),
        "payable": decimal_text(posting.payable.amount),
        "residual": decimal_text(posting.residual.amount),
        "policy_version": posting.policy_version,
        "recharges": [
            {
                "project": one.project,
                "item": one.item,
                "date": one.incurred_date.isoformat(),
                "amount": decimal_text(one.amount.amount),
            }
            for one in posting.recharges
        ],
    }


def _line(row: RecordRow) -> ExplainedLine:
    first = row.lines[0]
    more: dict[str, Any] = {
        "account_code": first.account,
        "item": first.item,
        "allocation": first.allocation,
        "cost_centre": first.cost_centre,
        "project": first.project,
        "tax_code": first.tax_code,
        "tax": first.tax_name or None,
    }
    if len(row.lines) > 1:
        more["parts"] = [_part(one) for one in row.lines]
    return ExplainedLine(
        account=row.label,
        role=row.role.value,
        side=row.side,
        amount=_written(row.amount),
        currency=row.amount.currency,
        whys=_whys(row.lines),
        more={name: value for name, value in more.items() if value is not None},
    )


def _part(line: PostingLine) -> dict[str, str]:
    return {"role": line.role.value, "side": line.side, "amount": _written(line.amount)}


def _whys(lines: Sequence[PostingLine]) -> tuple[Why, ...]:
    found = dict.fromkeys((line.rule, line.why) for line in lines)
    return tuple(Why(rule.code, rule.version, why) for rule, why in found)


def _written(amount: Money) -> str:
    return decimal_text(abs(amount.amount))


def _unreadable(record: SourceRecord[Any], number: int) -> Explanation:
    name = record.source_id or f"number {number} of the page"
    return Explanation(
        id=record.source_id or "",
        kind="unreadable",
        number=name,
        problems=(
            {
                "cause": "unreadable_line",
                "subject": name,
                "sentence": f"Document {name} cannot be read: {record.trouble}",
            },
        ),
    )


def _not_approved(what: str) -> dict[str, str]:
    return {
        "cause": "not_approved",
        "subject": what,
        "sentence": f"{what} is not approved in its source, so nothing is posted for it.",
    }


def _timesheet(name: str, records: Sequence[SourceRecord[TimeEntry]]) -> Explanation:
    entries = [record.record for record in records if record.record is not None]
    approved = [entry for entry in entries if entry.approval is not None]
    waiting = len(entries) - len(approved)
    return Explanation(
        id=name,
        kind="timesheet",
        number=name,
        lines=tuple(_time_line(entry) for entry in approved),
        problems=() if approved else (_not_approved(f"Timesheet {name}"),),
        warnings=(f"{waiting} entries are not approved and are not posted",) if waiting else (),
        more={"employee": entries[0].employee},
    )


def _time_line(entry: TimeEntry) -> ExplainedLine:
    """Work is posted by its hours; what it is worth is shown beside, at the source's bill rate."""
    rate = entry.bill_rate if entry.billable else None
    worth = value_of(entry.seconds, rate) if rate else Money.zero(NO_CURRENCY)
    hours = decimal_text(hours_from_seconds(entry.seconds))
    at = f"at {decimal_text(rate.amount)}" if rate else "not billable"
    rule, version = _TIME_RULE
    return ExplainedLine(
        account=f"Task {entry.task}",
        role="time",
        side="credit" if worth.amount < 0 else "debit",
        amount=_written(worth),
        currency=worth.currency,
        whys=(Why(rule, version, f"{hours} hours, {at}"),),
        more={"item": entry.id, "hours": hours, "work_date": entry.work_date.isoformat()},
    )
