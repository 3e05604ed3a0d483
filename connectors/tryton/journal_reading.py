"""Tryton's moves as our journal entries: what they read as, whole."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.exact import round_to
from canonical.journal import JournalEntry, JournalLine
from canonical.money import minor_units
from canonical.posting import PostedDocument
from connectors.tryton.document_wire import DRAFT, POSTED
from connectors.tryton.journal_wire import MOVE, JournalLineRow, JournalMoveRow
from connectors.tryton.mapping import reference_in
from connectors.tryton.wire import row_from

_LABEL_MAX: Final = 250
# What stands behind the description of an entry that takes another one back.
_TAKING_BACK: Final = re.compile(
    r" \(takes back (?P<original>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r" on (?P<booked>[0-9]{4}-[0-9]{2}-[0-9]{2})\)$",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class MovePaper:
    """A move with a reference of ours, in whatever state; `body` is None if unreadable.

    What takes another entry back has its signs turned, so that it reads like that entry.
    """

    id: int
    state: str
    reference: str
    body: JournalEntry | None
    date: date
    journal: int
    # Of the move that it takes back.
    reverses: int | None

    @property
    def booked(self) -> bool:
        """Whether it counts."""
        return self.state == POSTED

    @property
    def draft(self) -> bool:
        """Whether it is not booked yet, and could be."""
        return self.state == DRAFT

    @property
    def document(self) -> PostedDocument:
        """It as a document; ValueError if it cannot be read exactly."""
        if self.body is None:
            raise ValueError(f"record {self.id}: the journal entry cannot be read exactly")
        return PostedDocument(document_id=str(self.id), reference=self.reference, body=self.body)


def comparable(body: JournalEntry) -> tuple[Any, ...]:
    """Bring a body to a form in which what was sent and what is shown are equal, or differ."""
    lines = sorted((line.account, line.amount, line.party or "") for line in body.lines)
    return (body.legal_entity, body.entry_date, body.currency, body.description, lines)


def taking_back_text(original: date, booked: date) -> str:
    """Say which day the entry had that is taken back, and on which day that counts."""
    return f" (takes back {original.isoformat()} on {booked.isoformat()})"


def paper_from(value: Any) -> MovePaper:
    """Read a move; ValueError if not even its id, state and reference can be read."""
    row = row_from(JournalMoveRow, value)
    model, _, number = (row.origin or "").partition(",")
    reverses = int(number) if model == MOVE and number.isdecimal() else None
    try:
        body = _body(row, takes_back=reverses is not None)
    except ValueError:
        body = None
    return MovePaper(
        id=row.id,
        state=row.state,
        reference=reference_in(row.description),
        body=body,
        date=row.date,
        journal=row.journal,
        reverses=reverses,
    )


def _body(row: JournalMoveRow, *, takes_back: bool) -> JournalEntry:
    text = (row.description or "").removeprefix(reference_in(row.description)).strip()
    entry_date = row.date
    if takes_back:
        found = _TAKING_BACK.search(f" {text}")
        # Another day than was decided: it shows as what it is, and does not agree.
        if found and found["booked"] == row.date.isoformat():
            entry_date = date.fromisoformat(found["original"])
        text = _TAKING_BACK.sub("", f" {text}").strip()
    currency = row.company.currency.code or ""
    places = minor_units(currency)
    lines = sorted(row.lines, key=lambda line: line.id)
    return JournalEntry(
        legal_entity=str(row.company.id),
        entry_date=entry_date,
        currency=currency,
        description=text,
        lines=tuple(_line(line, -1 if takes_back else 1, places) for line in lines),
    )


def _line(row: JournalLineRow, sign: int, places: int) -> JournalLine:
    return JournalLine(
        account=row.account.code or "",
        amount=_exactly(sign * (row.debit - row.credit), places),
        party=None if row.party is None else str(row.party),
        label=(row.description or "")[:_LABEL_MAX],
    )


def _exactly(amount: Decimal, places: int) -> Decimal:
    exact = round_to(amount, places)
    if exact != amount:
        raise ValueError("an amount that the currency cannot express")
    return exact
