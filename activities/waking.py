"""Waking: documents that got news from within the platform hear of it at once."""

from collections.abc import Sequence

from activities.document_workflows import DocumentWorkflows
from canonical.messages import DocumentRef
from store import documents
from store.database import Database
from store.documents import Touched


class Waking:
    """Tells the workflows of documents; what is not told here, the next dispatch tells."""

    def __init__(self, database: Database, workflows: DocumentWorkflows) -> None:
        self._database = database
        self._workflows = workflows

    async def wake(self, owed: Sequence[Touched]) -> None:
        """Start or tell the workflow of each, after what they are to look at is committed."""
        for one in owed:
            if not self._workflows.leads_from(one.connection):
                continue
            await self._workflows.tell(
                DocumentRef(
                    connection=one.connection,
                    document=one.document_id,
                    target=self._workflows.route(one.connection).target,
                    kind=one.kind,
                )
            )
            async with self._database.connection() as connection:
                await documents.dispatched(
                    connection, one.connection, [(one.kind, one.document_id, one.news_seq)]
                )
