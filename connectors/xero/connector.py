"""Xero as the ERP: where work is posted to, its masters, its calendar, and what is paid."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

import httpx

from canonical.expense_document import DocumentPayments
from canonical.journal import JournalEntry
from canonical.masters import Masters
from canonical.posting import PostedDocument, PostingIntent, PostingKind, PostingOutcome
from canonical.posting_period import PostingPeriod
from connectors.base.capabilities import GuardEvidence
from connectors.base.manifest import Manifest
from connectors.base.pagination import InTurn
from connectors.base.rate_budget import RateBudget
from connectors.xero.client import XeroClient
from connectors.xero.drafts import CREDIT_NOTES, INVOICES
from connectors.xero.ledger_documents import LedgerDocuments
from connectors.xero.manifest import manifest_for, send_window_seconds
from connectors.xero.manual_journals import ManualJournals
from connectors.xero.masters import MasterReading
from connectors.xero.options import XeroOptions
from connectors.xero.organisation import Organisation
from connectors.xero.payments import payments_of
from connectors.xero.time_entries import TimeEntries


def _now() -> datetime:
    return datetime.now(UTC)


class Xero:
    """All that the manifest says, for one organisation; each kind of posting has its module."""

    def __init__(
        self,
        options: XeroOptions,
        client: XeroClient,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._options: Final = options
        self._client: Final = client
        self._now: Final = now
        self._organisation: Final = Organisation(client, options)
        self._masters: Final = MasterReading(client, options, self._organisation, clock)
        self._entries: Final = TimeEntries(client, options)
        self._documents: Final = LedgerDocuments(client, options)
        self._journals: Final = ManualJournals(client, options, self._organisation)
        self._manifest: Final = manifest_for(options.timeouts, options.idempotency_key_seconds)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """Prove that the credentials open the organisation and its projects; name it."""
        organisation = await self._organisation.read()
        await anext(self._client.project_pages("ProjectsUsers", {}), [])
        named = f"{self._options.legal_entity}, {organisation.base_currency}"
        return f"Xero organisation {organisation.short_code or 'without a code'}: {named}"

    async def masters(self) -> Masters:
        """Read the organisation's masters in bulk; tasks, a call per project, now and then."""
        return await self._masters.all()

    async def posting_periods(self) -> Sequence[PostingPeriod]:
        """Make the months around today, closed as far as the organisation's lock dates say."""
        organisation = await self._organisation.read()
        today = self._now().astimezone(self._options.zone).date()
        return self._organisation.periods(organisation, today)

    async def payments_of(self, document_ids: Sequence[str]) -> Sequence[DocumentPayments]:
        """Read how far bills, invoices and credit notes are paid, in bulk."""
        return await payments_of(self._client, document_ids)

    async def guard_evidence(
        self,
        intents: Sequence[PostingIntent],  # noqa: ARG002  Keys need nothing to be read first.
    ) -> GuardEvidence:
        return {}

    async def find(
        self, intents: Sequence[PostingIntent]
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        """Look up by reference, duplicates included; for UNDO by the entry to take back."""
        if not intents:
            return {}
        match _kind(intents):
            case PostingKind.TIME:
                return await self._entries.carrying(intents)
            case PostingKind.UNDO:
                return await self._entries.standing(intents)
            case _ if isinstance(intents[0].body, JournalEntry):
                return await self._journals.find(intents)
            case _:
                return await self._documents.find(intents)

    async def post(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,  # noqa: ARG002  None was asked for.
        *,
        last_byte_by: float | None = None,
    ) -> Sequence[PostingOutcome]:
        """Bring the intents into Xero with one write, and read back what is there.

        Journals go together, each with an outcome of its own; everything else goes alone.
        """
        if not intents:
            return ()
        kind = _kind(intents)
        if len(intents) > self._manifest.operation(kind).bulk.lines_max:
            raise ValueError(f"{len(intents)} lines in one call")
        not_after = last_byte_by
        if not_after is None:
            not_after = time.monotonic() + send_window_seconds(self._options.timeouts)
        match kind:
            case PostingKind.TIME:
                return [await self._entries.book(intents[0], not_after)]
            case PostingKind.UNDO:
                return [await self._entries.take_back(intents[0], not_after)]
            case _ if isinstance(intents[0].body, JournalEntry):
                return await self._journals.post(intents, not_after)
            case _:
                return [await self._documents.post(intents[0], not_after)]

    def documents_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through what carries our reference; after an error, ask on for the page."""
        return InTurn(
            self._entries.changed_since(since),
            self._documents.changed_since(INVOICES, since),
            self._documents.changed_since(CREDIT_NOTES, since),
            self._journals.changed_since(since),
        )

    def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """List what is ours in the organisation (its id), for reconciliation.

        Lines of time by the date of the work, documents by the date that they count on.
        """
        if legal_entity != self._options.tenant_id:
            return InTurn()
        return InTurn(
            self._entries.between(first, last),
            self._documents.between(INVOICES, first, last),
            self._documents.between(CREDIT_NOTES, first, last),
            self._journals.between(first, last),
        )


def _kind(intents: Sequence[PostingIntent]) -> PostingKind:
    (kind,) = {intent.kind for intent in intents}
    return kind


def connect(
    options: XeroOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = _now,
) -> Xero:
    """Make the connector of one organisation; nothing is sent yet."""
    return Xero(options, XeroClient(options, budget, transport, clock), clock, now)
