"""The real ERP of the local world holds the made-up firm, and drills can disturb it."""

import pytest

from sandbox.firm import Employee, Project
from sandbox.tryton.admin import AdminClient, TimeLine
from sandbox.tryton.json_rpc import ErpError, JsonRpcSession
from sandbox.tryton.server import TrytonServer
from tests.erp_fixtures import last_month
from tests.sandbox.booking import book, lines_noted


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
    sold = {"VAT19 DE01", "VAT0 DE01", "VAT19 US01", "VAT0 US01"}
    billed = {"VAT19-OUT DE01", "VAT0-OUT DE01", "EXEMPT-OUT US01"}
    assert taxes == {*sold, *billed, "VAT19-IN DE01", "VAT7-IN DE01"}
    products = {row["code"] for row in await find("product.product", [], "code")}
    assert products == {"SRV-CONS", "EXP-TRAVEL"}
    journals = {row["name"] for row in await find("account.payment.journal", [], "name")}
    assert journals == {"Manual DE01", "Manual US01"}
    terms = {row["name"] for row in await find("account.invoice.payment_term", [], "name")}
    assert "45 days" in terms


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
