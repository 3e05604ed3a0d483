"""What the protocol of drafts has to know of one kind of document, and nothing more."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from canonical.posting import PostedDocument, PostingIntent
from connectors.tryton.client import Context

# Calls by their method and the records that they are about.
Calls = Sequence[tuple[str, Sequence[Any]]]
Values = Mapping[str, Any]


class Record(Protocol):
    """An invoice or a move of Tryton's, in whatever state."""

    @property
    def id(self) -> int: ...


class Sighting(Protocol):
    """All that Tryton shows under one reference at one moment."""

    @property
    def papers(self) -> Sequence[Record]: ...

    @property
    def booked(self) -> Sequence[Record]: ...

    @property
    def drafts(self) -> Sequence[Record]:
        """Those that are not booked; what cannot be deleted comes first."""
        ...


S = TypeVar("S", bound=Sighting)


class Dossier(Protocol[S]):
    """One document that is to be posted: how it looks, and what has to stand beside it.

    The protocol makes every write and decides their order; a dossier says what to write and reads
    what is there. Its calls are all harmless: none of them books anything.
    """

    @property
    def intent(self) -> PostingIntent: ...

    @property
    def model(self) -> str:
        """Which of Tryton's models its records are of."""
        ...

    @property
    def context(self) -> Context: ...

    @property
    def takes_back(self) -> bool:
        """Whether it takes another document back, and with that what stands beside that one."""
        ...

    async def seen(self) -> S:
        """Look at everything that carries the reference."""
        ...

    def fitting(self, seen: S) -> Sequence[int]:
        """Give the drafts that are exactly what is meant, whoever made them."""
        ...

    def draft(self) -> Values:
        """Give the draft, whole, as one record to create."""
        ...

    def beside(self, draft: int, /) -> Calls:
        """Give the calls that create what stands beside a draft."""
        ...

    def strays(self, seen: S, /) -> Calls:
        """Give the calls that delete what stands beside drafts, once those are gone."""
        ...

    async def release(self) -> Calls:
        """Give the calls that must succeed before posting; RejectedError once that is too late."""
        ...

    def restore(self) -> Calls:
        """Give the calls that bring back what `release` changed."""
        ...

    def document(self, seen: S) -> PostedDocument:
        """Give the only booked document; ValueError if it cannot be read exactly."""
        ...
