"""A document that is taken back, and what it passed on to customers."""

from typing import Final

from canonical.posting import PostingIntent
from connectors.base.errors import RejectedError
from connectors.tryton.client import Context
from connectors.tryton.document_reading import Paper
from connectors.tryton.document_wire import CANCELLED, DRAFT, DisbursementRow
from connectors.tryton.mapping import document_of, reference_taken_back
from connectors.tryton.papers import DISBURSEMENT, Papers

Calls = list[tuple[str, list[int]]]


class Original:
    """The booked document behind a reversal.

    Its disbursements are cancelled before the reversal is posted, so that no customer is billed
    for a cost that was taken back; a disbursement that is being paid or billed stops the reversal.
    """

    def __init__(self, papers: Papers, paper: Paper, context: Context) -> None:
        self._papers: Final = papers
        self._paper: Final = paper
        self._context: Final = context
        self._cancelled: list[int] = []

    @classmethod
    async def read(cls, papers: Papers, intent: PostingIntent, context: Context) -> "Original":
        """Read what a posting takes back; raises RejectedError if that cannot be taken back."""
        number = document_of(intent)
        found = [paper for paper in await papers.numbered([number], context) if paper.booked]
        if not found:
            raise RejectedError("original_not_standing", f"document {number} is not posted")
        expected = reference_taken_back(intent)
        if expected is not None and found[0].reference != expected:
            raise RejectedError("not_ours", f"document {number} does not carry our reference")
        original = cls(papers, found[0], context)
        await original.rows()
        return original

    async def rows(self) -> list[DisbursementRow]:
        """Read what it passes on; RejectedError once one of that is being paid or billed."""
        rows = await self._papers.rows_of(self._paper, self._context)
        for row in rows:
            _may_be_cancelled(row)
        return rows

    async def release(self) -> Calls:
        """Give the calls that cancel what it passes on; RejectedError once that is too late."""
        standing = [row.id for row in await self.rows() if row.state == DRAFT]
        self._cancelled += standing
        return [(f"model.{DISBURSEMENT}.cancel", standing)] if standing else []

    def restore(self) -> Calls:
        """Give the calls that bring back what `release` cancelled."""
        if not self._cancelled:
            return []
        return [(f"model.{DISBURSEMENT}.draft", self._cancelled)]


def _may_be_cancelled(row: DisbursementRow) -> None:
    if row.state not in (DRAFT, CANCELLED):
        raise RejectedError(
            "disbursement_in_use",
            f"disbursement {row.id} is {row.state}: settle or cancel it first",
        )
