"""The general ledger desk of the ERP: sees which journal entries are really in the books.

It asks Tryton directly and shares no code with the connector, so that what it sees is independent
of the code that is tested with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.tryton.json_rpc import Domain
from sandbox.tryton.payment_desk import PaymentDesk


@dataclass(frozen=True)
class LedgerLine:
    """One line of a move: debit less credit, in the company's currency."""

    id: int
    account: str
    amount: Decimal


@dataclass(frozen=True)
class LedgerEntry:
    """One move as the ERP holds it, told in codes."""

    id: int
    legal_entity: str
    currency: str
    state: str
    number: str | None
    description: str
    entry_date: date
    period: str
    journal: str
    origin: str | None
    lines: tuple[LedgerLine, ...]

    @property
    def posted(self) -> bool:
        """Whether it has a number and counts."""
        return self.state == "posted" and self.number is not None

    @property
    def accounts(self) -> Mapping[str, Decimal]:
        """What its lines come to, by account."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            sums[line.account] = sums.get(line.account, Decimal(0)) + line.amount
        return sums


class JournalDesk(PaymentDesk):
    """Works with an administrator's session; the trial balance is that of every desk."""

    async def entries(self, domain: Domain = ()) -> tuple[LedgerEntry, ...]:
        """Read all moves of a domain, drafts among them, in the order of their ids."""
        rows = await self._erp.find(
            "account.move",
            list(domain),
            *("company.party.code", "company.currency.code", "state", "number", "description"),
            *("date", "period.name", "journal.code", "origin"),
            *("lines.account.code", "lines.debit", "lines.credit"),
        )
        return tuple(map(_entry, rows))

    async def entries_named(self, text: str) -> tuple[LedgerEntry, ...]:
        """Read the moves whose description has a text."""
        return await self.entries([["description", "like", f"%{text}%"]])


def _entry(row: dict[str, Any]) -> LedgerEntry:
    company = row["company."]
    return LedgerEntry(
        id=row["id"],
        legal_entity=company["party."]["code"],
        currency=company["currency."]["code"],
        state=row["state"],
        number=row["number"],
        description=row["description"] or "",
        entry_date=row["date"],
        period=row["period."]["name"],
        journal=row["journal."]["code"],
        origin=row["origin"],
        lines=tuple(
            LedgerLine(line["id"], line["account."]["code"], line["debit"] - line["credit"])
            for line in sorted(row["lines."], key=lambda line: line["id"])
        ),
    )
