"""The benchmark: the event lane beside a naive and a careful script, in one run.

    python -m benchmarks.event_lane [--lines 4000] [--passes 3] [--quick] [--json] [--profile]
                                    [--write-docs]

Exits 1 if a goal is missed (an aim is not a goal). docs/benchmarks.md says how it is measured.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil
import uvloop

from benchmarks.firm import LINES_MAX, LINES_PER_TIMESHEET
from benchmarks.page import PAGE, with_figures
from benchmarks.processes import end
from benchmarks.profiling import py_spy
from benchmarks.report import Report, Resume, Run, report_on
from benchmarks.resume import run_resume
from benchmarks.stage import Stage
from benchmarks.text import rendered
from benchmarks.variants import run_careful, run_event_lane, run_naive

_WARM_UP: Final = 20
_QUICK_LINES: Final = 1000
_PROFILE: Final = Path("worker.profile.txt")


def options() -> argparse.ArgumentParser:
    """What can be asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=4000, help="lines per run")
    parser.add_argument("--passes", type=int, default=3, help="runs of each variant, interleaved")
    parser.add_argument("--workers", type=int, default=1, help="worker processes of the event lane")
    parser.add_argument("--quick", action="store_true", help="one pass of 1,000 lines")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--profile", action="store_true", help="profile the worker with py-spy")
    parser.add_argument(
        "--write-docs", action="store_true", help="put the figures into docs/benchmarks.md"
    )
    return parser


def _options() -> argparse.Namespace:
    parser = options()
    given = parser.parse_args()
    if given.quick:
        given.lines, given.passes = _QUICK_LINES, 1
    if not LINES_PER_TIMESHEET * 10 <= given.lines <= LINES_MAX:
        parser.error(f"--lines takes {LINES_PER_TIMESHEET * 10} to {LINES_MAX}")
    if given.passes < 1:
        parser.error("--passes takes 1 or more")
    return given


async def _measure(given: argparse.Namespace) -> Report:
    timesheets = given.lines // LINES_PER_TIMESHEET
    with tempfile.TemporaryDirectory(prefix="ledgerway-bench-") as home:
        async with Stage(Path(home), timesheets=timesheets, warm_up=_WARM_UP) as stage:
            passes = [await _pass(stage, number, given) for number in range(given.passes)]
            resume = await _resume(stage, passes)
    facts = {
        "lines": given.lines,
        "lines_per_timesheet": LINES_PER_TIMESHEET,
        "passes": given.passes,
        "workers": given.workers,
        "cores": psutil.cpu_count(),
    }
    return report_on(passes, resume, facts)


async def _pass(stage: Stage, number: int, given: argparse.Namespace) -> Sequence[Run]:
    """Each variant once; every pass begins with another one."""
    profile = _PROFILE if given.profile and number == 0 else None

    async def event(name: str) -> Run:
        return await run_event_lane(stage, name, workers=given.workers, profile=profile)

    variants: list[tuple[str, Callable[[str], Awaitable[Run]]]] = [
        ("event", event),
        ("naive", lambda name: run_naive(stage, name)),
        ("careful", lambda name: run_careful(stage, name)),
    ]
    turned = variants[number % 3 :] + variants[: number % 3]
    runs: list[Run] = []
    for name, run in turned:
        _note(f"pass {number + 1}: {name}")
        runs.append(await run(f"{name}-{number}"))
    return runs


async def _resume(stage: Stage, passes: Sequence[Sequence[Run]]) -> Resume:
    _note("a kill in the middle")
    return await run_resume(stage, passes)


def _note(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


def main() -> int:
    """Measure and print; gives the exit code."""
    given = _options()
    if given.profile and py_spy() is None:
        _note("py-spy is not installed (pip install py-spy): no profile is taken")
    report = uvloop.run(_measure(given))
    if given.json:
        print(json.dumps(asdict(report) | {"failed": report.failed}, indent=2))
    else:
        print(rendered(report))
    if given.write_docs:
        today = datetime.now(UTC).date()
        PAGE.write_text(with_figures(PAGE.read_text(), report, today))
        _note(f"the figures stand in {PAGE.name}")
    if given.profile and py_spy() is not None:
        _note(f"the worker's profile, as collapsed stacks: {_PROFILE}")
    return int(report.failed)


if __name__ == "__main__":
    end(main())
