"""What crossed Xero's wire in a test kept to the specification."""

from collections.abc import Callable, Iterator

import pytest

from tests.connectors.xero.world import BillWorld, JournalWorld, SaleWorld, XeroWorld


@pytest.fixture
def made() -> Iterator[Callable[[type[XeroWorld]], XeroWorld]]:
    """Makes worlds of a kind, and looks at the end whether all that was said was allowed."""
    worlds: list[XeroWorld] = []

    def make(kind: type[XeroWorld]) -> XeroWorld:
        worlds.append(kind())
        return worlds[-1]

    yield make
    for world in worlds:
        assert world.spec.broken == []


@pytest.fixture
def world(made: Callable[[type[XeroWorld]], XeroWorld]) -> XeroWorld:
    """A new organisation, and lines of time for it."""
    return made(XeroWorld)


@pytest.fixture
def bills(made: Callable[[type[XeroWorld]], XeroWorld]) -> BillWorld:
    """A new organisation, and expense reports for it."""
    world = made(BillWorld)
    assert isinstance(world, BillWorld)
    return world


@pytest.fixture
def sales(made: Callable[[type[XeroWorld]], XeroWorld]) -> SaleWorld:
    """A new organisation, and customer invoices for it."""
    world = made(SaleWorld)
    assert isinstance(world, SaleWorld)
    return world


@pytest.fixture
def journals(made: Callable[[type[XeroWorld]], XeroWorld]) -> JournalWorld:
    """A new organisation, and journal entries for it."""
    world = made(JournalWorld)
    assert isinstance(world, JournalWorld)
    return world
