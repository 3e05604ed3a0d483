"""Nothing is posted twice or lost when approvals come a few at a time."""

from pathlib import Path

import pytest

from sandbox.tryton.server import TrytonServer
from tests.faults.campaign import Campaign, spoiling, unapproved
from tests.faults.spoilt_month import account_of, run
from tests.server_fixtures import FreshDatabase

pytestmark = [
    pytest.mark.erp,
    pytest.mark.faults,
    pytest.mark.exhaustive,
    pytest.mark.timeout(600),
]


async def test_at_low_load_every_line_is_in_the_erp_once(
    tmp_path: Path, fresh_database: FreshDatabase, migrated: str, erp: TrytonServer
) -> None:
    account = unapproved(account_of(erp, 1).state())
    dsn = await fresh_database(migrated)
    async with Campaign(tmp_path / "low", dsn, "low-load", erp, erp.firm, account) as campaign:
        # Turns leave few conflicts, so there are few writes to spoil.
        faults = spoiling(lost=220, slow=170, busy=50)
        await run(campaign, lambda one: one.approve_in_portions(25), *faults, seed=1)
