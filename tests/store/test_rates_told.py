"""A month that waits for an exchange rate hears of it: nothing else of it changes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from activities.master_data import MasterDataActivities
from canonical.contracts import ExchangeRate
from canonical.masters import Masters
from canonical.messages import MasterDataRef
from canonical.posting_period import PostingPeriod
from connectors.base.connections import Connections
from connectors.base.manifest import Manifest
from connectors.flatfile.manifest import MANIFEST
from store.database import Database

REF = MasterDataRef(connection="contracts", target="erp")


class Bank:
    """An ERP that has nothing but exchange rates, one of today more with each that is given."""

    manifest: Manifest = MANIFEST

    def __init__(self) -> None:
        self.rates: list[str] = []

    async def check(self) -> str:
        return "a bank"

    async def close(self) -> None:
        """It holds nothing."""

    async def masters(self) -> Masters:
        return Masters()

    async def posting_periods(self) -> Sequence[PostingPeriod]:
        return ()

    async def exchange_rates(self, _: date, last: date) -> Sequence[ExchangeRate]:
        return [
            ExchangeRate(
                source_currency=code,
                target_currency="EUR",
                rate=Decimal("1.15"),
                on_date=last,
                origin="ECB",
            )
            for code in self.rates
        ]


async def blocked(database: Database, engagement: str, reason: str | None) -> None:
    """Write down how a piece of an engagement's October stood."""
    await database.execute(
        "INSERT INTO readiness_piece (connection, engagement, period, ordinal, work_key, "
        "work_kind, revision, work_date, seconds, amount, currency, reason, why) "
        "VALUES ('contracts', $1, '2026-10', 0, 'time:harvest:1', 'time', 1, $2, 3600, 100, "
        "'GBP', $3, '')",
        *(engagement, datetime.now(UTC).date(), reason),
    )


async def told(database: Database) -> list[tuple[str, int]]:
    rows = await database.fetch(
        "SELECT document_id, news_seq FROM document WHERE kind = 'billing' ORDER BY 1"
    )
    return [(row["document_id"], row["news_seq"]) for row in rows]


async def test_a_month_that_waits_for_an_exchange_rate_is_told_when_there_are_new_ones(
    own_ledger: Database,
) -> None:
    bank = Bank()
    masters = MasterDataActivities(own_ledger, Connections({"erp": bank}))
    await blocked(own_ledger, "waits", "fx_missing")
    await blocked(own_ledger, "unapproved", "unapproved")
    await blocked(own_ledger, "ready", None)
    await masters.refresh(REF)
    assert await told(own_ledger) == []

    bank.rates = ["GBP"]
    await masters.refresh(REF)
    (first,) = await told(own_ledger)
    assert first[0] == "waits/2026-10"
    await masters.refresh(REF)
    assert await told(own_ledger) == [first]
