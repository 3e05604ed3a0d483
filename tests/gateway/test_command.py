"""`ledgerway gateway`: what it says when it cannot serve."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.child_process import LOCALHOST
from sandbox.programs import with_checkout
from sandbox.temporal_server import TemporalServer
from tests.gateway.installation import write_configuration

AWAY = f"{LOCALHOST}:9"


class Shell:
    """Types `ledgerway gateway` where nothing is but what it is told; it must end by itself."""

    def __init__(self, home: Path) -> None:
        self.config = write_configuration(home / "config")
        self.environment = {"LEDGERWAY_CONFIG": str(self.config), "LEDGERWAY_HOME": str(home)}

    async def gateway(self, *arguments: str, **more: str) -> tuple[int, str]:
        """Its exit code, and what it said on one line."""
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "cli", "gateway", *arguments],
            check=False,
            capture_output=True,
            text=True,
            env=with_checkout({**self.environment, **more}),
            timeout=60,
        )
        return done.returncode, " ".join(done.stderr.split())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A machine without a local world."""
    return Shell(tmp_path)


async def test_without_a_temporal_to_tell_it_says_what_to_set(shell: Shell) -> None:
    code, said = await shell.gateway()
    assert code == 2
    assert "Set LEDGERWAY_TEMPORAL_ADDRESS and LEDGERWAY_CONFIG" in said


async def test_where_temporal_does_not_answer_it_says_so_with_the_address(shell: Shell) -> None:
    code, said = await shell.gateway(LEDGERWAY_TEMPORAL_ADDRESS=AWAY)
    assert code == 2
    assert f"Temporal does not answer at {AWAY}" in said


async def test_a_webhook_key_that_cannot_be_had_is_named(shell: Shell) -> None:
    (shell.config / "bamboohr.webhook-key").unlink()
    code, said = await shell.gateway(LEDGERWAY_TEMPORAL_ADDRESS=AWAY)
    assert code == 2
    assert "connection 'people': option 'webhook_key' is a secret" in said


async def test_a_port_that_is_taken_is_named(shell: Shell, temporal_server: TemporalServer) -> None:
    with socket.create_server((LOCALHOST, 0)) as taken:
        code, said = await shell.gateway(
            *("--port", str(taken.getsockname()[1])),
            LEDGERWAY_TEMPORAL_ADDRESS=temporal_server.address,
            LEDGERWAY_TEMPORAL_NAMESPACE=temporal_server.namespace,
        )
    assert code == 2
    assert "The address cannot be had" in said
