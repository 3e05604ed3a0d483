"""The sweep over documents that were reversed: their opposites count, and second copies do."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from activities.sweep import SweepActivities
from canonical.messages import SweepOutcome, SweepRequest
from canonical.posting import PostedDocument, PostingIntent, PostingKind
from connectors.base.capabilities import PostingTarget
from connectors.base.connections import Connections
from connectors.base.http import Timeouts
from connectors.tryton.manifest import manifest_for
from rules.policies import Policies
from tests.store.corner import Corner

LONG_AGO = datetime.now(UTC) - timedelta(days=30)


class Books:
    """An ERP that holds these documents, each under the reference of a posting."""

    manifest = manifest_for(Timeouts())

    def __init__(self, *documents: PostedDocument) -> None:
        self._documents = documents

    async def documents_since(
        self, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """All of them, whenever they were changed."""
        assert since is None
        yield self._documents

    def filling(self, *_: Any) -> "Books":
        return self

    def all_filling(self, capability: type[Any]) -> dict[str, "Books"]:
        assert capability is not PostingTarget
        return {}


async def swept(corner: Corner, *documents: PostedDocument) -> SweepOutcome:
    """Sweep the whole of an ERP that holds these documents."""
    activities = SweepActivities(
        corner.database,
        cast("Connections", Books(*documents)),
        Policies(),
        tenant="northwind",
        acknowledged=(),
    )
    return await activities._sweep(SweepRequest(target=corner.target, full=True))


async def reversed_report(corner: Corner) -> tuple[UUID, UUID]:
    """A document that was booked as 501 and taken back by 502; gives both keys."""
    report: dict[str, Any] = {"object": "expense_report"}
    original = await corner.posted("doc1", "501", kind=PostingKind.EXPENSE, **report)
    reversal = await corner.posted(
        "doc1", "502", kind=PostingKind.REVERSAL, corrects=original, **report
    )
    for key in (original, reversal):
        await corner.set(key, attested_at=LONG_AGO, posted_at=LONG_AGO)
    await corner.set(original, state="REVERSED")
    return original, reversal


async def document(corner: Corner, key: UUID, document_id: str) -> PostedDocument:
    row = await corner.row(key)
    body = PostingIntent.model_validate_json(row["intent"]).body
    return PostedDocument(document_id=document_id, reference=row["reference"], body=body)


async def test_a_document_and_its_opposite_are_as_they_should_be(corner: Corner) -> None:
    original, reversal = await reversed_report(corner)
    found = await swept(
        corner,
        await document(corner, original, "501"),
        await document(corner, reversal, "502"),
    )
    assert (found.documents, found.cases) == (2, ())


async def test_a_second_copy_of_a_reversed_document_becomes_a_case(corner: Corner) -> None:
    """The reversal took back one of them; the other still stands in the books."""
    original, reversal = await reversed_report(corner)
    documents = [
        await document(corner, original, "501"),
        await document(corner, original, "599"),
        await document(corner, reversal, "502"),
    ]
    for _ in range(2):
        found = await swept(corner, *documents)
        assert (found.duplicates, len(found.cases)) == (1, 1)
    assert await corner.state(original) == "REVERSED"


async def test_a_reversal_that_the_erp_shows_no_more_becomes_a_case(corner: Corner) -> None:
    """What it took back is owed again, and nobody would know."""
    original, _ = await reversed_report(corner)
    found = await swept(corner, await document(corner, original, "501"))
    assert (found.missing, len(found.cases)) == (1, 1)
