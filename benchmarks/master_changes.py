"""How soon a master change in CRM or HR is in the ERP, and how many ERP calls it costs.

    python -m benchmarks.master_changes [--changes 20] [--json]

A local world with the real ERP, its worker and its simulators; each change is told as a webhook
would, and counts as arrived when the ERP's own people see it. Exits 1 if what has not changed
costs a call, or if anything is not there.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from canonical.messages import MasterSyncRef
from connectors.bamboohr.simulated_orders import Renaming
from sandbox.crm_org import CrmOrg
from sandbox.firm import Month
from sandbox.hr_company import HrCompany
from sandbox.platform_view import PlatformView, platform_view
from sandbox.tryton.party_desk import PartyDesk
from sandbox.world import World

CACHE: Final = Path("var")
_LIKE_95_OF_100: Final = 20


@dataclass(frozen=True, slots=True)
class Measured:
    """Changes of one system, one after the other."""

    system: str
    changes: int
    p50_seconds: str
    p95_seconds: str
    erp_calls_per_change: str
    arrived: int


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured; `calls_unchanged` are ERP calls of a look at nothing new."""

    measured: Sequence[Measured]
    calls_unchanged: int

    @property
    def well(self) -> bool:
        """Everything arrived, and what had not changed cost nothing."""
        return not self.calls_unchanged and all(one.arrived == one.changes for one in self.measured)


async def measure(changes: int) -> Report:
    """Open a world and change things in it, one at a time."""
    month = Month.of(datetime.now(UTC).date()).before()
    with tempfile.TemporaryDirectory(prefix="ledgerway-bench-") as home:
        world = World(Path(home), month, cache=CACHE.resolve(), faulty=True)
        async with world, platform_view(world) as platform, world.erp.admin() as admin:
            desk = PartyDesk(admin.session)
            await platform.sync_masters(MasterSyncRef(whole=True))
            await platform.sync_masters(MasterSyncRef())
            before = (await world.proxy.report()).requests
            await platform.sync_masters(MasterSyncRef())
            unchanged = (await world.proxy.report()).requests - before
            crm = _crm_changes(world, changes)
            hr = _hr_changes(world, changes)
            return Report(
                [
                    await _timed("salesforce", crm, world, platform, desk),
                    await _timed("bamboohr", hr, world, platform, desk),
                ],
                unchanged,
            )


# What is changed: a code in the ERP, its new name, and how that is done.
Change = tuple[str, str, Callable[[], Awaitable[None]]]


def _crm_changes(world: World, count: int) -> list[Change]:
    org, customers = CrmOrg(world.firm), world.firm.customers
    changes: list[Change] = []
    for number in range(count):
        code = customers[number % len(customers)].code
        name = f"Measured {number} Holding"
        account = org.account_id(code)
        changes.append((code, name, _renaming(world, account, name)))
    return changes


def _renaming(world: World, account: str, name: str) -> Callable[[], Awaitable[None]]:
    return lambda: world.salesforce.rename(account, name)


def _hr_changes(world: World, count: int) -> list[Change]:
    company, people = HrCompany(world.firm), world.firm.employees
    changes: list[Change] = []
    for number in range(count):
        person = people[number % len(people)]
        told = Renaming(id=company.employee_id(person), last_name=f"Measured{number}")
        changes.append((person.code, f"{person.given_name} Measured{number}", _told(world, told)))
    return changes


def _told(world: World, told: Renaming) -> Callable[[], Awaitable[None]]:
    async def change() -> None:
        await world.bamboohr.order("change", told)

    return change


async def _timed(
    system: str,
    changes: Sequence[Change],
    world: World,
    platform: PlatformView,
    desk: PartyDesk,
) -> Measured:
    before = (await world.proxy.report()).requests
    took: list[float] = []
    arrived = 0
    for code, name, change in changes:
        began = time.monotonic()
        await change()
        await platform.sync_masters(MasterSyncRef(connections=(system,)))
        took.append(time.monotonic() - began)
        arrived += dict(await desk.parties()).get(code) == name
    calls = (await world.proxy.report()).requests - before
    return Measured(
        system,
        len(changes),
        f"{statistics.median(took):.2f}",
        f"{statistics.quantiles(took, n=_LIKE_95_OF_100)[-1]:.2f}",
        f"{calls / len(changes):.1f}",
        arrived,
    )


def main() -> int:
    """Measure, print, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--changes", type=int, default=20, help="changes in each system")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    if given.changes < 2:
        parser.error("--changes takes 2 or more")
    report = asyncio.run(measure(given.changes))
    if given.json:
        print(json.dumps(asdict(report), indent=2))
    else:
        for one in report.measured:
            print(
                f"{one.system:>10} → ERP: {one.changes} changes, p50 {one.p50_seconds} s, "
                f"p95 {one.p95_seconds} s, {one.erp_calls_per_change} ERP calls per change, "
                f"{one.arrived} arrived"
            )
        print(f"nothing changed → {report.calls_unchanged} ERP calls")
    return 0 if report.well else 1


if __name__ == "__main__":
    sys.exit(main())
