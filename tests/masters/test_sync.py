"""The synchronisation of masters: who is told what, what waits for people, and what they decide."""

import pytest

from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause
from canonical.messages import MasterFeedRef
from connectors.base.guard import Lookup
from rules.ownership import KindOwnership, Ownership
from rules.policies import Policies
from store.database import Database
from tests.masters.corner import Masters
from tests.masters.made_up import MadeUpSystem

C, P, E = MasterKind.CUSTOMER, MasterKind.PROJECT, MasterKind.EMPLOYEE


@pytest.fixture
def crm() -> MadeUpSystem:
    return MadeUpSystem("crm")


@pytest.fixture
def psa() -> MadeUpSystem:
    return MadeUpSystem("psa")


@pytest.fixture
def erp() -> MadeUpSystem:
    return MadeUpSystem("erp")


@pytest.fixture
def masters(database: Database, crm: MadeUpSystem, psa: MadeUpSystem, erp: MadeUpSystem) -> Masters:
    ownership = Ownership(
        kinds={
            C: KindOwnership(owner="crm", receivers=("psa", "erp"), fields={"currency": "erp"}),
            P: KindOwnership(owner="psa", receivers=("erp",), legal_entities={"": "DE01"}),
        }
    )
    systems = {one.name: one for one in (crm, psa, erp)}
    return Masters(database, systems, Policies(ownership=ownership), routes={"psa": "erp"})


async def test_a_new_record_reaches_every_receiver_once_and_the_second_sync_writes_nothing(
    masters: Masters, crm: MadeUpSystem, psa: MadeUpSystem, erp: MadeUpSystem
) -> None:
    account = crm.put(C, "CUST-1", name="Halden AG")

    assert await masters.sync() == 2
    assert await masters.sync() == 0
    assert await masters.sync(whole=True) == 0

    assert [one.name for one in erp.of(C).values()] == ["Halden AG"]
    (there,) = erp.of(C)
    assert await masters.links(C, "crm", "erp") == {account: there}
    # Who posts from the PSA finds the customer in the ERP, too.
    assert await masters.links(C, "psa", "erp") == {next(iter(psa.of(C))): there}
    assert await masters.open_cases() == []


async def test_a_project_waits_for_its_customer_and_goes_on_by_itself(
    masters: Masters, crm: MadeUpSystem, psa: MadeUpSystem, erp: MadeUpSystem
) -> None:
    client = psa.put(C, "CUST-1", name="Halden AG")
    psa.put(P, "PRJ-1", customer=client)
    await masters.sync()

    (issue,) = await masters.issues()
    assert (issue.issue.cause, issue.issue.code) == (Cause.MASTER_INCOMPLETE, "PRJ-1")
    assert erp.of(P) == {}

    crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()

    assert [one.code for one in erp.of(P).values()] == ["PRJ-1"]
    assert await masters.open_cases() == []


async def test_a_lost_answer_makes_no_twin(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    for number in range(5):
        crm.put(C, f"CUST-{number}")
    erp.lost = 1
    await masters.sync()
    await masters.time_passes()
    await masters.sync()

    assert sorted(one.code for one in erp.of(C).values()) == [f"CUST-{n}" for n in range(5)]
    assert len(await masters.links(C, "crm", "erp")) == 5
    left = await masters.database.fetch("SELECT FROM master_write WHERE state = 'SENDING'")
    assert left == []


async def test_what_was_answered_and_is_not_shown_yet_is_not_made_again(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    erp.guard = Lookup()
    crm.put(C, "CUST-1")
    await masters.read()
    erp.blind = 3
    for _ in range(4):
        await masters.activities.sync(C)
        await masters.database.execute("UPDATE master_news SET not_before = '-infinity'")

    assert [one.code for one in erp.of(C).values()] == ["CUST-1"]
    assert len(await masters.links(C, "crm", "erp")) == 1


async def test_a_waiver_that_is_repeated_is_noted_once_more(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()
    erp.change(C, next(iter(erp.of(C))), name="Halden GmbH")
    await masters.sync()
    (issue,) = await masters.issues()

    await masters.resolve(issue, "waive", reason="both are in use")
    await masters.resolve(issue, "waive", reason="both are in use")

    assert await masters.issues() == []


async def test_a_change_by_who_does_not_own_the_value_is_one_case_with_both(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()
    (there,) = erp.of(C)
    erp.change(C, there, name="Halden GmbH")
    for _ in range(3):
        await masters.sync(whole=True)

    (issue,) = await masters.issues()
    assert issue.issue.cause is Cause.MASTER_CONFLICT
    assert (issue.issue.owner_value, issue.issue.value) == ("Halden AG", "Halden GmbH")
    assert len(await masters.open_cases()) == 1
    assert erp.of(C)[there].name == "Halden GmbH"

    await masters.resolve(issue, "restore")

    assert erp.of(C)[there].name == "Halden AG"
    assert await masters.open_cases() == []


async def test_a_change_that_a_look_for_another_record_has_shown_is_a_case_all_the_same(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()
    erp.shows_all = True
    (there,) = erp.of(C)
    erp.records[C, there] = erp.records[C, there].model_copy(update={"name": "Halden GmbH"})
    crm.put(C, "CUST-2", name="Oderbruch")
    await masters.sync()

    (issue,) = await masters.issues()
    assert (issue.issue.code, issue.issue.value) == ("CUST-1", "Halden GmbH")


async def test_an_accepted_value_is_written_to_its_owner(
    masters: Masters, crm: MadeUpSystem, psa: MadeUpSystem, erp: MadeUpSystem
) -> None:
    account = crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()
    erp.change(C, next(iter(erp.of(C))), name="Halden SE")
    await masters.sync()
    (issue,) = await masters.issues()

    await masters.resolve(issue, "accept")

    assert crm.of(C)[account].name == "Halden SE"
    assert [one.name for one in psa.of(C).values()] == ["Halden SE"]
    assert await masters.open_cases() == []
    # The owner owns it again.
    crm.change(C, account, name="Halden Group SE")
    await masters.sync()
    assert [one.name for one in erp.of(C).values()] == ["Halden Group SE"]


async def test_whose_value_it_is_may_own_it_from_then_on(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    account = crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()
    (there,) = erp.of(C)
    erp.change(C, there, name="Halden SE")
    await masters.sync()
    (issue,) = await masters.issues()
    await masters.resolve(issue, "change_owner", reason="legal names are the ERP's")

    erp.change(C, there, name="Halden Group SE")
    await masters.sync()

    assert crm.of(C)[account].name == "Halden Group SE"
    assert await masters.open_cases() == []


async def test_what_its_owner_fills_in_later_flows_like_any_other_change(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    account = crm.put(C, "CUST-1")
    await masters.sync()
    crm.change(C, account, tax_number="DE123")
    await masters.sync()

    assert [getattr(one, "tax_number", None) for one in erp.of(C).values()] == ["DE123"]
    assert await masters.open_cases() == []


async def test_a_field_of_another_owner_flows_the_other_way(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    account = crm.put(C, "CUST-1", name="Halden AG", currency="EUR")
    await masters.sync()
    erp.change(C, next(iter(erp.of(C))), currency="CHF")
    await masters.sync()

    assert getattr(crm.of(C)[account], "currency", None) == "CHF"


@pytest.mark.parametrize(
    "name", ["HALDEN A.G.", "Hálden AG", "halden  ag", "Haldn AG", "Halden GmbH"]
)
async def test_another_spelling_waits_for_a_person_who_links_it(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem, name: str
) -> None:
    there = erp.put(C, "X-99", name=name)
    crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()

    (issue,) = await masters.issues()
    assert (issue.issue.cause, issue.issue.candidates) == (Cause.POSSIBLE_TWIN, (there,))
    assert len(erp.of(C)) == 1

    await masters.resolve(issue, "link")
    # Linked, the two names disagree, and that is another question.
    assert len(erp.of(C)) == 1
    assert list((await masters.links(C, "crm", "erp")).values()) == [there]


async def test_what_has_the_key_of_another_record_is_no_twin_though_nobody_has_linked_it_yet(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    erp.put(C, "CUST-2", name="Amber Utilities")
    crm.put(C, "CUST-1", name="Umber Utilities")
    crm.put(C, "CUST-2", name="Amber Utilities")
    await masters.read()
    await masters.activities.sync(C, limit=1)
    await masters.settle()

    assert await masters.open_cases() == []
    assert sorted(one.code for one in erp.of(C).values()) == ["CUST-1", "CUST-2"]


async def test_a_twin_that_was_another_ones_is_asked_about_no_more(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    erp.put(C, "X-2", name="Amber Utilities")
    crm.put(C, "CUST-1", name="Umber Utilities")
    crm.put(C, "CUST-2", name="Amber Utilities")
    await masters.sync()
    asked = {one.issue.code: one for one in await masters.issues()}
    assert asked.keys() == {"CUST-1", "CUST-2"}

    await masters.resolve(asked["CUST-2"], "link")

    assert await masters.open_cases() == []
    assert sorted(one.code for one in erp.of(C).values()) == ["CUST-1", "X-2"]


async def test_two_spellings_of_one_customer_at_its_owner_do_not_both_reach_the_erp(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    first = crm.put(C, "CUST-1", name="Halden AG")
    crm.put(C, "CUST-2", name="HALDEN A.G.")
    await masters.sync()

    (issue,) = await masters.issues()
    assert (issue.issue.cause, issue.issue.candidates) == (Cause.POSSIBLE_TWIN, (first,))
    assert [one.code for one in erp.of(C).values()] == ["CUST-1"]

    await masters.resolve(issue, "apart")
    assert len(erp.of(C)) == 2
    assert await masters.open_cases() == []


async def test_a_twin_that_is_none_is_made_anew(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    erp.put(C, "X-99", name="Halden GmbH")
    crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()
    (issue,) = await masters.issues()

    await masters.resolve(issue, "apart")

    assert sorted(one.code for one in erp.of(C).values()) == ["CUST-1", "X-99"]
    assert await masters.open_cases() == []


async def test_a_write_that_is_answered_and_ignored_is_found_and_not_repeated(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    account = crm.put(C, "CUST-1", name="Halden AG")
    await masters.sync()
    erp.ignoring["CUST-1"] = "name"
    crm.change(C, account, name="Halden SE")
    await masters.sync()
    before = erp.writes
    for _ in range(3):
        await masters.sync(whole=True)

    (issue,) = await masters.issues()
    assert issue.issue.cause is Cause.MASTER_WRITE_IGNORED
    assert (issue.issue.owner_value, issue.issue.value) == ("Halden SE", "Halden AG")
    assert erp.writes == before

    erp.ignoring.clear()
    await masters.resolve(issue, "retry")
    assert [one.name for one in erp.of(C).values()] == ["Halden SE"]
    assert await masters.open_cases() == []


async def test_a_refused_record_is_one_case_and_its_neighbours_go_on(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    crm.put(C, "CUST-1")
    crm.put(C, "CUST-2")
    erp.refusing.add("CUST-1")
    for _ in range(3):
        await masters.sync(whole=True)

    assert [one.code for one in erp.of(C).values()] == ["CUST-2"]
    (issue,) = await masters.issues()
    assert issue.issue.cause is Cause.MASTER_REFUSED
    assert len(await masters.open_cases()) == 1

    erp.refusing.clear()
    await masters.resolve(issue, "retry")
    assert len(erp.of(C)) == 2
    assert await masters.open_cases() == []


async def test_what_a_receiver_has_lost_is_told_and_made_again_only_if_a_person_says_so(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    crm.put(C, "CUST-1")
    await masters.sync()
    erp.remove(C, next(iter(erp.of(C))))
    await masters.sync(whole=True)

    (issue,) = await masters.issues()
    assert issue.issue.cause is Cause.MASTER_GONE
    assert erp.of(C) == {}

    await masters.resolve(issue, "recreate")
    assert [one.code for one in erp.of(C).values()] == ["CUST-1"]
    assert await masters.open_cases() == []


async def test_what_its_owner_deletes_is_used_no_more_and_taken_up_when_it_is_made_again(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    account = crm.put(C, "CUST-1")
    await masters.sync()
    (there,) = erp.of(C)
    crm.remove(C, account)
    await masters.sync()
    assert not erp.of(C)[there].active

    again = crm.put(C, "CUST-1")
    await masters.sync()

    assert list(erp.of(C)) == [there]
    assert erp.of(C)[there].active
    assert (await masters.links(C, "crm", "erp")) == {again: there}
    assert await masters.open_cases() == []


async def test_what_its_owner_only_does_not_show_is_a_question_and_changes_nothing(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    account = crm.put(C, "CUST-1")
    await masters.sync()
    (there,) = erp.of(C)
    record = crm.records.pop((C, account))
    await masters.sync(whole=True)

    (issue,) = await masters.issues()
    assert (issue.issue.cause, issue.issue.connection) == (Cause.MASTER_GONE, "crm")
    assert erp.of(C)[there].active

    # It could not be read for a while.
    crm.records[C, account] = record
    await masters.sync(whole=True)
    assert await masters.open_cases() == []

    del crm.records[C, account]
    await masters.sync(whole=True)
    (issue,) = await masters.issues()
    await masters.resolve(issue, "apply")
    assert not erp.of(C)[there].active
    assert await masters.open_cases() == []


async def test_an_id_that_comes_back_as_something_else_is_something_else(
    masters: Masters, crm: MadeUpSystem, erp: MadeUpSystem
) -> None:
    account = crm.put(C, "CUST-1", name="Halden")
    await masters.sync()
    crm.remove(C, account)
    await masters.sync()
    crm.put(C, "CUST-7", account, name="Oderbruch")
    await masters.sync()

    names = {one.code: one.name for one in erp.of(C).values()}
    assert names == {"CUST-1": "Halden", "CUST-7": "Oderbruch"}
    assert await masters.open_cases() == []


async def test_two_records_of_one_code_in_one_system_are_one_case_and_no_twin(
    masters: Masters, psa: MadeUpSystem, erp: MadeUpSystem, crm: MadeUpSystem
) -> None:
    crm.put(C, "CUST-1")
    crm.put(C, "CUST-1", name="Other")
    await masters.sync()

    assert erp.of(C) == {}
    assert {one["cause"] for one in await masters.open_cases()} == {"master_incomplete"}
    assert len(await masters.open_cases()) == 1


async def test_a_system_that_does_not_answer_keeps_nobody_else_waiting(
    masters: Masters, crm: MadeUpSystem, psa: MadeUpSystem, erp: MadeUpSystem
) -> None:
    crm.put(C, "CUST-1")
    await masters.sync()
    erp.away = True
    crm.put(C, "CUST-2")
    await masters.feeds.read(_feed("crm"))
    await masters.settle()

    assert len(psa.of(C)) == 2
    assert await masters.open_cases() == []

    erp.away = False
    await masters.time_passes()
    await masters.settle()
    assert len(erp.of(C)) == 2


def _feed(name: str) -> MasterFeedRef:
    return MasterFeedRef(connection=name)
