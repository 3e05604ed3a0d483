"""Report news: sources of expense reports hear what became of them, in order, from the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from temporalio import activity

from activities.connector_errors import as_application_error
from canonical.expense import EXPENSE_REPORT
from canonical.expense_document import MoneyMoved
from canonical.messages import AcknowledgementOutcome, SourceRef
from canonical.money import Money
from canonical.rejection import Rejection
from connectors.base.capabilities import ExpenseReportSink, PaymentSource, ReportNews, ReportStep
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from store import documents, outbox
from store.database import Database
from store.outbox import OutboxItem

ITEMS_PER_CALL: Final = 100
_STEP_OF: Final[Mapping[str, ReportStep]] = {
    "posted": ReportStep.POSTED,
    "failed": ReportStep.FAILED,
    "payment_partial": ReportStep.PARTLY_PAID,
    "payment_paid": ReportStep.PAID,
    "payment_reversed": ReportStep.PAYMENT_REVERSED,
    "obsolete": ReportStep.OBSOLETE,
}


class ReportNewsActivities:
    """Empties the outbox of sources of expenses, as fast as their budgets allow."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections

    @activity.defn
    async def tell_expense_source(self, ref: SourceRef) -> AcknowledgementOutcome:
        """Tell what is still to be told; a repeat is recognised by the source or by its id."""
        try:
            return await self._tell(ref)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def _tell(self, ref: SourceRef) -> AcknowledgementOutcome:
        sink = self._connections.filling(ref.connection, ExpenseReportSink)
        told = refused = 0
        while True:
            async with self._database.transaction() as connection:
                items = await outbox.waiting(
                    connection, ref.connection, EXPENSE_REPORT, ITEMS_PER_CALL
                )
            if not items:
                return AcknowledgementOutcome(told=told, refused=refused)
            numbered = await self._numbered(items)
            answers = await sink.tell([news_of(item) for item in numbered])
            async with self._database.transaction() as connection:
                await outbox.told(
                    connection,
                    [
                        (item.id, answer.accepted, answer.code)
                        for item, answer in zip(items, answers, strict=False)
                    ],
                )
                if len(answers) < len(items):
                    await outbox.put_off(connection, items[len(answers)].id)
                # A report's workflow ends once its source knows that the money is there.
                await documents.touch(
                    connection,
                    {
                        (ref.connection, item.source_id)
                        for item, _ in zip(items, answers, strict=False)
                        if item.kind.startswith("payment")
                    },
                )
            told += sum(answer.accepted for answer in answers)
            refused += sum(not answer.accepted for answer in answers)
            if not answers:
                return AcknowledgementOutcome(told=told, refused=refused, more=True)

    async def _numbered(self, items: Sequence[OutboxItem]) -> list[OutboxItem]:
        """Give documents the number that people know them by, even before payments are watched.

        An ERP that does not answer holds nobody's news up: they then name its own id.
        """
        numbers: dict[tuple[str, str], str] = {}
        unnumbered = {(one.target, one.document_id) for one in items if not one.number}
        for target, erp in self._connections.all_filling(PaymentSource).items():
            ids = sorted(document for at, document in unnumbered if at == target and document)
            try:
                found = await erp.payments_of(ids) if ids else ()
            except ConnectorError as error:
                activity.logger.warning("numbers of %s are not known: %s", target, error.code)
                continue
            numbers |= {(target, one.document_id): one.number for one in found}
        return [
            replace(one, number=one.number or numbers.get((one.target, one.document_id), ""))
            for one in items
        ]


def news_of(item: OutboxItem) -> ReportNews:
    """Put one item of the outbox into the words of the capability."""
    step = _STEP_OF[item.kind]
    moved = MoneyMoved(amount=Money(amount=item.amount, currency=item.currency))
    rejection = None
    if step in (ReportStep.FAILED, ReportStep.OBSOLETE):
        rejection = Rejection.model_validate_json(item.detail or "{}")
    elif item.detail is not None:
        moved = MoneyMoved.model_validate_json(item.detail)
    return ReportNews(
        id=f"{item.reference}-{item.kind}-{item.ordinal}",
        source_id=item.source_id,
        step=step,
        reference=item.reference,
        document=item.number or item.document_id,
        legal_entity=item.legal_entity,
        posting_date=item.posting_date,
        amount=None if rejection else moved.amount,
        on_date=moved.on_date,
        employee=item.employee,
        code=rejection.code if rejection else "",
        message=rejection.message if rejection else "",
    )
