"""The lists of several companies, one company after the other, as one list."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

from connectors.base.pagination import InTurn
from connectors.business_central.wire import Company

P = TypeVar("P")


class OfCompanies(AsyncIterator[P]):
    """Asks which companies there are before the first page; an error keeps the place."""

    def __init__(
        self,
        companies: Callable[[], Awaitable[Sequence[Company]]],
        lists: Callable[[str], Sequence[AsyncIterator[P]]],
    ) -> None:
        self._companies: Final = companies
        self._lists: Final = lists
        self._pages: AsyncIterator[P] | None = None

    async def __anext__(self) -> P:
        if self._pages is None:
            companies = await self._companies()
            self._pages = InTurn(*(each for one in companies for each in self._lists(one.id)))
        return await anext(self._pages)
