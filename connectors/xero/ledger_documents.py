"""Posting expense reports and customer invoices to Xero, finding them, and taking them back."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import uuid5

from canonical.expense_document import ExpenseDocument
from canonical.identity import reference_of
from canonical.posting import (
    Executed,
    PostedDocument,
    PostingIntent,
    PostingKind,
    PostingOutcome,
)
from connectors.base.errors import ConnectorError, OutcomeUnknownError, RejectedError
from connectors.xero.bill_drafts import bill_draft, bill_place
from connectors.xero.client import XeroClient
from connectors.xero.drafts import CREDIT_NOTES, INVOICES, Draft
from connectors.xero.options import XeroOptions
from connectors.xero.papers import UNIT_DECIMALS, Paper, Papers, place_of
from connectors.xero.refusals import item_messages, refusal_of
from connectors.xero.sale_drafts import sale_draft, sale_place
from connectors.xero.wording import reference_in

_LOG: Final = logging.getLogger(__name__)
# What was written may be shown a moment later.
PAUSES_SECONDS: Final = (0.0, 0.2, 0.8)
# By list: the member that has the id of what was created.
_ID: Final = {INVOICES: "InvoiceID", CREDIT_NOTES: "CreditNoteID"}
Documents = Mapping[str, tuple[PostedDocument, ...]]


class LedgerDocuments:
    """Bills, customer invoices and credit notes in one organisation: one document per posting.

    Each is created whole and approved by one request that carries the posting's key. What Xero
    made of it is read back by its id.
    """

    def __init__(self, client: XeroClient, options: XeroOptions) -> None:
        self._client: Final = client
        self._options: Final = options
        self._papers: Final = Papers(client, options)

    def draft(self, intent: PostingIntent) -> Draft:
        """Make what is created for an intent; RejectedError for what Xero could not keep."""
        if intent.body.legal_entity != self._options.tenant_id:
            raise RejectedError("legal_entity_unknown", "this connection is another organisation's")
        if isinstance(intent.body, ExpenseDocument):
            return bill_draft(intent, self._options)
        return sale_draft(intent, self._options)

    async def find(self, intents: Sequence[PostingIntent]) -> Documents:
        """Find the booked documents of these intents; a draft is not one."""
        wanted: dict[tuple[str, str], list[str]] = defaultdict(list)
        for intent in intents:
            if reference_in(intent.reference) == intent.reference:
                wanted[_place(intent)].append(intent.reference)
        found: dict[str, tuple[PostedDocument, ...]] = {}
        for (name, kind), references in wanted.items():
            for paper in await self._papers.carrying(name, kind, references):
                found[paper.reference] = (*found.get(paper.reference, ()), _exactly(paper))
        return found

    async def post(self, intent: PostingIntent, not_after: float) -> PostingOutcome:
        """Make one attempt at one document."""
        draft = self.draft(intent)
        original = await self._original(intent)
        items = await self._client.put(
            draft.name, [draft.values], key=intent.key, not_after=not_after, query=UNIT_DECIMALS
        )
        record = _created(items, draft)
        paper = await self._seen(draft.name, record)
        if paper is None or paper.reference != intent.reference:
            raise OutcomeUnknownError("not_read_back", "created, but not seen since")
        if not paper.booked:
            raise await self._removed(paper, not_after)
        if original is not None:
            await self._allocate(intent, paper, original, not_after)
        reference = intent.reference
        try:
            document = paper.document
        except ValueError as error:
            # It is booked all the same: who reads it next will say that it cannot be understood.
            _LOG.error("xero: %s", error)
            return Executed(reference=reference, document_id=paper.document_id)
        return Executed(reference=reference, document_id=document.document_id, document=document)

    def changed_since(
        self, name: str, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a list's booked documents of ours, changed at or after an instant."""
        return self._papers.changed_since(name, since)

    def between(
        self, name: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a list's booked documents of ours, by the day that they count on."""
        return self._papers.between(name, first, last)

    async def _seen(self, name: str, record: str) -> Paper | None:
        for pause_seconds in PAUSES_SECONDS:
            await asyncio.sleep(pause_seconds)
            try:
                paper = await self._papers.one(name, record)
            except (ConnectorError, ValueError) as error:
                _LOG.warning("xero: a document was not read back: %s", error)
            else:
                if paper is not None:
                    return paper
        return None

    async def _removed(self, paper: Paper, not_after: float) -> ConnectorError:
        """Xero kept a draft of what was to be approved: take it away, give what to raise."""
        try:
            values = {_ID[paper.name]: paper.id, "Status": "DELETED"}
            await self._client.change(paper.name, paper.id, values, not_after=not_after)
        except ConnectorError as error:
            return OutcomeUnknownError("left_as_draft", error.code)
        return RejectedError(
            "only_a_draft", "Xero kept a draft: this connection may not approve such documents"
        )

    async def _original(self, intent: PostingIntent) -> Paper | None:
        """Read what a posting takes back, or credits; RejectedError if that does not stand."""
        if intent.corrects_document is None:
            if intent.kind is PostingKind.REVERSAL:
                raise RejectedError("original_unnamed", "it does not say what it takes back")
            return None
        name, record = place_of(intent.corrects_document)
        paper = await self._papers.one(name, record)
        if paper is None or not paper.booked:
            raise RejectedError("original_not_standing", "what is to be taken back is not booked")
        if intent.corrects is not None and paper.reference != reference_of(intent.corrects):
            raise RejectedError("not_ours", "what is to be taken back carries another reference")
        return paper

    async def _allocate(
        self, intent: PostingIntent, paper: Paper, original: Paper, not_after: float
    ) -> None:
        """Settle an invoice with its credit note, as far as both are open.

        Nothing of this is the posting: what fails is left to a person, who sees both as open.
        """
        pair = {paper.name: paper, original.name: original}
        if set(pair) != {INVOICES, CREDIT_NOTES}:
            return
        invoice, credit = pair[INVOICES], pair[CREDIT_NOTES]
        amount = min(invoice.open, credit.open)
        if amount <= 0:
            return
        try:
            await self._client.put(
                f"{CREDIT_NOTES}/{credit.id}/Allocations",
                [_allocation(invoice, amount, intent)],
                key=uuid5(intent.key, "allocation"),
                not_after=max(not_after, time.monotonic() + 60),
                member="Allocations",
            )
        except ConnectorError as error:
            _LOG.warning(
                "xero: %s is not allocated to %s: %s",
                credit.document_id,
                invoice.document_id,
                error.code,
            )


def _place(intent: PostingIntent) -> tuple[str, str]:
    """In which list an intent's document is, and of which type."""
    if isinstance(intent.body, ExpenseDocument):
        return bill_place(intent)
    return sale_place(intent.customer_invoice)


def _allocation(invoice: Paper, amount: Decimal, intent: PostingIntent) -> Mapping[str, Any]:
    return {
        "Invoice": {"InvoiceID": invoice.id},
        "Amount": amount,
        "Date": intent.period.posting_date.isoformat(),
    }


def _created(items: Sequence[Any], draft: Draft) -> str:
    """Give the id of what one request created; RejectedError if Xero refused the item."""
    item = items[0] if len(items) == 1 and isinstance(items[0], dict) else {}
    if item.get("StatusAttributeString") == "ERROR" or item.get("HasErrors") is True:
        raise refusal_of(list(item_messages(item)))
    record = item.get(_ID[draft.name])
    if not isinstance(record, str) or not record:
        raise OutcomeUnknownError("answer_unreadable")
    return record


def _exactly(paper: Paper) -> PostedDocument:
    try:
        return paper.document
    except ValueError as error:
        raise RejectedError("answer_not_understood", str(error)) from None
