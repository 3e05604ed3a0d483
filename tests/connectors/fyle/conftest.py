"""The world that Fyle's tests work in; whatever crossed its wire kept to the specification."""

from collections.abc import Iterator

import pytest

from tests.connectors.fyle.world import FyleWorld


@pytest.fixture
def world() -> Iterator[FyleWorld]:
    """A new organisation for each test."""
    world = FyleWorld()
    yield world
    assert world.spec.broken == []
