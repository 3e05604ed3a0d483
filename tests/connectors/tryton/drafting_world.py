"""Documents of a real Tryton in the words of the suite about drafts, a world for each kind."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import pytest

from canonical.posting import Executed, PostingIntent
from connectors.base.errors import TransientError
from connectors.base.rate_budget import RateBudget
from connectors.conformance.posting_world import PostingNetwork
from connectors.tryton import Tryton
from tests.connectors.tryton import expense_world, journal_world
from tests.connectors.tryton.expense_world import ExpenseWorld
from tests.connectors.tryton.invoice_world import InvoiceWorld
from tests.connectors.tryton.journal_world import JournalWorld


class _Held(Protocol):
    """A document as one of the desks sees it."""

    @property
    def id(self) -> int: ...

    @property
    def posted(self) -> bool: ...


class TrytonDrafts(ABC):
    """A `DraftingWorld` as far as its suite needs one; a write is the posting of a draft."""

    create = expense_world.CREATE

    def __init__(self, world: ExpenseWorld | InvoiceWorld | JournalWorld) -> None:
        self.network: PostingNetwork = world.network
        self._world = world
        self._left_behind: set[str] = set()

    def connect(self, budget: RateBudget | None = None) -> Tryton:
        return self._world.connect()

    def intent(self, *, parent: int = 0, seconds: int = 3600, note: str = "") -> PostingIntent:
        return self._world.intent()

    async def draft(self, intent: PostingIntent) -> str:
        """The first is left behind by an attempt; another by its creation, delivered again."""
        if intent.reference not in self._left_behind:
            self._left_behind.add(intent.reference)
            target = self.connect()
            self.network.refuse_next_write()
            with pytest.raises(TransientError):
                await target.post([intent], await target.guard_evidence([intent]))
        else:
            asked = f'"method":"{self.create}"'.encode()
            [creation] = [
                request
                for request in self.network.requests
                if asked in request.content and intent.reference.encode() in request.content
            ]
            await self.network.carry(creation)
        return (await self.drafts(intent.reference))[-1]

    async def drafts(self, reference: str) -> list[str]:
        return [str(each.id) for each in await self.carrying(reference) if not each.posted]

    async def held(self, reference: str) -> list[str]:
        return [str(each.id) for each in await self.carrying(reference) if each.posted]

    @abstractmethod
    async def carrying(self, reference: str) -> Sequence[_Held]:
        """All documents of a reference that the ERP holds, drafts too."""


class ExpenseDrafts(TrytonDrafts):
    """Its intents are expense reports."""

    def __init__(self, world: ExpenseWorld) -> None:
        super().__init__(world)
        self.world = world

    async def carrying(self, reference: str) -> Sequence[_Held]:
        return await self.world.books.supplier_invoices([_beginning("reference", reference)])


class InvoiceDrafts(TrytonDrafts):
    """Its intents are customer invoices."""

    def __init__(self, world: InvoiceWorld) -> None:
        super().__init__(world)
        self.world = world

    async def carrying(self, reference: str) -> Sequence[_Held]:
        return await self.world.desk.customer_invoices([_beginning("reference", reference)])


class JournalDrafts(TrytonDrafts):
    """Its intents are entries of the journal."""

    create = journal_world.CREATE

    def __init__(self, world: JournalWorld) -> None:
        super().__init__(world)
        self.world = world

    async def carrying(self, reference: str) -> Sequence[_Held]:
        return await self.world.desk.entries([_beginning("description", reference)])


class ReversalDrafts(TrytonDrafts):
    """Its intents take back what was posted for it beforehand."""

    def __init__(
        self, originals: ExpenseDrafts | JournalDrafts, posted: Mapping[str, PostingIntent]
    ) -> None:
        """Take the originals, by the ids of their documents."""
        super().__init__(originals.world)
        self.create = originals.create
        self._originals = originals
        self._posted = itertools.cycle(posted.items())

    @classmethod
    async def open(cls, originals: ExpenseDrafts | JournalDrafts, count: int = 2) -> Self:
        """Post so many originals; no rule sends more postings than that in one test."""
        target, posted = originals.connect(), dict[str, PostingIntent]()
        for original in [originals.intent() for _ in range(count)]:
            [outcome] = await target.post([original], await target.guard_evidence([original]))
            assert isinstance(outcome, Executed)
            posted[outcome.document_id] = original
        return cls(originals, posted)

    def intent(self, *, parent: int = 0, seconds: int = 3600, note: str = "") -> PostingIntent:
        document_id, original = next(self._posted)
        return self._originals.world.reversal(original, document_id, original.period.posting_date)

    async def carrying(self, reference: str) -> Sequence[_Held]:
        return await self._originals.carrying(reference)


def _beginning(field: str, reference: str) -> list[Any]:
    return [field, "like", f"{reference}%"]
