"""Pages: followed to the end, and never in a circle."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

from connectors.base.errors import TransientError

P = TypeVar("P")

# 10,000 pages of 2,000 records; a source with more has lost count.
PAGES_MAX: Final = 10_000


async def follow(
    first: str,
    fetch: Callable[[str], Awaitable[P]],
    next_of: Callable[[P], str | None],
) -> AsyncIterator[P]:
    """Yield page after page from a first address or token.

    `next_of` gives the next address out of a page, None at the end. Raises TransientError if
    an address comes twice, because the source would send us round for ever.
    """
    seen: set[str] = set()
    token: str | None = first
    while token is not None:
        if token in seen or len(seen) >= PAGES_MAX:
            raise TransientError("pages_in_a_circle", f"page {len(seen) + 1} was seen before")
        seen.add(token)
        page = await fetch(token)
        yield page
        token = next_of(page)
