"""From CRM, HR and PSA into the real ERP: what waited goes on, how soon, and at what cost."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import httpx
import pytest
from pydantic import SecretStr

from canonical.cross_reference import MasterKind
from canonical.messages import MasterDataRef, MasterSyncRef, SourceRef
from connectors.bamboohr import BambooHrOptions
from connectors.bamboohr import connect as connect_hr
from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_state import (
    CompanyState,
    SimulatedEmployee,
    SimulatedJob,
    SimulatedStatus,
)
from connectors.bamboohr.simulator import simulated_bamboohr
from connectors.base.rate_budget import Unlimited
from connectors.base.tls import trusted_authorities
from connectors.harvest import HarvestOptions
from connectors.harvest import connect as connect_harvest
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_state import (
    SimulatedAssignment,
    SimulatedClient,
    SimulatedMasters,
    SimulatedProject,
)
from connectors.harvest.simulator import simulated_harvest
from connectors.salesforce import SalesforceOptions
from connectors.salesforce import connect as connect_crm
from connectors.salesforce.simulated_org import SimulatedOrg
from connectors.salesforce.simulated_state import OrgState, SimulatedField
from connectors.salesforce.simulator import simulated_salesforce
from connectors.tryton import TrytonOptions
from connectors.tryton import connect as connect_erp
from rules.ownership import KindOwnership, Ownership
from rules.policies import Policies
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from sandbox.firm import Firm as MadeUpFirm
from sandbox.firm import firm_of
from sandbox.month import FirmAccount
from sandbox.temporal_server import TemporalServer
from sandbox.tryton.json_rpc import JsonRpcSession
from sandbox.tryton.server import TrytonServer
from tests.e2e.conftest import NewNamespace, dsn, new_namespace  # noqa: F401  Fixtures.
from tests.e2e.running_platform import RunningPlatform, running
from tests.e2e.staff import Staff, empty_account
from tests.erp_fixtures import last_month
from tests.masters.lossy import Lossy

C, P, T, E = (
    MasterKind.CUSTOMER, MasterKind.PROJECT, MasterKind.TASK, MasterKind.EMPLOYEE
)  # fmt: skip
CODE: Final = "Ledgerway_Code__c"
CHANGES: Final = 4
# What a change of one record may cost at the ERP: a look (companies, the record), the write, and
# a look back.
ERP_CALLS_MAX: Final = 8
_NEW_CLIENT, _NEW_PROJECT = 880_001, 880_002
_PROJECT_CODE: Final = "PRJ-9001"


@dataclass(kw_only=True)
class Firm(RunningPlatform):
    """A platform between four systems, and the hands of the people at each."""

    account: HarvestAccount
    org: SimulatedOrg
    company: BambooCompany
    wire: Lossy
    desk: JsonRpcSession

    async def sync(self, *connections: str) -> None:
        """Tell the synchronisation, as a webhook does, and wait until it has ended."""
        await self.activities.master_telling.tell_master_sync(
            MasterSyncRef(connections=connections)
        )
        await self.client.get_workflow_handle("master-data-sync/northwind").result()

    async def party_names(self) -> dict[str, str]:
        """What Tryton's own people see: names by code."""
        rows = await self.desk.find("party.party", [], "code", "name")
        return {str(one["code"]): str(one["name"]) for one in rows}


@pytest.fixture
async def firm(
    dsn: str,  # noqa: F811
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
    own_erp: TrytonServer,
    desk: JsonRpcSession,
) -> AsyncIterator[Firm]:
    erp = own_erp
    account = HarvestAccount(empty_account(last_month()))
    org = SimulatedOrg(
        OrgState(
            fields=(
                SimulatedField(
                    kind="Account",
                    name=CODE,
                    external_id=True,
                    unique=True,
                    case_sensitive=True,
                ),
            )
        )
    )
    company = BambooCompany(CompanyState(api_key="the-api-key"))
    network = httpx.AsyncHTTPTransport(
        verify=trusted_authorities(), limits=httpx.Limits(keepalive_expiry=1)
    )
    wire = Lossy(network)
    connected = {
        "harvest": connect_harvest(
            HarvestOptions(
                connection="harvest",
                account_id=account.account_id,
                token=SecretStr(account.token),
                user_agent="Ledgerway tests (tests@ledgerway.example)",
                base_url="http://harvest.test/v2",
            ),
            Unlimited(),
            httpx.ASGITransport(simulated_harvest(account)),
        ),
        "salesforce": connect_crm(
            SalesforceOptions(
                connection="salesforce",
                instance_url="https://crm.test",
                client_id=org.client_id,
                client_secret=SecretStr(org.client_secret),
                customer_external_id_field=CODE,
                country_field="",
            ),
            Unlimited(),
            httpx.ASGITransport(simulated_salesforce(org)),
        ),
        "bamboohr": connect_hr(
            BambooHrOptions(
                connection="bamboohr",
                company="example",
                api_key=SecretStr(company.api_key),
                base_url="http://hr.test",
            ),
            Unlimited(),
            httpx.ASGITransport(simulated_bamboohr(company)),
        ),
        "tryton": connect_erp(
            TrytonOptions("tryton", erp.url, erp.database, erp.user, SecretStr(erp.password)),
            Unlimited(),
            wire,
        ),
    }
    configuration = Configuration(
        tenant="northwind",
        connections={
            "harvest": ConnectionSettings(system="harvest", posts_to="tryton"),
            **{one: ConnectionSettings(system=one) for one in ("salesforce", "bamboohr", "tryton")},
        },
    )
    entities = {"": "DE01"}
    policies = Policies(
        ownership=Ownership(
            kinds={
                C: KindOwnership(owner="salesforce", receivers=("harvest", "tryton")),
                E: KindOwnership(
                    owner="bamboohr", receivers=("harvest", "tryton"), legal_entities=entities
                ),
                P: KindOwnership(owner="harvest", receivers=("tryton",), legal_entities=entities),
                T: KindOwnership(owner="harvest", receivers=("tryton",), legal_entities=entities),
            }
        )
    )
    client = await connect(temporal_server.address, await new_namespace())
    async with running(dsn, client, configuration, policies, connected) as (platform, activities):
        yield Firm(
            dsn=dsn,
            platform=platform,
            activities=activities,
            client=client,
            account=account,
            org=org,
            company=company,
            wire=wire,
            desk=desk,
        )
    await network.aclose()


async def test_masters_that_come_late_release_what_waited_for_them(firm: Firm) -> None:
    # The PSA's people were quicker than sales: a client, a project, and time on it.
    made_up = firm_of(last_month())
    staff = Staff(made_up, firm.account)
    _set_up_a_project(firm, made_up)
    await firm.sync()
    staff.enter(task="Analysis", project_id=_NEW_PROJECT, hours="3")
    await firm.run("RefreshMasterData", MasterDataRef(connection="harvest", target="tryton"))
    await firm.run("PollSource", SourceRef(connection="harvest", target="tryton"))
    await firm.settled()
    (case,) = await firm.cases()
    assert (case.cause, case.lines) == ("master_incomplete", 1)

    firm.org.add("Account", {"Name": "Late Lantern Works", "AccountNumber": "CUST-9001"})
    await firm.sync("salesforce")
    await firm.sync("salesforce")
    await firm.until("SELECT count(*) = 1 FROM posting WHERE state = 'POSTED'")

    await firm.settled()
    assert await firm.cases() == []
    assert (await firm.party_names())["CUST-9001"] == "Late Lantern Works"
    (work,) = await firm.desk.find(
        "project.work", [["comment", "like", f"%{_PROJECT_CODE}]%"]], "name", "party.code"
    )
    assert (work["name"], work["party."]["code"]) == ("Late Lantern", "CUST-9001")


async def test_a_hire_in_hr_can_work_in_the_psa_and_is_employed_in_the_erp(firm: Firm) -> None:
    hired = last_month().first_day
    firm.company.hire(_person(1, hired))
    await firm.sync("bamboohr")

    users = {one.email: one for one in firm.account.state().users}
    assert users["nova.finch@northwind.example"].first_name == "Nova"
    (employed,) = await firm.desk.find(
        "company.employee", [["party.code", "=", "E-9101"]], "party.name", "start_date"
    )
    assert employed["party."]["name"] == "Nova Finch"
    assert employed["start_date"] == hired

    firm.company.terminate(9101, hired + timedelta(days=20))
    await firm.sync("bamboohr")
    (employed,) = await firm.desk.find(
        "company.employee", [["party.code", "=", "E-9101"]], "end_date"
    )
    assert employed["end_date"] == hired + timedelta(days=20)


async def test_a_change_is_in_the_erp_soon_and_only_what_changed_costs_calls(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts = [
        firm.org.add("Account", {"Name": f"Measured {n}", "AccountNumber": f"CUST-8{n:03}"})
        for n in range(CHANGES)
    ]
    firm.company.hire(_person(2, last_month().first_day))
    await firm.sync()
    await firm.sync()
    before = firm.wire.calls
    await firm.sync()
    assert firm.wire.calls == before, "nothing had changed"

    took: list[float] = []
    for number, account in enumerate(accounts):
        began = time.monotonic()
        firm.org.change(account.id, {"Name": f"Measured anew {number}"})
        await firm.sync("salesforce")
        took.append(time.monotonic() - began)
        names = await firm.party_names()
        assert names[f"CUST-8{number:03}"] == f"Measured anew {number}"
    for number in range(CHANGES):
        began = time.monotonic()
        firm.company.change(9102, last_name=f"Marten{number}")
        await firm.sync("bamboohr")
        took.append(time.monotonic() - began)
    assert (await firm.party_names())["E-9102"] == f"Juno Marten{CHANGES - 1}"
    per_change = (firm.wire.calls - before) / len(took)
    said = f"{max(took):.2f} s at most, {per_change:.1f} ERP calls per change"
    with capsys.disabled():
        print(f"\nmaster change to ERP: {said}")  # noqa: T201  Figures for people.
    assert per_change <= ERP_CALLS_MAX


def _set_up_a_project(firm: Firm, made_up: MadeUpFirm) -> None:
    firm.account.put(
        SimulatedMasters(
            clients=(SimulatedClient(id=_NEW_CLIENT, name="CUST-9001 Late Lantern Works"),),
            projects=(
                SimulatedProject(
                    id=_NEW_PROJECT, client_id=_NEW_CLIENT, name="Late Lantern", code=_PROJECT_CODE
                ),
            ),
            assignments=(
                SimulatedAssignment(
                    project_id=_NEW_PROJECT,
                    task_id=FirmAccount(made_up).task_id("Analysis"),
                ),
            ),
        )
    )


def _person(number: int, hired: date) -> SimulatedEmployee:
    return SimulatedEmployee(
        id=9100 + number,
        first_name=("Nova", "Juno")[number - 1],
        last_name=("Finch", "Marten")[number - 1],
        number=f"E-910{number}",
        email=f"nova.finch{'' if number == 1 else number}@northwind.example",
        hire_date=hired,
        statuses=(SimulatedStatus(day=hired, status="Full-Time"),),
        jobs=(SimulatedJob(day=hired, department="CC-100 Consulting", title="Consultant"),),
    )
