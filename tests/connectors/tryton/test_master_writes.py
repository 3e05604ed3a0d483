"""Masters written to Tryton where more than one record takes part, and the mark of a project."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import httpx
import pytest

from canonical.cross_reference import MasterKind
from connectors.base.errors import ConflictError, TransientError
from connectors.base.master_writes import (
    MasterAnswer,
    MasterQuery,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from connectors.conformance.master_world import all_written, held_as, query_for
from connectors.tryton.manifest import LINES_MAX
from connectors.tryton.master_writing import portions
from connectors.tryton.simulated_faults import Fault
from connectors.tryton.work_mapping import can_be_marked, marked, project_mark
from tests.connectors.tryton.master_world import PARTY
from tests.connectors.tryton.simulated_master_world import SimulatedMasterWorld

_SERVER_EXCEPTION = b'{"id":%d,"error":["\'foo\'",""]}'


@pytest.fixture
def people() -> Iterator[SimulatedMasterWorld]:
    yield from _world(MasterKind.EMPLOYEE)


@pytest.fixture
def customers() -> Iterator[SimulatedMasterWorld]:
    yield from _world(MasterKind.CUSTOMER)


@pytest.fixture
def projects() -> Iterator[SimulatedMasterWorld]:
    yield from _world(MasterKind.PROJECT)


def _world(kind: MasterKind) -> Iterator[SimulatedMasterWorld]:
    world = SimulatedMasterWorld(kind)
    yield world
    world.desk.close()


async def _once(world: SimulatedMasterWorld, *writes: MasterWrite) -> Sequence[MasterAnswer]:
    target = world.connect()
    look = await target.find_masters([query_for(writes)])
    return await target.write_masters(writes, look.evidence)


def _parties(world: SimulatedMasterWorld, code: str) -> list[int]:
    return [each["id"] for each in world.desk.find(PARTY, [["code", "=", code]], "id")]


@pytest.mark.parametrize(
    "fault", [Fault.BUSY_AFTER_COMMIT, Fault.ERROR_AFTER, Fault.UNREADABLE, Fault.BUSY]
)
async def test_a_persons_party_that_was_made_before_a_crash_is_used_and_not_made_twice(
    people: SimulatedMasterWorld, fault: Fault
) -> None:
    sample = people.sample(1)
    people.app.faults.plan([fault])
    with pytest.raises(TransientError):
        await _once(people, sample)
    assert people.held() == []
    assert [type(one) for one in await _once(people, sample)] == [MasterWritten]
    assert len(_parties(people, sample.code)) == 1


async def test_people_of_one_call_get_their_parties_by_one_call(
    people: SimulatedMasterWorld,
) -> None:
    await all_written(people.connect(), [people.sample(number) for number in range(20)])
    assert people.app.calls["model.party.party.create"] == 1
    assert people.app.calls["model.company.company.write"] == 1


async def test_nobody_is_employed_as_somebody_elses_party(people: SimulatedMasterWorld) -> None:
    sample = people.sample(1)
    people.desk.create(PARTY, name="Acme", code=sample.code)
    [answer] = await _once(people, sample)
    assert isinstance(answer, MasterRefused)
    assert answer.code == "code_taken"
    assert people.held() == []


async def test_a_person_is_no_customer_and_a_customer_with_a_persons_code_is_refused(
    people: SimulatedMasterWorld,
) -> None:
    sample = people.sample(1)
    people.make(sample)
    target = people.connect()
    look = await target.find_masters([MasterQuery(MasterKind.CUSTOMER, keys=(sample.code,))])
    assert look.masters.customers == ()
    customer = MasterWrite(MasterKind.CUSTOMER, sample.code, {"name": "Acme"})
    [answer] = await target.write_masters([customer], look.evidence)
    assert isinstance(answer, MasterRefused)
    assert answer.code == "code_taken"


async def test_an_address_is_found_in_whatever_case_it_was_typed(
    people: SimulatedMasterWorld,
) -> None:
    sample = people.sample(1)
    typed = {**sample.values, "email": sample.values["email"].title()}
    made = people.make(replace(sample, values=typed))
    query = MasterQuery(MasterKind.EMPLOYEE, keys=(sample.values["email"],))
    look = await people.connect().find_masters([query])
    assert [one.id for one in look.masters.employees] == [made]


async def test_a_change_of_name_and_dates_that_is_half_done_is_unsettled(
    people: SimulatedMasterWorld,
) -> None:
    made = people.make(people.sample(1))
    values = {"name": "Else", "active_until": "2030-01-01"}
    change = replace(people.sample(1), id=made, values=values)
    # The dates are taken, and the name finds a party that has moved since the look.
    target = people.connect()
    look = await target.find_masters([query_for([change])])
    [party] = _parties(people, change.code)
    people.desk.write(PARTY, party, name="Meanwhile")
    [answer] = await target.write_masters([change], look.evidence)
    assert answer == MasterUnsettled("half_done")
    held = held_as(people, made).values
    assert (held["name"], held["active_until"]) == ("Meanwhile", "2030-01-01")
    assert await all_written(target, [change]) == [MasterWritten(made)]
    assert {name: held_as(people, made).values[name] for name in values} == values


async def test_a_refused_half_of_a_change_says_so_and_costs_no_other_person(
    people: SimulatedMasterWorld,
) -> None:
    made = [people.make(people.sample(number)) for number in (1, 2)]
    bad, good = (
        replace(people.sample(number), id=one, values={"name": name, "active_until": until})
        for number, one, name, until in (
            (1, made[0], "Left", "1999-01-01"),
            (2, made[1], "Stays", "2031-01-01"),
        )
    )
    answers = await all_written(people.connect(), [bad, good])
    assert [type(each) for each in answers] == [MasterRefused, MasterWritten]
    assert held_as(people, made[0]).values["name"] == people.sample(1).values["name"]


async def test_a_customer_who_appeared_since_the_look_is_a_conflict_and_no_refusal(
    customers: SimulatedMasterWorld,
) -> None:
    first, second = customers.sample(1), customers.sample(2)
    target = customers.connect()
    look = await target.find_masters([query_for([first, second])])
    customers.make(second)
    # What was made before the conflict is told.
    [answer] = await target.write_masters([first, second], look.evidence)
    assert isinstance(answer, MasterWritten)
    with pytest.raises(ConflictError):
        await target.write_masters([second], look.evidence)


@pytest.mark.parametrize("kind", [MasterKind.CUSTOMER, MasterKind.EMPLOYEE, MasterKind.PROJECT])
@pytest.mark.parametrize("carried_out", [True, False])
async def test_code_that_failed_is_a_refusal_only_if_nothing_was_done(
    kind: MasterKind, carried_out: bool
) -> None:
    world = SimulatedMasterWorld(kind)
    sample = world.sample(1)
    target = world.connect()
    look = await target.find_masters([query_for([sample])])
    _fails(world, carried_out=carried_out)
    [answer] = await target.write_masters([sample], look.evidence)
    assert isinstance(answer, MasterUnsettled if carried_out else MasterRefused)
    assert len(world.held()) == int(carried_out)
    world.desk.close()


@pytest.mark.parametrize("carried_out", [True, False])
async def test_code_that_failed_at_a_change_is_a_refusal_only_if_no_stamp_moved(
    customers: SimulatedMasterWorld, carried_out: bool
) -> None:
    made = customers.make(customers.sample(1))
    change = replace(customers.sample(1), id=made, values={"name": "Renamed"})
    target = customers.connect()
    look = await target.find_masters([query_for([change])])
    _fails(customers, carried_out=carried_out)
    [answer] = await target.write_masters([change], look.evidence)
    assert isinstance(answer, MasterUnsettled if carried_out else MasterRefused)


def _fails(world: SimulatedMasterWorld, *, carried_out: bool) -> None:
    """Tryton's own code fails at the next write, after the commit or before it."""

    async def fault(request: httpx.Request) -> httpx.Response:
        if carried_out:
            await world.network.carry(request)
        number = json.loads(request.content)["id"]
        return httpx.Response(200, content=_SERVER_EXCEPTION % number, request=request)

    world.network.on_next_write(fault)


async def test_without_the_stamp_of_what_is_changed_nothing_leaves(
    customers: SimulatedMasterWorld,
) -> None:
    made = customers.make(customers.sample(1))
    change = replace(customers.sample(1), id=made, values={"name": "Renamed"})
    with pytest.raises(ConflictError):
        await customers.connect().write_masters([change], {})
    assert customers.network.writes == []


@pytest.mark.parametrize("code", ["A_1", "100%", r"B\C", "[x", "Ännchen O'Neill"])
async def test_a_project_is_found_by_its_mark_whatever_its_code(
    projects: SimulatedMasterWorld, code: str
) -> None:
    sample = replace(projects.sample(1), code=code)
    decoy = replace(sample, code=code.replace("_", "x").replace("%", "5").replace("\\", ""))
    [answer] = await all_written(projects.connect(), [sample])
    assert isinstance(answer, MasterWritten)
    if decoy.code != code:
        await all_written(projects.connect(), [decoy])
    look = await projects.connect().find_masters([query_for([sample])])
    assert [one.id for one in look.masters.projects] == [answer.id]
    assert look.masters.projects[0].code == code


async def test_a_project_whose_code_could_not_be_found_again_is_not_made(
    projects: SimulatedMasterWorld,
) -> None:
    [answer] = await _once(projects, replace(projects.sample(1), code="A]B"))
    assert isinstance(answer, MasterRefused)
    assert answer.code == "code_not_markable"
    assert projects.network.writes == []


@pytest.mark.parametrize(
    ("comment", "code"),
    [
        (None, None),
        ("", None),
        ("As agreed with [them].", None),
        ("[ledgerway:P-1]", "P-1"),
        ("As agreed.\n[ledgerway: P-1 ] Call first.", "P-1"),
        ("[ledgerway:P-1] [ledgerway:P-2]", "P-1"),
        ("[ledgerway:]", None),
        ("[ledgerway: ]", None),
        ("[ledgerway:P-\n1]", None),
    ],
)
def test_a_mark_is_read_from_whatever_people_write_beside_it(
    comment: str | None, code: str | None
) -> None:
    assert marked(comment) == code


def test_a_mark_reads_back_as_its_code_or_is_not_made() -> None:
    for code in ("P-1", "Ä[1", "a" * 80):
        assert can_be_marked(code)
        assert marked(project_mark(code)) == code
    for code in ("A]", "a\nb", " P", "", "a" * 81):
        assert not can_be_marked(code)


def test_a_call_has_no_more_records_than_the_manifest_says_and_keeps_their_order() -> None:
    writes = [
        MasterWrite(MasterKind.TASK, f"T-{number}", {}, parent="1" if number < 250 else "2")
        for number in range(260)
    ]
    sizes = [len(some) for some in portions(writes)]
    assert sizes == [LINES_MAX, 250 - LINES_MAX, 10]
    assert [one for some in portions(writes) for one in some] == writes
