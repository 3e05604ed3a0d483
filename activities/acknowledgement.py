"""Acknowledgement: sources are told what became of their lines, from the outbox, in bulk."""

from typing import Final

from temporalio import activity

from activities.connector_errors import as_application_error
from canonical.messages import AcknowledgementOutcome, SourceRef
from canonical.time_entry import TIME_ENTRY
from connectors.base.capabilities import Acknowledgement, AcknowledgementSink
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from store import outbox
from store.database import Database

ITEMS_PER_CALL: Final = 100


class AcknowledgementActivities:
    """Empties the outbox as fast as each source's budget allows."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections

    @activity.defn
    async def acknowledge_postings(self, ref: SourceRef) -> AcknowledgementOutcome:
        """Tell a source what it is still to be told; what its budget leaves waits for next time."""
        try:
            return await self._acknowledge(ref)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def _acknowledge(self, ref: SourceRef) -> AcknowledgementOutcome:
        sink = self._connections.filling(ref.connection, AcknowledgementSink)
        told = refused = 0
        while True:
            async with self._database.transaction() as connection:
                items = await outbox.waiting(connection, ref.connection, TIME_ENTRY, ITEMS_PER_CALL)
            if not items:
                return AcknowledgementOutcome(told=told, refused=refused)
            answers = await sink.acknowledge(
                [
                    Acknowledgement(
                        source_id=item.source_id,
                        reference=item.reference,
                        document_id=item.document_id,
                    )
                    for item in items
                ]
            )
            async with self._database.transaction() as connection:
                await outbox.told(
                    connection,
                    [
                        (item.id, answer.accepted, answer.code)
                        for item, answer in zip(items, answers, strict=False)
                    ],
                )
            told += sum(answer.accepted for answer in answers)
            refused += sum(not answer.accepted for answer in answers)
            if len(answers) < len(items):
                return AcknowledgementOutcome(told=told, refused=refused, more=True)
