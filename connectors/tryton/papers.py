"""Reading our invoices in Tryton, drafts and booked ones, with what they pass on to customers."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from logging import getLogger
from typing import Any, Final

from canonical.posting import PostedDocument
from connectors.base.errors import RejectedError
from connectors.tryton import document_reading as reading
from connectors.tryton.client import Context, TrytonClient
from connectors.tryton.document_reading import Paper
from connectors.tryton.document_wire import BOOKED, INVOICE, UNBOOKED, DisbursementRow, InvoiceRow
from connectors.tryton.shelf import (
    LIKE_OURS,
    SUPPLIERS,
    Shelf,
    portions,
    since_clauses,
    window_clauses,
)
from connectors.tryton.wire import instant_on_wire, row_from

_LOG: Final = getLogger(__name__)
DISBURSEMENT: Final = "project.disbursement"
_BOOKED: Final = ["state", "in", list(BOOKED)]


@dataclass(frozen=True, slots=True)
class Seen:
    """All that Tryton shows under one reference, lowest id first."""

    papers: Sequence[Paper]
    # Disbursements that carry the reference, whatever document they name.
    rows: Sequence[DisbursementRow]

    @property
    def booked(self) -> list[Paper]:
        return [paper for paper in self.papers if paper.booked]

    @property
    def drafts(self) -> list[Paper]:
        """Those that are not booked; a validated one comes first, since it cannot be deleted."""
        unbooked = [paper for paper in self.papers if paper.state in UNBOOKED]
        return sorted(unbooked, key=lambda paper: (paper.state == UNBOOKED[0], paper.id))

    def of(self, paper: Paper) -> list[DisbursementRow]:
        """The disbursements that name a document."""
        return _named(self.rows, paper)

    @property
    def stray_rows(self) -> list[DisbursementRow]:
        """Disbursements whose document is gone, and which nobody has begun to pay or bill."""
        living = tuple(paper.billing for paper in self.papers)
        return [
            row
            for row in self.rows
            if reading.deletable(row) and not (row.reference or "").startswith(living)
        ]


class Papers:
    """The invoices of one database that carry references of ours."""

    def __init__(self, client: TrytonClient, cost_centre_root: str) -> None:
        self._client: Final = client
        self._shelf: Final = Shelf(
            client, SUPPLIERS, InvoiceRow, lambda value: reading.paper_from(value, cost_centre_root)
        )

    async def seen(self, reference: str, context: Context) -> Seen:
        """Look at everything that carries one reference.

        Disbursements first: one whose document does not show afterwards is certainly a stray.
        """
        rows = await self._rows([["reference", "like", f"{reference} %"]], context)
        ours = await self._shelf.under(reference, context)
        # What takes a document back shows the disbursements of that one.
        others = [paper for paper in ours if not paper.billing.startswith(f"{reference} ")]
        return Seen(ours, [*rows, *await self._billed(others, context)])

    async def numbered(self, numbers: Sequence[int], context: Context) -> list[Paper]:
        """Read invoices by their ids."""
        return await self._shelf.all([["id", "in", list(numbers)]], context)

    async def rows_of(self, paper: Paper, context: Context) -> list[DisbursementRow]:
        """Read the disbursements that name a document."""
        return _named(await self._billed([paper], context), paper)

    async def booked(
        self, references: Sequence[str], context: Context
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        """Find booked documents by reference; one that cannot be read is an error, not absent."""
        found: dict[str, tuple[PostedDocument, ...]] = {}
        async for papers in self._shelf.carrying(references, [_BOOKED], context):
            for paper, rows in await self._with_rows(papers, context):
                document = _exactly(paper, rows)
                found[paper.reference] = (*found.get(paper.reference, ()), document)
        return found

    def changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through booked documents of ours, changed at or after an instant."""
        return self._sweep(since_clauses(since))

    def between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a company's booked documents of ours, by posting date."""
        return self._sweep(window_clauses(SUPPLIERS, legal_entity, first, last))

    async def strays(self, older_than: datetime) -> tuple[list[int], list[int]]:
        """Give the ids of invoices and disbursements that were left behind before an instant."""
        drafts = await self._shelf.stray_drafts(older_than)
        old = [["create_date", "<", instant_on_wire(older_than)]]
        begun = [["reference", "like", LIKE_OURS], *old, ["state", "=", UNBOOKED[0]]]
        rows = await self._rows(begun, {})
        named = {row.id: _document_named(row) for row in rows}
        standing = await self.numbered(sorted({*named.values()}), {})
        living = {paper.id for paper in standing} - set(drafts)
        return drafts, [row.id for row in rows if named[row.id] not in living]

    def _sweep(self, domain: list[Any]) -> AsyncIterator[Sequence[PostedDocument]]:
        return _Completed(self._shelf.sweep([*domain, _BOOKED]), self)

    async def completed(self, papers: Sequence[Paper]) -> list[PostedDocument]:
        """Give papers of the sweep as documents. What cannot be read counts as missing."""
        found: list[PostedDocument] = []
        for paper, rows in await self._with_rows(papers, {}):
            try:
                found.append(reading.document_from(paper, rows))
            except ValueError as error:
                _LOG.error("tryton: %s left out of the sweep: %s", INVOICE, error)
        return found

    async def _with_rows(
        self, papers: Sequence[Paper], context: Context
    ) -> list[tuple[Paper, Sequence[DisbursementRow]]]:
        rows = await self._billed(papers, context)
        return [(paper, _named(rows, paper)) for paper in papers]

    async def _billed(self, papers: Sequence[Paper], context: Context) -> list[DisbursementRow]:
        found: list[DisbursementRow] = []
        for some in portions(sorted({paper.billing for paper in papers})):
            begins = [["reference", "like", f"{billing}%"] for billing in some]
            found += await self._rows(["OR", *begins], context)
        return found

    async def _rows(self, domain: Sequence[Any], context: Context) -> list[DisbursementRow]:
        pages = self._client.pages(DisbursementRow, DISBURSEMENT, domain, _rows_from, context)
        return [row async for page in pages for row in page]


class _Completed(AsyncIterator[Sequence[PostedDocument]]):
    """Pages of papers, made whole; an error keeps the place, as pages do."""

    def __init__(self, pages: AsyncIterator[list[Paper]], papers: Papers) -> None:
        self._pages: Final = pages
        self._papers: Final = papers
        self._waiting: list[Paper] | None = None

    async def __anext__(self) -> Sequence[PostedDocument]:
        if self._waiting is None:
            self._waiting = await anext(self._pages)
        documents = await self._papers.completed(self._waiting)
        self._waiting = None
        return documents


def _rows_from(page: Sequence[Any]) -> list[DisbursementRow]:
    try:
        return [row_from(DisbursementRow, value) for value in page]
    except ValueError as error:
        raise RejectedError("answer_not_understood", f"{DISBURSEMENT} {error}") from None


def _exactly(paper: Paper, rows: Iterable[DisbursementRow]) -> PostedDocument:
    try:
        return reading.document_from(paper, rows)
    except ValueError as error:
        raise RejectedError("answer_not_understood", f"{INVOICE} {error}") from None


def _named(rows: Iterable[DisbursementRow], paper: Paper) -> list[DisbursementRow]:
    return [row for row in rows if (row.reference or "").startswith(paper.billing)]


def _document_named(row: DisbursementRow) -> int:
    """The document that a disbursement names; 0 if that is no number."""
    words = (row.reference or "").split(" ")
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
