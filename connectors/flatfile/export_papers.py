"""Documents as files: what we mean to post, as JSON that an import reads, and back again."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.billing import CustomerInvoice
from canonical.exact import decimal_text, exact_decimal
from canonical.expense_document import ExpenseDocument
from canonical.journal import JournalEntry
from canonical.posting import PostedDocument, PostingBody, PostingIntent, PostingKind, TimeLine
from connectors.base.dates import day_of
from connectors.flatfile.export_shelf import Paper

FORMAT: Final = "flatfile_document/v1"
_BODIES: Final[Mapping[str, type[TimeLine | ExpenseDocument | CustomerInvoice | JournalEntry]]] = {
    body.CONTRACT: body for body in (TimeLine, ExpenseDocument, CustomerInvoice, JournalEntry)
}
# What is turned in the opposite of a document: members, and members of the members of a list.
_AMOUNTS: Final = {
    TimeLine.CONTRACT: ("seconds",),
    ExpenseDocument.CONTRACT: ("lines.amount", "lines.tax_base", "disbursements.amount"),
    CustomerInvoice.CONTRACT: ("lines.amount", "lines.seconds"),
    JournalEntry.CONTRACT: ("lines.amount",),
}


class PaperError(ValueError):
    """A file that is no document of ours; says why, without a value of it."""


def paper_of(intent: PostingIntent) -> Paper:
    """Write a posting as a document; what takes one back is its opposite, on its own day."""
    body = intent.body.model_dump(mode="json")
    turned = intent.kind is PostingKind.REVERSAL
    written = {
        "format": FORMAT,
        "reference": intent.reference,
        "kind": intent.kind.value,
        "legal_entity": intent.legal_entity,
        "posting_date": posting_date_of(intent).isoformat(),
        "period": intent.period.period,
        "dimensions": {one.name: one.value for one in intent.dimensions},
        "takes_back": intent.corrects_document if turned else None,
        "contract": intent.body.CONTRACT,
        "document": _opposite(intent.body.CONTRACT, body) if turned else body,
    }
    text = json.dumps(written, ensure_ascii=False, indent=1)
    return Paper(intent.reference, text.encode() + b"\n")


def posting_date_of(intent: PostingIntent) -> date:
    """When it counts; what takes a document back counts by its own decision about the period."""
    body = intent.body
    if intent.kind is PostingKind.REVERSAL:
        return intent.period.posting_date
    match body:
        case ExpenseDocument():
            return body.posting_date
        case CustomerInvoice():
            return body.invoice_date
        case JournalEntry():
            return body.entry_date
        case TimeLine():
            return intent.period.posting_date


class PostedPaper:
    """A document of ours as it stands in its file now."""

    def __init__(self, paper: Paper) -> None:
        """Read it; raises PaperError if it is none, or another one's."""
        value = _json_object(paper.data)
        if value.get("format") != FORMAT or value.get("reference") != paper.reference:
            raise PaperError(f"it is not the {FORMAT} of its name")
        self.reference: Final = paper.reference
        self.taken_back: Final = value.get("kind") == PostingKind.REVERSAL.value
        contract, body = value.get("contract"), value.get("document")
        if not isinstance(contract, str) or contract not in _BODIES or not isinstance(body, dict):
            raise PaperError("it is of no contract of ours")
        self.entity: Final = str(value.get("legal_entity"))
        self.period: Final = str(value.get("period"))
        self.takes_back: Final = str(value.get("takes_back") or "")
        try:
            self.posting_date: Final = day_of(value.get("posting_date"))
            original = _opposite(contract, body) if self.taken_back else body
            self.body: Final[PostingBody] = _BODIES[contract].model_validate_json(
                json.dumps(original)
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise PaperError(
                f"its content is not as it was written ({type(error).__name__})"
            ) from None

    @property
    def document(self) -> PostedDocument:
        """As it is shown to whoever asks; the opposite shows what it takes back."""
        return PostedDocument(document_id=self.reference, reference=self.reference, body=self.body)

    @property
    def counts_on(self) -> date:
        """The day by which it is found: of the work, or the day that it is posted on."""
        return self.body.work_date if isinstance(self.body, TimeLine) else self.posting_date


def _opposite(contract: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The same document with every amount turned; the opposite of which is the document."""
    turned = dict(body)
    for path in _AMOUNTS[contract]:
        name, _, member = path.partition(".")
        if not member:
            turned[name] = -turned[name]
            continue
        turned[name] = [{**each, member: _turned(each[member])} for each in turned[name]]
    return turned


def _turned(value: Any) -> Any:
    match value:
        case None:
            return None
        case int():
            return -value
        case _:
            amount = exact_decimal(value)
            return decimal_text(amount if amount == Decimal(0) else amount.copy_negate())


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data, parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        # Also where a number has decimals: an amount is text.
        raise PaperError("it is no JSON of ours") from None
    if not isinstance(value, dict):
        raise PaperError("it is no JSON object")
    return value


def _no_number(_digits: str) -> Any:
    raise ValueError("a number with decimals")
