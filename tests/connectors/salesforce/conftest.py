"""The world that Salesforce's tests work in; what crossed its wire kept to the description."""

from collections.abc import Iterator

import pytest

from tests.connectors.salesforce.world import SalesforceWorld


@pytest.fixture
def world() -> Iterator[SalesforceWorld]:
    """A new org for each test."""
    world = SalesforceWorld()
    yield world
    assert world.spec.broken == []
