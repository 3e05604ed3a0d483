"""Who works with the real ERP in tests of the local world."""

from collections.abc import AsyncIterator

import pytest

from sandbox.firm import Employee, Project
from sandbox.tryton.admin import AdminClient
from sandbox.tryton.json_rpc import JsonRpcSession
from sandbox.tryton.server import TrytonServer


@pytest.fixture
async def admin(erp: TrytonServer) -> AsyncIterator[AdminClient]:
    """An administrator of the ERP."""
    async with erp.admin() as client:
        yield client


@pytest.fixture
async def connector(erp: TrytonServer) -> AsyncIterator[JsonRpcSession]:
    """The integration user, working for the first legal entity."""
    async with JsonRpcSession(erp.url, erp.database) as session:
        await session.log_in(erp.user, erp.password)
        session.work_for(await session.find_one("company.company", [["party.code", "=", "DE01"]]))
        yield session


@pytest.fixture
def person(erp: TrytonServer) -> Employee:
    """Somebody of the first legal entity who stays."""
    return erp.firm.employees[0]


@pytest.fixture
def project(erp: TrytonServer) -> Project:
    """A project of the first legal entity that goes on."""
    return erp.firm.projects[0]
