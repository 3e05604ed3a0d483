"""Telling BambooHR what it does not own: what is sent, what is refused, and in whose words."""

import json

import pytest

from canonical.cross_reference import MasterKind
from connectors.bamboohr.writing import masked, names_of
from connectors.base.errors import ConnectionConfigError, RejectedError
from connectors.base.master_writes import (
    MasterAnswer,
    MasterQuery,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from tests.connectors.bamboohr.world import BambooWorld


def change(own: str, **values: str) -> MasterWrite:
    return MasterWrite(MasterKind.EMPLOYEE, "E-1", values, id=own)


async def told(world: BambooWorld, *writes: MasterWrite, **options: object) -> list[MasterAnswer]:
    connector = world.connect(**options)  # type: ignore[arg-type]
    return list(await connector.write_masters(writes, {}))


async def test_a_change_names_only_its_fields_in_bamboohrs_words(world: BambooWorld) -> None:
    own = world.hire()
    change_of_all = change(own, email="k@firm.example", active_from="2024-04-01", role="Lead")
    assert await told(world, change_of_all) == [MasterWritten(own)]
    [sent] = world.network.writes
    assert sent.url.path == f"/api/v1/employees/{own}"
    assert json.loads(sent.content) == {
        "workEmail": "k@firm.example",
        "hireDate": "2024-04-01",
        "jobTitle": "Lead",
    }


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Kim Allen", "Kim", "Allen"), ("Ana de la Cruz", "Ana de la", "Cruz"), (" A  B ", "A", "B")],
)
def test_the_last_word_of_a_name_is_the_last_name(name: str, first: str, last: str) -> None:
    assert names_of(name) == {"firstName": first, "lastName": last}


@pytest.mark.parametrize("name", ["Kim", "", "  "])
def test_a_name_of_one_word_is_refused_before_it_is_sent(name: str) -> None:
    with pytest.raises(RejectedError) as refusal:
        names_of(name)
    assert refusal.value.code == "needs_two_names"


@pytest.mark.parametrize(
    ("write", "code"),
    [
        (change("101", active_until="2026-03-31"), "unknown_field"),
        (change("101", cost_centre="CC-100"), "unknown_field"),
        (change("101", active_from=""), "needs_a_day"),
        (change("999", email="k@firm.example"), "http_404"),
        (change("101", email="lee@firm.example"), "http_409"),
        (MasterWrite(MasterKind.DIMENSION_VALUE, "CC-1", {"name": "x y"}), "not_written_here"),
        (MasterWrite(MasterKind.EMPLOYEE, "E-9", {"email": "x@firm.example"}), "needs_two_names"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_stable_code(
    world: BambooWorld, write: MasterWrite, code: str
) -> None:
    world.hire("E-1")
    world.hire("E-2", email="lee@firm.example")
    before = world.held()
    [answer] = await told(world, write)
    assert isinstance(answer, MasterRefused)
    assert answer.code == code
    assert world.held() == before


async def test_a_refusal_repeats_nothing_of_what_it_is_about(world: BambooWorld) -> None:
    world.hire("E-1")
    world.hire("E-2", email="lee@firm.example")
    [answer] = await told(world, change("101", email="lee@firm.example"))
    assert answer == MasterRefused("http_409", "Duplicate email: …")


def test_masked_words_are_whole_values_first() -> None:
    assert masked("Kim Allen <k@x.example> is taken", ["Kim Allen", "k@x.example"]) == (
        "… <…> is taken"
    )


async def test_an_answer_with_200_may_have_written_nothing_and_a_look_shows_it(
    world: BambooWorld,
) -> None:
    own = world.hire()
    world.ignore("email")
    assert await told(world, change(own, email="new@firm.example")) == [MasterWritten(own)]
    look = await world.connect().find_masters([MasterQuery(world.kind, ids=(own,))])
    assert [one.email for one in look.masters.employees] == ["E-1@firm.example"]


async def test_a_company_that_is_full_refuses_and_is_not_taken_for_throttled(
    world: BambooWorld,
) -> None:
    world.misbehave(employees_max=0)
    world.spec.tolerant = True  # Only the vendor's page of errors knows this answer.
    [answer] = await told(world, world.sample(1))
    assert answer == MasterRefused("employee_limit", "The company has reached its employee limit")


async def test_made_and_not_said_under_which_id_is_unsettled(world: BambooWorld) -> None:
    world.network.answer_next_write(201, {"Location": "/employees/"}, carried_out=True)
    assert await told(world, world.sample(1), world.sample(2)) == [MasterUnsettled("no_location")]
    assert len(world.held()) == 1


async def test_employees_are_not_made_where_bamboohrs_id_is_their_code(
    world: BambooWorld,
) -> None:
    [answer] = await told(world, world.sample(1), code_field="id")
    assert isinstance(answer, MasterRefused)
    assert answer.code == "own_id"
    assert world.network.writes == []


async def test_a_key_that_may_not_write_is_for_an_operator(world: BambooWorld) -> None:
    own = world.hire()
    world.network.answer_next_write(403, carried_out=False)
    with pytest.raises(ConnectionConfigError):
        await told(world, change(own, email="k@firm.example"))


async def test_cost_centres_are_found_by_a_look_too(world: BambooWorld) -> None:
    world.hire()
    query = MasterQuery(MasterKind.DIMENSION_VALUE, keys=("CC-100",))
    look = await world.connect().find_masters([query])
    assert [one.code for one in look.masters.dimension_values] == ["CC-100"]
    assert look.masters.employees == ()


async def test_an_id_that_is_none_of_bamboohrs_is_not_sent(world: BambooWorld) -> None:
    world.hire()
    query = MasterQuery(world.kind, ids=("101,102", "not-an-id"))
    assert (await world.connect().find_masters([query])).masters.employees == ()
    assert world.network.requests == []
