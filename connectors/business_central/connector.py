"""Business Central as the ERP: where time is posted to, its masters, and its calendar."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import httpx

from canonical.masters import Masters
from canonical.posting import PostedDocument, PostingIntent, PostingKind, PostingOutcome
from canonical.posting_period import PostingPeriod
from connectors.base.capabilities import GuardEvidence
from connectors.base.manifest import Manifest
from connectors.base.rate_budget import RateBudget
from connectors.business_central.client import Client
from connectors.business_central.manifest import manifest_for
from connectors.business_central.masters_reading import MastersReading
from connectors.business_central.options import BusinessCentralOptions
from connectors.business_central.time_lines import TimeLines


class BusinessCentral:
    """All that the manifest says, for one environment; each kind of posting has its module."""

    def __init__(self, options: BusinessCentralOptions, client: Client) -> None:
        self._options: Final = options
        self._client: Final = client
        self._masters: Final = MastersReading(client, options)
        self._lines: Final = TimeLines(client, options)
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
            await self._lines.register_of(company.id)
        named = ", ".join(sorted(company.name for company in companies)) or "no company"
        return f"{self._options.client_id} at {self._options.environment}: {named}"

    async def masters(self) -> Masters:
        """Read all companies' masters."""
        return await self._masters.masters()

    async def posting_periods(self) -> Sequence[PostingPeriod]:
        """Read the calendars of all companies."""
        return await self._masters.posting_periods()

    async def guard_evidence(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        """Read the register's version for lines of time."""
        return await self._lines.stamps(intents) if intents else {}

    async def find(
        self, intents: Sequence[PostingIntent]
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        """Look up by reference, duplicates included; for UNDO by the entry to take back."""
        if not intents:
            return {}
        if _kind(intents) is PostingKind.UNDO:
            return await self._lines.standing(intents)
        return await self._lines.carrying(intents)

    async def post(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        *,
        last_byte_by: float | None = None,
    ) -> Sequence[PostingOutcome]:
        """Bring the intents into the ERP, each kind by its guard, and read back what is there."""
        if not intents:
            return ()
        kind = _kind(intents)
        if len(intents) > self._manifest.operation(kind).bulk.lines_max:
            raise ValueError(f"{len(intents)} lines in one call")
        if kind is PostingKind.UNDO:
            return await self._lines.take_back(intents, evidence, last_byte_by)
        return await self._lines.book(intents, evidence, last_byte_by)

    async def documents_since(
        self, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through what carries our reference."""
        companies = [company.id for company in await self._masters.companies()]
        async for page in self._lines.changed_since(companies, since):
            yield page

    async def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """List what is ours in one company (its id), for reconciliation."""
        async for page in self._lines.between(legal_entity, first, last):
            yield page


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
