"""What changed at Salesforce: the feeds, their edges, and what hangs on an Account."""

from datetime import datetime, timedelta

import pytest

from canonical.cross_reference import MasterKind
from connectors.base.errors import TransientError
from connectors.base.master_writes import GoneMaster, MasterChanges
from connectors.salesforce.simulated_state import Value
from tests.connectors.salesforce.world import OWN, SalesforceWorld


def account(world: SalesforceWorld, code: str, **fields: Value) -> str:
    return world.org.add("Account", {"Name": code, "AccountNumber": code, **fields}).id


def contact(world: SalesforceWorld, account_id: str, email: str) -> str:
    fields = {"AccountId": account_id, "LastName": "A", "Email": email}
    return world.org.add("Contact", fields).id


def deal(world: SalesforceWorld, account_id: str, stage: str = "Closed Won") -> str:
    fields = {"Name": "Shop", "AccountId": account_id, "StageName": stage, OWN: "P-1"}
    return world.org.add("Opportunity", fields).id


async def news(
    world: SalesforceWorld, since: datetime | None = None, *, deals: bool = False
) -> MasterChanges:
    salesforce = world.connect(projects_from_opportunities=deals)
    return await salesforce.masters_changed_since(since or world.now)


def codes(changes: MasterChanges) -> list[str]:
    return sorted(each.code for each in changes.masters.customers)


async def test_the_feeds_name_what_moved_and_one_query_reads_it(world: SalesforceWorld) -> None:
    world.misbehave(page_size_max=2000)
    for number in range(150):
        account(world, f"C-{number}")
    await news(world)
    assert world.paths() == [
        "POST /services/oauth2/token",
        "GET /sobjects/Account/updated",
        "GET /sobjects/Account/deleted",
        "GET /sobjects/Contact/updated",
        "GET /sobjects/Contact/deleted",
        "GET /query",
    ]


async def test_where_nothing_moved_nothing_is_read(world: SalesforceWorld) -> None:
    account(world, "C-1")
    world.pass_time(3_600)
    changes = await news(world, deals=True)
    assert (changes.masters.customers, changes.gone, changes.whole) == ((), (), False)
    assert "GET /query" not in world.paths()


async def test_a_transaction_under_way_holds_the_cursor_back(world: SalesforceWorld) -> None:
    began = world.now
    world.misbehave(busy_since=began)
    world.pass_time(7_200)
    first = await news(world)
    assert first.until == began.replace(microsecond=0)
    world.org.add("Account", {"Name": "Late", "AccountNumber": "LATE"}, at=began)
    world.misbehave(busy_since=None)
    assert codes(await news(world, first.until)) == ["LATE"]


async def test_the_cursor_is_never_ahead_of_either_clock(world: SalesforceWorld) -> None:
    ours = world.now
    world.org.clock = lambda: ours - timedelta(minutes=5)
    behind = await news(world, ours - timedelta(hours=1))
    assert behind.until <= ours - timedelta(minutes=5)
    world.org.clock = lambda: ours + timedelta(minutes=5)
    assert (await news(world, ours - timedelta(hours=1))).until <= ours


@pytest.mark.parametrize(("days", "whole"), [(0, False), (13, False), (15, True), (40, True)])
async def test_beyond_the_reach_of_either_feed_everything_is_read(
    world: SalesforceWorld, days: int, whole: bool
) -> None:
    since = world.now
    goes, stays = account(world, "GOES"), account(world, "STAYS")
    world.org.delete([goes])
    world.pass_time(days * 86_400)
    changes = await news(world, since)
    assert changes.whole is whole
    assert codes(changes) == ["STAYS"]
    assert changes.gone == (() if whole else (GoneMaster(MasterKind.CUSTOMER, goes),))
    assert stays


async def test_deletions_that_were_forgotten_early_make_it_read_everything(
    world: SalesforceWorld,
) -> None:
    since = world.now
    world.pass_time(86_400)
    assert not (await news(world, since)).whole
    world.misbehave(deletions_since=world.now - timedelta(hours=1))
    assert (await news(world, since)).whole


async def test_more_changes_than_the_feed_can_tell_make_it_read_everything(
    world: SalesforceWorld,
) -> None:
    account(world, "C-1")
    salesforce = world.connect()
    await salesforce.check()
    body = b'[{"errorCode": "EXCEEDED_ID_LIMIT", "message": "too many"}]'
    world.network.answer_next(400, body=body)
    changes = await salesforce.masters_changed_since(world.now)
    assert changes.whole
    assert codes(changes) == ["C-1"]
    assert changes.until <= world.now


async def test_an_account_that_lost_a_merge_is_gone_and_the_winner_is_read(
    world: SalesforceWorld,
) -> None:
    main, loser = account(world, "MAIN"), account(world, "LOSER")
    contact(world, loser, "bills@x.example")
    project = deal(world, loser)
    world.pass_time(3_600)
    since = world.now
    world.org.merge(main, [loser])
    changes = await news(world, since, deals=True)
    assert changes.gone == (GoneMaster(MasterKind.CUSTOMER, loser),)
    [customer] = changes.masters.customers
    assert (customer.id, customer.email) == (main, "bills@x.example")
    # Its stamp did not move, and it belongs to another customer now.
    assert [(each.id, each.customer) for each in changes.masters.projects] == [(project, main)]


async def test_a_merged_account_that_was_merged_again_leads_to_the_last(
    world: SalesforceWorld,
) -> None:
    ids = [account(world, code) for code in ("A", "B", "C")]
    world.pass_time(3_600)
    since = world.now
    world.org.merge(ids[1], [ids[0]])
    world.org.merge(ids[2], [ids[1]])
    changes = await news(world, since)
    assert codes(changes) == ["C"]
    assert {each.id for each in changes.gone} == set(ids[:2])


async def test_a_restored_account_is_not_gone(world: SalesforceWorld) -> None:
    made = account(world, "C-1")
    world.pass_time(3_600)
    since = world.now
    world.org.delete([made])
    world.org.restore([made])
    changes = await news(world, since)
    assert (codes(changes), changes.gone) == (["C-1"], ())


async def test_a_new_address_of_the_billing_contact_is_news_of_its_customer(
    world: SalesforceWorld,
) -> None:
    made = account(world, "C-1")
    first, second = contact(world, made, "one@x.example"), contact(world, made, "two@x.example")
    world.pass_time(3_600)
    since = world.now
    world.org.change(first, {"Email": "new@x.example"})
    [customer] = (await news(world, since)).masters.customers
    assert (customer.id, customer.email) == (made, "new@x.example")
    world.pass_time(3_600)
    since = world.now
    world.org.delete([first])
    [customer] = (await news(world, since)).masters.customers
    assert (customer.id, customer.email) == (made, "two@x.example")
    assert second


async def test_a_deal_becomes_a_project_when_it_is_won_and_is_gone_when_it_is_lost_again(
    world: SalesforceWorld,
) -> None:
    made = account(world, "C-1")
    opened = deal(world, made, "Prospecting")
    world.pass_time(3_600)
    for stage, won in (("Closed Won", True), ("Negotiation", False), ("Closed Won", True)):
        since = world.now
        world.org.change(opened, {"StageName": stage})
        changes = await news(world, since, deals=True)
        assert [each.id for each in changes.masters.projects] == ([opened] if won else [])
        assert (GoneMaster(MasterKind.PROJECT, opened) in changes.gone) is not won
        world.pass_time(3_600)


async def test_an_account_that_cannot_be_read_is_not_gone(world: SalesforceWorld) -> None:
    account(world, "C-1")
    broken = account(world, "C-2")
    world.pass_time(3_600)
    since = world.now
    world.org.change(broken, {"BillingCountryCode": "Neverland"})
    changes = await news(world, since)
    assert (codes(changes), changes.gone) == ([], ())


async def test_a_reading_that_breaks_off_tells_nothing(world: SalesforceWorld) -> None:
    account(world, "C-1")
    salesforce = world.connect()
    await salesforce.check()
    world.network.let_pass(4)
    world.network.lose_next_answer()
    with pytest.raises(TransientError):
        await salesforce.masters_changed_since(world.now)
