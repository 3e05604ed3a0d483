"""Expense documents of a real Tryton in the words of the suite about drafts."""

import pytest

from canonical.posting import PostingIntent
from connectors.base.errors import TransientError
from connectors.base.rate_budget import RateBudget
from connectors.tryton import Tryton
from tests.connectors.tryton.expense_world import CREATE, ExpenseWorld


class TrytonDrafts:
    """A `DraftingWorld` as far as its suite needs one; a write is the posting of a draft."""

    def __init__(self, expenses: ExpenseWorld) -> None:
        self.expenses = expenses
        self.network = expenses.network
        self._left_behind: set[str] = set()

    def connect(self, budget: RateBudget | None = None) -> Tryton:
        return self.expenses.connect()

    def intent(self, *, parent: int = 0, seconds: int = 3600, note: str = "") -> PostingIntent:
        return self.expenses.intent()

    async def draft(self, intent: PostingIntent) -> str:
        """The first is left behind by an attempt; another by its creation, delivered again."""
        if intent.reference not in self._left_behind:
            self._left_behind.add(intent.reference)
            target = self.connect()
            self.network.refuse_next_write()
            with pytest.raises(TransientError):
                await target.post([intent], await target.guard_evidence([intent]))
        else:
            asked = f'"method":"{CREATE}"'.encode()
            [creation] = [
                request
                for request in self.network.requests
                if asked in request.content and intent.reference.encode() in request.content
            ]
            await self.network.carry(creation)
        return (await self.drafts(intent.reference))[-1]

    async def drafts(self, reference: str) -> list[str]:
        return await self._carrying(reference, posted=False)

    async def held(self, reference: str) -> list[str]:
        return await self._carrying(reference, posted=True)

    async def _carrying(self, reference: str, *, posted: bool) -> list[str]:
        found = await self.expenses.books.supplier_invoices(
            [["reference", "like", f"{reference}%"]]
        )
        return [str(each.id) for each in found if each.posted is posted]
