"""The months of an engagement begin by themselves: fees fall due where nobody works."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from activities.contract_intake import ContractIntakeActivities
from canonical.billing_period import BillingPeriod
from canonical.contracts import ContractRecord, contract_record_id
from canonical.messages import SourceRef
from connectors.base.capabilities import SourcePage, SourceRecord
from connectors.base.connections import Connections
from connectors.base.manifest import Manifest
from connectors.flatfile.manifest import MANIFEST
from store.database import Database
from tests.store.corner import NOON
from tests.unit.billing_building import engagement

REF = SourceRef(connection="contracts", target="tryton")


class OneContract:
    """A source that shows one engagement, and always the same."""

    manifest: Manifest = MANIFEST

    async def check(self) -> str:
        return "one contract"

    async def close(self) -> None:
        """It holds nothing."""

    async def contracts(self) -> AsyncIterator[SourcePage[ContractRecord]]:
        name = contract_record_id("engagement", "ENG-1")
        record = ContractRecord(
            connection="contracts", id=name, record=engagement(), changed_at=NOON
        )
        yield SourcePage((SourceRecord(name, json.dumps({}), record),))


async def owed(database: Database) -> set[str]:
    """The months that a workflow is owed to."""
    rows = await database.fetch(
        "SELECT document_id FROM document WHERE kind = 'billing' AND news_seq > dispatched_seq"
    )
    return {row["document_id"] for row in rows}


async def test_a_month_begins_with_the_next_poll_though_nothing_of_the_contract_changed(
    own_ledger: Database,
) -> None:
    intake = ContractIntakeActivities(own_ledger, Connections({"contracts": OneContract()}))
    assert (await intake.poll(REF)).news
    # Two new months have come: nobody has begun them.
    await own_ledger.execute("DELETE FROM document WHERE kind = 'billing'")

    today = datetime.now(UTC).date()
    assert not (await intake.poll(REF)).news
    begun = await owed(own_ledger)
    assert BillingPeriod.holding("ENG-1", today).document_id in begun
    assert len(begun) == 2

    await own_ledger.execute("UPDATE document SET dispatched_seq = news_seq")
    await intake.poll(REF)
    assert await owed(own_ledger) == set()
