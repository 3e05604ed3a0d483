"""Attestation: whether the ERP shows exactly what was sent."""

from canonical.base import Canonical
from canonical.billing import CustomerInvoice
from canonical.expense_document import ExpenseDocument
from canonical.journal import JournalEntry
from canonical.posting import PostedDocument, PostingIntent, TimeLine


def agrees(intent: PostingIntent, document: PostedDocument) -> bool:
    """Compare field by field; words are for people, and an ERP may cut them."""
    match intent.body, document.body:
        case TimeLine() as sent, TimeLine() as shown:
            return _same_time(sent, shown)
        case ExpenseDocument() as sent, ExpenseDocument() as shown:
            return as_shown(sent) == as_shown(shown)
        case CustomerInvoice() as sent, CustomerInvoice() as shown:
            return _without_words(sent) == _without_words(shown)
        case JournalEntry() as sent, JournalEntry() as shown:
            return _without_labels(sent) == _without_labels(shown)
        case _:
            return False


def _same_time(sent: TimeLine, shown: TimeLine) -> bool:
    return (
        sent.legal_entity == shown.legal_entity
        and sent.employee == shown.employee
        and sent.task == shown.task
        and sent.work_date == shown.work_date
        and sent.seconds == shown.seconds
    )


def _without_words(body: CustomerInvoice) -> CustomerInvoice:
    words = {"label": "", "tax_note": "", "exchange": "", "reason": ""}
    lines = (line.model_copy(update=words) for line in body.lines)
    return body.model_copy(update={"lines": tuple(sorted(lines, key=_in_one_order))})


def _without_labels(body: JournalEntry) -> JournalEntry:
    lines = (line.model_copy(update={"label": ""}) for line in body.lines)
    return body.model_copy(update={"lines": tuple(sorted(lines, key=_in_one_order))})


def as_shown(body: ExpenseDocument) -> ExpenseDocument:
    """A document in one order, without words and without what only we know of its lines."""
    lines = (
        line.model_copy(update={"label": "", "item": None, "allocation": None})
        for line in body.lines
    )
    return body.model_copy(
        update={
            "lines": tuple(sorted(lines, key=_in_one_order)),
            "disbursements": tuple(sorted(body.disbursements, key=_in_one_order)),
        }
    )


def _in_one_order(part: Canonical) -> str:
    return part.model_dump_json()
