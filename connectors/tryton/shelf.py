"""Records of one kind that carry references of ours in Tryton: invoices of one side, or moves."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from logging import getLogger
from typing import Any, Final, Generic, Protocol, TypeVar

from canonical.identity import REFERENCE_LENGTH, REFERENCE_PREFIX
from connectors.base.errors import RejectedError
from connectors.tryton.client import Context, TrytonClient
from connectors.tryton.document_wire import DRAFT, INVOICE
from connectors.tryton.mapping import id_of, is_ours
from connectors.tryton.wire import Row, date_on_wire, instant_on_wire

_LOG: Final = getLogger(__name__)
# Comparisons of text in one search; more make it slow.
_PORTION: Final = 100
LIKE_OURS: Final = REFERENCE_PREFIX + "_" * (REFERENCE_LENGTH - 1) + " %"

Clauses = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where records of one kind are, and which of their fields has the reference."""

    model: str
    reference: str
    # The date that they count on.
    date: str
    # What is true of these and of no others of the model.
    mine: Clauses = ()


SUPPLIERS: Final = Place(INVOICE, "reference", "accounting_date", ("type", "=", "in"))
CUSTOMERS: Final = Place(INVOICE, "reference", "accounting_date", ("type", "=", "out"))


class Referenced(Protocol):
    """Whatever is read of a record, it has a reference."""

    @property
    def id(self) -> int: ...

    @property
    def reference(self) -> str: ...


P = TypeVar("P", bound=Referenced)


class Shelf(Generic[P]):
    """The records of one database and place; `read` makes what we know of one of them.

    `read` raises ValueError if not even id, state and reference can be read.
    """

    def __init__(
        self, client: TrytonClient, place: Place, row: type[Row], read: Callable[[Any], P]
    ) -> None:
        self._client: Final = client
        self._model: Final = place.model
        self._field: Final = place.reference
        self._mine: Final = list(place.mine)
        self._row: Final = row
        self._make: Final = read

    async def all(self, domain: Clauses, context: Context) -> list[P]:
        """Read the records of a domain; one that cannot be read is an error, not absent."""
        pages = self._client.pages(
            self._row, self._model, [list(domain), self._mine], self._exactly, context
        )
        return [paper async for page in pages for paper in page]

    async def under(self, reference: str, context: Context) -> list[P]:
        """Read all that carry one reference, in whatever state."""
        papers = await self.all([[self._field, "like", f"{reference}%"]], context)
        return [paper for paper in papers if paper.reference == reference]

    async def carrying(
        self, references: Sequence[str], booked: Clauses, context: Context
    ) -> AsyncIterator[list[P]]:
        """Read what carries one of these references and is booked, some hundred at a time."""
        wanted = set(references)
        for some in portions(sorted(wanted)):
            begins = [[self._field, "like", f"{reference}%"] for reference in some]
            papers = await self.all([["OR", *begins], list(booked)], context)
            yield [paper for paper in papers if paper.reference in wanted]

    def sweep(self, domain: Clauses) -> AsyncIterator[list[P]]:
        """Page through what is ours; what cannot be read is left out, and so counts as missing."""
        ours = [*domain, [self._field, "like", LIKE_OURS], self._mine]
        return self._client.pages(self._row, self._model, ours, self._readable)

    async def stray_drafts(self, older_than: datetime) -> list[int]:
        """Give the ids of drafts of ours that were made before an instant."""
        old = [
            [self._field, "like", LIKE_OURS],
            ["create_date", "<", instant_on_wire(older_than)],
            ["state", "=", DRAFT],
        ]
        return [paper.id for paper in await self.all(old, {}) if is_ours(paper.reference)]

    def _exactly(self, page: Sequence[Any]) -> list[P]:
        try:
            return [self._make(value) for value in page]
        except ValueError as error:
            raise RejectedError("answer_not_understood", f"{self._model} {error}") from None

    def _readable(self, page: Sequence[Any]) -> list[P]:
        found: list[P] = []
        for value in page:
            try:
                paper = self._make(value)
            except ValueError as error:
                _LOG.error("tryton: %s left out of the sweep: %s", self._model, error)
                continue
            if is_ours(paper.reference):
                found.append(paper)
        return found


def since_clauses(since: datetime | None) -> list[Any]:
    """Make the domain of what changed at or after an instant."""
    return [] if since is None else [["last_modified_at", ">=", instant_on_wire(since)]]


def window_clauses(place: Place, legal_entity: str, first: date, last: date) -> list[Any]:
    """Make the domain of what a company posts in a window."""
    return [
        ["company", "=", id_of(legal_entity, "legal entity")],
        [place.date, ">=", date_on_wire(first)],
        [place.date, "<=", date_on_wire(last)],
    ]


def portions(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut many texts into as many as one search compares."""
    for start in range(0, len(texts), _PORTION):
        yield texts[start : start + _PORTION]
