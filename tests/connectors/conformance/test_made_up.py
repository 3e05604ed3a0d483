"""A target of each guard keeps the suites: their rules ask for nothing impossible."""

import pytest

from connectors.conformance.http_contract import HttpContract
from connectors.conformance.posting_repeats import (
    DraftThenPostContract,
    IdempotencyKeyContract,
    LookupContract,
    UniqueReferenceContract,
)
from connectors.conformance.posting_target import PostingTargetContract
from tests.connectors.conformance.made_up_erp import Flavour
from tests.connectors.conformance.made_up_world import MadeUpWorld


class _Unique:
    @pytest.fixture
    def world(self) -> MadeUpWorld:
        return MadeUpWorld(Flavour.UNIQUE)


class TestUniqueReference(_Unique, PostingTargetContract, UniqueReferenceContract):
    pass


class TestOnTheWire(_Unique, HttpContract):
    pass


class _Keyed:
    @pytest.fixture
    def world(self) -> MadeUpWorld:
        return MadeUpWorld(Flavour.KEYED)


class TestIdempotencyKey(_Keyed, PostingTargetContract, IdempotencyKeyContract):
    pass


class TestDraftThenPost(DraftThenPostContract):
    @pytest.fixture
    def world(self) -> MadeUpWorld:
        return MadeUpWorld(Flavour.DRAFTED)


class TestLookup(LookupContract):
    @pytest.fixture
    def world(self) -> MadeUpWorld:
        return MadeUpWorld(Flavour.LOOKED_UP)
