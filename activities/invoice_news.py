"""Invoice news: who keeps the contracts hears what became of the invoices, in order."""

from collections.abc import Mapping, Sequence
from typing import Final

from temporalio import activity

from activities.connector_errors import as_application_error
from canonical.expense_document import DocumentPayments, MoneyMoved
from canonical.messages import AcknowledgementOutcome, SourceRef
from canonical.money import Money
from connectors.base.capabilities import (
    Acknowledged,
    InvoiceNews,
    InvoiceNewsLine,
    InvoiceStatusSink,
    InvoiceStep,
    PaymentSource,
)
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from store import documents, invoice_news, outbox
from store.database import Database
from store.invoice_news import InvoiceItem

ITEMS_PER_CALL: Final = 100
_STEP_OF: Final[Mapping[str, InvoiceStep]] = {
    "payment_partial": InvoiceStep.PARTLY_PAID,
    "payment_paid": InvoiceStep.PAID,
    "payment_reversed": InvoiceStep.PAYMENT_REVERSED,
}


class InvoiceNewsActivities:
    """Empties the outbox of sources of contracts; `told_instead` names who hears it for whom."""

    def __init__(
        self, database: Database, connections: Connections, told_instead: Mapping[str, str]
    ) -> None:
        self._database = database
        self._connections = connections
        self._told_instead = told_instead

    @activity.defn
    async def tell_invoices(self, ref: SourceRef) -> AcknowledgementOutcome:
        """Tell what is still to be told; a repeat is recognised by the source or by its id."""
        try:
            return await self.tell(ref)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def tell(self, ref: SourceRef) -> AcknowledgementOutcome:
        """The same, outside Temporal."""
        told = refused = 0
        while True:
            async with self._database.connection() as connection:
                items = await invoice_news.waiting(connection, ref.connection, ITEMS_PER_CALL)
            if not items:
                return AcknowledgementOutcome(told=told, refused=refused)
            answers = await self._answers(ref.connection, items)
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
                # A billing period ends once its source knows that the money is there.
                await documents.touch(
                    connection,
                    {
                        (ref.connection, item.of_document)
                        for item, _ in zip(items, answers, strict=False)
                    },
                )
            told += sum(answer.accepted for answer in answers)
            refused += sum(not answer.accepted for answer in answers)
            if len(answers) < len(items):
                return AcknowledgementOutcome(told=told, refused=refused, more=True)

    async def _answers(self, source: str, items: Sequence[InvoiceItem]) -> Sequence[Acknowledged]:
        sink = self._connections.filling(self._told_instead.get(source, source), InvoiceStatusSink)
        shown = await self._shown(items)
        return await sink.tell_invoices([news_of(item, shown) for item in items])

    async def _shown(
        self, items: Sequence[InvoiceItem]
    ) -> Mapping[tuple[str, str], DocumentPayments]:
        """What the ERP shows of these documents: their numbers, due dates and totals."""
        wanted = {(one.target, one.document_id) for one in items if one.document_id}
        wanted |= {(one.target, one.credited_document) for one in items if one.credited_document}
        shown: dict[tuple[str, str], DocumentPayments] = {}
        for target, erp in self._connections.all_filling(PaymentSource).items():
            ids = sorted(document for at, document in wanted if at == target)
            found = await erp.payments_of(ids) if ids else ()
            shown |= {(target, one.document_id): one for one in found}
        return shown


def news_of(item: InvoiceItem, shown: Mapping[tuple[str, str], DocumentPayments]) -> InvoiceNews:
    """Put one item of the outbox into the words of the capability."""
    invoice = item.event.invoice
    issued = InvoiceStep.ISSUED if invoice.credits is None else InvoiceStep.CREDITED
    moved = MoneyMoved.model_validate_json(item.detail) if item.detail else None
    document = shown.get((item.target, item.document_id))
    credited = shown.get((item.target, item.credited_document or ""))
    return InvoiceNews(
        id=f"{item.reference}-{item.kind}-{item.ordinal}",
        event=item.event.id,
        step=_STEP_OF.get(item.kind, issued),
        engagement=item.event.engagement,
        customer=invoice.customer,
        legal_entity=invoice.legal_entity,
        reference=item.reference,
        number=item.number or (document.number if document else "") or item.document_id,
        invoice_date=invoice.invoice_date,
        due_date=item.due_on or (document.due_on if document else None),
        net=invoice.total,
        total=document.total if document else None,
        lines=tuple(
            InvoiceNewsLine(
                line.label,
                line.seconds,
                Money(amount=line.amount, currency=invoice.currency),
            )
            for line in invoice.lines
        ),
        amount=moved.amount if moved else None,
        on_date=moved.on_date if moved else None,
        credits=item.credited_number or (credited.number if credited else ""),
    )
