"""A whole platform in one process whose only source of expenses is Fyle."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final

from canonical.messages import SourceRef
from connectors.fyle.wire import ReportState
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from sandbox.tryton.expense_desk import SupplierInvoice
from tests.e2e.running_platform import running
from tests.expenses.expense_platform import ReportPlatform, firm_policies
from tests.expenses.final_check import assert_invariants_hold, assert_nothing_is_stuck
from tests.expenses.fyle_systems import FyleSystems, booked
from tests.invariants.snapshot import source_entry

FYLE: Final = SourceRef(connection="fyle", target="tryton")
CONFIGURATION: Final = Configuration(
    tenant="northwind",
    connections={
        "fyle": ConnectionSettings(system="fyle", posts_to="tryton"),
        "tryton": ConnectionSettings(system="tryton"),
    },
)


@dataclass(kw_only=True)
class FylePlatform(ReportPlatform):
    """A platform between the simulated Fyle and the real ERP."""

    systems: FyleSystems

    async def posted(self, *reports: str) -> list[SupplierInvoice]:
        """Read what is released, and tell Fyle; gives the invoices of these reports."""
        await self.poll()
        await self.look_and_tell()
        return [await self.systems.invoice(one) for one in reports]


@asynccontextmanager
async def fyle_platform(
    dsn: str, temporal_address: str, namespace: str, systems: FyleSystems
) -> AsyncIterator[FylePlatform]:
    """Start a platform on a ledger and a Temporal namespace."""
    client = await connect(temporal_address, namespace)
    with systems.connected() as connected:
        async with running(dsn, client, CONFIGURATION, firm_policies(), connected) as (
            platform,
            activities,
        ):
            yield FylePlatform(
                dsn=dsn,
                platform=platform,
                activities=activities,
                client=client,
                firm=systems.firm,
                source=FYLE,
                systems=systems,
            )


async def assert_all_is_well(platform: FylePlatform) -> None:
    """Hold the end state to the invariants, and what is booked to what is released, to the cent."""
    await platform.settled()
    systems = platform.systems
    released = {ReportState.PAYMENT_PROCESSING, ReportState.PAID}
    approved = [
        source_entry(
            connection="fyle",
            entry_id=one.id,
            approved=one.state in released,
            seconds=0,
            work_date=date.min,
        )
        for one in systems.organisation.reports.values()
    ]
    await assert_invariants_hold(platform, await systems.invoices(), approved)
    await assert_nothing_is_stuck(platform)
    for report in systems.organisation.reports:
        posted = [one for one in await systems.invoices(report) if one.posted]
        if posted and systems.report(report).state in released:
            assert booked(*posted) == systems.approved(report)
