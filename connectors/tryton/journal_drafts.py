"""Journal entries as the moves to be created in Tryton."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from canonical.journal import JournalLine
from canonical.posting import PostingIntent, PostingKind
from connectors.base.errors import RejectedError
from connectors.tryton.document_wire import decimal_on_wire
from connectors.tryton.journal_reading import taking_back_text
from connectors.tryton.journal_wire import MOVE
from connectors.tryton.mapping import id_of, one_line, reference_in
from connectors.tryton.wire import date_on_wire

_ADD: Final = "create"
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JournalBooks:
    """What the codes of one journal entry are in Tryton, as ids."""

    company: int
    journal: int
    period: int
    accounts: Mapping[str, int]
    # The move that is taken back.
    original: int | None


def entry_date_of(intent: PostingIntent) -> date:
    """When it counts; what takes an entry back counts by its own decision about the period."""
    if intent.kind is PostingKind.REVERSAL:
        return intent.period.posting_date
    return intent.journal_entry.entry_date


def move_values(intent: PostingIntent, books: JournalBooks) -> Values:
    """Make the draft of one entry, whole, as one record to create."""
    sign = -1 if books.original is not None else 1
    return {
        "company": books.company,
        "journal": books.journal,
        "period": books.period,
        "date": date_on_wire(entry_date_of(intent)),
        "description": description_of(intent),
        # As Tryton's own cancelling moves name what they cancel.
        "origin": None if books.original is None else f"{MOVE},{books.original}",
        "lines": [[_ADD, [_line(line, sign, books) for line in intent.journal_entry.lines]]],
    }


def description_of(intent: PostingIntent) -> str:
    """The reference first, then what people know the entry by."""
    if reference_in(intent.reference) != intent.reference:
        raise RejectedError("reference_unfit", "the reference would not be found again")
    body = intent.journal_entry
    text = f"{intent.reference} {one_line(body.description)}"
    if intent.kind is PostingKind.REVERSAL:
        text += taking_back_text(body.entry_date, entry_date_of(intent))
    return text


def _line(line: JournalLine, sign: int, books: JournalBooks) -> Values:
    amount = sign * line.amount
    nothing = amount * 0
    return {
        "account": books.accounts[line.account],
        "debit": decimal_on_wire(max(amount, nothing)),
        "credit": decimal_on_wire(max(-amount, nothing)),
        "party": None if line.party is None else id_of(line.party, "party"),
        "description": one_line(line.label) or None,
    }
