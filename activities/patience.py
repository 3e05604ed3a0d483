"""Patience: reading page after page at the pace that a vendor allows, without losing the place."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from connectors.base.errors import TransientError

P = TypeVar("P")

# So often in a row, a page may fail before the whole reading is given up and tried again later.
TRIES_PER_PAGE: Final = 5
_PAUSE_SECONDS: Final = 1
_PAUSE_MAX_SECONDS: Final = 120


async def patiently(pages: AsyncIterator[P]) -> AsyncIterator[P]:
    """Yield every page; wait as long as the source asks for, and ask for the same page again.

    Raises the TransientError of the last try, or one that asks for a longer pause than fits.
    """
    failed = 0
    while True:
        try:
            page = await anext(pages)
        except StopAsyncIteration:
            return
        except TransientError as error:
            failed += 1
            pause = error.retry_after_seconds or _PAUSE_SECONDS * failed
            if failed >= TRIES_PER_PAGE or pause > _PAUSE_MAX_SECONDS:
                raise
            await asyncio.sleep(pause)
        else:
            failed = 0
            yield page
