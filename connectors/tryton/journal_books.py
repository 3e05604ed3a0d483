"""What the codes of a journal entry are in one company's books, read just before posting."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from canonical.journal import JournalEntry
from canonical.posting import PostingIntent
from connectors.base.errors import RejectedError
from connectors.tryton.client import Context, TrytonClient
from connectors.tryton.code_book import CodeBook, only
from connectors.tryton.journal_drafts import JournalBooks, entry_date_of
from connectors.tryton.mapping import id_of
from connectors.tryton.wire import date_on_wire

_OPEN: Final = "open"


class JournalBookReader(CodeBook):
    """Reads what an entry names; all entries are in the journal that the firm chose for them."""

    def __init__(self, client: TrytonClient, journal: str) -> None:
        super().__init__(client)
        self._journal: Final = journal

    async def read(self, intent: PostingIntent, original: int | None) -> JournalBooks:
        """Look everything up that one entry names; raises RejectedError."""
        body = intent.journal_entry
        company = id_of(body.legal_entity, "legal entity")
        context: Context = {"company": company}
        await self._check_currency(body, context)
        return JournalBooks(
            company=company,
            journal=await self._journal_id(context),
            period=await self._period(entry_date_of(intent), context),
            accounts=await self._accounts(body, context),
            original=original,
        )

    async def _accounts(self, body: JournalEntry, context: Context) -> Mapping[str, int]:
        codes = {line.account for line in body.lines}
        domain = [["closed", "!=", True], ["type", "!=", None]]
        found = await self.coded(
            "account.account", "code", codes, domain, context, "party_required"
        )
        for line in body.lines:
            if found[line.account]["party_required"] and line.party is None:
                raise RejectedError(
                    "party_missing", f"account {line.account} keeps its balance by party"
                )
            if line.party is not None and not found[line.account]["party_required"]:
                raise RejectedError("party_not_kept", f"account {line.account} keeps no parties")
        return {code: row["id"] for code, row in found.items()}

    async def _check_currency(self, body: JournalEntry, context: Context) -> None:
        domain = [["id", "=", context["company"]], ["currency.code", "=", body.currency]]
        rows = await self.rows("company.company", domain, [], context)
        only(rows, "currency_not_the_books", f"the company does not keep books in {body.currency}")

    async def _journal_id(self, context: Context) -> int:
        rows = await self.rows("account.journal", [["code", "=", self._journal]], [], context)
        return only(rows, "journal_missing", f"the ERP has no journal {self._journal}")

    async def _period(self, day: date, context: Context) -> int:
        within: list[Any] = [
            ["company", "=", context["company"]],
            ["start_date", "<=", date_on_wire(day)],
            ["end_date", ">=", date_on_wire(day)],
            ["type", "=", "standard"],
        ]
        rows = await self.rows("account.period", within, ["state"], context)
        period = only(rows, "period_missing", f"the ERP has no period for {day}")
        if rows[0]["state"] != _OPEN:
            raise RejectedError("period_closed", f"the period of {day} is not open")
        return period
