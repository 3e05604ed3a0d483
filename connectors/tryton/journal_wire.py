"""Tryton's JSON for journal entries: the moves that we read."""

from typing import Final

from pydantic import Field

from connectors.tryton.document_wire import CodeRow, WireDecimal
from connectors.tryton.shelf import Place
from connectors.tryton.wire import Row, WireDate

MOVE: Final = "account.move"
MOVES: Final = Place(MOVE, reference="description", date="date")


class BookingCompanyRow(Row):
    """A company, for the currency that its books are in."""

    currency: CodeRow = Field(alias="currency.")


class JournalLineRow(Row):
    """One line of a move, in the company's currency; one of debit and credit is nothing."""

    account: CodeRow = Field(alias="account.")
    debit: WireDecimal
    credit: WireDecimal
    party: int | None
    description: str | None


class JournalMoveRow(Row):
    """A move, whole."""

    company: BookingCompanyRow = Field(alias="company.")
    state: str
    description: str | None
    date: WireDate
    journal: int
    origin: str | None
    lines: list[JournalLineRow] = Field(alias="lines.")
