"""The months of an engagement hear of their contract, and begin by themselves every month."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from activities.contract_intake import ContractIntakeActivities
from canonical.billing_period import BillingPeriod
from canonical.contracts import ContractRecord, contract_record_id
from canonical.messages import SourceRef
from connectors.base.capabilities import SourcePage, SourceRecord
from connectors.base.connections import Connections
from connectors.base.errors import RejectedError
from connectors.base.manifest import Manifest
from connectors.flatfile.manifest import MANIFEST
from store import contracts
from store.database import Database
from tests.store.corner import NOON
from tests.unit.billing_building import engagement

REF = SourceRef(connection="contracts", target="tryton")


class OneContract:
    """A source that shows one engagement, and always the same."""

    manifest: Manifest = MANIFEST
    breaks = False

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
        if self.breaks:
            raise RejectedError("gone", "the next page cannot be read")


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


async def test_a_contract_that_was_read_before_the_poll_broke_off_is_told_by_the_next_one(
    own_ledger: Database,
) -> None:
    source = OneContract()
    intake = ContractIntakeActivities(own_ledger, Connections({"contracts": source}))
    source.breaks = True
    with pytest.raises(RejectedError):
        await intake.poll(REF)
    assert await owed(own_ledger) == set()

    source.breaks = False
    await intake.poll(REF)
    projects = await own_ledger.fetch("SELECT engagement, project FROM engagement_project")
    assert [(one["engagement"], one["project"]) for one in projects] == [("ENG-1", "P-1")]
    assert len(await owed(own_ledger)) == 2
    left = await own_ledger.fetch("SELECT FROM billing_news WHERE object = 'contract_record'")
    assert left == []


async def test_whoever_hears_of_work_leaves_the_news_of_contracts_to_whom_it_is_for(
    own_ledger: Database,
) -> None:
    async with own_ledger.transaction() as connection:
        await contracts.note_changed(connection, "contracts", ["engagement/ENG-1", "rate_card/1"])
        assert await contracts.hear(connection, 10) == ([], 0)
        assert await contracts.take_changed(connection, "another") == set()
        taken = await contracts.take_changed(connection, "contracts")
    assert taken == {"engagement/ENG-1", "rate_card/1"}
