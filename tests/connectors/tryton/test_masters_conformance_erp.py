"""The real Tryton keeps the contracts of masters: what the simulator promises is so."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from connectors.base.tls import trusted_authorities
from connectors.conformance.master_once import MasterOnceContract
from connectors.conformance.master_target import MasterTargetContract
from connectors.conformance.master_world import query_for, records_of
from connectors.tryton import TrytonOptions
from sandbox.tryton.server import TrytonServer
from tests.connectors.tryton.master_desk import MasterDesk
from tests.connectors.tryton.master_world import KINDS, TrytonMasterWorld

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]


@pytest.fixture(scope="module")
def master_desk(erp: TrytonServer) -> Iterator[MasterDesk]:
    """One session for all worlds, because Tryton takes its time over passwords."""
    login = (erp.admin_user, erp.admin_password)
    desk = MasterDesk(erp.url, erp.database, login, httpx.HTTPTransport())
    yield desk
    desk.close()


@pytest.fixture(params=KINDS)
async def world(
    request: pytest.FixtureRequest, erp: TrytonServer, master_desk: MasterDesk
) -> AsyncIterator[TrytonMasterWorld]:
    options = TrytonOptions(
        *("erp", erp.url, erp.database, erp.user, SecretStr(erp.password)), page_size=3
    )
    transport = httpx.AsyncHTTPTransport(
        verify=trusted_authorities(), limits=httpx.Limits(keepalive_expiry=1)
    )
    world = TrytonMasterWorld(request.param, master_desk, options, transport)
    yield world
    await world.network.aclose()
    world.close()


async def test_a_look_shows_the_name_that_is_there_whichever_process_answers(
    world: TrytonMasterWorld,
) -> None:
    made = world.make(world.sample(1))
    query = query_for([replace(world.sample(1), id=made)])
    sessions = [world.connect() for _ in range(4)]
    for number in range(2, 6):
        name = world.sample(number).values["name"]
        world.change(made, {"name": name})
        looks = await asyncio.gather(*(each.find_masters([query]) for each in sessions))
        shown = {one.name for each in looks for one in records_of(each.masters, world.kind)}
        assert shown == {name}


class TestAllOfTrytonsMasters(MasterTargetContract, MasterOnceContract):
    pass
