"""Business Central's master data, calendar and rates, and what a check proves."""

from datetime import date
from decimal import Decimal

import pytest

from canonical.contracts import ExchangeRate
from canonical.posting_period import PeriodState
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.http_contract import Tokens
from tests.connectors.business_central.world import BusinessCentralWorld


async def test_masters_are_the_companies_own(world: BusinessCentralWorld) -> None:
    world.company_named("Firm Ltd")
    found = await world.connect().masters()
    assert [(one.code, one.currency) for one in found.legal_entities] == [
        ("Firm GmbH", "EUR"),
        ("Firm Ltd", "EUR"),
    ]
    ours = [one for one in found.employees if one.legal_entity == "Firm GmbH"]
    assert [(one.code, one.party, one.active_from) for one in ours] == [
        ("E-1001", world.id_of("vendors", "E-1001"), date(2020, 1, 1)),
        ("E-1002", world.id_of("vendors", "E-1002"), date(2020, 1, 1)),
    ]
    tasks = [one for one in found.tasks if one.legal_entity == "Firm GmbH"]
    assert len(tasks) == 6
    assert tasks[0].id == f"{world.id_of('projects', 'P-100')}/1000"
    centres = {one.code for one in found.dimension_values}
    assert centres == {"CC-100", "CC-200"}
    assert {one.code for one in found.currencies} == {"EUR", "USD"}
    assert {one.code for one in found.tax_codes} == {"VAT19", "VAT7", "VAT19-IN", "NO VAT"}
    assert len(found.accounts) == 26
    assert {one.code for one in found.customers} == {"C-100", "C-200"}


async def test_only_the_companies_that_are_named_are_seen(world: BusinessCentralWorld) -> None:
    world.company_named("Firm Ltd")
    found = await world.connect(companies=("Firm Ltd",)).masters()
    assert [one.code for one in found.legal_entities] == ["Firm Ltd"]
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect(companies=("Firm SA",)).masters()
    assert told.value.code == "company_not_found"


async def test_leavers_and_what_is_blocked_are_not_active(world: BusinessCentralWorld) -> None:
    [leaver, *_] = world.company.rows("employees")
    leaver |= {"terminationDate": "2026-02-28", "status": "Terminated"}
    for entity_set in ("customers", "accounts"):
        [first, *_] = world.company.rows(entity_set)
        first["blocked"] = "All" if entity_set == "customers" else True
    found = await world.connect().masters()
    [person] = [one for one in found.employees if one.code == leaver["number"]]
    assert person.active_on(date(2026, 2, 28))
    assert not person.active_on(date(2026, 3, 1))
    assert [one.active for one in found.customers] == [False, True]
    assert [one.code for one in found.accounts if not one.active] == ["1570"]


async def test_the_vendor_of_an_employee_is_found_by_prefix_and_number_only(
    world: BusinessCentralWorld,
) -> None:
    [vendor, *_] = world.company.rows("vendors")
    vendor["number"] = "EMP-E-1001"
    found = await world.connect(vendor_prefix="EMP-").masters()
    assert [one.party for one in found.employees] == [vendor["id"], None]


async def test_a_record_that_cannot_be_read_never_takes_its_neighbours_along(
    world: BusinessCentralWorld,
) -> None:
    world.spec.tolerant = True
    [project, *_] = world.company.rows("projects")
    project["number"] = 17
    found = await world.connect().masters()
    assert [one.code for one in found.projects] == ["P-200", "P-300"]


async def test_pages_are_followed_to_the_end(world: BusinessCentralWorld) -> None:
    found = await world.connect(page_size=2).masters()
    assert len(found.accounts) == 13


async def test_a_list_that_goes_round_in_a_circle_is_trouble(
    world: BusinessCentralWorld,
) -> None:
    world.spec.tolerant = True
    erp = world.connect()
    await erp.check()
    link = "http://bc.test/v2.0/production/api/v2.0/companies"
    body = f'{{"value": [], "@odata.nextLink": "{link}"}}'.encode()
    for _ in range(3):
        world.network.answer_next(200, body=body)
    with pytest.raises(TransientError) as told:
        await erp.masters()
    assert told.value.code == "pages_in_a_circle"


async def test_a_link_to_another_server_gets_no_token_of_ours(
    world: BusinessCentralWorld,
) -> None:
    world.spec.tolerant = True
    erp = world.connect()
    await erp.check()
    body = b'{"value": [], "@odata.nextLink": "http://elsewhere.example/api"}'
    world.network.answer_next(200, body=body)
    with pytest.raises(ConnectionConfigError) as told:
        await erp.masters()
    assert told.value.code == "foreign_address"
    assert world.network.requests[-1].url.host == "bc.test"


async def test_a_period_is_open_where_it_is_not_closed_and_may_be_posted(
    world: BusinessCentralWorld,
) -> None:
    [setup] = world.company.rows("generalLedgerSetup")
    setup |= {"allowPostingFrom": "2026-02-10", "allowPostingTo": "2026-03-31"}
    periods = await world.connect().posting_periods()
    state = {(one.starts_on, one.ends_on): one.state for one in periods}
    assert state[date(2025, 12, 1), date(2025, 12, 31)] is PeriodState.CLOSED
    assert state[date(2026, 1, 1), date(2026, 1, 31)] is PeriodState.CLOSED
    assert state[date(2026, 2, 1), date(2026, 2, 9)] is PeriodState.CLOSED
    assert state[date(2026, 2, 10), date(2026, 2, 28)] is PeriodState.OPEN
    assert state[date(2026, 3, 1), date(2026, 3, 31)] is PeriodState.OPEN
    assert state[date(2026, 4, 1), date(2026, 4, 30)] is PeriodState.CLOSED
    assert len({one.id for one in periods}) == len(periods)
    assert {one.fiscal_year for one in periods} == {"2025", "2026", "2027"}
    # The last one has no end, until another one follows it.
    assert max(one.ends_on for one in periods) == date(2027, 11, 30)


async def test_rates_are_what_one_unit_is_worth(world: BusinessCentralWorld) -> None:
    world.company_named("Firm Ltd")
    erp = world.connect()
    rate = ExchangeRate(
        source_currency="USD",
        target_currency="EUR",
        rate=Decimal("0.925"),
        on_date=date(2026, 1, 1),
        origin="erp",
    )
    assert await erp.exchange_rates(date(2026, 1, 1), date(2026, 1, 1)) == [rate]
    assert await erp.exchange_rates(date(2026, 1, 2), date(2026, 12, 31)) == []


async def test_a_check_says_who_we_are_and_where(world: BusinessCentralWorld) -> None:
    assert await world.connect().check() == "the-client-id at production: Firm GmbH"


async def test_a_token_serves_many_calls_and_is_fetched_again_before_it_ends(
    world: BusinessCentralWorld,
) -> None:
    erp = world.connect(Tokens())
    await erp.check()
    await erp.check()
    logins = [one for one in world.network.requests if one.url.host == "login.test"]
    assert len(logins) == 1
