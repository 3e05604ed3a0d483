"""Tidemark keeps the contracts of a posting target, of its guard, and of HTTP."""

import pytest
from connectors.conformance.http_contract import HttpContract
from connectors.conformance.posting_repeats import UniqueReferenceContract
from connectors.conformance.posting_target import PostingTargetContract

from tidemark.tests.world import TidemarkWorld


@pytest.fixture
def world() -> TidemarkWorld:
    """A new company for each test."""
    return TidemarkWorld()


class TestOnTheWire(HttpContract):
    pass


class TestPostingTarget(PostingTargetContract):
    pass


class TestGuard(UniqueReferenceContract):
    pass
