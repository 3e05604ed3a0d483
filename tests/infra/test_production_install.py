"""What the image installs is enough: pinned production packages and our wheel, nothing else."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store import schema
from tests.infra.manifests import CHECKOUT, container_of, of_kind
from tests.server_fixtures import FreshDatabase

UV = Path(sys.executable).parent / "uv"
# Nothing of this checkout and of its virtual environment is found by what is installed.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("LEDGERWAY_", "PYTHON", "VIRTUAL_ENV"))
}


def run(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command outside the checkout."""
    return subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env=ENVIRONMENT | more,
        timeout=100,
    )


def done(*command: str | Path, **more: str) -> str:
    """Run a command that must succeed, and give its output."""
    result = run(*command, **more)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment that is installed as in the Dockerfile."""
    home = tmp_path_factory.mktemp("production")
    venv = home / "venv"
    done(UV, "venv", "--python", sys.executable, venv)
    install = (UV, "pip", "install", "--python", venv / "bin" / "python")
    pinned = ("--require-hashes", "-r", CHECKOUT / "requirements-production.lock")
    # The cache has it all, because `make install` installed the same versions from the same lock.
    if run(*install, "--offline", *pinned).returncode != 0:
        online = run(*install, *pinned)
        if online.returncode != 0 and "CI" not in os.environ:
            pytest.skip("the production packages are neither in uv's cache nor can be fetched")
        assert online.returncode == 0, online.stderr[-2000:]
    wheels = home / "wheels"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)],
        check=True,
        capture_output=True,
        cwd=CHECKOUT,
        timeout=100,
    )
    (wheel,) = wheels.glob("ledgerway-*.whl")
    done(*install, "--offline", "--no-deps", "--no-index", wheel)
    return venv / "bin"


def test_the_worker_and_the_command_line_need_nothing_else(installed: Path) -> None:
    where = done(installed / "python", "-c", "import cli.main, worker; print(worker.__file__)")
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert "migrate" in done(installed / "ledgerway", "--help")
    assert done(UV, "pip", "check", "--python", installed / "python") == ""


def test_what_the_worker_is_started_with_is_what_it_asks_for(installed: Path) -> None:
    refused = run(installed / "python", "-m", "worker")
    assert refused.returncode != 0
    assert "LEDGERWAY_DATABASE_URL" in refused.stderr


async def test_the_migration_job_makes_a_ledger(
    installed: Path, fresh_database: FreshDatabase
) -> None:
    (job,) = of_kind("Job")
    program, *arguments = container_of(job)["command"]
    dsn = await fresh_database()
    told = {"LEDGERWAY_DATABASE_URL": dsn}
    for _ in range(2):  # Once more does no harm.
        await asyncio.to_thread(done, installed / program, *arguments, **told)
    assert await schema.differences(dsn) == []
