"""The world that Harvest's tests work in; whatever crossed its wire kept to the specification."""

from collections.abc import Iterator

import pytest

from tests.connectors.harvest.world import HarvestWorld


@pytest.fixture
def world() -> Iterator[HarvestWorld]:
    """A new account for each test."""
    world = HarvestWorld()
    yield world
    assert world.spec.broken == []
