"""Tidemark as an ERP that takes postings of time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import httpx
from canonical.posting import Executed, PostedDocument, PostingIntent, PostingOutcome
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import ConflictError
from connectors.base.manifest import Manifest
from connectors.base.rate_budget import RateBudget

from tidemark import mapping
from tidemark.client import TidemarkClient, TidemarkOptions
from tidemark.manifest import MANIFEST, REFERENCES_MAX
from tidemark.wire import Entry

# Tidemark has one company, which has no id there.
COMPANY: Final = "1"


class Tidemark:
    """PostingTarget, for one company."""

    def __init__(self, options: TidemarkOptions, client: TidemarkClient) -> None:
        self._connection: Final = options.connection
        self._client: Final = client

    @property
    def manifest(self) -> Manifest:
        return MANIFEST

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        return f"Tidemark, as {(await self._client.me()).name}"

    async def guard_evidence(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        """Nothing is read before a claim."""
        return {}

    async def find(
        self, intents: Sequence[PostingIntent]
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        """Look entries up by reference, in bulk; what is not found is not in the answer."""
        found: dict[str, tuple[PostedDocument, ...]] = {}
        for start in range(0, len(intents), REFERENCES_MAX):
            some = intents[start : start + REFERENCES_MAX]
            wanted = ",".join(each.reference for each in some)
            async for page in self._client.entries(references=wanted):
                for entry in page:
                    document = mapping.document_from(entry, COMPANY)
                    found[entry.reference] = (*found.get(entry.reference, ()), document)
        return found

    async def post(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        *,
        last_byte_by: float | None = None,
    ) -> Sequence[PostingOutcome]:
        """Write one line with one attempt; what stands under its reference already is shown."""
        [intent] = intents
        reference = mapping.reference_of(intent)
        try:
            body = mapping.entry_body(intent)
            entry = await self._client.create(reference, body, last_byte_by)
        except ConflictError:
            documents = (await self.find(intents)).get(reference, ())
            if len(documents) != 1:
                raise
            return [_executed(documents[0])]
        return [_executed(mapping.document_from(entry, COMPANY))]

    def documents_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through all entries that carry a reference of ours, changed since an instant."""
        changed = {} if since is None else {"changed_since": since.isoformat()}
        return _documents(self._client.entries(prefix="L", **changed))

    def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through our entries of a window of work dates."""
        window = {"worked_from": first.isoformat(), "worked_until": last.isoformat()}
        return _documents(self._client.entries(prefix="L", **window))


async def _documents(
    pages: AsyncIterator[Sequence[Entry]],
) -> AsyncIterator[Sequence[PostedDocument]]:
    async for page in pages:
        yield [mapping.document_from(entry, COMPANY) for entry in page]


def _executed(document: PostedDocument) -> Executed:
    return Executed(
        reference=document.reference, document_id=document.document_id, document=document
    )


def connect(
    options: TidemarkOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Tidemark:
    """Make the connector of one company; nothing is sent yet."""
    return Tidemark(options, TidemarkClient(options, budget, transport))
