"""The firm's CRM and HR say of every customer and person what everybody else says of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx
import pytest
from pydantic import SecretStr

from canonical.cross_reference import MasterKind
from canonical.masters import CostCentreAssignment, Master, Masters
from connectors.bamboohr import BambooHrOptions
from connectors.bamboohr import connect as connect_hr
from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulator import simulated_bamboohr
from connectors.base.rate_budget import Unlimited
from connectors.harvest import HarvestOptions
from connectors.harvest import connect as connect_harvest
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulator import simulated_harvest
from connectors.salesforce import SalesforceOptions
from connectors.salesforce import connect as connect_crm
from connectors.salesforce.simulated_org import SimulatedOrg
from connectors.salesforce.simulator import simulated_salesforce
from rules.master_sync import Agree, Identity, plan, same_key
from rules.ownership import KindOwnership, Ownership
from sandbox.crm_org import CURRENCY_FIELD, CrmOrg
from sandbox.firm import Firm, Month, firm_of
from sandbox.hr_company import HrCompany
from sandbox.masters_act import (
    ERP_KNOWS,
    LEAVER,
    LEFT,
    MOVERS,
    RENAMED,
    RENAMED_TWICE,
    SALES_ADDS,
    TWICE,
    MastersAct,
    twins_among,
)
from sandbox.month import FirmAccount
from sandbox.world_configuration import OWNERSHIP

# Past, so that who left in it has left.
MONTHS: Final = [Month(2024, 2), Month(2025, 12)]
KINDS: Final = Ownership.model_validate(OWNERSHIP).kinds


@dataclass(frozen=True)
class Read:
    """What connectors read of the firm's simulated systems."""

    firm: Firm
    of: Mapping[str, Masters]
    held: Mapping[str, Mapping[MasterKind, frozenset[str]]]
    assignments: Sequence[CostCentreAssignment]


@pytest.fixture(params=MONTHS, ids=lambda month: month.name)
async def read(request: pytest.FixtureRequest) -> AsyncIterator[Read]:
    """All three systems, read whole."""
    firm = firm_of(request.param)
    async with AsyncExitStack() as stack:
        systems = _systems(firm)
        for one in systems.values():
            stack.push_async_callback(one.close)
        yield Read(
            firm,
            {name: await one.masters() for name, one in systems.items()},
            {
                name: {it.kind: it.fields for it in one.manifest.master_operations}
                for name, one in systems.items()
            },
            await systems["bamboohr"].cost_centre_assignments(),
        )


def _systems(firm: Firm) -> dict[str, Any]:
    org, people, account = (
        CrmOrg(firm).state(), HrCompany(firm).state(), FirmAccount(firm).state()
    )  # fmt: skip
    crm = SalesforceOptions(
        "salesforce",
        "http://crm",
        org.client_id,
        SecretStr(org.client_secret),
        currency_field=CURRENCY_FIELD,
    )
    hr = BambooHrOptions(
        "bamboohr",
        people.company,
        SecretStr(people.api_key),
        "http://hr",
        legal_entity_field="division",
        legal_entities={one.name: one.code for one in firm.legal_entities},
    )
    psa = HarvestOptions(
        "harvest",
        account.account_id,
        SecretStr(account.token),
        "tests (a@b.example)",
        "http://psa/v2",
    )

    def over(app: Any) -> httpx.ASGITransport:
        return httpx.ASGITransport(app)

    return {
        "salesforce": connect_crm(crm, Unlimited(), over(simulated_salesforce(SimulatedOrg(org)))),
        "bamboohr": connect_hr(hr, Unlimited(), over(simulated_bamboohr(BambooCompany(people)))),
        "harvest": connect_harvest(
            psa, Unlimited(), over(simulated_harvest(HarvestAccount(account)))
        ),
    }


def test_every_customer_is_an_account_with_its_code(read: Read) -> None:
    found = {one.code: one.name for one in read.of["salesforce"].customers}
    assert found == {one.code: one.name for one in read.firm.customers}


def test_everybody_is_employed_as_the_erp_has_them(read: Read) -> None:
    found = {
        one.code: (one.name, one.email, one.legal_entity, one.active_from, one.active_until)
        for one in read.of["bamboohr"].employees
    }
    assert found == {
        one.code: (one.name, one.email, one.legal_entity.code, one.started_on, one.ended_on)
        for one in read.firm.employees
    }


def test_everybody_works_for_their_cost_centre_since_they_were_hired(read: Read) -> None:
    hr = HrCompany(read.firm)
    found = {one.employee: (one.valid_from, one.cost_centre) for one in read.assignments}
    assert found == {
        str(hr.employee_id(one)): (one.started_on, one.cost_centre.code)
        for one in read.firm.employees
    }


def test_departments_are_the_cost_centres_and_a_closed_one_is_archived(read: Read) -> None:
    found = {one.code: one.active for one in read.of["bamboohr"].dimension_values}
    assert found == {one.code: not one.closed for one in read.firm.cost_centres}


def test_owners_and_harvest_agree_on_everything_so_that_a_first_synchronisation_is_quiet(
    read: Read,
) -> None:
    for kind, name in ((MasterKind.CUSTOMER, "customers"), (MasterKind.EMPLOYEE, "employees")):
        ownership = KINDS[kind]
        theirs = getattr(read.of["harvest"], name)
        for owned in getattr(read.of[ownership.owner], name):
            actions = _planned(kind, ownership, owned, theirs, read.held["harvest"][kind])
            assert [one for one in actions if not isinstance(one, Agree)] == [], owned.code


def _planned(
    kind: MasterKind,
    ownership: KindOwnership,
    owned: Master,
    theirs: Sequence[Master],
    held: frozenset[str],
) -> list[Any]:
    (there,) = [one for one in theirs if same_key(owned, one)]
    identity = Identity(kind, {ownership.owner: owned, "harvest": there})
    known = ownership.model_copy(update={"receivers": ("harvest",)})
    return list(plan(identity, {}, known, {"harvest": held}))


def test_the_act_speaks_of_people_and_customers_whom_the_firm_has(read: Read) -> None:
    names = {one.name: one for one in read.firm.employees}
    assert {names[one].cost_centre.code for one in MOVERS} == {"CC-100"}
    assert names[LEAVER] not in read.firm.leavers
    codes = {one.code for one in read.firm.customers}
    assert {RENAMED[0], RENAMED_TWICE[0]} <= codes
    assert codes.isdisjoint({ERP_KNOWS[0], SALES_ADDS[0], *(code for code, _ in TWICE)})


@pytest.mark.parametrize(
    ("parties", "twins"),
    [
        ([("CUST-1", "Alder AG"), ("CUST-2", "Birch GmbH")], 0),
        ([SALES_ADDS, ERP_KNOWS], 1),
        (list(TWICE), 1),
        ([("CUST-1", "Alder AG"), ("cust 1", "Birch GmbH")], 1),
    ],
)
def test_twins_are_told_by_their_spelling(parties: list[tuple[str, str]], twins: int) -> None:
    assert twins_among(parties) == twins


def test_the_demo_fails_if_masters_are_not_where_they_belong() -> None:
    good = MastersAct(
        linked=30,
        written_at_first=0,
        written=13,
        settled=3,
        left=LEFT,
        plans=(),
        twins=0,
        wrong=(),
        seconds=3.0,
    )
    assert good.agree
    for trouble in (
        {"twins": 1},
        {"wrong": ["the sweep had to write"]},
        {"written_at_first": 1},
        {"left": {"retroactive_change": 3}},
    ):
        assert not replace(good, **trouble).agree, trouble
