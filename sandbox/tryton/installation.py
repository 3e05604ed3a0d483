"""Tryton's programs, in a virtual environment of their own beside our data.

Tryton is another program under another licence: it is installed, started and spoken to over HTTP,
and no module of it is ever imported here.
"""

import asyncio
import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox.child_process import ServerError
from sandbox.file_lock import exclusive

REQUIREMENTS = Path(__file__).with_name("requirements.lock")
COMPLAINT_CHARACTERS_MAX = 2000


@dataclass(frozen=True)
class Installation:
    """Where Tryton's Python and its programs are."""

    directory: Path

    @property
    def python(self) -> Path:
        """The interpreter that has Tryton's packages."""
        return self.directory / "bin" / "python"

    @property
    def admin_program(self) -> list[str]:
        """The command that creates and updates a database."""
        return [str(self.python), str(self.directory / "bin" / "trytond-admin")]

    @property
    def http_server(self) -> list[str]:
        """The command that serves the application."""
        return [str(self.python), "-m", "gunicorn"]


def requirements_hash() -> str:
    """Name exactly what is installed."""
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


async def install(home: Path) -> Installation:
    """Install Tryton below a home directory unless it is there already; safe for two at once."""
    installation = Installation(home / "erp-venv")
    proof = installation.directory / "installed"
    async with exclusive(home / "erp-venv.lock"):
        if not proof.exists() or proof.read_text() != requirements_hash():
            await asyncio.to_thread(shutil.rmtree, installation.directory, ignore_errors=True)
            for command in _commands(installation):
                await _run(command)
            proof.write_text(requirements_hash())
    return installation


def _commands(installation: Installation) -> list[list[str]]:
    directory, python = str(installation.directory), str(installation.python)
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    hashed = ["install", "-q", "--require-hashes", "-r", str(REQUIREMENTS)]
    if uv:
        return [
            [uv, "venv", "-q", "--no-project", "--python", sys.executable, directory],
            [uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, *hashed[2:]],
        ]
    return [
        [sys.executable, "-m", "venv", directory],
        [python, "-m", "pip", "--disable-pip-version-check", *hashed],
    ]


async def _run(command: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        complaint = output.decode(errors="replace")[-COMPLAINT_CHARACTERS_MAX:]
        raise ServerError(f"Tryton could not be installed ({command[0]}):\n{complaint}")
