"""The platform's own posting, with its ledger, into the simulated Xero in bad weather.

Nothing is booked twice and nothing is lost, of any kind; what Xero drops silently is noticed.
"""

import itertools
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date

import httpx
import pytest
from temporalio.testing import ActivityEnvironment

from activities.posting import PostingActivities
from canonical.messages import DocumentRef
from canonical.posting import PostingIntent
from connectors.base.connections import Connections
from connectors.xero import Xero, connect
from connectors.xero.simulator import simulated_xero
from rules.policies import Policies
from store.database import Database
from tests.connectors.xero.spec_check import SpecChecked
from tests.connectors.xero.test_masters import Careless
from tests.connectors.xero.weather import TROUBLES, Weather
from tests.connectors.xero.world import BillWorld, JournalWorld, SaleWorld, XeroWorld
from tests.server_fixtures import FreshDatabase
from tests.store.corner import Corner

KINDS: tuple[type[XeroWorld], ...] = (XeroWorld, BillWorld, SaleWorld, JournalWorld)
# So much time goes by between two looks of the platform.
ROUND_SECONDS = 70
ROUNDS_MAX = 80
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def database(fresh_database: FreshDatabase, migrated: str) -> AsyncIterator[Database]:
    database = await Database.connect(await fresh_database(migrated))
    yield database
    await database.close()


class Firm:
    """One organisation, one document with postings of every kind, and the platform."""

    def __init__(
        self, database: Database, seed: int, troubled_in_ten: int, *, trusts_keys_for: int = 360
    ) -> None:
        self.corner = Corner(database, next(_numbers))
        self.worlds = [kind() for kind in KINDS]
        self.world = self.worlds[0]
        for each in self.worlds[1:]:
            each.xero = self.world.xero
        self.spec = SpecChecked(httpx.ASGITransport(simulated_xero(self.world.xero)))
        self.weather = Weather(self.spec, seed, troubled_in_ten)
        self.intents: list[PostingIntent] = []
        self.xero: Xero = connect(
            self.world.options(idempotency_key_seconds=trusts_keys_for),
            Careless(),
            self.weather,
            clock=lambda: self.world.monotonic,
            now=lambda: self.world.now,
        )

    async def approve(self, *intents: PostingIntent) -> None:
        """Write postings down, to be sent."""
        for intent in intents:
            self.intents.append(intent)
            number = str(len(self.intents))
            posting = self.corner.posting(
                number, key=intent.key, reference=intent.reference, kind=intent.kind, intent=intent
            )
            await self.corner.write(posting)

    async def post(self) -> None:
        """Let the platform do what it can do now."""
        corner = self.corner
        activities = PostingActivities(
            corner.database,
            Connections({corner.target: self.xero}),
            Policies(),
            tenant="northwind",
            acknowledged=(),
        )
        ref = DocumentRef(connection=corner.source, document="sheet-1", target=corner.target)
        await ActivityEnvironment().run(activities.post_document, ref)

    async def pass_time(self) -> None:
        """A while goes by for Xero and the ledger; what was slow has arrived by then."""
        await self.weather.clear_up()
        await self.world.pass_time(ROUND_SECONDS)
        await self.corner.database.execute(
            "UPDATE posting SET sent_at = sent_at - make_interval(secs => $2), "
            "unknown_since = unknown_since - make_interval(secs => $2) WHERE connection = $1",
            self.corner.source,
            ROUND_SECONDS,
        )

    async def states(self) -> Counter[tuple[str, bool]]:
        """How many postings are in which state, and read back or not."""
        rows = await self.corner.database.fetch(
            "SELECT state, attested_at IS NOT NULL AS attested FROM posting WHERE connection = $1",
            self.corner.source,
        )
        return Counter((str(row["state"]), bool(row["attested"])) for row in rows)

    async def held(self) -> list[int]:
        """How many documents Xero has for each posting."""
        of_kind = {type(world).kind: world for world in self.worlds}
        return [len(await of_kind[each.kind].held(each.reference)) for each in self.intents]

    async def work(self) -> None:
        """Have much approved, and let the platform work until it is done or gives up."""
        for _ in range(6):
            await self.approve(*(world.intent(note="work") for world in self.worlds))
        for _ in range(ROUNDS_MAX):
            await self.post()
            await self.pass_time()
            if set(await self.states()) == {("POSTED", True)}:
                break


# How long Xero remembers a key, and how long it is trusted to.
@pytest.mark.parametrize(("key_seconds", "trusts_keys_for"), [(360, 360), (0, 0)])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_in_bad_weather_everything_is_booked_once_and_read_back(
    database: Database, seed: int, key_seconds: int, trusts_keys_for: int
) -> None:
    firm = Firm(database, seed, troubled_in_ten=6, trusts_keys_for=trusts_keys_for)
    firm.world.misbehave(lag_seconds=5, key_seconds=key_seconds)
    await firm.work()
    assert await firm.states() == {("POSTED", True): len(firm.intents)}
    assert await firm.held() == [1] * len(firm.intents)
    booked = sum(map(len, firm.world.xero.documents.values())) + len(firm.world.xero.entries)
    assert booked == len(firm.intents), "something is there that nobody asked for"
    assert set(firm.weather.met) == set(TROUBLES)
    assert firm.spec.broken == []


async def test_a_key_that_is_trusted_and_not_remembered_books_twice(database: Database) -> None:
    firm = Firm(database, 1, troubled_in_ten=6, trusts_keys_for=360)
    firm.world.misbehave(key_seconds=0)
    await firm.work()
    held = await firm.held()
    assert max(held) > 1, "this weather would not have shown it"
    swept = [each async for page in firm.xero.documents_since(None) for each in page]
    assert len(swept) == sum(held), "the sweep shows each of them"


async def test_what_xero_drops_and_rounds_silently_is_noticed_each_time(
    database: Database,
) -> None:
    firm = Firm(database, 1, troubled_in_ten=0)
    firm.world.misbehave(drops_tracking=True, rounds_minutes_to=15)
    time, bills, sales, journals = firm.worlds
    assert isinstance(bills, BillWorld)
    await firm.approve(time.intent(seconds=600), bills.report(bills.cost("5.00")))
    await firm.approve(sales.intent(), journals.intent())
    await firm.post()
    rows = await database.fetch(
        "SELECT kind, case_id, attested_at FROM posting WHERE connection = $1", firm.corner.source
    )
    noticed = {str(row["kind"]) for row in rows if row["case_id"] is not None}
    read_back = {str(row["kind"]) for row in rows if row["attested_at"] is not None}
    assert noticed == {"time", "expense"}
    assert read_back == {"invoice", "journal"}


async def test_one_that_is_refused_waits_for_a_person_and_its_neighbours_are_booked(
    database: Database,
) -> None:
    firm = Firm(database, 1, troubled_in_ten=0)
    firm.world.xero.period_lock_date = date(2026, 2, 28)
    for world in firm.worlds:
        await firm.approve(world.refused_intent(), world.intent())
    await firm.post()
    states = Counter(state for state, _ in (await firm.states()).elements())
    assert states == {"EXCEPTION": 4, "POSTED": 4}
    assert await firm.held() == [0, 1] * 4
