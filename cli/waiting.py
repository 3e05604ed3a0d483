"""Waiting until the ledger has settled, with a bar where somebody looks."""

import asyncio
from typing import TYPE_CHECKING, Final

from rich.progress import Progress

from cli.output import err

if TYPE_CHECKING:
    from store.database import Database

_POLL_SECONDS: Final = 0.25
_UNDER_WAY: Final = """
    SELECT (SELECT count(*) FROM posting WHERE state IN ('PENDING', 'SENDING')) AS lines,
      (SELECT count(*) FROM document WHERE news_seq > prepared_seq) AS documents
"""


async def until_settled(database: "Database", seconds_max: int = 3600) -> None:
    """Wait until no line is under way and no timesheet is owed a workflow."""
    with Progress(console=err, disable=not err.is_terminal, transient=True) as progress:
        bar = progress.add_task("Lines under way", total=None)
        most = 1
        async with asyncio.timeout(seconds_max):
            while True:
                row = await database.fetch_row(_UNDER_WAY)
                assert row is not None
                left = row["lines"] + row["documents"]
                most = max(most, left)
                progress.update(bar, total=most, completed=most - left)
                if left == 0:
                    return
                await asyncio.sleep(_POLL_SECONDS)
