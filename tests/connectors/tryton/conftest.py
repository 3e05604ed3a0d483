"""Tryton's two worlds: a simulated server in its own process, and the real ERP."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from sandbox.tryton.server import TrytonServer
from tests.connectors.tryton.world import RealTrytonWorld, TrytonWorld

USER, PASSWORD = "connector", "simulated-password-1"


@pytest.fixture(scope="session")
def simulated_tryton_url() -> Iterator[str]:
    """The address of a simulated Tryton that runs as its own process, as the demo would run it."""
    command = [sys.executable, "-m", "connectors.tryton.simulator", "--port", "0"]
    with subprocess.Popen(
        [*command, "--user", USER, "--password", PASSWORD], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


@pytest.fixture
async def simulated_world(simulated_tryton_url: str) -> AsyncIterator[TrytonWorld]:
    """A world in the simulated Tryton."""
    world = TrytonWorld(simulated_tryton_url, "erp", USER, PASSWORD)
    await world.open(USER, PASSWORD)
    yield world
    await world.close()


@pytest.fixture
async def erp_world(erp: TrytonServer) -> AsyncIterator[RealTrytonWorld]:
    """A world in the real ERP."""
    world = RealTrytonWorld(erp.url, erp.database, erp.user, erp.password)
    await world.open(erp.admin_user, erp.admin_password)
    yield world
    await world.close()
