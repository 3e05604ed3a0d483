"""The pytest plugin of the suites: it knows their marker, and reports what each rule came to."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from canonical.cross_reference import MasterKind
from connectors.conformance.levels import MARKER

OPTION: Final = "--conformance-report"
SUITES: Final = "suites"
KIND: Final = "kind"
_REASON_CHARS_MAX: Final = 300


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let whoever runs a suite ask for the report."""
    group = parser.getgroup("conformance", "levels of conformance of a connector")
    group.addoption(
        OPTION, metavar="FILE", default=None, help="write what each rule came to, as JSON"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known; collect results where a report is wanted."""
    config.addinivalue_line(
        "markers", f"{MARKER}(level): a rule of the contract suite, and the level it belongs to"
    )
    where = config.getoption(OPTION)
    # Of several processes only the first hears of all tests.
    if where and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Report(Path(where)), "conformance-report")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let a test's report say which rule of which suite it is."""
    mark = item.get_closest_marker(MARKER)
    if mark is None or not isinstance(item, pytest.Function):
        return
    item.user_properties += [(MARKER, mark.args[0]), (SUITES, _suites_of(item))]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Let the report of a rule say which kind of posting or of master it was tried with."""
    try:
        yield
    finally:
        world: Any = getattr(item, "funcargs", {}).get("world")
        if item.config.getoption(OPTION) and world is not None:
            # A world that cannot make one has failed the rule already.
            with suppress(Exception):
                item.user_properties.append((KIND, _kind_of(world)))


def _kind_of(world: Any) -> str:
    """What a world is about, if its rules are about one kind of record at a time."""
    if isinstance(getattr(world, "kind", None), MasterKind):
        return str(world.kind)
    return str(world.intent().kind) if hasattr(world, "intent") else ""


def _suites_of(item: pytest.Function) -> list[str]:
    """The suites that a rule is a part of, as its test inherits them; the narrowest first."""
    classes = item.cls.__mro__ if item.cls is not None else ()
    return [each.__name__ for each in classes if hasattr(each, item.originalname)]


class _Report:
    """What was heard of each rule; the worst counts, of its call, its set-up and its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rules: dict[str, dict[str, Any]] = {}
        self._errors: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._errors.append(f"{report.nodeid}: {_last_line(str(report.longrepr))}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = dict(report.user_properties)
        if MARKER not in told or (report.passed and report.when != "call"):
            return
        known = self._rules.get(report.nodeid)
        if known is not None and known["outcome"] == "failed":
            return
        self._rules[report.nodeid] = {
            "test": report.nodeid,
            SUITES: told[SUITES],
            KIND: told.get(KIND, ""),
            "rule": report.nodeid.rpartition("::")[2],
            "level": told[MARKER],
            "outcome": report.outcome,
            "reason": _reason(report),
        }

    def pytest_sessionfinish(self) -> None:
        written = {"rules": list(self._rules.values()), "errors": self._errors}
        self._path.write_text(json.dumps(written, indent=1))


def _reason(report: pytest.TestReport) -> str:
    """Why it failed or was left out, in a line."""
    match report.longrepr:
        case None:
            return ""
        case (_, _, str() as skipped):
            return skipped.removeprefix("Skipped: ")[:_REASON_CHARS_MAX]
        case longrepr:
            crash = getattr(longrepr, "reprcrash", None)
            said = str(crash.message) if crash is not None else _last_line(str(longrepr))
            return " ".join(said.split())[:_REASON_CHARS_MAX]


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
