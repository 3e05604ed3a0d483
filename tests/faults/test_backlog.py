"""Nothing is posted twice or lost when a month comes at once, and when Temporal forgets it."""

from pathlib import Path

import pytest

from sandbox.tryton.server import TrytonServer
from tests.faults.campaign import Campaign, spoiling
from tests.faults.spoilt_month import account_of, run
from tests.server_fixtures import FreshDatabase

pytestmark = [
    pytest.mark.erp,
    pytest.mark.faults,
    pytest.mark.exhaustive,
    pytest.mark.timeout(600),
]


async def test_with_a_backlog_every_line_is_in_the_erp_once_even_if_temporal_forgets(
    tmp_path: Path, fresh_database: FreshDatabase, migrated: str, erp: TrytonServer
) -> None:
    account = account_of(erp, 2).state()
    dsn = await fresh_database(migrated)
    async with Campaign(tmp_path / "backlog", dsn, "backlog", erp, erp.firm, account) as campaign:
        # A backlog goes in few and large writes, so more of them have to go wrong.
        faults = spoiling(lost=340, slow=180, busy=75)
        await run(campaign, Campaign.poll_and_backfill, *faults, seed=2)
        before = await campaign.in_erp()
        await campaign.lose_temporal()
        await campaign.database.execute("UPDATE document SET news_seq = news_seq + 1")
        await campaign.backfill()
        await campaign.settled()
        assert await campaign.in_erp() == before
