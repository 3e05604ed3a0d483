"""The real ERP is killed, copied and put behind faults, and what it holds stays explainable."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox.child_process import ServerError
from sandbox.fault_control import FaultProxy
from sandbox.faults import Fault, FaultCount, FaultKind
from sandbox.firm import Employee, Project
from sandbox.tryton.admin import AdminClient
from sandbox.tryton.json_rpc import ErpError, JsonRpcSession, encode
from sandbox.tryton.server import TrytonServer
from tests.erp_fixtures import erp_home, last_month
from tests.sandbox.booking import book, lines_noted, values_of_line

pytestmark = pytest.mark.exhaustive

WRITE = "model.timesheet.work.write"


async def test_after_a_kill_it_comes_back_at_its_address_with_its_data(
    erp: TrytonServer, connector: JsonRpcSession, project: Project, person: Employee
) -> None:
    await book(connector, project, person, "before the kill")
    url = erp.url
    await erp.kill()
    assert not erp.alive
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)
    await erp.restart()
    assert erp.url == url
    async with erp.admin() as admin:
        assert len(await lines_noted(admin, "before the kill")) == 1


async def test_two_erps_side_by_side_start_alike_and_stay_apart(
    erp: TrytonServer, admin: AdminClient, tmp_path: Path, project: Project, person: Employee
) -> None:
    async def masters(client: AdminClient) -> list[object]:
        works = await client.session.find("project.work", [], "id", "number", "name")
        people = await client.session.find("company.employee", [], "id", "party.code")
        return [works, people]

    names = ("erp", "second")
    home = tmp_path / "other"
    async with TrytonServer(home, last_month(), cache=erp_home(), databases=names) as other:
        assert other.url != erp.url
        async with other.admin() as first, other.admin("second") as second:
            assert await masters(first) == await masters(second) == await masters(admin)
            first.session.work_for(1)
            await book(first.session, project, person, "only in the first")
            assert len(await lines_noted(first, "only in the first")) == 1
            assert await lines_noted(second, "only in the first") == []
        assert await lines_noted(admin, "only in the first") == []
    assert not other.alive
    kept = TrytonServer(home, last_month(), cache=erp_home(), keep=True)
    async with kept, kept.admin() as again:
        assert len(await lines_noted(again, "only in the first")) == 1


async def test_an_erp_that_was_not_started_has_no_address(tmp_path: Path) -> None:
    unstarted = TrytonServer(tmp_path, last_month())
    for ask in ("url", "password"):
        with pytest.raises(ServerError, match="was not started"):
            getattr(unstarted, ask)


class TestBehindTheFaultProxy:
    """Faults on the real ERP happen as announced, and leave in it what the counters say."""

    @pytest.fixture
    async def proxy(self, erp: TrytonServer, tmp_path: Path) -> AsyncIterator[FaultProxy]:
        """A proxy before the ERP."""
        async with FaultProxy(erp.url, tmp_path / "proxy.log") as running:
            yield running

    @pytest.fixture
    async def behind(self, erp: TrytonServer, proxy: FaultProxy) -> AsyncIterator[JsonRpcSession]:
        """The integration user, who knows the ERP by the proxy's address."""
        async with JsonRpcSession(proxy.url, erp.database) as session:
            await session.log_in(erp.user, erp.password)
            session.work_for(1)
            yield session

    async def write(
        self, session: JsonRpcSession, project: Project, person: Employee, note: str
    ) -> list[object]:
        """Compose a guarded write of one line: parameters that can be sent more than once."""
        line = await values_of_line(session, project, person, note)
        work = line.pop("work")
        (row,) = await session.call("model.timesheet.work.read", [work], ["_timestamp"])
        stamps = {f"timesheet.work,{work}": row["_timestamp"]}
        context = {"company": 1, "_timestamp": stamps}
        return [[work], {"timesheet_lines": [["create", [line]]]}, context]

    async def test_a_lost_answer_leaves_its_line(
        self,
        behind: JsonRpcSession,
        proxy: FaultProxy,
        admin: AdminClient,
        project: Project,
        person: Employee,
    ) -> None:
        parameters = await self.write(behind, project, person, "answer lost")
        await proxy.inject(
            Fault(kind=FaultKind.LOST_ANSWER, fields={"method": WRITE}, next_requests=1)
        )
        with pytest.raises(httpx.TransportError):
            await behind.call(WRITE, *parameters, context=False)
        assert len(await lines_noted(admin, "answer lost")) == 1
        with pytest.raises(ErpError, match="ConcurrencyException"):
            await behind.call(WRITE, *parameters, context=False)
        assert len(await lines_noted(admin, "answer lost")) == 1
        assert (await proxy.report()).of(FaultKind.LOST_ANSWER) == FaultCount(
            selected=1, fired=1, committed=1
        )

    async def test_a_slow_commit_that_was_overtaken_is_refused_by_its_stamp(
        self,
        *,
        erp: TrytonServer,
        behind: JsonRpcSession,
        proxy: FaultProxy,
        admin: AdminClient,
        project: Project,
        person: Employee,
    ) -> None:
        parameters = await self.write(behind, project, person, "overtaken")
        await proxy.inject(
            Fault(
                kind=FaultKind.SLOW_COMMIT,
                fields={"method": WRITE},
                next_requests=1,
                late_milliseconds=1500,
            )
        )
        body = encode({"id": 9, "method": WRITE, "params": parameters})
        async with httpx.AsyncClient(headers=behind.headers, timeout=0.3) as hasty:
            with pytest.raises(httpx.ReadTimeout):
                await hasty.post(
                    f"{proxy.url}/{erp.database}/rpc/",
                    content=body,
                    headers={"Content-Type": "application/json"},
                )
        await behind.call(WRITE, *parameters, context=False)
        count = (await proxy.settled()).of(FaultKind.SLOW_COMMIT)
        assert count == FaultCount(selected=1, fired=1, refused=1)
        assert len(await lines_noted(admin, "overtaken")) == 1

    async def test_long_answers_pass_under_their_odd_label(
        self, erp: TrytonServer, behind: JsonRpcSession, admin: AdminClient
    ) -> None:
        query = ("project.work", [], "name", "number", "company")
        assert await behind.find(*query) == await admin.session.find(*query)
