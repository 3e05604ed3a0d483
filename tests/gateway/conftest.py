"""Gateways for tests; namespaces of Temporal."""

import pytest

from tests.e2e.conftest import new_namespace  # noqa: F401  A fixture.
from tests.gateway.corner import Corner


@pytest.fixture
def corner() -> Corner:
    """A gateway without a server."""
    return Corner()
