"""Platforms between the firm's sources and an ERP: a ledger and a namespace for each test."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from sandbox.temporal_server import TemporalServer
from tests.e2e.conftest import NewNamespace, dsn, new_namespace  # noqa: F401  Fixtures.
from tests.pairs.pair_platform import ErpSide, PairPlatform, pair_platform
from tests.pairs.sources import Sources

Opened = Callable[..., AbstractAsyncContextManager[PairPlatform]]


@pytest.fixture
def opened(
    dsn: str,  # noqa: F811
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
) -> Opened:
    """Open a platform between sources and an ERP: with a Temporal of its own, unless told which."""

    @asynccontextmanager
    async def open_(
        sources: Sources, erp: ErpSide, *, namespace: str | None = None, drain_seconds: int = 1
    ) -> AsyncIterator[PairPlatform]:
        where = namespace or await new_namespace()
        async with pair_platform(
            dsn, temporal_server.address, where, sources, erp, drain_seconds=drain_seconds
        ) as platform:
            yield platform

    return open_
