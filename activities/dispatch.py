"""Dispatch: every document with news gets its workflow, started or told, and none is lost.

The store says which news a workflow was told; a crash in between tells it once more, which does
no harm because preparing is safe to repeat.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from temporalio import activity

from activities.document_workflows import DocumentWorkflows
from canonical.messages import DispatchOutcome, DocumentRef, SourceRef
from store import documents
from store.database import Database
from store.documents import Undispatched

# Side by side: enough to keep Temporal busy, few enough to leave it to others.
STARTS_AT_ONCE: Final = 16
DOCUMENTS_PER_ROUND: Final = 200


class DispatchActivities:
    """Brings documents with news to their workflows."""

    def __init__(self, database: Database, workflows: DocumentWorkflows) -> None:
        self._database = database
        self._workflows = workflows

    @activity.defn
    async def dispatch_documents(self, ref: SourceRef) -> DispatchOutcome:
        """Start or tell the workflows of all documents of a source that have news."""
        started = told = 0
        while batch := await self._undispatched(ref.connection):
            results = await self._tell(ref.connection, batch)
            started += sum(results)
            told += len(results) - sum(results)
        return DispatchOutcome(started=started, told=told)

    async def _undispatched(self, source: str) -> list[Undispatched]:
        async with self._database.transaction() as connection:
            return await documents.undispatched(connection, source, DOCUMENTS_PER_ROUND)

    async def _tell(self, source: str, batch: Sequence[Undispatched]) -> list[bool]:
        gate = asyncio.Semaphore(STARTS_AT_ONCE)
        target = self._workflows.route(source).target

        async def tell(one: Undispatched) -> bool:
            async with gate:
                ref = DocumentRef(
                    connection=source,
                    document=one.document_id,
                    target=target,
                    kind=one.kind,
                    starts_on=one.starts_on,
                )
                return await self._workflows.tell(ref)

        results = await asyncio.gather(*(tell(one) for one in batch))
        async with self._database.transaction() as connection:
            await documents.dispatched(
                connection, source, [(one.kind, one.document_id, one.news_seq) for one in batch]
            )
        return results
