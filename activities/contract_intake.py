"""Contract intake: what a source of contracts shows now, and which engagements hear of it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from temporalio import activity

from activities.connector_errors import as_application_error
from activities.patience import patiently
from activities.taking_in import CONTRACTS, TakingIn, add_up
from canonical.billing_period import BillingPeriod
from canonical.contracts import CONTRACT_RECORD, ContractRecord, Engagement
from canonical.messages import PollOutcome, SourceRef
from connectors.base.capabilities import (
    ContractSource,
    MilestoneSource,
    SourcePage,
    SourceRecord,
)
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from rules.billing_contract import frozen_changes
from store import billing, contracts, source_lines
from store.database import Connection, Database

NEWS_PER_ROUND: Final = 5000
_ENGAGEMENT: Final = "engagement/"
_ONE_DAY: Final = timedelta(days=1)


class ContractIntakeActivities:
    """Takes contracts in, and tells billing periods of contracts and of work."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections
        self._taking_in = TakingIn(database, CONTRACTS)

    @activity.defn
    async def poll_contracts(self, ref: SourceRef) -> PollOutcome:
        """Read everything that a source shows; what is not shown any more is gone."""
        try:
            return await self.poll(ref)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def poll(self, ref: SourceRef) -> PollOutcome:
        """The same, outside Temporal."""
        before = await self._shown(ref.connection)
        total, seen, nameless = PollOutcome(), set[str](), False
        async for page in self._pages(ref.connection):
            checked = await self._checked(ref.connection, page)
            total = add_up(total, await self._taking_in.take_in(ref.connection, checked))
            seen.update(record.source_id for record in page.records if record.source_id)
            nameless = nameless or any(record.source_id is None for record in page.records)
        # While a record says not even what it is, absence proves nothing.
        missing = set[str]() if nameless else before.keys() - seen
        deleted = await self._taking_in.take_out(ref.connection, missing)
        changed = await self._tell(ref.connection)
        await self._begin_months(ref.connection)
        return total.model_copy(update={"deleted": deleted, "news": total.news + changed})

    async def _pages(self, source: str) -> AsyncIterator[SourcePage[ContractRecord]]:
        of_contracts = self._connections.all_filling(ContractSource).get(source)
        of_milestones = self._connections.all_filling(MilestoneSource).get(source)
        if of_contracts is not None:
            async for page in patiently(of_contracts.contracts()):
                yield page
        if of_milestones is not None:
            async for page in patiently(of_milestones.milestones()):
                yield page

    async def _shown(self, source: str) -> dict[str, int]:
        async with self._database.connection() as connection:
            return await source_lines.revisions_of(connection, source, CONTRACT_RECORD)

    async def _checked(
        self, source: str, page: SourcePage[ContractRecord]
    ) -> SourcePage[ContractRecord]:
        """Refuse new versions that change what work was approved or billed by (DOMAIN rule 32)."""
        named = [one.source_id for one in page.records if one.source_id]
        async with self._database.connection() as connection:
            known = await source_lines.hashes_of(connection, source, CONTRACT_RECORD, named)
            records = [
                one
                if one.record is None or known.get(one.record.id) in {None, one.record.content_hash}
                else await _unfrozen(connection, source, one, one.record.record)
                for one in page.records
            ]
        return replace(page, records=tuple(records))

    async def _tell(self, source: str) -> int:
        """Tell the periods of engagements that changed, or all of them if what all share did.

        What an earlier poll took in and did not come to tell is told now.
        """
        async with self._database.transaction() as connection:
            changed = await contracts.take_changed(connection, source)
            if not changed:
                return 0
            engagements = await contracts.engagements_of(connection, source)
            await contracts.set_projects(connection, source, engagements)
            gone = await contracts.forget_others(
                connection, source, [one.id for one in engagements]
            )
            own = {one.removeprefix(_ENGAGEMENT) for one in changed if one.startswith(_ENGAGEMENT)}
            shared = any(not one.startswith(_ENGAGEMENT) for one in changed)
            concerned = [one.id for one in engagements if shared or one.id in own]
            for engagement in [*concerned, *gone]:
                await tell_periods(connection, source, engagement, date.min)
        return len(changed)

    async def _begin_months(self, source: str) -> None:
        """Begin the months of engagements where nothing happens: fees fall due all the same."""
        async with self._database.transaction() as connection:
            await billing.tell(
                connection,
                source,
                [
                    BillingPeriod.holding(engagement, day)
                    for day in _usual_days()
                    for engagement in await contracts.without_month(
                        connection, source, f"{day:%Y-%m}"
                    )
                ],
            )

    @activity.defn
    async def hear_of_work(self) -> int:
        """Tell billing periods of work that changed, once for all that changed since."""
        told = 0
        while True:
            async with self._database.transaction() as connection:
                heard, taken = await contracts.hear(connection, NEWS_PER_ROUND)
                for one in heard:
                    await tell_periods(connection, one.connection, one.engagement, one.since)
            told += len(heard)
            if taken < NEWS_PER_ROUND:
                return told


async def _unfrozen(
    connection: Connection, source: str, record: SourceRecord[ContractRecord], shown: object
) -> SourceRecord[ContractRecord]:
    """The record itself, or what of it may not change."""
    if not isinstance(shown, Engagement):
        return record
    known = await contracts.contract_of(connection, source, shown.id)
    if known is None:
        return record
    used = await contracts.used_lines(connection, source, shown.id)
    said = frozen_changes(known.engagement, shown, used)
    return replace(record, record=None, trouble="; ".join(said)[:500]) if said else record


def _usual_days() -> tuple[date, date]:
    """The first days of the last month and of this one."""
    this_month = datetime.now(UTC).date().replace(day=1)
    return (this_month - _ONE_DAY).replace(day=1), this_month


async def tell_periods(
    connection: Connection, source: str, engagement: str, since: date
) -> Sequence[BillingPeriod]:
    """Tell an engagement's periods from a day on: those that are known, this month and the last.

    Older work that nobody has billed is in theirs, too.
    """
    known = await billing.periods_since(connection, source, engagement, since)
    usual = [BillingPeriod.holding(engagement, day) for day in _usual_days()]
    told = sorted({*known, *(one for one in usual if one.cut_off_date >= since)})
    await billing.tell(connection, source, told)
    return told
