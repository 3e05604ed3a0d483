"""The real ERP of the local world holds the made-up firm, and drills can disturb it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from sandbox.child_process import ServerError
from sandbox.fault_control import FaultProxy
from sandbox.faults import Fault, FaultCount, FaultKind
from sandbox.firm import Employee, Project
from sandbox.tryton.admin import AdminClient, TimeLine
from sandbox.tryton.json_rpc import ErpError, JsonRpcSession, encode
from sandbox.tryton.server import TrytonServer
from tests.erp_fixtures import erp_home, last_month

pytestmark = pytest.mark.erp

WRITE = "model.timesheet.work.write"


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


async def book(
    session: JsonRpcSession, project: Project, person: Employee, note: str, seconds: int = 3600
) -> int:
    """Book time on the first task of a project, on the last day of the month; return the line."""
    line = await values_of_line(session, project, person, note, seconds)
    (number,) = await session.create("timesheet.line", [line])
    return number


async def values_of_line(
    session: JsonRpcSession, project: Project, person: Employee, note: str, seconds: int = 3600
) -> dict[str, object]:
    """Compose a line of time on the first task of a project."""
    employee = await session.find_one("company.employee", [["party.code", "=", person.code]])
    return {
        "work": await timesheet_work(session, project),
        "employee": employee,
        "date": last_month().last_day,
        "duration": timedelta(seconds=seconds),
        "description": note,
    }


async def timesheet_work(session: JsonRpcSession, project: Project) -> int:
    """Find what time on the first task of a project is booked on."""
    (row,) = await session.find(
        "project.work",
        [["parent.number", "=", project.code], ["name", "=", project.tasks[0]]],
        "timesheet_works",
    )
    work: int = row["timesheet_works"][0]
    return work


async def lines_noted(admin: AdminClient, note: str) -> list[TimeLine]:
    """Read the lines that carry a note."""
    return [line for line in await admin.time_lines() if line.description == note]


async def test_projects_carry_the_codes_that_the_firm_gave_them(
    erp: TrytonServer, admin: AdminClient
) -> None:
    rows = await admin.session.find(
        "project.work",
        [["type", "=", "project"]],
        *("number", "name", "party.code", "company.party.code", "status.name"),
    )
    assert [
        (
            row["number"],
            row["name"],
            row["party."]["code"],
            row["company."]["party."]["code"],
            row["status."]["name"],
        )
        for row in rows
    ] == [
        (
            project.code,
            project.name,
            project.customer.code,
            project.legal_entity.code,
            "Done" if project.done_in_erp else "Open",
        )
        for project in erp.firm.projects
        if project.known_to_erp
    ]


async def test_every_task_of_a_known_project_takes_time(
    erp: TrytonServer, admin: AdminClient
) -> None:
    rows = await admin.session.find(
        "project.work", [["type", "=", "task"]], "name", "parent.number", "timesheet_works"
    )
    assert {(row["parent."]["number"], row["name"]) for row in rows} == {
        (project.code, task)
        for project in erp.firm.projects
        if project.known_to_erp
        for task in project.tasks
    }
    assert all(len(row["timesheet_works"]) == 1 for row in rows)


async def test_people_are_found_by_code_and_by_e_mail(
    erp: TrytonServer, admin: AdminClient
) -> None:
    rows = await admin.session.find(
        "company.employee",
        [],
        *("party.code", "party.email", "start_date", "end_date", "company.party.code"),
    )
    assert {
        (
            row["party."]["code"],
            row["party."]["email"],
            row["company."]["party."]["code"],
            row["start_date"],
            row["end_date"],
        )
        for row in rows
    } == {
        (
            person.code,
            person.email,
            person.legal_entity.code,
            person.started_on,
            person.ended_on,
        )
        for person in erp.firm.employees
    }


async def test_each_legal_entity_has_its_cost_centres(
    erp: TrytonServer, admin: AdminClient
) -> None:
    rows = await admin.session.find(
        "analytic_account.account",
        [["type", "=", "normal"]],
        *("code", "name", "state", "root.name", "company"),
    )
    expected = {
        (centre.code, centre.name, "closed" if centre.closed else "opened", "Cost centre")
        for centre in erp.firm.cost_centres
    }
    for company in {row["company"] for row in rows}:
        assert {
            (row["code"], row["name"], row["state"], row["root."]["name"])
            for row in rows
            if row["company"] == company
        } == expected
    assert len(rows) == len(expected) * len(erp.firm.legal_entities)


async def test_periods_are_open_from_the_month_before_the_firms_month(
    erp: TrytonServer, admin: AdminClient
) -> None:
    rows = await admin.session.find("account.period", [], "start_date", "end_date", "state")
    opening = erp.firm.month.before().first_day
    assert {row["state"] for row in rows if row["end_date"] < opening} <= {"closed"}
    assert {row["state"] for row in rows if row["start_date"] >= opening} == {"open"}
    covered = {row["start_date"] for row in rows}
    assert {opening, erp.firm.month.first_day, erp.firm.month.next().first_day} <= covered
    assert len(rows) % (12 * len(erp.firm.legal_entities)) == 0


async def test_later_work_finds_taxes_products_and_journals(admin: AdminClient) -> None:
    find = admin.session.find
    taxes = {row["name"] for row in await find("account.tax", [], "name")}
    assert taxes == {"VAT19 DE01", "VAT0 DE01", "VAT19 US01", "VAT0 US01"}
    products = {row["code"] for row in await find("product.product", [], "code")}
    assert products == {"SRV-CONS", "EXP-TRAVEL"}
    journals = {row["name"] for row in await find("account.payment.journal", [], "name")}
    assert journals == {"Manual DE01", "Manual US01"}
    terms = {row["name"] for row in await find("account.invoice.payment_term", [], "name")}
    assert "30 days" in terms


async def test_the_integration_user_may_book_time_but_not_administer(
    connector: JsonRpcSession, admin: AdminClient, project: Project, person: Employee
) -> None:
    line = await book(connector, project, person, "by the connector")
    assert await lines_noted(admin, "by the connector") == [
        TimeLine(
            id=line,
            legal_entity="DE01",
            employee=person.code,
            project=project.code,
            task=project.tasks[0],
            work_date=last_month().last_day,
            seconds=3600,
            description="by the connector",
        )
    ]
    with pytest.raises(ErpError, match="You are not allowed"):
        await connector.write("res.user", [2], {"name": "Somebody else"})


async def test_a_wrong_password_opens_nothing(erp: TrytonServer) -> None:
    async with JsonRpcSession(erp.url, erp.database) as session:
        with pytest.raises(ErpError) as refused:
            await session.log_in(erp.user, "guessed")
    assert refused.value.kind == "401"


async def test_a_period_is_closed_and_reopened(admin: AdminClient) -> None:
    name = last_month().name

    async def state() -> list[str]:
        rows = await admin.session.find(
            "account.period", [["name", "=", name], ["company.party.code", "=", "US01"]], "state"
        )
        return [row["state"] for row in rows]

    await admin.close_period("US01", name)
    assert await state() == ["closed"]
    await admin.reopen_period("US01", name)
    assert await state() == ["open"]
    with pytest.raises(ErpError, match="0 records"):
        await admin.close_period("US01", "1999-01")


async def test_a_task_that_ended_takes_no_time(
    connector: JsonRpcSession, admin: AdminClient, project: Project, person: Employee
) -> None:
    await admin.end_task(project.code, project.tasks[0], last_month().first_day)
    with pytest.raises(ErpError, match='field "Work"'):
        await book(connector, project, person, "too late")
    await admin.end_task(project.code, project.tasks[0], None)
    await book(connector, project, person, "in time")


async def test_somebody_who_left_books_until_the_last_day(
    connector: JsonRpcSession, admin: AdminClient, project: Project, person: Employee
) -> None:
    await admin.end_employee(person.code, last_month().first_day)
    with pytest.raises(ErpError, match='field "Employee"'):
        await book(connector, project, person, "after leaving")
    await admin.end_employee(person.code, last_month().last_day)
    await book(connector, project, person, "on the last day")
    await admin.end_employee(person.code, None)


async def test_a_project_is_finished_and_reopened(admin: AdminClient, project: Project) -> None:
    async def states() -> set[str]:
        rows = await admin.session.find(
            "project.work",
            ["OR", ["number", "=", project.code], ["parent.number", "=", project.code]],
            "status.name",
        )
        return {row["status."]["name"] for row in rows}

    await admin.finish_project(project.code)
    assert await states() == {"Done"}
    await admin.reopen_project(project.code)
    assert await states() == {"Open"}
    with pytest.raises(ErpError, match="no project PRJ-0"):
        await admin.finish_project("PRJ-0")


async def test_a_cost_centre_is_closed_and_opened(admin: AdminClient) -> None:
    async def state() -> list[str]:
        rows = await admin.session.find(
            "analytic_account.account",
            [["code", "=", "CC-200"], ["company.party.code", "=", "DE01"]],
            "state",
        )
        return [row["state"] for row in rows]

    await admin.close_cost_centre("DE01", "CC-200")
    assert await state() == ["closed"]
    await admin.open_cost_centre("DE01", "CC-200")
    assert await state() == ["opened"]


async def test_lines_are_changed_and_deleted_behind_the_connectors_back(
    connector: JsonRpcSession, admin: AdminClient, project: Project, person: Employee
) -> None:
    line = await book(connector, project, person, "tampered with", seconds=5400)
    await admin.edit_time_line(line, 60)
    assert [found.seconds for found in await lines_noted(admin, "tampered with")] == [60]
    await admin.delete_time_line(line)
    assert await lines_noted(admin, "tampered with") == []


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
