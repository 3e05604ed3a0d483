"""Tryton's two worlds: a simulated server in its own process, and the real ERP."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from connectors.base.rate_budget import Unlimited
from connectors.tryton import TrytonOptions, connect
from sandbox.tryton.json_rpc import JsonRpcSession
from sandbox.tryton.server import TrytonServer
from tests.connectors.tryton.expense_world import ExpenseWorld, Office
from tests.connectors.tryton.invoice_world import InvoiceWorld
from tests.connectors.tryton.journal_world import JournalWorld
from tests.connectors.tryton.world import Desk, RealTrytonWorld, TrytonWorld
from tests.erp_fixtures import last_month

USER, PASSWORD = "connector", "simulated-password-1"


@asynccontextmanager
async def desk_at(
    url: str, database: str, login: tuple[str, str], connector: tuple[str, str]
) -> AsyncIterator[Desk]:
    """Sit down at a desk, and learn what master data there is."""
    user, password = connector
    tryton = connect(TrytonOptions("erp", url, database, user, SecretStr(password)), Unlimited())
    masters = await tryton.masters()
    await tryton.close()
    async with JsonRpcSession(url, database) as session:
        await session.log_in(*login)
        yield Desk(url, database, user, password, session, masters)


@pytest.fixture(scope="session")
def simulated_tryton_url() -> Iterator[str]:
    """The address of a simulated Tryton that runs as its own process, as the demo would run it."""
    command = [sys.executable, "-m", "connectors.tryton.simulator", "--port", "0"]
    with subprocess.Popen(
        [*command, "--user", USER, "--password", PASSWORD], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


@pytest.fixture(scope="session")
async def simulated_desk(simulated_tryton_url: str) -> AsyncIterator[Desk]:
    who = (USER, PASSWORD)
    async with desk_at(simulated_tryton_url, "erp", who, who) as desk:
        yield desk


@pytest.fixture(scope="session")
async def erp_desk(erp: TrytonServer) -> AsyncIterator[Desk]:
    admin, connector = (erp.admin_user, erp.admin_password), (erp.user, erp.password)
    async with desk_at(erp.url, erp.database, admin, connector) as desk:
        yield desk


@pytest.fixture
async def simulated_world(simulated_desk: Desk) -> AsyncIterator[TrytonWorld]:
    """A world in the simulated Tryton."""
    world = TrytonWorld(simulated_desk)
    yield world
    await world.close()


@pytest.fixture
async def erp_world(erp_desk: Desk) -> AsyncIterator[RealTrytonWorld]:
    """A world in the real ERP."""
    world = RealTrytonWorld(erp_desk)
    yield world
    await world.close()


@pytest.fixture(scope="session")
async def expense_office(erp_desk: Desk) -> AsyncIterator[Office]:
    """Connectors to the real ERP that are logged in."""
    office = Office(erp_desk)
    yield office
    await office.close()


@pytest.fixture
def expenses(expense_office: Office) -> ExpenseWorld:
    """Expense reports in the real ERP."""
    return ExpenseWorld(expense_office, last_month())


@pytest.fixture
def invoices(expense_office: Office) -> InvoiceWorld:
    """Customer invoices in the real ERP."""
    return InvoiceWorld(expense_office, last_month())


@pytest.fixture
def journal(expense_office: Office) -> JournalWorld:
    """Journal entries in the real ERP."""
    return JournalWorld(expense_office, last_month())
