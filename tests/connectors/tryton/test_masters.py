"""Master data and calendar: of a simulated firm with its odd corners, and of the real ERP."""

import logging
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from canonical.posting_period import PeriodState
from connectors.base.errors import ConnectionConfigError, RejectedError
from connectors.base.rate_budget import Unlimited
from connectors.tryton import Tryton, TrytonOptions, connect
from connectors.tryton.simulated_books import Books
from connectors.tryton.simulated_state import (
    SimulatedCompany,
    SimulatedCostCentre,
    SimulatedCustomer,
    SimulatedEmployee,
    SimulatedPeriod,
    SimulatedProject,
    SimulatedState,
    SimulatedTask,
)
from connectors.tryton.simulator import SimulatedTryton
from sandbox.tryton.expense_seed import CLEARING_ACCOUNTS, EXPENSE_ACCOUNTS, INPUT_TAX_ACCOUNT
from sandbox.tryton.server import TrytonServer
from tests.connectors.tryton.expense_world import ExpenseWorld, cost

STATE = SimulatedState(
    companies=(
        SimulatedCompany(code="DE01", name="Nord GmbH", currency="EUR"),
        SimulatedCompany(code="US01", name="Nord Inc", currency="USD"),
    ),
    employees=(
        SimulatedEmployee(company="DE01", code="E-1", name="Anna", email="anna@nord.example"),
        SimulatedEmployee(
            company="US01",
            code="E-2",
            name="Ben",
            start_date=date(2020, 2, 1),
            end_date=date(2026, 6, 30),
        ),
    ),
    customers=(SimulatedCustomer(code="C-1", name="Acme"), SimulatedCustomer(code="C-2", name="B")),
    projects=(
        SimulatedProject(
            company="DE01",
            number="P-1",
            name="Website",
            customer="C-1",
            tasks=(
                SimulatedTask(number="P-1-1", name="Design", timesheet_end_date=date(2026, 9, 30)),
                SimulatedTask(number="P-1-2", name="Code", done=True),
            ),
        ),
        SimulatedProject(company="US01", number="P-2", name="Shop", customer="C-1", done=True),
    ),
    cost_centres=(
        SimulatedCostCentre(company="DE01", code="CC-100", name="Delivery"),
        SimulatedCostCentre(company="US01", code="CC-100", name="Delivery", state="closed"),
    ),
    periods=(
        SimulatedPeriod(
            company="DE01",
            name="2026-09",
            fiscal_year="2026",
            start_date=date(2026, 9, 1),
            end_date=date(2026, 9, 30),
            state="locked",
        ),
        SimulatedPeriod(
            company="US01",
            name="2026-10",
            fiscal_year="2026",
            start_date=date(2026, 10, 1),
            end_date=date(2026, 10, 31),
        ),
    ),
)


@pytest.fixture
def system() -> SimulatedTryton:
    return SimulatedTryton(Books(STATE))


@pytest.fixture
async def tryton(system: SimulatedTryton) -> AsyncIterator[Tryton]:
    tryton = _connected(system)
    yield tryton
    await tryton.close()


def _connected(system: SimulatedTryton, **given: Any) -> Tryton:
    options = TrytonOptions(
        "erp", "http://tryton.example", "erp", "connector", SecretStr("connector-pw"), **given
    )
    return connect(options, Unlimited(), httpx.ASGITransport(system))


async def test_companies_are_known_by_their_partys_code(tryton: Tryton) -> None:
    masters = await tryton.masters()
    assert [(each.id, each.code, each.currency) for each in masters.legal_entities] == [
        ("1", "DE01", "EUR"),
        ("2", "US01", "USD"),
    ]


async def test_who_left_is_listed_with_the_last_day(tryton: Tryton) -> None:
    anna, ben = (await tryton.masters()).employees
    assert (anna.code, anna.email, anna.legal_entity) == ("E-1", "anna@nord.example", "DE01")
    assert anna.active_on(date(2030, 1, 1))
    assert (ben.legal_entity, ben.email) == ("US01", None)
    assert ben.active_on(date(2026, 6, 30))
    assert not ben.active_on(date(2026, 7, 1))
    assert not ben.active_on(date(2020, 1, 31))


async def test_projects_are_active_until_they_are_done(tryton: Tryton) -> None:
    masters = await tryton.masters()
    website, shop = masters.projects
    assert (website.code, website.name, website.active) == ("P-1", "Website", True)
    assert (shop.legal_entity, shop.active) == ("US01", False)
    (acme,) = [each for each in masters.customers if each.code == "C-1"]
    assert website.customer == shop.customer == acme.id


async def test_customers_are_all_but_our_people_each_once(
    tryton: Tryton, system: SimulatedTryton
) -> None:
    everybody = ["C-1", "C-2", "DE01", "US01"]
    assert sorted(each.code for each in (await tryton.masters()).customers) == everybody
    # One company has a project for the other: it stays one customer.
    _pays_for_the_shop(system, system.books.tables["company.company"][1]["party."])
    assert sorted(each.code for each in (await tryton.masters()).customers) == everybody


async def test_somebody_of_ours_who_pays_for_a_project_is_a_customer_too(
    tryton: Tryton, system: SimulatedTryton
) -> None:
    _pays_for_the_shop(system, system.books.tables["company.employee"][1]["party."])
    assert "E-1" in {each.code for each in (await tryton.masters()).customers}


def _pays_for_the_shop(system: SimulatedTryton, party: dict[str, Any]) -> None:
    works = system.books.tables["project.work"].values()
    shop = next(each for each in works if each["number"] == "P-2")
    shop.update({"party": party["id"], "party.": party})


async def test_a_company_is_billed_as_its_party(tryton: Tryton, system: SimulatedTryton) -> None:
    parties = {
        record["party."]["code"]: str(record["party."]["id"])
        for record in system.books.tables["company.company"].values()
    }
    found = {each.code: each.id for each in (await tryton.masters()).customers}
    assert parties.items() <= found.items()


async def test_a_task_has_the_id_that_lines_are_booked_on(
    tryton: Tryton, system: SimulatedTryton
) -> None:
    masters = await tryton.masters()
    design, code = masters.tasks
    works = system.books.tables["timesheet.work"]
    for task in (design, code):
        assert works[int(task.id)]["rec_name"] == task.name
        assert task.project == masters.projects[0].id
    assert design.active_on(date(2026, 9, 30))
    assert not design.active_on(date(2026, 10, 1))
    assert not code.active


async def test_a_cost_centre_belongs_to_a_company_and_is_active_while_opened(
    tryton: Tryton,
) -> None:
    here, there = (await tryton.masters()).dimension_values
    assert (here.dimension, here.code, here.legal_entity, here.active) == (
        "cost_centre",
        "CC-100",
        "DE01",
        True,
    )
    assert (there.legal_entity, there.active) == ("US01", False)


async def test_another_root_gives_other_cost_centres(system: SimulatedTryton) -> None:
    masters = await _connected(system, cost_centre_root="Practice").masters()
    assert masters.dimension_values == ()


async def test_periods_of_all_companies_open_or_not(tryton: Tryton) -> None:
    september, october = await tryton.posting_periods()
    assert (september.legal_entity, september.name) == ("DE01", "2026-09")
    assert (september.fiscal_year, september.state) == ("2026", PeriodState.CLOSED)
    assert (october.legal_entity, october.state) == ("US01", PeriodState.OPEN)
    assert october.holds(date(2026, 10, 31))


async def test_small_pages_lose_nothing(system: SimulatedTryton) -> None:
    assert await _connected(system, page_size=1).masters() == await _connected(system).masters()


async def test_a_task_below_a_task_belongs_to_the_project_above(
    tryton: Tryton, system: SimulatedTryton
) -> None:
    works = system.books.tables["project.work"]
    design, code = (each for each in works.values() if each["type"] == "task")
    code["parent"] = design["id"]
    tasks = (await tryton.masters()).tasks
    assert {each.project for each in tasks} == {(await tryton.masters()).projects[0].id}


@pytest.mark.parametrize(
    ("spoilt", "missing"),
    [
        (("company.employee", {"start_date": "yesterday"}), "employees"),
        (("project.work", {"company": None}), "projects"),
        (("project.work", {"company": 99}), "projects"),
        (("analytic_account.account", {"company": 99}), "dimension_values"),
        (("timesheet.work", {"company": 99}), "tasks"),
    ],
)
async def test_a_record_that_cannot_be_read_is_left_out_and_named_without_its_values(
    tryton: Tryton,
    system: SimulatedTryton,
    caplog: pytest.LogCaptureFixture,
    spoilt: tuple[str, dict[str, Any]],
    missing: str,
) -> None:
    before = await tryton.masters()
    records = system.books.tables[spoilt[0]].values()
    spoils = (each for each in records if each["rec_name"] != "Website")
    next(each for each in spoils if each.get("type") != "root").update(spoilt[1])
    with caplog.at_level(logging.WARNING):
        after = await tryton.masters()
    assert len(getattr(after, missing)) == len(getattr(before, missing)) - 1
    assert "left out" in caplog.text
    assert "Anna" not in caplog.text
    assert "yesterday" not in caplog.text


async def test_tasks_that_turn_in_a_circle_are_left_out(
    tryton: Tryton, system: SimulatedTryton
) -> None:
    works = system.books.tables["project.work"]
    design, code = (each for each in works.values() if each["type"] == "task")
    design["parent"], code["parent"] = code["id"], design["id"]
    assert (await tryton.masters()).tasks == ()


async def test_without_a_code_a_record_matches_nothing_by_accident(
    tryton: Tryton, system: SimulatedTryton
) -> None:
    for record in system.books.tables["company.employee"].values():
        record["party."]["code"] = None
    codes = [each.code for each in (await tryton.masters()).employees]
    assert codes == ["(no code: 1)", "(no code: 2)"]


async def test_check_says_who_we_are_and_what_we_see(tryton: Tryton) -> None:
    assert await tryton.check() == "connector at erp, Tryton 8.2: DE01, US01"


async def test_a_user_who_sees_one_company_only_is_refused(
    tryton: Tryton, system: SimulatedTryton
) -> None:
    system.rpc.company_filter = "one"
    with pytest.raises(ConnectionConfigError) as told:
        await tryton.check()
    assert told.value.code == "company_filter"


async def test_a_missing_right_is_named(tryton: Tryton, system: SimulatedTryton) -> None:
    system.rpc.rights = {"timesheet.work": {"read": 1, "write": 0}}
    with pytest.raises(ConnectionConfigError) as told:
        await tryton.check()
    assert told.value.code == "permission_missing"
    assert str(told.value) == "timesheet.work write"


async def test_another_series_is_refused(tryton: Tryton, system: SimulatedTryton) -> None:
    system.version = "8.4"
    with pytest.raises(ConnectionConfigError) as told:
        await tryton.check()
    assert told.value.code == "server_version"


@pytest.mark.erp
async def test_the_real_erp_shows_the_firm_as_it_is(erp: TrytonServer) -> None:
    tryton = connect(
        TrytonOptions("erp", erp.url, erp.database, erp.user, SecretStr(erp.password)), Unlimited()
    )
    masters, periods = await tryton.masters(), await tryton.posting_periods()
    said = await tryton.check()
    await tryton.close()
    firm = erp.firm
    known = [project for project in firm.projects if project.known_to_erp]
    assert {(each.code, each.currency) for each in masters.legal_entities} == {
        (each.code, each.currency) for each in firm.legal_entities
    }
    assert {
        (each.code, each.email, each.legal_entity, each.active_from, each.active_until)
        for each in masters.employees
    } == {
        (each.code, each.email, each.legal_entity.code, each.started_on, each.ended_on)
        for each in firm.employees
    }
    assert {(each.code, each.name, each.active) for each in masters.projects} == {
        (each.code, each.name, not each.done_in_erp) for each in known
    }
    codes = {each.id: each.code for each in masters.projects}
    assert {(codes[each.project], each.name) for each in masters.tasks} == {
        (project.code, task) for project in known for task in project.tasks
    }
    assert {each.code for each in masters.customers} >= {
        *(each.customer.code for each in known),
        *(each.code for each in firm.legal_entities),
    }
    assert {(each.legal_entity, each.code, each.active) for each in masters.dimension_values} == {
        (entity.code, centre.code, not centre.closed)
        for entity in firm.legal_entities
        for centre in firm.cost_centres
    }
    months = {(each.legal_entity, each.name) for each in periods}
    assert {(entity.code, firm.month.name) for entity in firm.legal_entities} <= months
    assert {each.state for each in periods} == {PeriodState.OPEN, PeriodState.CLOSED}
    assert said.endswith("DE01, US01")


@pytest.mark.erp
async def test_the_real_erp_shows_what_expenses_are_booked_on(expenses: ExpenseWorld) -> None:
    target = expenses.connect()
    masters = await target.masters()
    companies = {each.code for each in masters.legal_entities}
    for account in (*EXPENSE_ACCOUNTS, *CLEARING_ACCOUNTS, INPUT_TAX_ACCOUNT):
        found = [each for each in masters.accounts if each.code == account]
        assert {each.legal_entity for each in found} == companies
        assert all(each.active for each in found)
    # Accounts that only group others cannot be booked on.
    assert "1.0.0" not in {each.code for each in masters.accounts}
    assert {(each.code, each.legal_entity, each.rate) for each in masters.tax_codes} == {
        ("VAT19", "DE01", 19),
        ("VAT0", "DE01", 0),
        ("VAT19", "US01", 19),
        ("VAT0", "US01", 0),
        ("VAT19-IN", "DE01", 19),
        ("VAT7-IN", "DE01", 7),
        ("VAT19-OUT", "DE01", 19),
        ("VAT0-OUT", "DE01", 0),
        ("EXEMPT-OUT", "US01", 0),
    }
    assert {each.code for each in masters.currencies} == {"EUR", "USD", "GBP", "CHF", "JPY"}


@pytest.mark.erp
async def test_the_real_erp_owes_an_employee_money_as_a_party(expenses: ExpenseWorld) -> None:
    rows = await expenses.session.find("company.employee", [], "party.code", "party")
    parties = {row["party."]["code"]: str(row["party"]) for row in rows}
    masters = await expenses.connect().masters()
    assert {each.code: each.party for each in masters.employees} == parties


@pytest.mark.erp
async def test_a_closed_account_is_listed_and_not_active(expenses: ExpenseWorld) -> None:
    company = int(expenses.entity.id)
    expenses.session.work_for(company)
    # One of its own: an account that something is booked on cannot be closed.
    telecom = await expenses.session.find_one(
        "account.account", [["company", "=", company], ["code", "=", "6650"]]
    )
    (number,) = await expenses.session.call(
        "model.account.account.copy", [telecom], {"code": "6659"}
    )
    await expenses.session.write("account.account", [number], {"closed": True})
    try:
        masters = await expenses.connect().masters()
        (account,) = [each for each in masters.accounts if each.id == str(number)]
        assert not account.active
        with pytest.raises(RejectedError) as told:
            await expenses.connect().post([expenses.intent(cost("1.00", account="6659"))], {})
        assert told.value.code == "account_unknown"
    finally:
        await expenses.session.call("model.account.account.delete", [number])


async def test_a_simulated_tryton_books_no_expenses(tryton: Tryton) -> None:
    masters = await tryton.masters()
    assert (masters.accounts, masters.tax_codes) == ((), ())
    assert [each.code for each in masters.currencies] == ["EUR", "USD"]
    assert [each.party for each in masters.employees] == ["5", "6"]
