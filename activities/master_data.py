"""Master data: read from both sides in bulk, kept, and linked by exact keys."""

from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio import activity

from activities.connector_errors import as_application_error
from activities.master_feeds import mark_changed
from canonical.billing import BlockReason
from canonical.masters import Masters
from canonical.messages import MasterDataRef
from connectors.base.capabilities import (
    CostRateSource,
    ExchangeRateSource,
    MasterDataSource,
    PostingCalendar,
)
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from rules.matching import match_exactly
from rules.policies import Policies
from store import billing, masters, rates, readiness
from store.database import Connection, Database

# Work and invoices of so long ago are still decided on.
EXCHANGE_RATE_DAYS: Final = 120


class MasterDataActivities:
    """Keeps what rules need to know about a source and its ERP."""

    def __init__(
        self, database: Database, connections: Connections, policies: Policies | None = None
    ) -> None:
        self._database = database
        self._connections = connections
        self._policies = policies or Policies()

    @activity.defn
    async def refresh_master_data(self, ref: MasterDataRef) -> None:
        """Read masters of both sides and the ERP's calendar; link what matches exactly."""
        try:
            await self.refresh(ref)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def refresh(self, ref: MasterDataRef) -> None:
        """The same, outside Temporal."""
        source = self._connections.all_filling(MasterDataSource).get(ref.connection)
        target = self._connections.filling(ref.target, MasterDataSource)
        calendar = self._connections.filling(ref.target, PostingCalendar)
        # The calendar last: whether a period is open should be the freshest fact.
        # A source without masters of its own names the ERP's codes.
        ours = await source.masters() if source is not None else Masters()
        theirs = await target.masters()
        exchange = self._connections.all_filling(ExchangeRateSource).get(ref.target)
        costs = self._connections.all_filling(CostRateSource).get(ref.target)
        today = datetime.now(UTC).date()
        since = today - timedelta(days=EXCHANGE_RATE_DAYS)
        exchange_rates = await exchange.exchange_rates(since, today) if exchange else None
        cost_rates = await costs.cost_rates() if costs else ()
        periods = await calendar.posting_periods()
        async with self._database.transaction() as connection:
            for name, shown in ((ref.connection, ours), (ref.target, theirs)):
                seen = await masters.save_masters(connection, name, shown)
                await mark_changed(connection, self._policies, name, seen)
            await masters.save_calendar(connection, ref.target, periods)
            changed = await rates.save_cost_rates(connection, ref.target, cost_rates)
            if exchange_rates is not None and await rates.save_exchange_rates(
                connection, ref.target, exchange_rates, since, today
            ):
                changed = True
                await _tell_who_waits(connection)
            if changed:
                await masters.is_news(connection, ref.target)
            known = await masters.references_between(connection, ref.connection, ref.target)
            links = match_exactly((ref.connection, ours), (ref.target, theirs), known)
            await masters.add_references(connection, links)


async def _tell_who_waits(connection: Connection) -> None:
    """Tell the billing periods that wait for an exchange rate: nothing else will."""
    waiting = await readiness.blocked_by(connection, BlockReason.FX_MISSING)
    for source in sorted({source for source, _ in waiting}):
        await billing.tell(connection, source, [month for of, month in waiting if of == source])
