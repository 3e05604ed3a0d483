"""The real ERP for tests marked `erp`: built in the background while the other tests run."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.firm import Month
from sandbox.tryton.server import TrytonServer

CHECKOUT = Path(__file__).parents[1]
# The first such test waits for the build: about a minute on a quiet machine with two cores.
BUILD_SECONDS_MAX = 900

_builder: subprocess.Popen[bytes] | None = None


def erp_home() -> Path:
    """Where the ERP's programs and snapshots are kept between sessions."""
    return Path(os.environ.get("LEDGERWAY_HOME", CHECKOUT / "var")).resolve()


def last_month() -> Month:
    """The month that ended last, which the demo shows too, so that both share one snapshot."""
    return Month.of(datetime.now(UTC).date()).before()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what needs the ERP last, and give the first of it the time to build it.

    It comes first of all such hooks, so that `-m "not erp"` sees the marks.
    """
    for item in items:
        if "erp" in getattr(item, "fixturenames", ()):
            item.add_marker("erp")
    items.sort(key=_needs_erp)
    first = next(filter(_needs_erp, items), None)
    if first is not None:
        first.add_marker(pytest.mark.timeout(BUILD_SECONDS_MAX), append=False)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start building the ERP's snapshot as soon as it is known that a test needs it."""
    global _builder  # noqa: PLW0603  Two hooks of one plugin have no other common place.
    if session.config.option.collectonly or not any(map(_needs_erp, session.items)):
        return
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
        # Of several test processes one builds for all.
        return
    _builder = subprocess.Popen(
        [sys.executable, "-m", "sandbox.tryton", str(erp_home()), last_month().name],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        # Whoever needs it finds out why it is not there, and says so.
        stderr=subprocess.DEVNULL,
    )


def pytest_sessionfinish() -> None:
    """End a build that nobody waits for any more; a later one starts from what it finished."""
    if _builder is not None:
        _builder.terminate()
        _builder.wait()


@pytest.fixture(scope="session")
async def erp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TrytonServer]:
    """One Tryton with the made-up firm of last month; tests undo what they close or end."""
    home = tmp_path_factory.mktemp("erp")
    async with TrytonServer(home, last_month(), cache=erp_home()) as server:
        yield server
    shutil.rmtree(home)


def _needs_erp(item: pytest.Item) -> bool:
    return item.get_closest_marker("erp") is not None
