"""Customers made and changed in Salesforce: once, in bulk, and with honest answers."""

import json
from dataclasses import replace
from typing import Any

import pytest

from canonical.cross_reference import MasterKind
from connectors.base.errors import ConflictError, ConnectionConfigError, TransientError
from connectors.base.master_writes import (
    MasterAnswer,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from connectors.salesforce.simulated_state import SimulatedField
from tests.connectors.salesforce.world import OWN, SalesforceWorld


async def written(world: SalesforceWorld, *writes: MasterWrite, **given: Any) -> list[MasterAnswer]:
    return list(await world.connect(**given).write_masters(writes, {}))


def renaming(record: str, name: str = "New name") -> MasterWrite:
    return MasterWrite(MasterKind.CUSTOMER, "C", {"name": name}, id=record)


def name_of(world: SalesforceWorld, record: str) -> str:
    found = world.org.live(record)
    assert found is not None
    return str(found.fields["Name"])


async def test_a_customer_is_made_by_an_upsert_on_our_external_id(world: SalesforceWorld) -> None:
    [answer] = await written(world, world.sample(1))
    assert isinstance(answer, MasterWritten)
    made = world.org.live(answer.id)
    assert made is not None
    assert made.fields[OWN] == made.fields["AccountNumber"] == "C-1/ä"
    [sent] = world.network.writes
    assert sent.url.raw_path.endswith(b"/sobjects/Account/Ledgerway_Code__c/C-1%2F%C3%A4")
    assert OWN not in json.loads(sent.content)


@pytest.mark.parametrize("tells", [True, False])
async def test_one_that_was_made_before_gets_its_id_whatever_the_answer_says(
    world: SalesforceWorld, tells: bool
) -> None:
    world.spec.tolerant = tells  # The description knows no 200 of an upsert.
    world.misbehave(tells_upserts=tells)
    first = await written(world, world.sample(1))
    assert await written(world, world.sample(1)) == first
    assert len(world.held()) == 1


async def test_one_that_was_made_before_and_is_not_found_again_is_unsettled(
    world: SalesforceWorld,
) -> None:
    await written(world, world.sample(1))
    salesforce = world.connect()
    await salesforce.check()
    world.network.let_pass(1)
    # The upsert goes through; the read that follows it is lost.
    world.network.on_next_write(carried_then_lost(world))
    [answer] = await salesforce.write_masters([world.sample(1)], {})
    assert isinstance(answer, MasterUnsettled)


def carried_then_lost(world: SalesforceWorld) -> Any:
    async def fault(request: Any) -> Any:
        world.network.lose_next_answer()
        return await world.network.carry(request)

    return fault


async def test_the_external_id_alone_may_be_the_code(world: SalesforceWorld) -> None:
    [answer] = await written(world, world.sample(1), customer_code_field=OWN)
    assert isinstance(answer, MasterWritten)
    assert world.paths().count("GET /query") == 0
    customers = (await world.connect(customer_code_field=OWN).masters()).customers
    assert [each.code for each in customers] == ["C-1/ä"]


async def test_an_external_id_that_several_have_is_refused_and_changes_none(
    world: SalesforceWorld,
) -> None:
    for _ in range(2):
        world.org.add("Account", {"Name": "Twin", "AccountNumber": "C-1/ä", OWN: "C-1/ä"})
    before = world.held()
    [answer] = await written(world, world.sample(1))
    assert answer == MasterRefused("not_unique", "several records have this external id")
    assert world.held() == before


async def test_a_customer_whose_code_was_changed_is_not_turned_into_a_new_one(
    world: SalesforceWorld,
) -> None:
    [made] = await written(world, world.sample(1))
    assert isinstance(made, MasterWritten)
    world.org.change(made.id, {"AccountNumber": "C-7"})
    before = world.held()
    [answer] = await written(world, world.sample(1))
    assert isinstance(answer, MasterRefused)
    assert answer.code == "external_id_taken"
    assert world.held() == before


async def test_a_code_in_another_case_is_another_customer(world: SalesforceWorld) -> None:
    capital, small = world.sample(1), replace(world.sample(2), code="c-1/ä")
    await written(world, capital)
    await written(world, small)
    assert sorted(each.code for each in world.held()) == ["C-1/ä", "c-1/ä"]


async def test_an_external_id_that_knows_no_case_is_refused_when_it_is_checked(
    world: SalesforceWorld,
) -> None:
    blind = SimulatedField(kind="Account", name="Blind__c", external_id=True, unique=True)
    world = SalesforceWorld(world.org.state().model_copy(update={"fields": (blind,)}))
    fields: dict[str, Any] = {"currency_field": "", "tax_number_field": "", "active_field": ""}
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect(customer_external_id_field="Blind__c", **fields).check()
    assert told.value.code == "not_an_external_id"


@pytest.mark.parametrize("code", ["ACME.json", "acme.XML"])
async def test_a_code_that_would_be_read_as_a_format_is_never_sent(
    world: SalesforceWorld, code: str
) -> None:
    [answer] = await written(world, replace(world.sample(1), code=code))
    assert isinstance(answer, MasterRefused)
    assert answer.code == "code_not_addressable"
    assert world.network.writes == []


async def test_a_code_that_salesforce_takes_for_a_file_is_refused_and_costs_no_other(
    world: SalesforceWorld,
) -> None:
    odd = replace(world.sample(1), code="ACME.inc")
    answers = await written(world, odd, world.sample(2))
    assert [type(each) for each in answers] == [MasterRefused, MasterWritten]


async def test_a_missing_external_id_field_is_for_an_operator(world: SalesforceWorld) -> None:
    world.misbehave(hidden=frozenset({f"Account.{OWN}"}))
    with pytest.raises(ConnectionConfigError) as told:
        await written(world, world.sample(1), customer_code_field=OWN)
    assert told.value.code == "NOT_FOUND"


async def test_without_an_external_id_nothing_is_made(world: SalesforceWorld) -> None:
    given: dict[str, Any] = {"customer_external_id_field": ""}
    operation = world.connect(**given).manifest.master_operation(MasterKind.CUSTOMER)
    assert operation is not None
    assert not operation.creates
    [answer] = await written(world, world.sample(1), **given)
    assert isinstance(answer, MasterRefused)
    assert world.network.writes == []


async def test_what_is_no_customer_is_refused(world: SalesforceWorld) -> None:
    write = MasterWrite(MasterKind.PROJECT, "P-1", {"name": "Shop"})
    [answer] = await written(world, write)
    assert isinstance(answer, MasterRefused)
    assert answer.code == "kind_not_written"


async def test_changes_go_out_two_hundred_at_a_time(world: SalesforceWorld) -> None:
    made = [world.make(world.sample(number)) for number in range(401)]
    answers = await written(world, *(renaming(each, f"N {each}") for each in made))
    assert answers == [MasterWritten(each) for each in made]
    assert len(world.network.writes) == 3
    assert [name_of(world, each) for each in made] == [f"N {each}" for each in made]


async def test_of_many_changes_the_refused_ones_cost_no_other(world: SalesforceWorld) -> None:
    made = [world.make(world.sample(number)) for number in range(4)]
    world.remove(made[3])
    answers = await written(
        world,
        renaming(made[0]),
        renaming(made[1], "Nobody Ltd"),
        renaming(made[2]),
        renaming(made[3]),
        renaming("0015e0000000999AAA"),
        replace(renaming(made[0]), values={"country": "Neverland"}),
        replace(renaming(made[0]), values={"name": ""}),
        replace(renaming(made[0]), values={"tax_number": "9" * 21}),
    )
    assert [each.code if isinstance(each, MasterRefused) else "" for each in answers] == [
        "",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "",
        "ENTITY_IS_DELETED",
        "ENTITY_IS_DELETED",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
    ]
    assert answers[1] == MasterRefused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "We know this name.")


async def test_a_field_that_may_not_be_written_is_a_refusal(world: SalesforceWorld) -> None:
    made = world.make(world.sample(1))
    world.misbehave(hidden=frozenset({"Account.VAT_Number__c"}))
    change = replace(renaming(made), values={"tax_number": "VAT9"})
    [answer] = await written(world, change)
    assert isinstance(answer, MasterRefused)
    assert answer.code == "INVALID_FIELD"


async def test_a_change_that_a_trigger_takes_back_is_seen_by_a_look(
    world: SalesforceWorld,
) -> None:
    made = world.make(world.sample(1))
    world.misbehave(ignored=frozenset({"VAT_Number__c"}))
    change = replace(renaming(made), values={"name": "New", "tax_number": "VAT9"})
    assert await written(world, change) == [MasterWritten(made)]
    [customer] = (await world.connect().masters()).customers
    assert (customer.name, customer.tax_number) == ("New", "VAT000001")


async def test_a_locked_record_did_nothing_and_hides_no_other(world: SalesforceWorld) -> None:
    made = [world.make(world.sample(number)) for number in range(4)]
    changes = [renaming(each) for each in made]
    world.misbehave(locked=frozenset({made[1], made[3]}))
    answers = await written(world, *changes)
    # The last one counts as not tried, the one between two others has to be looked at.
    assert [type(each) for each in answers] == [MasterWritten, MasterUnsettled, MasterWritten]
    assert [name_of(world, each) == "New name" for each in made] == [True, False, True, False]
    with pytest.raises(ConflictError):
        await written(world, changes[1], changes[3])
    world.misbehave(locked=frozenset())
    assert await written(world, *changes) == [MasterWritten(each) for each in made]


async def test_what_follows_a_locked_record_is_not_tried(world: SalesforceWorld) -> None:
    made = [world.make(world.sample(number)) for number in range(2)]
    world.misbehave(locked=frozenset({made[1]}))
    answers = await written(world, *(renaming(each) for each in made), world.sample(9))
    assert answers == [MasterWritten(made[0])]
    assert len(world.held()) == 2


async def test_a_locked_record_that_an_upsert_meets_is_a_conflict(world: SalesforceWorld) -> None:
    [made] = await written(world, world.sample(1))
    assert isinstance(made, MasterWritten)
    world.misbehave(locked=frozenset({made.id}))
    with pytest.raises(ConflictError):
        await written(world, world.sample(1))


async def test_of_changes_whose_answer_was_lost_each_is_unsettled_and_the_rest_waits(
    world: SalesforceWorld,
) -> None:
    made = [world.make(world.sample(number)) for number in range(201)]
    salesforce = world.connect()
    await salesforce.check()
    world.network.lose_next_write()
    answers = await salesforce.write_masters([renaming(each) for each in made], {})
    assert [type(each) for each in answers] == [MasterUnsettled] * 200
    assert name_of(world, made[0]) == "New name"
    assert name_of(world, made[200]) != "New name"


@pytest.mark.parametrize("quirk", ["failures_after_write", "failures"])
async def test_a_failure_at_a_write_says_nothing_of_what_was_done(
    world: SalesforceWorld, quirk: str
) -> None:
    made = world.make(world.sample(1))
    salesforce = world.connect()
    await salesforce.check()
    world.misbehave(**{quirk: 1})
    [answer] = await salesforce.write_masters([renaming(made)], {})
    assert isinstance(answer, MasterUnsettled)


async def test_calls_that_are_used_up_are_transient_and_say_how_long_to_wait(
    world: SalesforceWorld,
) -> None:
    made = world.make(world.sample(1))
    salesforce = world.connect()
    await salesforce.check()
    world.misbehave(calls_left=1)
    changes = [renaming(made), world.sample(2)]
    await salesforce.masters()
    for attempt in (salesforce.masters(), salesforce.write_masters(changes, {})):
        with pytest.raises(TransientError) as told:
            await attempt
        assert told.value.code == "REQUEST_LIMIT_EXCEEDED"
        assert told.value.retry_after_seconds == 300
    assert name_of(world, made) != "New name"


async def test_answers_that_came_before_trouble_are_told(world: SalesforceWorld) -> None:
    made = world.make(world.sample(1))
    salesforce = world.connect()
    await salesforce.check()
    # One call for what is taken, one for the change.
    world.misbehave(calls_left=2)
    answers = await salesforce.write_masters([renaming(made), world.sample(2)], {})
    assert answers == [MasterWritten(made)]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "API_DISABLED_FOR_ORG", ConnectionConfigError),
        (403, "", ConnectionConfigError),
        (429, "", TransientError),
        (409, "", ConflictError),
    ],
)
async def test_what_is_about_the_connection_refuses_no_record(
    world: SalesforceWorld, status: int, code: str, error: type[Exception]
) -> None:
    salesforce = world.connect()
    await salesforce.check()
    body = json.dumps([{"errorCode": code, "message": "no"}]).encode()
    world.network.answer_next_write(status, body=body, carried_out=False)
    with pytest.raises(error):
        await salesforce.write_masters([world.sample(1)], {})


async def test_a_duplicate_rule_of_the_org_refuses_for_a_person_to_decide(
    world: SalesforceWorld,
) -> None:
    salesforce = world.connect()
    await salesforce.check()
    told = [{"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these records?"}]
    world.network.answer_next_write(400, body=json.dumps(told).encode(), carried_out=False)
    answers = await salesforce.write_masters([world.sample(1), world.sample(2)], {})
    assert answers[0] == MasterRefused("DUPLICATES_DETECTED", "Use one of these records?")
    assert isinstance(answers[1], MasterWritten)


@pytest.mark.parametrize("body", [b"[]", b'[{"id": 5}]', b'[{"success": true}, {"success": true}]'])
async def test_results_that_do_not_fit_the_changes_leave_them_unsettled(
    world: SalesforceWorld, body: bytes
) -> None:
    made = world.make(world.sample(1))
    salesforce = world.connect()
    await salesforce.check()
    world.network.answer_next_write(200, body=body, carried_out=True)
    [answer] = await salesforce.write_masters([renaming(made)], {})
    assert isinstance(answer, MasterUnsettled)
