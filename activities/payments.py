"""Payments: the ERP is asked how far its documents are paid, and sources are owed each step."""

from collections.abc import Sequence
from typing import Final

from temporalio import activity

from activities.connector_errors import as_application_error
from canonical.expense_document import DocumentPayments
from canonical.messages import PaymentOutcome, PaymentRef
from connectors.base.capabilities import PaymentSource
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from rules.payment_steps import Paid, steps_between
from store import documents, payments
from store.database import Database
from store.payments import Seen, Watched

DOCUMENTS_PER_CALL: Final = 200


class PaymentActivities:
    """Watches the payment of what was posted; polls, because no ERP can be relied on to call."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections

    @activity.defn
    async def watch_payments(self, ref: PaymentRef) -> PaymentOutcome:
        """Look at every watched document once; each step is owed to its source exactly once."""
        try:
            return await self._watch(ref.target)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def _watch(self, target: str) -> PaymentOutcome:
        erp = self._connections.filling(target, PaymentSource)
        looked_at = steps = 0
        after = None
        while True:
            async with self._database.transaction() as connection:
                watched = await payments.watched(connection, target, after, DOCUMENTS_PER_CALL)
            if not watched:
                return PaymentOutcome(documents=looked_at, steps=steps)
            found = await erp.payments_of([one.document_id for one in watched])
            steps += await self._keep(target, watched, found)
            looked_at += len(found)
            after = watched[-1].key

    async def _keep(
        self, target: str, watched: Sequence[Watched], found: Sequence[DocumentPayments]
    ) -> int:
        shown = {one.document_id: one for one in found}
        before = {one.key: one for one in watched}
        async with self._database.transaction() as connection:
            held = await payments.hold(connection, [one.key for one in watched])
            # What another watcher has kept since may be newer than what we were shown.
            seen = [
                _seen(one, shown[one.document_id])
                for one in held
                if one.document_id in shown and one == before[one.key]
            ]
            await payments.save(connection, target, seen)
            # Their workflows show it, and end once the money has arrived.
            await documents.touch(
                connection,
                {
                    (one.watched.connection, one.watched.of_document)
                    for one in seen
                    if one.steps or one.watched.before is None
                },
            )
        return sum(len(one.steps) for one in seen)


def _seen(watched: Watched, shown: DocumentPayments) -> Seen:
    """What is seen is kept of all; a credit note has a number, and no payment to be told of."""
    now = Paid.of(shown)
    steps = () if watched.credit_note else tuple(steps_between(watched.before, now))
    return Seen(watched, shown, now, steps)
