"""Business Central as the ERP: where time is posted to, its masters, and its calendar."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import httpx

from canonical.contracts import ExchangeRate
from canonical.expense_document import DocumentPayments
from canonical.journal import JournalEntry
from canonical.masters import Masters
from canonical.posting import PostedDocument, PostingIntent, PostingKind, PostingOutcome
from canonical.posting_period import PostingPeriod
from connectors.base.capabilities import GuardEvidence
from connectors.base.manifest import Manifest
from connectors.base.master_writes import MasterAnswer, MasterLook, MasterQuery, MasterWrite
from connectors.base.pagination import InTurn
from connectors.base.rate_budget import RateBudget
from connectors.business_central.client import Client
from connectors.business_central.documents import DocumentKeeper
from connectors.business_central.journal_entries import JournalEntries
from connectors.business_central.manifest import manifest_for
from connectors.business_central.masters_look import MastersLook
from connectors.business_central.masters_reading import MastersReading
from connectors.business_central.masters_writing import MastersWriting
from connectors.business_central.of_companies import OfCompanies
from connectors.business_central.options import BusinessCentralOptions
from connectors.business_central.payments import payments_of
from connectors.business_central.time_lines import TimeLines


class BusinessCentral:
    """All that the manifest says, for one environment; each kind of posting has its module."""

    def __init__(self, options: BusinessCentralOptions, client: Client) -> None:
        self._options: Final = options
        self._client: Final = client
        self._masters: Final = MastersReading(client, options)
        self._look: Final = MastersLook(client, self._masters)
        self._writing: Final = MastersWriting(client, self._masters, options.cost_centre_dimension)
        self._lines: Final = TimeLines(client, options)
        self._documents: Final = DocumentKeeper(client, options)
        self._entries: Final = JournalEntries(client, options)
        self._manifest: Final = manifest_for(options.timeouts)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """Prove that each company can be seen and has our register; say who we are there."""
        companies = await self._masters.companies()
        for company in companies:
            await self._lines.shelf.register_of(company.id)
        named = ", ".join(sorted(company.name for company in companies)) or "no company"
        return f"{self._options.client_id} at {self._options.environment}: {named}"

    async def masters(self) -> Masters:
        """Read all companies' masters."""
        return await self._masters.masters()

    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        """Look up by number, id or address in all companies; the evidence is each one's version."""
        return await self._look.find(queries)

    async def write_masters(
        self, writes: Sequence[MasterWrite], evidence: GuardEvidence
    ) -> Sequence[MasterAnswer]:
        """Make or change customers, employees or projects, a request or two each."""
        return await self._writing.write(writes, evidence)

    async def posting_periods(self) -> Sequence[PostingPeriod]:
        """Read the calendars of all companies."""
        return await self._masters.posting_periods()

    async def guard_evidence(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        """Read the register's version for lines of time; documents need nothing."""
        if not intents or _kind(intents) not in _TIME:
            return {}
        return await self._lines.stamps(intents)

    async def find(
        self, intents: Sequence[PostingIntent]
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        """Look up by reference, duplicates included; for UNDO by the entry to take back."""
        if not intents:
            return {}
        match _kind(intents):
            case PostingKind.TIME:
                return await self._lines.carrying(intents)
            case PostingKind.UNDO:
                return await self._lines.standing(intents)
            case _:
                return await self._keeper(intents[0]).find(intents)

    async def post(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        *,
        last_byte_by: float | None = None,
    ) -> Sequence[PostingOutcome]:
        """Bring the intents into the ERP, each kind by its guard, and read back what is there.

        Lines of time are one transaction that moves the register from the version in `evidence`.
        A document is drafted and then posted, which is the only write that counts.
        """
        if not intents:
            return ()
        kind = _kind(intents)
        if len(intents) > self._manifest.operation(kind).bulk.lines_max:
            raise ValueError(f"{len(intents)} lines in one call")
        match kind:
            case PostingKind.TIME:
                return await self._lines.book(intents, evidence, last_byte_by)
            case PostingKind.UNDO:
                return await self._lines.take_back(intents, evidence, last_byte_by)
            case _:
                return [await self._keeper(intents[0]).post(intents[0], last_byte_by)]

    def documents_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through what carries our reference; after an error, ask on for the page."""

        def lists(company: str) -> Sequence[AsyncIterator[Sequence[PostedDocument]]]:
            return (
                self._lines.shelf.changed_since(company, since),
                self._documents.changed_since([company], since),
                self._entries.changed_since(company, since),
            )

        return OfCompanies(self._masters.companies, lists)

    def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """List what is ours in one company (its id), for reconciliation.

        Lines of time by the date of the work, documents by the date that they are posted on.
        """
        return InTurn(
            self._lines.shelf.between(legal_entity, first, last),
            self._documents.between(legal_entity, first, last),
            self._entries.between(legal_entity, first, last),
        )

    async def remove_stray_drafts(self, older_than: datetime) -> int:
        """Delete drafts of ours that have not moved since an instant."""
        companies = [company.id for company in await self._masters.companies()]
        batches = [await self._entries.remove_stray_drafts(one, older_than) for one in companies]
        return sum(batches) + await self._documents.remove_stray_drafts(companies, older_than)

    async def payments_of(self, document_ids: Sequence[str]) -> Sequence[DocumentPayments]:
        """Read how far documents are paid, some fifty to a call."""
        return await payments_of(self._client, document_ids)

    async def exchange_rates(self, first: date, last: date) -> Sequence[ExchangeRate]:
        """Read the rates that begin in a window."""
        return await self._masters.exchange_rates(first, last)

    def _keeper(self, intent: PostingIntent) -> DocumentKeeper | JournalEntries:
        """Whose documents a posting is about; a reversal is of the kind that its body is of."""
        return self._entries if isinstance(intent.body, JournalEntry) else self._documents


_TIME: Final = frozenset({PostingKind.TIME, PostingKind.UNDO})


def _kind(intents: Sequence[PostingIntent]) -> PostingKind:
    kinds = {intent.kind for intent in intents}
    entities = {intent.body.legal_entity for intent in intents}
    if len(kinds) != 1 or len(entities) != 1:
        raise ValueError("one call has lines of one kind and one legal entity")
    return kinds.pop()


def connect(
    options: BusinessCentralOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
) -> BusinessCentral:
    """Make the connector of one environment; nothing is sent yet."""
    return BusinessCentral(options, Client(options, budget, transport))
