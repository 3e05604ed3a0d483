"""Receipts put beside a posted report: trouble with one holds up neither others nor the money."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from temporalio.testing import ActivityEnvironment

from activities.reimbursement import ReimbursementActivities
from activities.taking_in import REPORTS, TakingIn
from canonical.expense import EXPENSE_REPORT, Receipt
from canonical.messages import Attached, DocumentRef
from canonical.posting import PostingKind
from canonical.time_entry import Approval
from connectors.base.capabilities import Attachment, SourcePage, SourceRecord
from connectors.base.connections import Connections
from connectors.base.errors import (
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from tests.store.corner import NOON, Corner
from tests.unit.expense_building import item, report


class Systems:
    """A source of receipts and an ERP that keeps them; each may have its troubles."""

    def __init__(self, **troubles: ConnectorError) -> None:
        self._troubles = troubles
        self.kept: set[str] = set()

    def filling(self, *_: Any) -> "Systems":
        return self

    def all_filling(self, _: type[Any]) -> "Everything":
        return Everything()

    async def receipt(self, source_id: str, receipt_id: str) -> bytes:
        """Hand a receipt out."""
        self._may_fail(receipt_id)
        return receipt_id.encode()

    async def attached(self, document_id: str) -> frozenset[str]:
        """Show what is kept."""
        self._may_fail("attached")
        return frozenset(self.kept)

    async def attach(self, document_id: str, attachments: Sequence[Attachment]) -> None:
        """Keep receipts."""
        self._may_fail("attach")
        self.kept |= {one.id for one in attachments}

    def _may_fail(self, what: str) -> None:
        if what in self._troubles:
            raise self._troubles[what]


class Everything:
    """Has whatever is looked for."""

    def __contains__(self, _: object) -> bool:
        return True


async def attach(corner: Corner, systems: Systems) -> Attached:
    """Attach the receipts r1 to r3 of a posted report."""
    receipts = tuple(Receipt(id=f"r{number}") for number in range(1, 4))
    shown = report(
        item(receipts=receipts), connection=corner.source, approval=Approval(approved_at=NOON)
    )
    record = SourceRecord(shown.id, "{}", record=shown)
    await TakingIn(corner.database, REPORTS).take_in(corner.source, SourcePage((record,)))
    key = await corner.posted("doc1", kind=PostingKind.EXPENSE, object=EXPENSE_REPORT)
    await corner.set(key, document_id="doc1", attested_at=datetime.now(UTC))
    activities = ReimbursementActivities(corner.database, cast("Connections", systems))
    ref = DocumentRef(
        connection=corner.source, document="doc1", target=corner.target, kind=EXPENSE_REPORT
    )
    return await ActivityEnvironment().run(activities.attach_receipts, ref)


async def test_all_receipts_are_attached(corner: Corner) -> None:
    systems = Systems()
    assert await attach(corner, systems) == Attached(receipts=3)
    assert systems.kept == {"r1", "r2", "r3"}


@pytest.mark.parametrize(
    ("error", "later"),
    [
        (RejectedError("not_found"), False),
        (TransientError("http_500"), True),
        (ConnectionConfigError("no_scope"), True),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_receipt_that_cannot_be_had_leaves_the_others_attached(
    corner: Corner, error: ConnectorError, later: bool
) -> None:
    systems = Systems(r1=error)
    assert await attach(corner, systems) == Attached(receipts=2, missing=1, later=later)
    assert systems.kept == {"r2", "r3"}


@pytest.mark.parametrize(
    ("trouble", "error", "later"),
    [
        ("attached", TransientError("http_503"), True),
        ("attach", OutcomeUnknownError("no_answer"), True),
        ("attach", RejectedError("too_large"), False),
    ],
)
async def test_an_erp_that_takes_no_receipts_is_no_error_of_the_report(
    corner: Corner, trouble: str, error: ConnectorError, later: bool
) -> None:
    systems = Systems(**{trouble: error})
    assert await attach(corner, systems) == Attached(missing=3, later=later)
