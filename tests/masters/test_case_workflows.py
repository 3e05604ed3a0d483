"""Cases about masters in Temporal: they end there, too, once their systems agree."""

import asyncio

from canonical.messages import CaseView
from sandbox.temporal_server import TemporalServer
from tests.e2e.conftest import NewNamespace, dsn, new_namespace  # noqa: F401  Fixtures.
from tests.e2e.running_platform import SECONDS_MAX
from tests.masters.made_up_platform import C, made_up_platform


async def test_a_case_that_was_decided_ends_in_temporal_once_systems_agree(
    dsn: str,  # noqa: F811
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
) -> None:
    async with made_up_platform(dsn, temporal_server.address, await new_namespace()) as local:
        await local.refresh()
        case = await local.conflict()
        await case.execute_update("resolve_exception", {"kind": "restore", "by": "ana"})
        async with asyncio.timeout(SECONDS_MAX):
            ended = CaseView.model_validate(await case.result())
        assert ended.state == "RESOLVED"
        assert local.erp.of(C)["erp-0"].name == "Alder Mills Group"
