"""What programs read of commands that change something: the same answer, as JSON."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.cli.test_schedules import EXPECTED
from tests.e2e.local_platform import LocalPlatform

ADDRESSES = {"Temporal UI": "http://127.0.0.1:8233", "ERP": "http://127.0.0.1:8000 (database erp)"}
_WAITS = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); signal.pause()"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nowhere: Terminal) -> Path:
    """The folder of a local world that is not up."""
    folder = tmp_path / "world"
    folder.mkdir()
    monkeypatch.setattr("cli.local_world.WORLD", folder)
    return folder


@pytest.fixture
def holder(world: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process that holds a world open, which has said so."""
    with subprocess.Popen([sys.executable, "-c", _WAITS]) as process:
        (world / "world.json").write_text(json.dumps({"addresses": ADDRESSES}))
        (world / "supervisor.pid").write_text(str(process.pid))
        yield process
        process.kill()


@pytest.mark.usefixtures("holder")
async def test_up_gives_the_addresses_and_nothing_that_is_no_json(nowhere: Terminal) -> None:
    answered = await nowhere.type("up", "--json")
    assert (answered.code, answered.json) == (0, {"addresses": ADDRESSES})


@pytest.mark.usefixtures("holder")
async def test_up_shows_people_the_same_addresses_and_how_to_stop_it(nowhere: Terminal) -> None:
    answered = await nowhere.type("up")
    for name, address in ADDRESSES.items():
        assert f"{name} " in answered.out
        assert address in answered.out
    assert "Stop it with ledgerway down." in answered.out


async def test_down_says_whether_it_had_anything_to_stop(
    nowhere: Terminal, holder: subprocess.Popen[bytes]
) -> None:
    assert (await nowhere.type("down", "--json")).json == {"stopped": True}
    assert holder.wait(timeout=10) is not None
    assert (await nowhere.type("down", "--json")).json == {"stopped": False}
    assert (await nowhere.type("down")).out == "It was not up.\n"


async def test_a_migration_says_that_the_ledger_is_up_to_date(idle: Terminal) -> None:
    answered = await idle.type("migrate", "--json")
    assert (answered.code, answered.json) == (0, {"up_to_date": True})


async def test_schedules_that_were_applied_are_listed(
    terminal: Terminal, local: LocalPlatform
) -> None:
    answered = await terminal.type("schedules", "apply", "--json")
    assert answered.code == 0
    assert {one["id"]: one["workflow"] for one in answered.json}.items() >= EXPECTED.items()
    assert answered.json == (await terminal.type("schedules", "list", "--json")).json
    for one in answered.json:
        # Raises if Temporal has none under that id.
        await local.client.get_schedule_handle(one["id"]).delete()
