"""Pages of one reading: read when the first is asked for, and the same for all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from connectors.base.capabilities import SourcePage, SourceRecord
from connectors.base.pagination import Pages

T = TypeVar("T")


def paged(
    read: Callable[[], Sequence[SourceRecord[T]]], page_size: int
) -> AsyncIterator[SourcePage[T]]:
    """Page through what one reading shows.

    After an error the iterator keeps its place: ask it again for the next page.
    """
    shown: Sequence[SourceRecord[T]] | None = None

    async def fetch(place: str) -> tuple[SourcePage[T], str | None]:
        nonlocal shown
        if shown is None:
            shown = await asyncio.to_thread(read)
        first, following = int(place), int(place) + page_size
        page = SourcePage(tuple(shown[first:following]), len(shown))
        return page, str(following) if following < len(shown) else None

    return Pages("0", fetch)
