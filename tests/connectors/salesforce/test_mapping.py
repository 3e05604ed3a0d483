"""Accounts and Opportunities become customers and projects, field by field."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from canonical.cross_reference import MasterKind
from canonical.masters import Customer, Project
from connectors.base.errors import ConnectionConfigError
from connectors.base.master_writes import MasterQuery
from connectors.salesforce.simulated_state import Value, long_id, record_id
from tests.connectors.salesforce.world import OWN, SalesforceWorld


def account(world: SalesforceWorld, **fields: Value) -> str:
    return world.org.add("Account", {"Name": "Halden AG", **fields}).id


async def only_customer(world: SalesforceWorld, **given: Any) -> Customer:
    [customer] = (await world.connect(**given).masters()).customers
    return customer


async def test_an_account_is_mapped_field_by_field(world: SalesforceWorld) -> None:
    made = account(
        world,
        AccountNumber=" CUST-001 ",
        BillingCountryCode="DE",
        CurrencyIsoCode="EUR",
        VAT_Number__c="DE811907980",
        Active__c=True,
    )
    world.org.add(
        "Contact", {"AccountId": made, "LastName": "Abel", "Email": "bills@halden.example"}
    )
    assert await only_customer(world) == Customer(
        connection="crm",
        id=made,
        code="CUST-001",
        name="Halden AG",
        currency="EUR",
        country="DE",
        tax_number="DE811907980",
        email="bills@halden.example",
    )


async def test_what_the_org_does_not_keep_is_not_asked_for(world: SalesforceWorld) -> None:
    account(world, AccountNumber="C-1", BillingCountryCode="DE", CurrencyIsoCode="EUR")
    world.misbehave(hidden=frozenset({"Account.CurrencyIsoCode", "Account.BillingCountryCode"}))
    fields: dict[str, Any] = {"currency_field": "", "country_field": "", "active_field": ""}
    customer = await only_customer(world, **fields)
    assert (customer.currency, customer.country, customer.active) == (None, None, True)
    assert world.connect(**fields).manifest.master_operations[0].fields == {"name", "tax_number"}


async def test_an_account_without_a_code_matches_nothing_by_accident(
    world: SalesforceWorld,
) -> None:
    made = account(world)
    customer = await only_customer(world)
    assert customer.code == f"(no code: {made})"
    query = MasterQuery(MasterKind.CUSTOMER, keys=(customer.code, ""))
    assert (await world.connect().find_masters([query])).masters.customers == ()


async def test_the_code_may_be_in_a_field_of_the_orgs_own(world: SalesforceWorld) -> None:
    account(world, **{"AccountNumber": "old", OWN: "NEW-1"})
    assert (await only_customer(world, customer_code_field=OWN)).code == "NEW-1"


async def test_the_billing_contact_is_the_first_with_a_mail_address(
    world: SalesforceWorld,
) -> None:
    made = account(world)
    contacts: list[Mapping[str, Value]] = [
        {"LastName": "Late", "Email": "late@x.example", "Title": "Accounts payable"},
        {"LastName": "First", "Email": "first@x.example", "Title": "Boss"},
        {"LastName": "Silent"},
    ]
    for days, contact in enumerate(contacts):
        at = world.now - timedelta(days=days)
        world.org.add("Contact", {"AccountId": made, **contact}, at=at)
    assert (await only_customer(world)).email == "first@x.example"
    titled = await only_customer(world, billing_contact_title="Accounts payable")
    assert titled.email == "late@x.example"
    assert (await only_customer(world, billing_contact_title="It's nobody")).email is None


async def test_won_opportunities_are_projects_if_configuration_says_so(
    world: SalesforceWorld,
) -> None:
    made = account(world, AccountNumber="C-1")
    deals = {
        stage: world.org.add(
            "Opportunity",
            {"Name": f"Shop {stage}", "AccountId": made, "StageName": stage, OWN: f"P-{stage}"},
        ).id
        for stage in ("Closed Won", "Prospecting", "Closed Lost")
    }
    assert (await world.connect().masters()).projects == ()
    won = Project(
        connection="crm",
        id=deals["Closed Won"],
        code="P-Closed Won",
        name="Shop Closed Won",
        customer=made,
    )
    salesforce = world.connect(projects_from_opportunities=True)
    assert (await salesforce.masters()).projects == (won,)
    queries = [
        MasterQuery(MasterKind.PROJECT, ids=tuple(deals.values())),
        MasterQuery(MasterKind.PROJECT, keys=("P-Closed Won", "P-Prospecting")),
    ]
    assert (await salesforce.find_masters(queries)).masters.projects == (won,)


async def test_masters_are_read_in_bulk_however_many_there_are(world: SalesforceWorld) -> None:
    world.misbehave(page_size_max=2000)
    for number in range(450):
        made = account(world, AccountNumber=f"C-{number}")
        world.org.add("Contact", {"AccountId": made, "LastName": "A", "Email": "a@x.example"})
    masters = await world.connect(page_size=200).masters()
    assert len(masters.customers) == 450
    assert world.paths()[1:] == ["GET /query"] + [
        f"GET /query/01g5e{0:010d}-{at}" for at in (200, 400)
    ]


@pytest.mark.parametrize(
    ("code", "others"),
    [
        ("O'Neill \\ Sons", ("O", "Neill")),
        ("100% & more?=#/", ("100",)),
        ("line' OR Name != '", ("C-1",)),
        ("Ünïcödé ☃", ("U",)),
    ],
)
async def test_a_code_is_looked_for_as_it_is(
    world: SalesforceWorld, code: str, others: tuple[str, ...]
) -> None:
    made = account(world, AccountNumber=code)
    for other in others:
        account(world, AccountNumber=other)
    look = await world.connect().find_masters([MasterQuery(MasterKind.CUSTOMER, keys=(code,))])
    assert [each.id for each in look.masters.customers] == [made]


async def test_a_code_is_found_however_its_accents_were_typed(world: SalesforceWorld) -> None:
    made = account(world, AccountNumber="CAFE\u0301-1")
    key = "CAF\u00c9-1"
    look = await world.connect().find_masters([MasterQuery(MasterKind.CUSTOMER, keys=(key,))])
    assert [(each.id, each.code) for each in look.masters.customers] == [(made, key)]


@pytest.mark.parametrize(
    "broken",
    [
        "5",
        "null",
        '["Zebedee"]',
        "{}",
        '{"Id": "001"}',
        '{"Id": 5, "Name": "Zebedee"}',
        *(
            f'{{"Id": "0015e0000000777AAA", "Name": "Zebedee", "AccountNumber": "Zebedee", {each}}}'
            for each in (
                '"Name": null',
                '"Contacts": []',
                '"Contacts": {"records": "Zebedee"}',
                '"Contacts": {"records": [{"Email": 5}]}',
                '"AccountNumber": 5',
                '"Active__c": "Zebedee"',
                '"BillingCountryCode": "Zebedee"',
                '"CurrencyIsoCode": ["Zebedee"]',
                '"VAT_Number__c": 1.5',
                '"Other": "neither checkbox nor country is there"',
            )
        ),
    ],
)
async def test_an_account_of_the_wrong_shape_harms_no_other_and_is_named_by_its_id(
    world: SalesforceWorld, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = account(world, AccountNumber="C-1")
    world.spec.tolerant = True
    world.misbehave(poison=(broken,))
    with caplog.at_level(logging.DEBUG, "connectors"):
        customers = (await world.connect().masters()).customers
    assert [each.id for each in customers] == [made]
    assert "left out" in caplog.text
    assert "Zebedee" not in caplog.text


async def test_what_is_no_id_of_theirs_is_not_there(world: SalesforceWorld) -> None:
    made = account(world, AccountNumber="C-1")
    ids = ("7", "", "x' OR Name != '", record_id("Account", 999), record_id("Contact", 1), made)
    look = await world.connect().find_masters([MasterQuery(MasterKind.CUSTOMER, ids=ids)])
    assert [each.id for each in look.masters.customers] == [made]


async def test_many_keys_are_looked_for_in_few_requests(world: SalesforceWorld) -> None:
    world.misbehave(page_size_max=2000)
    keys = tuple(f"Kunde-ÄÖÜ-{number:060d}" for number in range(300))
    made = {account(world, AccountNumber=key[:40]) for key in keys[:1]}
    query = MasterQuery(MasterKind.CUSTOMER, keys=(*keys, keys[0][:40]))
    look = await world.connect().find_masters([query])
    assert {each.id for each in look.masters.customers} == made
    asked = [each for each in world.network.requests if each.url.path.endswith("/query")]
    assert len(asked) <= 12
    assert all(len(each.url.raw_path) < 8_000 for each in asked)


@pytest.mark.parametrize(
    "field", ["AccountNumber", "VAT_Number__c", "BillingCountryCode", "Active__c", OWN]
)
async def test_a_field_that_is_hidden_stops_the_reading_and_is_named(
    world: SalesforceWorld, field: str
) -> None:
    account(world, AccountNumber="C-1", VAT_Number__c="VAT1")
    world.misbehave(hidden=frozenset({f"Account.{field}"}))
    salesforce = world.connect()
    with pytest.raises(ConnectionConfigError) as told:
        await salesforce.masters()
    assert told.value.code == "INVALID_FIELD"
    assert field in str(told.value)
    with pytest.raises(ConnectionConfigError) as told:
        await salesforce.check()
    assert told.value.code == "field_hidden"
    assert field in str(told.value)


async def test_a_field_of_the_wrong_kind_is_named_when_the_connection_is_checked(
    world: SalesforceWorld,
) -> None:
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"active_field": "VAT_Number__c"}, "not_a_checkbox"),
        ({"customer_external_id_field": "AccountNumber"}, "not_an_external_id"),
        ({"projects_from_opportunities": True, "project_code_field": "X__c"}, "field_hidden"),
    )
    for given, code in wrong:
        with pytest.raises(ConnectionConfigError) as told:
            await world.connect(**given).check()
        assert told.value.code == code


@pytest.mark.parametrize(
    "given",
    [
        {"customer_code_field": ""},
        {"customer_code_field": "Name, Secret__c"},
        {"tax_number_field": "VAT Number"},
        {"project_code_field": ""},
        {"api_version": "61"},
        {"page_size": 100},
        {"page_size": 2001},
    ],
)
def test_options_that_could_not_work_are_refused(
    world: SalesforceWorld, given: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r".+"):
        world.options(**given)


def test_ids_have_the_checksum_that_salesforce_gives_them() -> None:
    # An id of the vendor's own examples.
    assert long_id("00190000001pPvH") == "00190000001pPvHAAU"
    assert record_id("Account", 1) == "0015e0000000001AAA"
