"""The local Temporal server is provably ours and comes back on its file."""

import stat
from pathlib import Path

import httpx
import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from sandbox.child_process import ServerError
from sandbox.temporal_server import NAMESPACE, SearchAttributes, TemporalServer

KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
INT = IndexedValueType.INDEXED_VALUE_TYPE_INT


async def attributes_of(server: TemporalServer) -> SearchAttributes:
    """Ask a server for the attributes that somebody added."""
    client = await Client.connect(server.address, namespace=NAMESPACE)
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=NAMESPACE)
    )
    return dict(answer.custom_attributes)


async def start_workflow(server: TemporalServer, workflow_id: str) -> None:
    """Start a workflow that no worker ever takes up."""
    client = await Client.connect(server.address, namespace=NAMESPACE)
    await client.start_workflow("Nothing", id=workflow_id, task_queue="nobody")


async def test_a_kept_server_comes_back_with_its_workflows_after_a_kill(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path / "t", keep=True, headless=True) as server:
        address = server.address
        await start_workflow(server, "waiting")
        await server.kill()
        assert not server.alive
        await server.start()
        assert server.address == address
        client = await Client.connect(server.address, namespace=NAMESPACE)
        description = await client.get_workflow_handle("waiting").describe()
        assert description.id == "waiting"
    assert not server.alive


async def test_attributes_are_added_to_a_file_that_is_older_than_they(tmp_path: Path) -> None:
    home = tmp_path / "t"
    old: SearchAttributes = {"LwState": KEYWORD}
    new: SearchAttributes = {"LwState": KEYWORD, "LwLines": INT}
    async with TemporalServer(home, keep=True, headless=True, search_attributes=old) as server:
        assert await attributes_of(server) == old
    async with TemporalServer(home, keep=True, headless=True, search_attributes=new) as server:
        assert await attributes_of(server) == new


async def test_attributes_are_added_while_it_runs(temporal_server: TemporalServer) -> None:
    before = await attributes_of(temporal_server)
    await temporal_server.add_search_attributes({"LwAddedLater": KEYWORD})
    await temporal_server.add_search_attributes({"LwAddedLater": KEYWORD})
    assert await attributes_of(temporal_server) == {**before, "LwAddedLater": KEYWORD}


async def test_more_attributes_than_it_takes_are_an_error_at_once(tmp_path: Path) -> None:
    many = {f"LwKey{number}": KEYWORD for number in range(11)}
    server = TemporalServer(tmp_path / "t", headless=True, search_attributes=many)
    with pytest.raises(ServerError, match="refuses its set-up"):
        await server.start()
    assert not server.alive


async def test_somebody_elses_server_on_the_port_is_not_taken_for_ours(
    temporal_server: TemporalServer, tmp_path: Path
) -> None:
    port = int(temporal_server.address.rpartition(":")[2])
    late = TemporalServer(tmp_path / "t", headless=True, port=port)
    with pytest.raises(ServerError, match=f"port {port} is in use"):
        await late.start()
    assert not late.alive


async def test_two_servers_run_side_by_side(
    temporal_server: TemporalServer, tmp_path: Path
) -> None:
    async with TemporalServer(tmp_path / "t", headless=True) as other:
        await start_workflow(other, "only there")
        client = await Client.connect(temporal_server.address, namespace=NAMESPACE)
        found = [item.id async for item in client.list_workflows("WorkflowId = 'only there'")]
        assert found == []


async def test_its_user_interface_and_metrics_answer(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path / "t") as server, httpx.AsyncClient() as http:
        page = await http.get(server.ui_url)
        assert page.status_code == httpx.codes.OK
        metrics = await http.get(server.metrics_url)
        assert "service_requests" in metrics.text


async def test_one_without_its_user_interface_says_so(temporal_server: TemporalServer) -> None:
    with pytest.raises(ServerError, match="without its UI"):
        _ = temporal_server.ui_url


async def test_its_file_lies_where_only_its_owner_looks(tmp_path: Path) -> None:
    home = tmp_path / "t"
    async with TemporalServer(home, keep=True, headless=True):
        assert (home / "temporal.db").exists()
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_it_has_no_address_before_it_was_started(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="before it was started"):
        _ = TemporalServer(tmp_path / "t").address
