"""Prism finds nothing wrong with what we and the simulated Xero say to each other."""

import json
import re
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
from connectors.xero import Xero, connect
from connectors.xero.simulated_state import Quirks
from tests.connectors.xero.firm import STATE
from tests.connectors.xero.spec_check import PARTS, told
from tests.connectors.xero.test_simulator import BAD_SHAPES
from tests.connectors.xero.world import BillWorld, JournalWorld, SaleWorld, XeroWorld
from tests.referee.prism import PRISM, refereed

pytestmark = pytest.mark.skipif(not PRISM.exists(), reason="Prism is not there: `make referee`")
_REFERENCE = re.compile(r"#/components/(\w+)/")


def described() -> Any:
    """Both of Xero's descriptions in one, each under its own address."""
    whole: dict[str, Any] = {
        "openapi": "3.0.0",
        "info": {"title": "Xero", "version": "2"},
        "paths": {},
        "components": {},
    }
    for number, part in enumerate(PARTS):
        # The parts of the descriptions have names in common.
        text = _REFERENCE.sub(rf"#/components/\1/p{number}", json.dumps(told(part)))
        read = json.loads(text)
        whole["paths"] |= {part + path: what for path, what in read["paths"].items()}
        for kind, named in read["components"].items():
            known = whole["components"].setdefault(kind, {})
            known |= {f"p{number}{name}": what for name, what in named.items()}
    whole["components"].pop("securitySchemes", None)
    return whole


@pytest.fixture(scope="module")
def simulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state = tmp_path_factory.mktemp("xero") / "state.json"
    state.write_text(STATE.model_dump_json())
    command = [sys.executable, "-m", "connectors.xero.simulator", "--port", "0", "--state", state]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        quirks = Quirks(minute_limit=100_000, day_limit=100_000)
        httpx.post(f"{url}/__sim/quirks", content=quirks.model_dump_json())
        yield url
        process.terminate()


@pytest.fixture(scope="module")
def prism_url(simulator_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("prism")
    with refereed(described(), simulator_url, folder) as url:
        yield url


def through(world: XeroWorld, prism_url: str, simulator_url: str) -> Xero:
    """A connector that speaks to the simulator through Prism; tokens are described nowhere."""
    options = world.options(api_url=prism_url, identity_url=simulator_url)
    return connect(options, Unlimited())


@pytest.mark.parametrize("kind", [XeroWorld, BillWorld, SaleWorld, JournalWorld])
async def test_each_kind_of_posting_is_allowed_on_both_sides(
    kind: type[XeroWorld], prism_url: str, simulator_url: str
) -> None:
    world = kind()
    xero, intent = through(world, prism_url, simulator_url), world.intent(note="Kick-off")
    [outcome] = await xero.post([intent], {})
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    assert agrees(intent, outcome.document)
    assert list(await xero.find([intent])) == [intent.reference]
    swept = [each async for page in xero.documents_since(None) for each in page]
    assert intent.reference in {each.reference for each in swept}
    await xero.close()


async def test_masters_calendar_and_payments_are_allowed_on_both_sides(
    prism_url: str, simulator_url: str
) -> None:
    world = BillWorld()
    xero = through(world, prism_url, simulator_url)
    masters = await xero.masters()
    assert len(masters.tasks) == 3
    assert await xero.posting_periods()
    [outcome] = await xero.post([world.report()], {})
    assert isinstance(outcome, Executed)
    [payments] = await xero.payments_of([outcome.document_id])
    assert payments.open.amount == 100
    await xero.close()


@pytest.mark.parametrize(("part", "method", "path", "body"), BAD_SHAPES)
async def test_what_the_simulator_refuses_for_its_shape_prism_refuses_too(
    prism_url: str, part: str, method: str, path: str, body: Any
) -> None:
    async with httpx.AsyncClient(base_url=prism_url) as client:
        headers = {"xero-tenant-id": STATE.tenant_id}
        answer = await client.request(method, part + path, json=body, headers=headers)
    assert answer.status_code == 422
    assert "validation" in answer.json()


async def test_prism_sees_an_answer_that_is_not_allowed(prism_url: str, simulator_url: str) -> None:
    async with httpx.AsyncClient() as client:
        token = await client.post(
            f"{simulator_url}/connect/token",
            auth=(STATE.client_id, STATE.client_secret),
            data={"grant_type": "client_credentials"},
        )
        headers = {
            "xero-tenant-id": STATE.tenant_id,
            "Authorization": f"Bearer {token.json()['access_token']}",
        }
        answers = []
        for spoilt in ({}, {'"EUR"': {"BaseCurrency": "17"}}, {}):
            await client.post(f"{simulator_url}/__sim/quirks", json={"spoilt": spoilt})
            answers.append(
                await client.get(f"{prism_url}/api.xro/2.0/Organisation", headers=headers)
            )
    assert [each.status_code for each in answers] == [200, 500, 200]
    assert "BaseCurrency" in answers[1].text
