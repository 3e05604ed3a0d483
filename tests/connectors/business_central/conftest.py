"""The world of Business Central's tests; what crossed its wire kept to the specification."""

from collections.abc import Iterator

import pytest

from tests.connectors.business_central.world import BusinessCentralWorld


@pytest.fixture
def world() -> Iterator[BusinessCentralWorld]:
    """A new environment for each test."""
    world = BusinessCentralWorld()
    yield world
    assert world.spec.broken == []
