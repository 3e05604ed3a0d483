"""A snapshot of the ERP is built once, by one process, and anew when anything in it changes."""

import asyncio
from datetime import date
from pathlib import Path

import pytest

from sandbox.child_process import ServerError
from sandbox.firm import Firm, Month, firm_of
from sandbox.tryton import installation
from sandbox.tryton.installation import Installation, install
from sandbox.tryton.seed import Calendar
from sandbox.tryton.server import silent
from sandbox.tryton.snapshot import Snapshot, SnapshotCache

OCTOBER = Month(2026, 10)
IN_NOVEMBER = date(2026, 11, 23)
CALENDAR = Calendar.around(OCTOBER, IN_NOVEMBER)


class QuickCache(SnapshotCache):
    """A cache that notes what it would have built, and takes a moment for it."""

    built: list[str]

    async def _build(self, snapshot: Snapshot, firm: Firm, calendar: Calendar) -> None:
        self.built.append(f"{firm.month.name} {calendar.years}")
        await asyncio.sleep(0.3)
        snapshot.dump.touch()
        snapshot.credentials.touch()


def quick_cache(directory: Path, built: list[str]) -> QuickCache:
    """Make a cache that shares its notes."""
    cache = QuickCache(directory, Installation(directory), silent)
    cache.built = built
    return cache


async def test_two_that_want_the_same_at_once_build_it_once(tmp_path: Path) -> None:
    built: list[str] = []
    caches = [quick_cache(tmp_path / "cache", built) for _ in range(3)]
    wanted = [cache.obtain(firm_of(OCTOBER), CALENDAR) for cache in caches]
    first, *others = await asyncio.gather(*wanted)
    assert built == ["2026-10 (2026,)"]
    assert others == [first, first]
    assert await caches[0].obtain(firm_of(OCTOBER), CALENDAR) == first
    assert len(built) == 1


async def test_another_month_or_another_year_is_another_snapshot(tmp_path: Path) -> None:
    built: list[str] = []
    cache = quick_cache(tmp_path, built)
    next_year = Calendar.around(OCTOBER, date(2027, 1, 2))
    snapshots = [
        await cache.obtain(firm_of(OCTOBER), CALENDAR),
        await cache.obtain(firm_of(OCTOBER.before()), CALENDAR),
        await cache.obtain(firm_of(OCTOBER), next_year),
    ]
    assert built == ["2026-10 (2026,)", "2026-09 (2026,)", "2026-10 (2026, 2027)"]
    assert len({snapshot.dump for snapshot in snapshots}) == 3
    assert len({snapshot.credentials for snapshot in snapshots}) == 1


async def test_without_its_passwords_a_snapshot_is_of_no_use(tmp_path: Path) -> None:
    built: list[str] = []
    cache = quick_cache(tmp_path, built)
    snapshot = await cache.obtain(firm_of(OCTOBER), CALENDAR)
    snapshot.credentials.unlink()
    await cache.obtain(firm_of(OCTOBER), CALENDAR)
    assert len(built) == 2


@pytest.mark.parametrize(
    ("month", "today", "years", "closed_before"),
    [
        (OCTOBER, IN_NOVEMBER, (2026,), date(2026, 9, 1)),
        (Month(2026, 1), date(2026, 2, 3), (2025, 2026), date(2025, 12, 1)),
        (Month(2025, 12), date(2026, 1, 3), (2025, 2026), date(2025, 11, 1)),
        (Month(2027, 3), date(2026, 12, 31), (2027,), date(2027, 2, 1)),
    ],
)
def test_the_calendar_reaches_from_the_month_before_until_today(
    month: Month, today: date, years: tuple[int, ...], closed_before: date
) -> None:
    assert Calendar.around(month, today) == Calendar(years, closed_before)


async def test_an_installation_that_fails_says_why_and_is_not_taken_for_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "requirements.lock"
    broken.write_text("gunicorn==27.0.1 --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(installation, "REQUIREMENTS", broken)
    for _ in range(2):
        with pytest.raises(ServerError, match="could not be installed"):
            await install(tmp_path / "home")


def test_the_lock_names_no_address_and_pins_everything_by_hash() -> None:
    text = installation.REQUIREMENTS.read_text()
    assert "://" not in text
    pins = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
    assert len(pins) > 40
    assert all(line.endswith("\\") for line in pins), "each pin is followed by its hashes"
