"""Journal entries for the simulated Business Central."""

from decimal import Decimal
from typing import Any

from canonical.journal import JournalEntry, JournalLine
from canonical.posting import PostingIntent, PostingKind
from connectors.business_central import journal_mapping
from connectors.business_central import simulated_ledger as ledger
from connectors.business_central import simulated_time as times
from connectors.business_central.simulated_query import Record
from tests.connectors.business_central.document_world import DAY, DocumentWorld


class JournalWorld(DocumentWorld):
    """Its intents are journal entries."""

    def journal(self, *lines: JournalLine, **given: Any) -> PostingIntent:
        """An entry of the firm."""
        amounts = (("1590", "100.00"), ("8400", "-100.00"))
        content = {
            "legal_entity": self.company.id,
            "entry_date": DAY,
            "currency": "EUR",
            "description": "IC-2026-03-0001",
            "lines": lines
            or tuple(
                JournalLine(account=account, amount=Decimal(amount), label="Work for another")
                for account, amount in amounts
            ),
        }
        return self.wrapped(JournalEntry(**{**content, **given}), PostingKind.JOURNAL)

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        amount = Decimal(seconds + parent) / 100
        lines = (
            JournalLine(account="1590", amount=amount, label=note),
            JournalLine(account="8400", amount=-amount, label=note),
        )
        return self.journal(*lines, **body)

    async def draft(self, intent: PostingIntent) -> str:
        values = dict(journal_mapping.batch_values(intent))
        # A second one cannot be made: then the lines are in the batch twice.
        there = self.batches(intent.reference)
        journal = there[0] if there else times.create_journal(self.company, values)
        for line in journal_mapping.line_values(intent):
            times.create_journal_line(self.company, journal, dict(line))
        return str(journal["id"])

    async def book(self, intent: PostingIntent) -> str:
        await self.draft(intent)
        [journal] = self.batches(intent.reference)
        ledger.post_journal(self.company, journal)
        times.delete_journal(self.company, journal)
        return (await self.held(intent.reference))[-1]

    def batches(self, reference: str) -> list[Record]:
        """The batches of a reference."""
        return list(self.company.rows("journals", code=reference[:10]))

    async def drafts(self, reference: str) -> list[str]:
        return [one["id"] for one in self.batches(reference)]

    async def held(self, reference: str) -> list[str]:
        return [
            self.place("generalLedgerEntries", row)
            for row in self.company.rows("generalLedgerEntries", documentNumber=reference[1:])
            if " | 1/" in row["description"]
        ]
