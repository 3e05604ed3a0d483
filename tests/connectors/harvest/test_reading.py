"""Reading Harvest's time: rates, places kept, pages that move, and links that lead astray."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from canonical.money import HourlyRate
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.http_contract import Tokens
from connectors.conformance.time_source import MONDAY, between, changed, in_window
from connectors.harvest.simulated_state import Change, SimulatedMasters
from tests.connectors.harvest.world import CODE, KIM, SHOP, STATE, STUDIO, HarvestWorld, only


def paths(world: HarvestWorld) -> list[str]:
    return [request.url.path.removeprefix("/v2") for request in world.network.requests]


async def test_an_entry_is_mapped_field_by_field(world: HarvestWorld) -> None:
    entry = world.add(date(2026, 1, 7), "7.10", note="Styling")
    world.approve(entry)
    read = (await in_window(world, MONDAY, date(2026, 1, 11)))[entry]
    assert read.model_dump() == {
        "connection": "harvest-emea",
        "id": entry,
        "timesheet": f"{KIM}-2026-01-05",
        "employee": str(KIM),
        "customer": "5735774",
        "project": "14307913",
        "task": "14307913/8083365",
        "work_date": date(2026, 1, 7),
        "seconds": 25_560,
        "billable": True,
        "bill_rate": {"amount": Decimal("100.0"), "currency": "USD"},
        "note": "Styling",
        "approval": {"approver": None, "approved_at": None, "revision": None},
        "changed_at": world.now,
    }


async def test_a_rate_is_in_its_clients_currency_and_clients_are_read_once(
    world: HarvestWorld,
) -> None:
    acme = world.add(MONDAY, "1")
    studio = world.add(MONDAY, "1")
    world.account.change([Change(id=int(studio), project_id=SHOP, task_id=CODE)])
    harvest = world.connect()
    _ = [page async for page in harvest.time_entries_between(MONDAY, MONDAY)]
    pages = [page async for page in harvest.time_entries_between(MONDAY, MONDAY)]
    rates = {each.source_id: each.record and each.record.bill_rate for each in pages[0].records}
    assert rates == {
        acme: HourlyRate(amount=Decimal("100.0"), currency="USD"),
        studio: HourlyRate(amount=Decimal("100.0"), currency="EUR"),
    }
    assert paths(world) == ["/time_entries", "/clients", "/time_entries"]


async def test_a_client_that_is_new_is_looked_up_when_it_appears(world: HarvestWorld) -> None:
    world.add(MONDAY, "1")
    harvest = world.connect()
    _ = [page async for page in harvest.time_entries_between(MONDAY, MONDAY)]
    project = STATE.projects[0].model_copy(update={"id": 77, "client_id": 78})
    client = STATE.clients[0].model_copy(update={"id": 78, "currency": "CHF"})
    world.account.put(SimulatedMasters(projects=(project,), clients=(client,)))
    entry = world.add(MONDAY, "1")
    world.account.change([Change(id=int(entry), project_id=77)])
    pages = [page async for page in harvest.time_entries_between(MONDAY, MONDAY)]
    found = {each.source_id: each.record for page in pages for each in page.records}[entry]
    assert found is not None
    assert found.bill_rate == HourlyRate(amount=Decimal("100.0"), currency="CHF")


async def test_a_client_that_harvest_does_not_list_is_asked_for_once(world: HarvestWorld) -> None:
    for _ in range(2 * world.page_size):
        world.add(MONDAY, "1")
    world.poison(
        '{"id": 1, "spent_date": "2026-01-05", "user": {"id": 1}, "client": {"id": 404}, '
        '"project": {"id": 1}, "task": {"id": 1}, "hours": 1, "is_closed": true, '
        '"is_running": false, "billable": true, "billable_rate": 5, '
        '"updated_at": "2026-01-05T12:00:00Z"}'
    )
    harvest = world.connect()
    _ = [page async for page in harvest.time_entries_between(MONDAY, MONDAY)]
    pages = [page async for page in harvest.time_entries_between(MONDAY, MONDAY)]
    assert "currency" in (pages[0].records[0].trouble or "")
    assert paths(world).count("/clients") == 1


async def test_an_entry_without_a_rate_needs_no_client(world: HarvestWorld) -> None:
    entry = world.add(MONDAY, "1")
    facts = world.account.entry(int(entry)).facts
    world.account.add([facts.model_copy(update={"billable_rate": None, "billable": False})])
    read = (await in_window(world, MONDAY, MONDAY))[entry]
    assert read.bill_rate is None
    assert paths(world) == ["/time_entries"]


async def test_after_a_spent_budget_the_reading_goes_on_at_the_same_page(
    world: HarvestWorld,
) -> None:
    added = {world.add(MONDAY, "1") for _ in range(3 * world.page_size)}
    budget = Tokens(3)  # The clients, and two pages.
    pages = world.connect(budget).time_entries_changed_since(world.now)
    read = [await anext(pages), await anext(pages)]
    with pytest.raises(TransientError) as told:
        await anext(pages)
    assert told.value.code == "budget_spent"
    budget.left = 1
    read.append(await anext(pages))
    with pytest.raises(StopAsyncIteration):
        await anext(pages)
    assert {each.source_id for page in read for each in page.records} == added
    assert paths(world).count("/time_entries") == 3


async def test_pages_are_followed_by_the_links_that_harvest_gives(world: HarvestWorld) -> None:
    for _ in range(world.page_size + 1):
        world.add(MONDAY, "1")
    await changed(world, datetime(2026, 1, 1, 10, 0, 0, 999_999, tzinfo=UTC))
    first, _, second = world.network.requests
    assert dict(first.url.params) == {"per_page": "3", "updated_since": "2026-01-01T10:00:00Z"}
    assert second.url.params["cursor"]
    assert second.url.params["updated_since"] == "2026-01-01T10:00:00Z"


async def test_every_request_says_who_we_are(world: HarvestWorld) -> None:
    await world.connect().check()
    headers = world.network.requests[0].headers
    assert headers["authorization"] == f"Bearer {world.secret}"
    assert headers["harvest-account-id"] == world.account.account_id
    assert headers["user-agent"] == "Ledgerway (integration@firm.example)"


async def test_a_link_to_another_server_is_not_followed(world: HarvestWorld) -> None:
    for _ in range(world.page_size + 1):
        world.add(MONDAY, "1")
    world.misbehave(foreign_links=True)
    with pytest.raises(ConnectionConfigError):
        await changed(world)
    assert {request.url.host for request in world.network.requests} == {"harvest.test"}


async def test_a_deletion_while_pages_are_turned_is_noticed_even_with_pages_by_number(
    world: HarvestWorld,
) -> None:
    entries = [world.add(MONDAY, "1") for _ in range(2 * world.page_size)]
    world.misbehave(page_numbers=True)
    for read in (
        world.connect().time_entries_between(MONDAY, MONDAY),
        world.connect().time_entries_changed_since(world.now),
    ):
        await anext(read)
        world.delete(entries.pop())  # The latest stands first: all others move up by one.
        with pytest.raises(TransientError) as told:
            await anext(read)
        assert told.value.code == "pages_shifted"


async def test_a_window_that_grew_while_it_was_read_is_read_again(world: HarvestWorld) -> None:
    for _ in range(world.page_size + 1):
        world.add(MONDAY, "1")
    window = world.connect().time_entries_between(MONDAY, MONDAY)
    await anext(window)
    late = world.add(MONDAY, "1")  # The latest stands first, behind us.
    with pytest.raises(TransientError) as told:
        await anext(window)
    assert told.value.code == "pages_incomplete"
    assert late in await in_window(world, MONDAY, MONDAY)


async def test_news_need_not_stand_still(world: HarvestWorld) -> None:
    for _ in range(world.page_size + 1):
        world.add(MONDAY, "1")
    news = world.connect().time_entries_changed_since(world.now)
    await anext(news)
    world.add(MONDAY, "1")
    assert len((await anext(news)).records) == 1


async def test_a_window_tells_of_a_withdrawal_that_moved_no_stamp(world: HarvestWorld) -> None:
    entry = world.add(MONDAY, "1")
    world.approve(entry)
    world.pass_time(60)
    world.misbehave(approval_moves_updated_at=False)
    world.withdraw(entry)
    assert await changed(world, world.now - timedelta(seconds=1)) == [
        page for page in await changed(world, world.now) if not page.records
    ]
    assert (await in_window(world, MONDAY, MONDAY))[entry].approval is None


async def test_the_sources_own_count_comes_with_each_page(world: HarvestWorld) -> None:
    for _ in range(world.page_size + 1):
        world.add(MONDAY, "1")
    assert [page.total for page in await between(world, MONDAY, MONDAY)] == [4, 4]


async def test_an_archived_or_invoiced_entry_is_not_approved_by_that(world: HarvestWorld) -> None:
    entry = world.add(MONDAY, "1")
    world.account.lock(only(entry))
    world.account.change([Change(id=int(entry), is_billed=True)])
    assert (await in_window(world, MONDAY, MONDAY))[entry].approval is None


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"time_entries": []}',
        b'{"time_entries": [], "total_entries": 0, "links": {}}',
        b'{"time_entries": [], "total_entries": -1, "links": {"next": null}}',
        b'{"time_entries": [], "total_entries": "0", "links": {"next": null}}',
        b'{"time_entries": [], "total_entries": 0, "links": {"next": 5}}',
        b'{"time_entries": {}, "total_entries": 0, "links": {"next": null}}',
        b"<html>Down for maintenance</html>",
        b"",
    ],
)
async def test_a_page_that_is_not_what_was_expected_is_transient(
    world: HarvestWorld, body: bytes
) -> None:
    world.network.answer_next(200, body=body)
    with pytest.raises(TransientError) as told:
        await changed(world)
    assert told.value.code in {"page_unreadable", "page_envelope_unreadable"}


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, ConnectionConfigError), (404, ConnectionConfigError), (422, TransientError)],
)
async def test_a_refused_reading_is_for_an_operator_or_starts_again(
    world: HarvestWorld, status: int, error: type[Exception]
) -> None:
    world.network.answer_next(status)
    with pytest.raises(error):
        await changed(world)


async def test_the_studios_projects_are_in_euros(world: HarvestWorld) -> None:
    masters = await world.connect().masters()
    assert {each.id: each.currency for each in masters.customers}[str(STUDIO)] == "EUR"
