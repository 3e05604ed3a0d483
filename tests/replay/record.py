"""Records the histories anew, all of them or those that are named.

    python -m tests.replay.record [WORKFLOW | WORKFLOW/CASE ...]

For a change that no running workflow can meet, as before a first release, or for a new way of a
workflow. Whatever a released version recorded stays as it is: the code has to replay it.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cli.exits import leave
from sandbox.postgres import Postgres
from sandbox.temporal_server import TemporalServer
from store import schema
from tests.e2e.local_platform import Systems, local_platform
from tests.e2e.namespaces import register_namespace
from tests.e2e.running_platform import SECONDS_MAX
from tests.replay.histories import HISTORIES, Recorded, keep
from tests.replay.plays import PLAYS, Play

_TEMPLATE = "template"


async def record(plays: Sequence[Play]) -> None:
    """Perform plays one after the other, each on a platform of its own, and keep the histories."""
    with tempfile.TemporaryDirectory(prefix="ledgerway-replay-") as home:
        async with (
            Postgres(Path(home) / "ledger") as postgres,
            TemporalServer(Path(home) / "temporal", headless=True) as temporal,
        ):
            await schema.upgrade(await postgres.create_database(_TEMPLATE))
            for number, play in enumerate(plays):
                dsn = await postgres.create_database(f"play_{number}", _TEMPLATE)
                namespace = f"play-{number}"
                await register_namespace(temporal.address, namespace)
                path = await _record(play, dsn, temporal.address, namespace)
                print(f"{path.relative_to(HISTORIES)}: {path.stat().st_size:,} bytes")  # noqa: T201


async def _record(play: Play, dsn: str, address: str, namespace: str) -> Path:
    async with local_platform(dsn, address, namespace, Systems()) as local:
        await local.refresh()
        handle = await play.perform(local)
        async with asyncio.timeout(SECONDS_MAX):
            await handle.result()
        one = Recorded(play.workflow, play.case, await handle.fetch_history())
        if not one.shows(play.shows):
            raise RuntimeError(f"{one.name} shows {list(one.steps())}, not {play.shows}")
        return keep(one)


def main() -> int:
    """Record what is asked for; gives the exit code."""
    asked = sys.argv[1:]
    plays = [
        play
        for play in PLAYS
        if not asked or {play.workflow, f"{play.workflow}/{play.case}"} & set(asked)
    ]
    if not plays:
        sys.stderr.write(f"no play is called {' or '.join(asked)}\n")
        return 2
    asyncio.run(record(plays))
    return 0


if __name__ == "__main__":
    # A process that used Temporal's client may abort at its normal end.
    leave(main())
