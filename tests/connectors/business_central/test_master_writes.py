"""How Business Central's masters are written: in one company, at one version, under one number."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import httpx
import pytest

from canonical.cross_reference import MasterKind
from connectors.base.errors import ConflictError
from connectors.base.master_writes import (
    MasterQuery,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from tests.connectors.business_central.master_world import BusinessCentralMasterWorld

CUSTOMER, EMPLOYEE, PROJECT = MasterKind.CUSTOMER, MasterKind.EMPLOYEE, MasterKind.PROJECT


@pytest.fixture
def customers() -> Iterator[BusinessCentralMasterWorld]:
    """A company without customers."""
    world = BusinessCentralMasterWorld(CUSTOMER)
    yield world
    assert world.spec.broken == []


@pytest.fixture
def people() -> Iterator[BusinessCentralMasterWorld]:
    """A company without employees."""
    world = BusinessCentralMasterWorld(EMPLOYEE)
    yield world
    assert world.spec.broken == []


async def refusal_of(world: BusinessCentralMasterWorld, write: MasterWrite) -> str:
    """The code with which a write is refused."""
    [answer] = await world.connect().write_masters([write], {})
    assert isinstance(answer, MasterRefused)
    return answer.code


async def test_a_change_of_an_older_version_is_a_conflict_and_changes_nothing(
    customers: BusinessCentralMasterWorld,
) -> None:
    made, target = customers.make(customers.sample(1)), customers.connect()
    change = replace(customers.sample(2), id=made, values={"name": "Another"})
    look = await target.find_masters([MasterQuery(CUSTOMER, ids=(made,))])
    customers.change(made, {"name": "A person's"})
    with pytest.raises(ConflictError):
        await target.write_masters([change], look.evidence)
    assert customers.held()[0].values["name"] == "A person's"
    # Without a look of the platform's, the version is read just before.
    assert await target.write_masters([change], {}) == (MasterWritten(made),)


async def test_a_number_belongs_to_one_company(customers: BusinessCentralMasterWorld) -> None:
    other = customers.company_named("Firm Ltd")
    customers.make(customers.sample(1))
    write = replace(customers.sample(1), legal_entity="Firm Ltd")
    target = customers.connect()
    [answer] = await target.write_masters([write], {})
    assert isinstance(answer, MasterWritten)
    assert [row["id"] for row in other.rows("customers", number="N-1")] == [answer.id]
    look = await target.find_masters([MasterQuery(CUSTOMER, keys=("N-1",))])
    assert [each.legal_entity for each in look.masters.customers] == ["Firm GmbH", "Firm Ltd"]
    with pytest.raises(ConflictError):
        await target.write_masters([write], {})


@pytest.mark.parametrize("entity", ["Firm SA", None])
async def test_without_a_company_nothing_is_made(
    customers: BusinessCentralMasterWorld, entity: str | None
) -> None:
    customers.company_named("Firm Ltd")
    write = replace(customers.sample(1), legal_entity=entity)
    assert await refusal_of(customers, write) == "legal_entity_unknown"
    assert customers.network.writes == []


async def test_the_only_company_need_not_be_named(customers: BusinessCentralMasterWorld) -> None:
    write = replace(customers.sample(1), legal_entity=None)
    [answer] = await customers.connect().write_masters([write], {})
    assert isinstance(answer, MasterWritten)


@pytest.mark.parametrize("code", ["n-1", "N" * 21])
async def test_a_number_that_would_be_kept_in_another_way_is_refused(
    customers: BusinessCentralMasterWorld, code: str
) -> None:
    assert await refusal_of(customers, replace(customers.sample(1), code=code)) == "number_not_kept"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"currency": "XXX"}, "currency_unknown"),
        ({"country": "ZZ"}, "not_in_related_table"),
        ({"name": " "}, "name_missing"),
        ({"email": 90 * "x"}, "text_too_long"),
    ],
)
async def test_a_refusal_says_what_was_wrong_and_shows_no_name(
    customers: BusinessCentralMasterWorld, values: dict[str, str], code: str
) -> None:
    sample = customers.sample(1)
    write = replace(sample, values={**sample.values, **values})
    [answer] = await customers.connect().write_masters([write], {})
    assert isinstance(answer, MasterRefused)
    assert answer.code == code
    assert "Ännchen" not in answer.message
    assert customers.held() == []


async def test_a_currency_cannot_be_taken_away(customers: BusinessCentralMasterWorld) -> None:
    made = customers.make(customers.sample(1))
    change = replace(customers.sample(1), id=made, values={"currency": ""})
    assert await refusal_of(customers, change) == "currency_needed"


async def test_a_customer_that_may_not_be_shipped_to_stays_so(
    customers: BusinessCentralMasterWorld,
) -> None:
    made = customers.make(customers.sample(1))
    [row] = customers.company.rows("customers")
    row["blocked"] = "Ship"
    change = replace(customers.sample(1), id=made, values={"name": "Another"})
    assert await customers.connect().write_masters([change], {}) == (MasterWritten(made),)
    assert row["blocked"] == "Ship"


async def test_an_employees_name_is_two_and_a_middle_name_stays(
    people: BusinessCentralMasterWorld,
) -> None:
    made, target = people.make(people.sample(1)), people.connect()
    [row] = people.company.rows("employees")
    row["middleName"] = "Maria"
    for name, surname in (("Kim van der Berg", "van der Berg"), ("Cher", "")):
        change = replace(people.sample(1), id=made, values={"name": name})
        assert await target.write_masters([change], {}) == (MasterWritten(made),)
        assert (row["middleName"], row["surname"]) == ("Maria", surname)
        assert (await target.masters()).employees[0].name == name


async def test_who_was_set_inactive_is_so_even_with_a_last_day(
    people: BusinessCentralMasterWorld,
) -> None:
    made, target = people.make(people.sample(1)), people.connect()
    for status, active in (("Inactive", False), ("Terminated", True), ("Active", True)):
        [row] = people.company.rows("employees")
        row["status"] = status
        [person] = (await target.masters()).employees
        assert person.active is active
        assert person.active_until == date(2030, 12, 2)
        [looked] = (
            await target.find_masters([MasterQuery(EMPLOYEE, ids=(made,))])
        ).masters.employees
        assert looked == person


async def test_a_look_shows_the_vendor_of_an_employee_too(
    people: BusinessCentralMasterWorld,
) -> None:
    people.make(replace(people.sample(1), code="E-1001"))
    look = await people.connect().find_masters(
        [MasterQuery(EMPLOYEE, keys=("person1@firm.example",))]
    )
    [person] = look.masters.employees
    assert person.party == people.id_of("vendors", "E-1001")
    assert list(look.evidence) == [person.id]


async def test_ids_of_another_system_are_not_asked_for(
    customers: BusinessCentralMasterWorld,
) -> None:
    look = await customers.connect().find_masters([MasterQuery(CUSTOMER, ids=("4711", "' or 1"))])
    assert look.masters.customers == ()


async def test_quotes_in_a_key_stay_in_it(people: BusinessCentralMasterWorld) -> None:
    sample = people.sample(1)
    address = "o'neill@firm.example"
    made = people.make(replace(sample, values={**sample.values, "email": address}))
    look = await people.connect().find_masters([MasterQuery(EMPLOYEE, keys=(address,))])
    assert [each.id for each in look.masters.employees] == [made]


async def test_a_kind_that_is_not_written_is_refused(
    customers: BusinessCentralMasterWorld,
) -> None:
    write = MasterWrite(MasterKind.TASK, "1000", {"name": "Task"}, parent="x")
    assert await refusal_of(customers, write) == "not_written_here"


async def test_a_cost_centre_is_given_changed_and_taken_and_nothing_else_moves(
    people: BusinessCentralMasterWorld,
) -> None:
    bare = {name: each for name, each in people.sample(1).values.items() if name != "cost_centre"}
    made, target = people.make(replace(people.sample(1), values=bare)), people.connect()
    [row] = people.company.rows("employees")
    version = row["@odata.etag"]
    for centre in ("CC-100", "CC-200", "CC-200", "", ""):
        change = replace(people.sample(1), id=made, values={"cost_centre": centre})
        assert await target.write_masters([change], {}) == (MasterWritten(made),)
        assert people.held()[0].values["cost_centre"] == centre
        assert (await target.masters()).employees[0].cost_centre == (centre or None)
    assert row["@odata.etag"] == version


async def test_with_an_unknown_cost_centre_nobody_is_half_made(
    people: BusinessCentralMasterWorld,
) -> None:
    sample = people.sample(1)
    write = replace(sample, values={**sample.values, "cost_centre": "CC-999"})
    assert await refusal_of(people, write) == "cost_centre_unknown"
    assert people.held() == []


@pytest.mark.parametrize("status", [429, 401, 400, 500])
async def test_who_was_made_without_the_cost_centre_is_unsettled_and_never_called_undone(
    people: BusinessCentralMasterWorld, status: int
) -> None:
    target, sample = people.connect(), people.sample(1)

    async def carried(request: httpx.Request) -> httpx.Response:
        people.network.answer_next_write(status, carried_out=False)
        return await people.network.carry(request)

    people.network.on_next_write(carried)
    [answer] = await target.write_masters([sample], {})
    assert isinstance(answer, MasterUnsettled)
    [held] = people.held()
    assert held.values["cost_centre"] == ""
    # A look shows who is there, and what is missing is written anew.
    change = replace(sample, id=held.id, values={"cost_centre": "CC-200"})
    [answer] = await people.connect().write_masters([change], {})
    assert answer == MasterWritten(held.id)
    assert people.held()[0].values == sample.values


async def test_a_cost_centre_whose_answer_cannot_be_read_is_unsettled(
    people: BusinessCentralMasterWorld,
) -> None:
    made, target = people.make(people.sample(1)), people.connect()
    change = replace(people.sample(1), id=made, values={"cost_centre": "CC-100"})
    people.network.answer_next_write(200, body=b"<html></html>", carried_out=True)
    [answer] = await target.write_masters([change], {})
    assert isinstance(answer, MasterUnsettled)
    assert people.held()[0].values["cost_centre"] == "CC-100"


async def test_of_two_that_give_a_cost_centre_at_once_the_second_looks_again(
    people: BusinessCentralMasterWorld,
) -> None:
    bare = {name: each for name, each in people.sample(1).values.items() if name != "cost_centre"}
    made, target = people.make(replace(people.sample(1), values=bare)), people.connect()
    change = replace(people.sample(1), id=made, values={"cost_centre": "CC-100"})

    async def beaten(request: httpx.Request) -> httpx.Response:
        people.change(made, {"cost_centre": "CC-200"})
        return await people.network.carry(request)

    people.network.on_next_write(beaten)
    with pytest.raises(ConflictError):
        await target.write_masters([change], {})
    assert people.held()[0].values["cost_centre"] == "CC-200"
