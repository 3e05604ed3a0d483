"""Journal entries as lines of a batch, and as the ledger entries that become of them; no I/O.

A ledger entry has a document number of 20 characters and a text, and nothing else of ours. The
number is our reference without its first letter, and the text says which line of how many it is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.exact import round_to
from canonical.identity import REFERENCE_LENGTH, REFERENCE_PREFIX
from canonical.journal import JournalEntry, JournalLine
from canonical.money import minor_units
from canonical.posting import PostedDocument, PostingIntent, PostingKind
from connectors.base.errors import RejectedError
from connectors.business_central import wire
from connectors.business_central.ids import DocumentId
from connectors.business_central.time_register import one_line

ENTRIES: Final = "generalLedgerEntries"
# What parts the description from the rest of a ledger entry's text.
MARK: Final = " | "
_CODE_MAX: Final = 10
_TEXT_MAX: Final = 100
_TEXT: Final = re.compile(
    r"(?P<description>.+?)"
    r"(?: \(takes back (?P<original>\d{4}-\d\d-\d\d) on (?P<booked>\d{4}-\d\d-\d\d)\))?"
    r" \| (?P<number>\d+)/(?P<count>\d+)(?: (?P<label>[^|]*))?",
    re.ASCII | re.DOTALL,
)
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Text:
    """What the text of a ledger entry says."""

    description: str
    original: str | None
    booked: str | None
    number: int
    count: int
    label: str


def entry_date_of(intent: PostingIntent) -> date:
    """When it counts; what takes an entry back counts by its own decision about the period."""
    if intent.kind is PostingKind.REVERSAL:
        return intent.period.posting_date
    return intent.journal_entry.entry_date


def batch_values(intent: PostingIntent) -> Values:
    """The batch that is posted as one; its code can exist once only."""
    name = f"{intent.reference} {intent.journal_entry.description}"
    return {"code": batch_code(intent.reference), "displayName": name[:_TEXT_MAX].strip()}


def batch_code(reference: str) -> str:
    """The code of the batch of a reference."""
    return reference[:_CODE_MAX]


def document_number(reference: str) -> str:
    """The document number of a reference."""
    if len(reference) != REFERENCE_LENGTH or not reference.startswith(REFERENCE_PREFIX):
        raise RejectedError("reference_unfit", "the reference would not be found again")
    return reference.removeprefix(REFERENCE_PREFIX)


def line_values(intent: PostingIntent) -> list[Values]:
    """The lines of the batch, in order."""
    body = intent.journal_entry
    sign = -1 if intent.kind is PostingKind.REVERSAL else 1
    count = len(body.lines)
    return [
        {
            "accountNumber": line.account,
            "postingDate": entry_date_of(intent).isoformat(),
            "documentNumber": document_number(intent.reference),
            "externalDocumentNumber": intent.reference,
            "amount": sign * line.amount,
            "description": _text(intent, number, count, line),
        }
        for number, line in enumerate(body.lines, 1)
    ]


def _text(intent: PostingIntent, number: int, count: int, line: JournalLine) -> str:
    if line.party is not None:
        raise RejectedError(
            "party_unsupported", "an account that keeps a party is not posted to by the API"
        )
    said = one_line(intent.journal_entry.description)
    if intent.kind is PostingKind.REVERSAL:
        original, booked = intent.journal_entry.entry_date, entry_date_of(intent)
        said = f"{said} (takes back {original} on {booked})"
    text = f"{said}{MARK}{number}/{count}"
    if len(text) > _TEXT_MAX:
        raise RejectedError("text_too_long", "the description does not fit the ledger's text")
    return f"{text} {one_line(line.label).replace('|', '/')}"[:_TEXT_MAX].strip()


def fits(intent: PostingIntent, lines: Iterable[wire.JournalLine]) -> bool:
    """Whether a batch that is not posted says exactly what is meant."""
    wanted = [
        (
            one["accountNumber"],
            one["postingDate"],
            one["documentNumber"],
            one["externalDocumentNumber"],
            one["amount"],
            one["description"],
        )
        for one in line_values(intent)
    ]
    there = [
        (
            line.account_number,
            line.posting_date.isoformat() if line.posting_date else "",
            line.document_number,
            line.external_document_number,
            line.amount,
            line.description,
        )
        for line in sorted(lines, key=lambda line: line.line_number)
    ]
    return there == wanted


def documents_of(
    company: str, currency: str, rows: Sequence[wire.LedgerEntry]
) -> list[PostedDocument]:
    """Put ledger entries together again; ValueError if one of ours cannot be read exactly.

    Each document begins with its first line: of what was posted twice, there are two.
    """
    found: list[list[tuple[wire.LedgerEntry, _Text]]] = []
    for row in sorted(rows, key=lambda row: row.entry_number):
        text = _read_text(row.description)
        if text.number == 1:
            found.append([])
        if not found or (found[-1] and found[-1][0][0].document_number != row.document_number):
            raise ValueError(f"ledger entry {row.id} has lost its first line")
        found[-1].append((row, text))
    return [_document(company, currency, parts) for parts in found]


def _document(
    company: str, currency: str, parts: Sequence[tuple[wire.LedgerEntry, _Text]]
) -> PostedDocument:
    first, said = parts[0]
    if len(parts) != said.count or first.posting_date is None:
        raise ValueError(f"of document {first.document_number} not every line is there")
    as_decided = said.booked == first.posting_date.isoformat()
    original = date.fromisoformat(said.original) if said.original and as_decided else None
    sign = -1 if said.original else 1
    body = JournalEntry(
        legal_entity=company,
        entry_date=original or first.posting_date,
        currency=currency,
        description=said.description,
        lines=tuple(
            JournalLine(
                account=row.account_number,
                amount=_exactly(sign * (row.debit_amount - row.credit_amount), currency),
                label=text.label,
            )
            for row, text in parts
        ),
    )
    return PostedDocument(
        document_id=str(DocumentId(company, ENTRIES, first.id)),
        reference=REFERENCE_PREFIX + first.document_number,
        body=body,
    )


def is_ours(row: wire.LedgerEntry) -> bool:
    """Whether a ledger entry has the form of ours."""
    return (
        len(row.document_number) == REFERENCE_LENGTH - 1
        and _TEXT.fullmatch(row.description) is not None
    )


def _read_text(description: str) -> _Text:
    found = _TEXT.fullmatch(description)
    if found is None:
        raise ValueError("a ledger entry of ours whose text was changed")
    return _Text(
        found["description"],
        found["original"],
        found["booked"],
        int(found["number"]),
        int(found["count"]),
        found["label"] or "",
    )


def _exactly(amount: Decimal, currency: str) -> Decimal:
    exact = round_to(amount, minor_units(currency))
    if exact != amount:
        raise ValueError("an amount that the currency cannot express")
    return exact
