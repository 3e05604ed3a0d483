"""Pages are followed to the end, not in circles, and not from the start again after trouble."""

from collections.abc import Mapping

import pytest

from connectors.base.errors import TransientError
from connectors.base.pagination import PAGES_MAX, InTurn, Pages, follow

Page = tuple[str, str | None]


class Book:
    """Pages by address, which can fail."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = pages
        self.failures = 0
        self.fetched: list[str] = []

    async def fetch(self, address: str) -> Page:
        self.fetched.append(address)
        if self.failures:
            self.failures -= 1
            raise TransientError("budget_spent", retry_after_seconds=1)
        return self._pages[address]


async def test_pages_come_in_order_to_the_last() -> None:
    book = Book({"a": ("1", "b"), "b": ("2", "c"), "c": ("3", None)})
    assert [page async for page in Pages("a", book.fetch)] == ["1", "2", "3"]
    assert book.fetched == ["a", "b", "c"]


async def test_a_page_that_names_its_own_successor_is_followed() -> None:
    book = Book({"a": ("1", "b"), "b": ("2", None)})
    read = [page async for page in follow("a", book.fetch, lambda page: page[1])]
    assert read == [("1", "b"), ("2", None)]


@pytest.mark.parametrize("back", ["a", "b"])
async def test_a_circle_is_noticed_before_a_page_is_fetched_twice(back: str) -> None:
    book = Book({"a": ("1", "b"), "b": ("2", back)})
    pages = Pages("a", book.fetch)
    assert [await anext(pages), await anext(pages)] == ["1", "2"]
    with pytest.raises(TransientError) as told:
        await anext(pages)
    assert told.value.code == "pages_in_a_circle"
    assert book.fetched == ["a", "b"]


async def test_trouble_keeps_the_place() -> None:
    book = Book({"a": ("1", "b"), "b": ("2", None)})
    pages = Pages("a", book.fetch)
    assert await anext(pages) == "1"
    book.failures = 2
    for _ in range(2):
        with pytest.raises(TransientError):
            await anext(pages)
    assert await anext(pages) == "2"
    with pytest.raises(StopAsyncIteration):
        await anext(pages)
    with pytest.raises(StopAsyncIteration):
        await anext(pages)
    assert book.fetched == ["a", "b", "b", "b"]


async def test_a_source_that_never_ends_is_left() -> None:
    async def fetch(address: str) -> tuple[int, str | None]:
        return int(address), str(int(address) + 1)

    pages = Pages("0", fetch)
    for number in range(PAGES_MAX):
        assert await anext(pages) == number
    with pytest.raises(TransientError):
        await anext(pages)


async def test_lists_are_read_one_after_the_other_and_an_error_keeps_the_place() -> None:
    first, last = Book({"a": ("1", None)}), Book({"b": ("2", "c"), "c": ("3", None)})
    pages = InTurn(Pages("a", first.fetch), Pages("b", last.fetch))
    assert await anext(pages) == "1"
    last.failures = 1
    with pytest.raises(TransientError):
        await anext(pages)
    assert [page async for page in pages] == ["2", "3"]
    assert [page async for page in pages] == []
