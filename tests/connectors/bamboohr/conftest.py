"""The world that BambooHR's tests work in; whatever crossed its wire kept to the specification."""

from collections.abc import Iterator

import pytest

from tests.connectors.bamboohr.world import BambooWorld


@pytest.fixture
def world() -> Iterator[BambooWorld]:
    """A new company for each test."""
    world = BambooWorld()
    yield world
    assert world.spec.broken == []
