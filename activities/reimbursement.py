"""Reimbursement: how far a report is, and its receipts put beside the ERP's document."""

from collections.abc import Sequence
from typing import Any, Final

from temporalio import activity

from canonical.exact import decimal_text
from canonical.expense import ExpenseReport, Receipt
from canonical.messages import Attached, DocumentRef, Reimbursed
from canonical.money import Money
from connectors.base.capabilities import Attachment, AttachmentTarget, ReceiptSource
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError, RejectedError
from store import payments, source_lines
from store.database import Database

RECEIPTS_PER_CALL: Final = 10


class ReimbursementActivities:
    """What a report's workflow needs to know beside its posting."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections

    @activity.defn
    async def read_reimbursement(self, ref: DocumentRef) -> Reimbursed:
        """Read how far a report is from our own record."""
        async with self._database.connection() as connection:
            head = await payments.head_of(connection, ref.connection, ref.document)
            found = await payments.reimbursement_of(connection, ref.connection, ref.document)
        if head is None:
            return Reimbursed()
        worth = Money(amount=head.amount, currency=head.currency)
        about = Reimbursed(
            report=head.number or "",
            legal_entity=head.legal_entity,
            amount_minor=worth.amount_minor,
        )
        return about if found is None else about.model_copy(update=_standing(found))

    @activity.defn
    async def attach_receipts(self, ref: DocumentRef) -> Attached:
        """Put the receipts that are not there yet beside the document; safe to repeat.

        A receipt that cannot be had, or put there, is left out and counted as missing: it holds up
        neither the others nor the money. `later` says that asking again may help.
        """
        if ref.connection not in self._connections.all_filling(ReceiptSource):
            return Attached()
        if ref.target not in self._connections.all_filling(AttachmentTarget):
            return Attached()
        return await self._attach(ref)

    async def _attach(self, ref: DocumentRef) -> Attached:
        erp = self._connections.filling(ref.target, AttachmentTarget)
        async with self._database.connection() as connection:
            found = await payments.reimbursement_of(connection, ref.connection, ref.document)
            entry = await source_lines.entry_of(connection, ref.connection, ref.document)
        if found is None or entry is None:
            return Attached()
        report = ExpenseReport.model_validate_json(entry)
        receipts = {one.id: one for item in report.items for one in item.receipts}
        if not receipts:
            return Attached()
        trouble = Trouble()
        there: frozenset[str] | None = None
        with trouble:
            there = await erp.attached(found.document_id)
        if there is None:
            return Attached(missing=len(receipts), later=trouble.passes)
        lacking = [one for one in receipts.values() if one.id not in there]
        attached = 0
        for start in range(0, len(lacking), RECEIPTS_PER_CALL):
            some = await self._fetched(ref, lacking[start : start + RECEIPTS_PER_CALL], trouble)
            with trouble:
                if some:
                    await erp.attach(found.document_id, some)
                attached += len(some)
        return Attached(
            receipts=len(receipts) - len(lacking) + attached,
            missing=len(lacking) - attached,
            later=trouble.passes,
        )

    async def _fetched(
        self, ref: DocumentRef, receipts: Sequence[Receipt], trouble: "Trouble"
    ) -> list[Attachment]:
        source = self._connections.filling(ref.connection, ReceiptSource)
        fetched: list[Attachment] = []
        for one in receipts:
            with trouble:
                data = await source.receipt(ref.document, one.id)
                fetched.append(Attachment(id=one.id, name=one.name, data=data))
        return fetched


class Trouble:
    """Trouble with receipts, which is remembered and goes no further."""

    def __init__(self) -> None:
        # Some of it may be over later; what was refused stays refused.
        self.passes = False

    def __enter__(self) -> None:
        """Begin something that may meet trouble."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        """Swallow a connector's trouble, and nothing else."""
        if not isinstance(error, ConnectorError):
            return False
        activity.logger.warning("a receipt is not attached: %s", error.code)
        self.passes = self.passes or not isinstance(error, RejectedError)
        return True


def _standing(found: payments.Reimbursement) -> dict[str, Any]:
    return {
        "posted": True,
        "state": found.state or "none",
        "number": found.number or "",
        "total": "" if found.total is None else decimal_text(found.total),
        "paid": "" if found.paid is None else decimal_text(found.paid),
        "currency": found.currency or "",
        "due_on": found.due_on,
        "to_be_told": found.to_be_told,
        "posted_at": found.posted_at,
    }
