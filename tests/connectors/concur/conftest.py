"""The world that Concur's tests work in; whatever crossed its wire kept to the specification."""

from collections.abc import Iterator

import pytest

from tests.connectors.concur.world import ConcurWorld


@pytest.fixture
def world() -> Iterator[ConcurWorld]:
    """A new company for each test."""
    world = ConcurWorld()
    yield world
    assert world.spec.broken == []
