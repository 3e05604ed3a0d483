"""Concur's documents and ours: pure functions, no request and no clock."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar

from canonical.expense import (
    ExpenseItem,
    ExpenseReport,
    Mileage,
    PerDiem,
    Receipt,
)
from canonical.money import Money
from canonical.text import label
from canonical.time_entry import Approval
from connectors.base.capabilities import SourceRecord
from connectors.base.dates import day_in, moment_of
from connectors.base.records import RawRecord, parsed, raw_page, trouble_of
from connectors.concur import advance_mapping, wire
from connectors.concur.allocation_mapping import allocations_of, money, payees_of, rate
from connectors.concur.reading import Reading

# A document in one of these states is no longer approved, or not yet.
_NOT_APPROVED: Final = frozenset(
    {"DELAYED", "RECALLED", "VOID", "CANCEL", "PENDING_SYSTEM_REFRESH"}
)
_LISTS: Final = ("content", "fIDocuments")
_NOTE_MAX: Final = 4000
_NAME_MAX: Final = 250
_ID_MAX: Final = 120
_DIRECTIONS: Final[Mapping[str | None, Literal["multiply", "divide"]]] = {
    None: "multiply",
    "M": "multiply",
    "D": "divide",
}

V = TypeVar("V")


def raw_documents(body: bytes) -> tuple[RawRecord, ...]:
    """Take a page apart; both names of its list were seen.

    A single document as people keep one is a page too. Raises ValueError for anything else.
    """
    first: ValueError | None = None
    for name in _LISTS:
        try:
            return raw_page(body, name).records
        except ValueError as error:
            first = first or error
    assert first is not None
    alone = _single(body)
    if alone is None:
        raise first
    return (alone,)


def _single(body: bytes) -> RawRecord | None:
    """One document that stands alone, recognised by the members that every one has."""
    wrapped = b'{"content":[' + body + b"]}"
    try:
        (record,) = raw_page(wrapped, "content").records
    except ValueError:
        return None
    value = record.value
    return record if isinstance(value, dict) and {"id", "docType"} <= value.keys() else None


def source_records(body: bytes, reading: Reading) -> tuple[SourceRecord[ExpenseReport], ...]:
    """Read a page; raises ValueError if it is none, never for the content of a document."""
    return tuple(
        source_record(record, parsed(record, wire.FinancialDocument), reading)
        for record in raw_documents(body)
    )


def source_record(
    record: RawRecord, document: wire.FinancialDocument | str, reading: Reading
) -> SourceRecord[ExpenseReport]:
    """Turn one document into what the intake takes; never raises for its content."""
    if isinstance(document, str):
        return _unreadable(record, document)
    try:
        report = report_from(document, reading)
    except ValueError as error:
        return _unreadable(record, trouble_of(error), document)
    return SourceRecord(
        source_id=report.id,
        raw=record.kept,
        record=report,
        document_id=report.id,
        employee=report.employee,
        work_date=report.report_date,
        approved=report.approval is not None,
        changed_at=report.changed_at,
    )


def approved(document: wire.FinancialDocument) -> bool:
    """Whether it stands: Concur queues what all approvers approved, until it is recalled."""
    return document.doc_status not in _NOT_APPROVED


def report_from(document: wire.FinancialDocument, reading: Reading) -> ExpenseReport:
    """Turn a document into a report of ours; raises ValueError, never with a person's words."""
    if document.doc_type == wire.EXPENSE:
        content = wire.ExpenseDocument.model_validate(document.document)
        return _expense_report(document, content, reading)
    if document.doc_type == wire.CASH_ADVANCE:
        advance = wire.AdvanceDocument.model_validate(document.document)
        return advance_mapping.report_from(
            document, advance, reading.connection, is_approved=approved(document)
        )
    raise ValueError("docType: only expense and cashadvance are read")


def _expense_report(
    document: wire.FinancialDocument, content: wire.ExpenseDocument, reading: Reading
) -> ExpenseReport:
    head = content.report
    currency = head.employee_currency_alpha_code
    day = _report_date(content)
    ready_at = head.report_payment_processing_date
    stamp = ready_at or head.report_submit_date or head.report_creation_date
    return ExpenseReport(
        connection=reading.connection,
        id=document.id,
        number=head.report_number or head.report_id,
        name=(head.report_name or "")[:_NAME_MAX],
        employee=content.employee.employee_id,
        legal_entity=head.codes.get(reading.legal_entity_field),
        cost_centre=head.codes.get(reading.cost_centre_field),
        home_country=head.home_country_code,
        currency=currency,
        report_date=day,
        submitted_at=head.report_submit_date,
        items=tuple(_item(entry, head, reading) for entry in content.expense_entry),
        advances=advance_mapping.uses_of(content, currency),
        total=(
            None
            if head.total_approved_amount is None
            else money(head.total_approved_amount, currency, "totalApprovedAmount")
        ),
        approval=(
            Approval(
                approver=head.last_approver_id,
                approved_at=ready_at,
                revision=head.revision_number,
            )
            if approved(document)
            else None
        ),
        changed_at=stamp or datetime(day.year, day.month, day.day, tzinfo=UTC),
    )


def _report_date(content: wire.ExpenseDocument) -> date:
    """The date that the submitter gave the report, or the nearest to it that there is."""
    head = content.report
    stamp = head.report_submit_date or head.report_creation_date
    latest = max((entry.entry_date for entry in content.expense_entry), default=None)
    day = head.report_user_defined_date or (stamp.date() if stamp else latest)
    if day is None:
        raise ValueError("report: has no date at all")
    return day


def _item(entry: wire.Entry, head: wire.Report, reading: Reading) -> ExpenseItem:
    currency = head.employee_currency_alpha_code
    where = f"entry {label(entry.entry_id or '-')}"
    try:
        return _item_in(entry, head, reading, currency)
    except ValueError as error:
        raise ValueError(f"{where}: {trouble_of(error)}") from None


def _item_in(entry: wire.Entry, head: wire.Report, reading: Reading, currency: str) -> ExpenseItem:
    paid_by, owed_to = payees_of(entry, reading.company_paid)
    allocations = allocations_of(entry, head, reading, owed_to)
    approved_amount = money(entry.entry_approved_amount, currency, "entryApprovedAmount")
    amount = approved_amount
    if entry.entry_is_personal:
        amount = sum((one.gross for one in allocations if one.gross), Money.zero(currency))
    transaction = _transaction(entry, amount)
    in_other_currency = transaction.currency != currency
    return ExpenseItem(
        id=entry.entry_id,
        type_code=entry.expense_type_code,
        type_name=(entry.expense_type_name.strip() or entry.expense_type_code)[:_NAME_MAX],
        transaction_date=entry.entry_date,
        paid_by=paid_by,
        owed_to=owed_to,
        billable=bool(entry.entry_is_billable),
        personal=entry.entry_is_personal,
        has_receipt=entry.entry_receipt_type in {"R", "T"},
        tax_receipt=entry.entry_receipt_type == "T",
        country=entry.entry_country_code,
        approved=approved_amount,
        amount=amount,
        transaction=transaction,
        settled=_settled(entry),
        exchange_rate=rate(entry.entry_exchange_rate) if in_other_currency else None,
        exchange_direction=_direction(entry.entry_exchange_rate_direction),
        allocations=allocations,
        mileage=_mileage(entry, reading),
        per_diem=_per_diem(entry, reading),
        receipts=_receipts(entry),
        vendor=(entry.entry_vendor_description or "")[:_NAME_MAX],
        note=(entry.entry_description or "")[:_NOTE_MAX],
    )


def _transaction(entry: wire.Entry, amount: Money) -> Money:
    """What the receipt says; old documents leave it out where it says nothing new."""
    currency = entry.entry_curr_alpha_code or amount.currency
    spent = entry.report_entry_transaction_amount
    if (
        spent is None
        and currency != amount.currency
        and currency == entry.card_transaction_currency
    ):
        spent = entry.card_transaction_amount
    return amount if spent is None else money(spent, currency, "reportEntryTransactionAmount")


def _settled(entry: wire.Entry) -> Money | None:
    """What the card's feed says was charged for this entry, of a charge that may be split.

    The amounts are in the card's billing currency; without its name they say nothing.
    """
    rows = [row for one in entry.allocation for row in one.journal]
    amounts = [row.amount_gross_card for row in rows if row.amount_gross_card is not None]
    charged_in = entry.card_transaction_posted_currency
    if not amounts or charged_in is None:
        return None
    return money(sum(amounts, Decimal(0)), charged_in, "amountGrossCard")


def _direction(code: str | None) -> Literal["multiply", "divide"]:
    direction = _DIRECTIONS.get(code)
    if direction is None:
        raise ValueError("entryExchangeRateDirection: neither M nor D")
    return direction


def _mileage(entry: wire.Entry, reading: Reading) -> Mileage | None:
    driven = entry.mileage
    if driven is None or driven.total_distance is None:
        return None
    business = driven.total_distance - (driven.personal_distance or Decimal(0))
    return Mileage(distance=business, unit=reading.distance_unit)


def _per_diem(entry: wire.Entry, reading: Reading) -> PerDiem | None:
    if entry.expense_type_code not in reading.per_diem_types:
        return None
    return PerDiem(place=label(entry.entry_location_name or entry.entry_country_code or "-"))


def _receipts(entry: wire.Entry) -> tuple[Receipt, ...]:
    ids = (entry.entry_receipt_id, entry.entry_electronic_receipt_id)
    return tuple(Receipt(id=one) for one in ids if one)


def _unreadable(
    record: RawRecord, trouble: str, document: wire.FinancialDocument | None = None
) -> SourceRecord[ExpenseReport]:
    """Keep of a document that cannot be read whatever can: which, whose, when, and its state."""
    value: Mapping[str, Any] = record.value if isinstance(record.value, dict) else {}
    content = document.document if document else value.get("document")
    inner: Mapping[str, Any] = content if isinstance(content, dict) else {}
    head, who = _within(inner, "report"), _within(inner, "employee", "employeeData")
    source_id = document.id if document else _id_of(value.get("id"))
    return SourceRecord(
        source_id=source_id,
        raw=record.kept,
        trouble=trouble,
        document_id=source_id,
        employee=_id_of(who.get("employeeId")),
        work_date=_first(day_in, [head.get("reportUserDefinedDate")]),
        approved=approved(document) if document else None,
        changed_at=_first(
            moment_of,
            [head.get("reportPaymentProcessingDate"), head.get("reportSubmitDate")],
        ),
    )


def _within(content: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found = (content.get(name) for name in names)
    return next((one for one in found if isinstance(one, dict)), {})


def _id_of(value: object) -> str | None:
    """Take an id out of a record that is wrong elsewhere; only what can be stored as one."""
    if not isinstance(value, str) or not value or len(value) > _ID_MAX:
        return None
    return value if value.isprintable() else None


def _first(read: Callable[[Any], V], values: Iterable[object]) -> V | None:
    for value in values:
        try:
            return read(value)
        except ValueError:
            continue
    return None
