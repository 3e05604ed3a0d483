"""Build the snapshot of the ERP ahead of its use: `python -m sandbox.tryton HOME 2026-10`."""

import argparse
import asyncio
import json
from pathlib import Path

from sandbox.firm import Month
from sandbox.tryton.server import obtain_snapshot


def main() -> None:
    """Build it, with a line of JSON for each step of progress."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.tryton", description=__doc__)
    parser.add_argument("home", type=Path, help="where the ERP's programs and snapshots are kept")
    parser.add_argument("month", type=Month.parse, help="the month that the firm is made up for")
    arguments = parser.parse_args()
    asyncio.run(
        obtain_snapshot(arguments.home.resolve(), arguments.month, on_progress=_print_progress)
    )


def _print_progress(step: str, percent: int) -> None:
    print(json.dumps({"step": step, "percent": percent}), flush=True)


if __name__ == "__main__":
    main()
