"""Pages: followed to the end, never in a circle, and not from the start again after trouble."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Generic, TypeVar

from connectors.base.errors import TransientError

P = TypeVar("P")

# 10,000 pages of 2,000 records; a source with more has lost count.
PAGES_MAX: Final = 10_000


class Pages(AsyncIterator[P], Generic[P]):
    """Page after page, from a first address or token.

    `fetch` gives a page and the address of the next, None at the end. An error keeps the place:
    whoever waits as long as it says may ask for the same page again. Raises TransientError if an
    address comes twice, because the source would send us round for ever.
    """

    def __init__(self, first: str, fetch: Callable[[str], Awaitable[tuple[P, str | None]]]) -> None:
        self._fetch = fetch
        self._next: str | None = first
        self._seen: set[str] = set()

    async def __anext__(self) -> P:
        token = self._next
        if token is None:
            raise StopAsyncIteration
        if token in self._seen or len(self._seen) >= PAGES_MAX:
            raise TransientError("pages_in_a_circle", f"page {len(self._seen) + 1} was seen before")
        page, self._next = await self._fetch(token)
        self._seen.add(token)
        return page


class InTurn(AsyncIterator[P], Generic[P]):
    """The pages of several lists, one list after the other; an error keeps the place."""

    def __init__(self, *lists: AsyncIterator[P]) -> None:
        self._lists = list(lists)

    async def __anext__(self) -> P:
        while self._lists:
            try:
                return await anext(self._lists[0])
            except StopAsyncIteration:
                self._lists.pop(0)
        raise StopAsyncIteration


def follow(
    first: str,
    fetch: Callable[[str], Awaitable[P]],
    next_of: Callable[[P], str | None],
) -> AsyncIterator[P]:
    """Follow pages that name their own successor; `next_of` finds it, None at the end."""

    async def fetch_both(token: str) -> tuple[P, str | None]:
        page = await fetch(token)
        return page, next_of(page)

    return Pages(first, fetch_both)
