"""Running a connector's contract suite with pytest, in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from cli.exits import FOUND_SOMETHING, CommandError
from connectors.base.level import Level
from connectors.base.manifest import Manifest
from connectors.base.system import System
from connectors.conformance.verdict import Rule, Verdict, verdict_on

# A checkout, whose connectors keep their suites below `tests`.
CHECKOUT: Final = Path(__file__).parents[1]
_OURS: Final = "tests."
# pytest's own: all were good, some were not, some modules could not be read, there were none.
_RAN: Final = (0, 1, 2, 5)
_TAIL_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of a suite came to."""

    title: str
    verdict: Verdict
    # Modules that could not even be read.
    errors: Sequence[str]

    @property
    def good(self) -> bool:
        """Nothing failed, and the claim holds."""
        return self.verdict.holds and self.verdict.reached is not None and not self.errors

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "connector": self.title,
            "reached": self.verdict.reached,
            "claimed": self.verdict.claimed,
            "why_not_the_next": list(self.verdict.why_not_the_next),
            "good": self.good,
            "kinds_tried": list(self.verdict.kinds_tried),
            "kinds_untried": list(self.verdict.kinds_untried),
            "errors": list(self.errors),
            "levels": [
                {
                    "level": each.level,
                    "means": each.level.means,
                    "passed": each.passed,
                    "left_out": each.skipped,
                    "owed": list(each.owed),
                    "failed": [
                        {"rule": rule.name, "suites": list(rule.suites), "reason": rule.reason}
                        for rule in each.failed
                    ],
                }
                for each in self.verdict.standings
            ],
        }


def run_suite_of(system: System) -> Run:
    """Run the suite that a system names; raises CommandError if that cannot be done."""
    manifest = _manifest_of(system)
    if find_spec("pytest") is None:
        raise CommandError("The suite runs on pytest: install ledgerway[conformance].")
    suites = _suites_of(system)
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(  # noqa: S603  Our own interpreter, and a module's name.
            _command(suites, report),
            check=False,
            capture_output=True,
            text=True,
            cwd=CHECKOUT if suites[0].startswith(_OURS) else None,
        )
        if done.returncode not in _RAN or not report.exists():
            said = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL_LINES:])
            raise CommandError(f"pytest could not run {' '.join(suites)}:\n{said}", FOUND_SOMETHING)
        told = json.loads(report.read_text())
    rules = [
        Rule(
            each["rule"],
            each["suites"],
            Level(each["level"]),
            each["outcome"],
            each["reason"],
            each["kind"],
        )
        for each in told["rules"]
    ]
    return Run(manifest.title, verdict_on(rules, manifest), told["errors"])


def _command(suites: Sequence[str], report: Path) -> list[str]:
    # Rules are coroutines; whoever keeps a suite need not say so to pytest twice.
    asyncio = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=session"]
    asyncio += ["-o", "asyncio_default_test_loop_scope=session"]
    return [
        *(sys.executable, "-m", "pytest", "--import-mode=importlib", "-q", *asyncio),
        *("-p", "no:cacheprovider", f"--conformance-report={report}", "--pyargs"),
        *suites,
    ]


def _manifest_of(system: System) -> Manifest:
    if system.manifest is None:
        raise CommandError(
            f"The connector '{system.name}' shows no manifest: give its System one, manifest=…"
        )
    return system.manifest


def _suites_of(system: System) -> Sequence[str]:
    if not system.suites:
        raise CommandError(
            f"The connector '{system.name}' names no suite: give its System suites=(…), the "
            "modules of its conformance tests."
        )
    if system.suites[0].startswith(_OURS) and not (CHECKOUT / "tests").is_dir():
        raise CommandError(
            f"The suite of '{system.name}' is not installed here: run this in a checkout of "
            "Ledgerway's repository."
        )
    return system.suites
