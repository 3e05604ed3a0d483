"""Between processes, one holds the lock, the others wait, and the dead let go."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from sandbox.file_lock import exclusive

HOLDER = """
import asyncio, sys
from pathlib import Path
from sandbox.file_lock import exclusive

async def main():
    async with exclusive(Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""


async def test_who_comes_second_waits(tmp_path: Path) -> None:
    lock = tmp_path / "below" / "lock"
    order = []

    async def second() -> None:
        async with exclusive(lock):
            order.append("second")

    async with exclusive(lock):
        waiting = asyncio.create_task(second())
        await asyncio.wait([waiting], timeout=0.3)
        order.append("first is done")
    await asyncio.wait_for(waiting, 10)
    assert order == ["first is done", "second"]


async def test_who_waits_can_be_cancelled(tmp_path: Path) -> None:
    async def wait_for_it() -> None:
        async with exclusive(tmp_path / "lock"):
            raise AssertionError("it was not free")

    async with exclusive(tmp_path / "lock"):
        waiting = asyncio.create_task(wait_for_it())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait_for(asyncio.wait([waiting]), 10)
        assert waiting.cancelled()


async def test_a_process_that_dies_lets_go(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(lock),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    holder.kill()
    await holder.wait()
    async with asyncio.timeout(10), exclusive(lock):
        pass
