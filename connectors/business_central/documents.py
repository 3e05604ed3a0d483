"""Posting documents, finding them, and clearing away what lost requests left behind."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from canonical.billing import CustomerInvoice
from canonical.expense_document import ExpenseDocument
from canonical.posting import PostedDocument, PostingIntent, PostingOutcome
from connectors.base.errors import ConflictError, RejectedError
from connectors.base.pagination import InTurn
from connectors.business_central import expense_mapping, invoice_mapping, shelf
from connectors.business_central.client import Client
from connectors.business_central.deadlines import latest_start
from connectors.business_central.draft_then_post import Attempt, Case
from connectors.business_central.families import PURCHASES, SALES, Family
from connectors.business_central.manifest import DOCUMENT_LINES_MAX
from connectors.business_central.options import BusinessCentralOptions
from connectors.business_central.papers import Paper, is_ours
from connectors.business_central.shelf import Shelf
from connectors.business_central.time_register import by_reference

_LOG: Final = logging.getLogger(__name__)
Documents = Mapping[str, tuple[PostedDocument, ...]]


@dataclass(frozen=True, slots=True)
class _Desk:
    """The mapping of one kind of document, and where its documents stand."""

    families: Sequence[Family]
    family_of: Callable[[PostingIntent], Family]
    lines_of: Callable[[PostingIntent], int]
    values_of: Callable[[PostingIntent, BusinessCentralOptions], Mapping[str, Any]]
    dimensions_of: Callable[[PostingIntent, BusinessCentralOptions], list[Mapping[str, str]]]
    fits: Callable[[PostingIntent, Paper, BusinessCentralOptions], bool]
    body_of: Callable[[Paper, BusinessCentralOptions], ExpenseDocument | CustomerInvoice]


_EXPENSES: Final = _Desk(
    families=PURCHASES,
    family_of=expense_mapping.family_of,
    lines_of=lambda intent: len(intent.expense_document.lines),
    values_of=expense_mapping.values_of,
    dimensions_of=expense_mapping.dimensions_of,
    fits=expense_mapping.fits,
    body_of=expense_mapping.body_of,
)
_INVOICES: Final = _Desk(
    families=SALES,
    family_of=invoice_mapping.family_of,
    lines_of=lambda intent: len(intent.customer_invoice.lines),
    values_of=invoice_mapping.values_of,
    dimensions_of=lambda intent, _: [{} for _ in intent.customer_invoice.lines],
    fits=invoice_mapping.fits,
    body_of=invoice_mapping.body_of,
)


class DocumentKeeper:
    """Expense documents and customer invoices in one environment, one attempt at a time."""

    def __init__(self, client: Client, options: BusinessCentralOptions) -> None:
        self._options: Final = options
        self._shelf: Final = Shelf(client)

    async def find(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the posted documents of these intents; a draft is not one."""
        found: list[PostedDocument] = []
        for intent in intents:
            desk, company = _desk(intent), _company(intent)
            papers = await self._shelf.under(company, desk.families, intent.reference)
            found += [self._document(paper) for paper in papers if paper.booked]
        return by_reference(found)

    async def post(self, intent: PostingIntent, last_byte_by: float | None) -> PostingOutcome:
        """Make one attempt at one document."""
        not_after = latest_start(self._options.timeouts, last_byte_by)
        desk = _desk(intent)
        if not is_ours(intent.reference):
            raise RejectedError("reference_unfit", "the reference would not be found again")
        if desk.lines_of(intent) > DOCUMENT_LINES_MAX:
            raise RejectedError(
                "too_many_lines",
                f"a document of more than {DOCUMENT_LINES_MAX} lines takes too long",
            )
        case = Case(
            intent=intent,
            company=_company(intent),
            family=desk.family_of(intent),
            families=desk.families,
            values=desk.values_of(intent, self._options),
            dimensions=desk.dimensions_of(intent, self._options),
            fits=lambda paper: desk.fits(intent, paper, self._options),
            document=self._document,
        )
        return await Attempt(self._shelf, case, not_after=not_after).run()

    def changed_since(
        self, companies: Sequence[str], since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through all posted documents of ours, changed at or after an instant."""
        return self._ours(companies, shelf.changed_since(since))

    def between(
        self, company: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a company's posted documents of ours, by posting date."""
        return self._ours([company], shelf.posted_between(first, last))

    async def remove_stray_drafts(self, companies: Sequence[str], older_than: datetime) -> int:
        """Delete drafts of ours that have not moved since; what got posted meanwhile stays."""
        removed = 0
        async for page in self._shelf.ours(companies, (*PURCHASES, *SALES)):
            for paper in page:
                moved = paper.changed_at or datetime.now(UTC)
                if not paper.draft or moved >= older_than:
                    continue
                not_after = time.monotonic() + self._options.timeouts.read_seconds
                try:
                    await self._shelf.delete(paper, not_after)
                except (RejectedError, ConflictError) as error:
                    _LOG.warning("business central: %s is no stray: %s", paper.where, error.code)
                else:
                    removed += 1
        return removed

    def _ours(self, companies: Sequence[str], more: str) -> AsyncIterator[Sequence[PostedDocument]]:
        return InTurn(
            *(
                _Booked(self._shelf.ours(companies, desk.families, more), self._document)
                for desk in (_EXPENSES, _INVOICES)
            )
        )

    def _document(self, paper: Paper) -> PostedDocument:
        desk = _EXPENSES if paper.family in PURCHASES else _INVOICES
        body = desk.body_of(paper, self._options)
        return PostedDocument(document_id=str(paper.where), reference=paper.reference, body=body)


class _Booked(AsyncIterator[Sequence[PostedDocument]]):
    """Pages of documents that are posted; one that cannot be read is left out, and so missing."""

    def __init__(
        self,
        pages: AsyncIterator[Sequence[Paper]],
        document: Callable[[Paper], PostedDocument],
    ) -> None:
        self._pages: Final = pages
        self._document: Final = document

    async def __anext__(self) -> Sequence[PostedDocument]:
        found: list[PostedDocument] = []
        for paper in await anext(self._pages):
            if not paper.booked:
                continue
            try:
                found.append(self._document(paper))
            except (ValueError, KeyError, TypeError) as error:
                _LOG.error("business central: %s left out of the sweep: %s", paper.where, error)
        return found


def _desk(intent: PostingIntent) -> _Desk:
    match intent.body:
        case CustomerInvoice():
            return _INVOICES
        case ExpenseDocument():
            return _EXPENSES
        case _:
            raise RejectedError("kind_unsupported", "Business Central takes no such document")


def _company(intent: PostingIntent) -> str:
    return intent.body.legal_entity.lower()
