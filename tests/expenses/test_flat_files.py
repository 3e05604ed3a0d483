"""Expense reports out of a folder of files into the real ERP, paid there, and told beside them."""

import itertools
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from canonical.messages import MasterDataRef, SourceRef
from connectors.base.rate_budget import Unlimited
from connectors.flatfile.expense_drop import connect as connect_files
from connectors.flatfile.options import ApprovedDropOptions
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from sandbox.firm import firm_of
from sandbox.temporal_server import TemporalServer
from tests.e2e.conftest import NewNamespace
from tests.e2e.firm_files import Folder, put_report
from tests.e2e.running_platform import running
from tests.erp_fixtures import last_month
from tests.expenses.expense_platform import ReportPlatform, firm_policies
from tests.expenses.systems import ErpSide
from tests.server_fixtures import FreshDatabase

pytestmark = pytest.mark.erp

FILES: Final = SourceRef(connection="files", target="tryton")
CONFIGURATION: Final = Configuration(
    tenant="northwind",
    connections={
        "files": ConnectionSettings(system="flatfile_expenses", posts_to="tryton"),
        "tryton": ConnectionSettings(system="tryton"),
    },
)
# All tests of a session share one ERP.
_NUMBERS: Final = itertools.count(1)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder without a report."""
    return Folder(tmp_path / "expenses")


@pytest.fixture
async def ledger(fresh_database: FreshDatabase, migrated: str) -> str:
    """A ledger that knows nothing yet."""
    return await fresh_database(migrated)


@pytest.fixture
async def platform(
    folder: Folder,
    erp_side: ErpSide,
    ledger: str,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,
) -> AsyncIterator[ReportPlatform]:
    """A platform between the folder and the ERP."""
    client = await connect(temporal_server.address, await new_namespace())
    options = ApprovedDropOptions("files", str(folder.path))
    with erp_side.connectors.one() as tryton:
        connected = {"files": connect_files(options, Unlimited()), "tryton": tryton}
        async with running(ledger, client, CONFIGURATION, firm_policies(), connected) as (it, do):
            await do.master_data.refresh(MasterDataRef(connection="files", target="tryton"))
            yield ReportPlatform(
                dsn=ledger,
                platform=it,
                activities=do,
                client=client,
                firm=firm_of(last_month()),
                source=FILES,
            )


async def test_a_report_out_of_files_is_posted_paid_and_told_step_by_step(
    platform: ReportPlatform, folder: Folder, erp_side: ErpSide
) -> None:
    report = f"FILES-{next(_NUMBERS)}"
    day = last_month().working_days()[2].isoformat()
    put_report(folder, report, "84.50", day=day)
    await platform.poll()
    assert await platform.cases() == []
    [invoice] = await erp_side.desk.supplier_invoices([["reference", "like", f"% {report}%"]])
    assert invoice.posted
    assert (invoice.total, invoice.accounts) == (Decimal("84.50"), {"6600": Decimal("84.50")})
    await erp_side.desk.pay(invoice.id, invoice.posting_date)
    await platform.look_and_tell()
    told = folder.lines("expense_status.jsonl")
    assert [(one["report"], one["step"]) for one in told] == [(report, "posted"), (report, "paid")]
    assert told[1]["amount"] == {"amount": "84.50", "currency": "EUR"}


async def test_a_report_that_is_approved_no_more_is_taken_back_in_the_erp(
    platform: ReportPlatform, folder: Folder, erp_side: ErpSide
) -> None:
    report = f"FILES-{next(_NUMBERS)}"
    day = last_month().working_days()[2].isoformat()
    put_report(folder, report, "19.90", day=day)
    await platform.poll()
    put_report(folder, report, "19.90", day=day, approved=False)
    await platform.poll()
    like = [["reference", "like", f"% {report}%"]]
    found = await erp_side.desk.supplier_invoices(like)
    assert sorted(one.total for one in found) == [Decimal("-19.90"), Decimal("19.90")]
    assert all(one.posted for one in found)
