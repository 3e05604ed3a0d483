"""Prism finds nothing wrong with what we and the simulated Business Central say to each other."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.attestation import agrees
from canonical.posting import Executed
from connectors.base.rate_budget import Unlimited
from connectors.business_central import BusinessCentral, connect
from connectors.business_central.simulator import CLIENT_ID, CLIENT_SECRET
from tests.connectors.business_central.document_world import (
    REVENUE,
    CreditWorld,
    ExpenseWorld,
    InvoiceWorld,
)
from tests.connectors.business_central.journal_world import JournalWorld
from tests.connectors.business_central.spec_check import ROOT, told
from tests.connectors.business_central.test_simulator import BAD, BAD_SHAPES
from tests.connectors.business_central.world import BusinessCentralWorld
from tests.referee.prism import PRISM, refereed

pytestmark = pytest.mark.skipif(not PRISM.exists(), reason="Prism is not there: `make referee`")
KINDS = (BusinessCentralWorld, ExpenseWorld, InvoiceWorld, CreditWorld, JournalWorld)


def described() -> Any:
    """The description under the address that the service has; tokens are described nowhere."""
    whole = told()
    whole.pop("servers")
    return whole | {"paths": {ROOT + path: what for path, what in whole["paths"].items()}}


@pytest.fixture(scope="module")
def simulator_url() -> Iterator[str]:
    command = [sys.executable, "-m", "connectors.business_central.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


@pytest.fixture(scope="module")
def prism_url(simulator_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("prism")
    with refereed(described(), simulator_url, folder) as url:
        yield url


def through(world: BusinessCentralWorld, prism_url: str, simulator_url: str) -> BusinessCentral:
    """A connector that speaks to the simulator through Prism."""
    options = world.options(
        api_url=prism_url, login_url=simulator_url, revenue_accounts=REVENUE, page_size=10_000
    )
    return connect(options, Unlimited())


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_posting_is_allowed_on_both_sides(
    kind: type[BusinessCentralWorld], prism_url: str, simulator_url: str
) -> None:
    world = kind()
    erp, intent = through(world, prism_url, simulator_url), world.intent(note="Kick-off")
    [outcome] = await erp.post([intent], await erp.guard_evidence([intent]))
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    assert agrees(intent, outcome.document)
    assert list(await erp.find([intent])) == [intent.reference]
    swept = [each async for page in erp.documents_since(None) for each in page]
    assert intent.reference in {each.reference for each in swept}
    await erp.close()


async def test_masters_calendar_rates_and_payments_are_allowed_on_both_sides(
    prism_url: str, simulator_url: str
) -> None:
    world = InvoiceWorld()
    erp = through(world, prism_url, simulator_url)
    assert len((await erp.masters()).tasks) == 6
    periods = await erp.posting_periods()
    assert await erp.exchange_rates(periods[0].starts_on, periods[-1].ends_on)
    [outcome] = await erp.post([world.intent()], {})
    assert isinstance(outcome, Executed)
    [payments] = await erp.payments_of([outcome.document_id])
    assert payments.open == payments.total
    await erp.close()


@pytest.mark.parametrize("what", BAD_SHAPES)
async def test_what_the_simulator_refuses_for_its_shape_prism_refuses_too(
    prism_url: str, what: str
) -> None:
    method, path, body, _ = BAD[what]
    company = BusinessCentralWorld().company.id
    async with httpx.AsyncClient(base_url=prism_url) as client:
        answer = await client.request(
            method, f"{ROOT}/companies({company})/{path}", json=body if body is not None else None
        )
    # A path that is not described is 404, a body that is not allowed 422.
    assert answer.status_code in (404, 422)
    assert "prism" in answer.text or "validation" in answer.text


async def test_prism_sees_an_answer_that_is_not_allowed(prism_url: str, simulator_url: str) -> None:
    async with httpx.AsyncClient() as client:
        token = await client.post(
            f"{simulator_url}/firm.example/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "scope": "https://api.businesscentral.dynamics.com/.default",
            },
        )
        headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
        answers = []
        for body in ("", '{"value": "nothing"}', ""):
            failing = {"fail_before": 1 if body else 0, "fail_body": body, "fail_status": 200}
            await client.post(f"{simulator_url}/__sim/quirks", json=failing)
            answers.append(await client.get(f"{prism_url}{ROOT}/companies", headers=headers))
    assert [each.status_code for each in answers] == [200, 500, 200]
