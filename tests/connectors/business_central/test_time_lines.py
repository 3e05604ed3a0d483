"""Time in Business Central: entries, the register that speaks for them, and what people do."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from canonical.posting import Executed, PostedDocument, PostingIntent
from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.business_central import BusinessCentral
from connectors.conformance.posting_target import posted
from connectors.conformance.posting_undo import undo_of
from tests.connectors.business_central.world import BusinessCentralWorld


async def booked(erp: BusinessCentral, *intents: PostingIntent) -> list[PostedDocument]:
    return list(await posted(erp, intents))


def same_day(world: BusinessCentralWorld, count: int, **given: object) -> list[PostingIntent]:
    """Lines of one person on one day."""
    first = world.intent(**given)  # type: ignore[arg-type]  # The world's own parameters.
    day = first.time_line.work_date
    return [first, *(world.intent(work_date=day, **given) for _ in range(count - 1))]  # type: ignore[arg-type]


async def test_lines_that_say_the_same_are_entries_of_their_own(
    world: BusinessCentralWorld,
) -> None:
    erp, intents = world.connect(), same_day(world, 3)
    documents = await booked(erp, *intents)
    assert len({one.document_id for one in documents}) == 3
    entries = list(world.company.rows("timeRegistrationEntries"))
    assert [row["lineNumber"] for row in entries] == [10_000, 20_000, 30_000]
    again = await world.connect().find(intents)
    assert [again[one.reference] for one in documents] == [(one,) for one in documents]


async def test_a_person_s_own_entry_of_the_same_work_is_not_taken_for_ours(
    world: BusinessCentralWorld,
) -> None:
    erp, (ours, missing) = world.connect(), same_day(world, 2)
    [document] = await booked(erp, ours)
    world.company.insert(
        "timeRegistrationEntries",
        {**world.entry(document.document_id), "id": None, "lineNumber": 20_000},
    )
    found = await erp.find([ours, missing])
    assert found == {ours.reference: (document,)}


async def test_hours_that_a_person_changed_show_and_a_deleted_entry_is_gone(
    world: BusinessCentralWorld,
) -> None:
    erp, intents = world.connect(), same_day(world, 2)
    changed, deleted = await booked(erp, *intents)
    world.entry(changed.document_id)["quantity"] = Decimal("3.5")
    world.company.delete("timeRegistrationEntries", deleted.document_id.rpartition("/")[2])
    found = await erp.find(intents)
    assert list(found) == [changed.reference]
    [shown] = found[changed.reference]
    assert (shown.document_id, shown.time_line.seconds) == (changed.document_id, 12_600)


@pytest.mark.parametrize("seconds", [1, 59, 60, 1_200, 5_400, 35_999, 86_400])
async def test_every_second_survives_the_decimals_of_an_hour(
    world: BusinessCentralWorld, seconds: int
) -> None:
    [document] = await booked(world.connect(), world.intent(seconds=seconds))
    assert document.time_line.seconds == seconds
    [entry] = world.company.rows("timeRegistrationEntries")
    assert -entry["quantity"].as_tuple().exponent == 5


async def test_what_the_erp_committed_by_itself_before_it_refused_is_unknown_and_then_found(
    world: BusinessCentralWorld,
) -> None:
    world.environment.quirks.commits_by_itself = True
    erp, good, bad = world.connect(), world.intent(), world.refused_intent()
    evidence = await erp.guard_evidence([good, bad])
    with pytest.raises(OutcomeUnknownError):
        await erp.post([good, bad], evidence)
    found = await erp.find([good, bad])
    assert list(found) == [good.reference]
    assert found[good.reference][0].body == good.body


async def test_no_line_of_the_register_ever_stands_for_an_entry_that_is_not_there(
    world: BusinessCentralWorld,
) -> None:
    erp, intents = world.connect(), [world.intent(), world.refused_intent()]
    with pytest.raises(RejectedError):
        await erp.post(intents, await erp.guard_evidence(intents))
    assert list(world.company.rows("journalLines")) == []
    assert list(world.company.rows("timeRegistrationEntries")) == []


async def test_a_look_up_that_lags_is_a_conflict_or_unknown_and_never_a_second_entry(
    world: BusinessCentralWorld,
) -> None:
    erp, intent = world.connect(), world.intent()
    evidence = await erp.guard_evidence([intent])
    world.network.lose_next_write()
    with pytest.raises(OutcomeUnknownError):
        await erp.post([intent], evidence)
    world.environment.quirks.stale_reads = 4
    evidence = await erp.guard_evidence([intent])
    assert await erp.find([intent]) == {}
    with pytest.raises((ConflictError, OutcomeUnknownError)):
        await erp.post([intent], evidence)
    assert len(await world.held(intent.reference)) == 1


async def test_a_token_that_ended_is_fetched_anew_and_the_write_was_not_made(
    world: BusinessCentralWorld,
) -> None:
    erp, intent = world.connect(), world.intent()
    evidence = await erp.guard_evidence([intent])
    world.network.answer_next_write(401, carried_out=False)
    with pytest.raises(TransientError) as told:
        await erp.post([intent], evidence)
    assert told.value.code == "token_expired"
    assert await world.held(intent.reference) == []
    await booked(erp, intent)


async def test_a_claim_that_ends_before_the_request_is_out_sends_nothing(
    world: BusinessCentralWorld,
) -> None:
    erp, intent = world.connect(), world.intent()
    evidence = await erp.guard_evidence([intent])
    with pytest.raises(TransientError) as told:
        await erp.post([intent], evidence, last_byte_by=0.0)
    assert told.value.code == "too_late"
    assert world.network.writes == []


async def test_work_that_lies_years_apart_is_looked_up_in_windows_that_the_api_allows(
    world: BusinessCentralWorld,
) -> None:
    day = world.intent().time_line.work_date
    spread = [day, day + timedelta(days=69), day + timedelta(days=70), day + timedelta(days=400)]
    intents = [world.intent(work_date=one) for one in spread]
    erp = world.connect(page_size=2)
    documents = await booked(erp, *intents)
    assert [one.time_line.work_date for one in documents] == spread


async def test_the_sweep_and_the_reconciliation_page_through_all_of_it(
    world: BusinessCentralWorld,
) -> None:
    erp = world.connect(page_size=3)
    intents = [world.intent(parent=n % 3) for n in range(20)]
    ids = {one.document_id for one in await booked(erp, *intents)}
    swept = [one async for page in erp.documents_since(None) for one in page]
    days = [one.time_line.work_date for one in intents]
    within = erp.documents_between(world.company.id, min(days), max(days))
    listed = [one async for page in within for one in page]
    for told in (swept, listed):
        assert len(told) == len(ids)
        assert {one.document_id for one in told} == ids
    first_week = erp.documents_between(world.company.id, min(days), min(days))
    assert len([one async for page in first_week for one in page]) == 1


async def test_the_sweep_keeps_its_place_when_an_answer_is_lost(
    world: BusinessCentralWorld,
) -> None:
    erp = world.connect(page_size=3)
    intents = [world.intent() for _ in range(8)]
    await booked(erp, *intents)
    pages, found = erp.documents_since(datetime.now(UTC) - timedelta(hours=1)), 0
    for trouble in (True, False):
        if trouble:
            world.network.let_pass(2)
            world.network.lose_next_answer()
        while True:
            try:
                found += len(await anext(pages))
            except TransientError:
                assert trouble
                break
            except StopAsyncIteration:
                break
    assert found == len(intents)


async def test_without_its_register_a_company_takes_no_time(world: BusinessCentralWorld) -> None:
    world.company.delete("journals", world.register["id"])
    erp, intent = world.connect(), world.intent()
    with pytest.raises(ConnectionConfigError) as told:
        await erp.guard_evidence([intent])
    assert told.value.code == "register_missing"
    with pytest.raises(ConnectionConfigError):
        await erp.check()


async def test_a_register_that_a_person_wrote_into_does_no_harm(
    world: BusinessCentralWorld,
) -> None:
    erp, intent = world.connect(), world.intent()
    await booked(erp, intent)
    world.company.insert(
        "journalLines",
        {
            "journalId": world.register["id"],
            "postingDate": intent.time_line.work_date.isoformat(),
            "description": "What is this?",
            "lineNumber": 90_000,
            "accountType": "G/L Account",
        },
    )
    assert list(await erp.find([intent])) == [intent.reference]


async def test_an_undo_of_what_was_handed_in_meanwhile_is_refused_by_the_erp_too(
    world: BusinessCentralWorld,
) -> None:
    erp, intent = world.connect(), world.intent()
    [document] = await booked(erp, intent)
    undo = undo_of(intent, document.document_id)
    evidence = await erp.guard_evidence([undo])

    async def handed_in(request: object) -> object:
        world.entry(document.document_id)["status"] = "Submitted"
        return await world.network.carry(request)  # type: ignore[arg-type]

    world.network.on_next_write(handed_in)  # type: ignore[arg-type]
    with pytest.raises(RejectedError) as told:
        await erp.post([undo], evidence)
    assert told.value.code == "time_sheet_final"
    assert await world.held(intent.reference) == [document.document_id]
    assert len(list(world.company.rows("journalLines"))) == 1


async def test_time_of_two_companies_is_kept_apart(world: BusinessCentralWorld) -> None:
    other = world.company_named("Firm Ltd")
    erp, ours = world.connect(), world.intent()
    theirs = world.intent(
        legal_entity=other.id,
        employee=next(other.rows("employees"))["id"],
        task=f"{next(other.rows('projects'))['id']}/1000",
    )
    for intent in (ours, theirs):
        [outcome] = await erp.post([intent], await erp.guard_evidence([intent]))
        assert isinstance(outcome, Executed)
    swept = [one async for page in erp.documents_since(None) for one in page]
    assert {one.time_line.legal_entity for one in swept} == {world.company.id, other.id}
    assert list(await erp.find([theirs])) == [theirs.reference]


def _for_somebody_else(world: BusinessCentralWorld) -> Callable[[bytes], bytes]:
    """As a time sheet does that puts another person in, without a word."""

    def alter(write: bytes) -> bytes:
        told = json.loads(write)
        for part in told["requests"]:
            if "employeeId" in part.get("body", {}):
                part["body"]["employeeId"] = world.id_of("employees", "E-1002")
        return json.dumps(told).encode()

    return alter


async def test_an_entry_that_became_somebody_elses_is_shown_as_it_was_made(
    world: BusinessCentralWorld,
) -> None:
    erp, intent = world.connect(), world.intent()
    world.network.alter_next_write(_for_somebody_else(world))
    (outcome,) = await erp.post([intent], await erp.guard_evidence([intent]))
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    assert outcome.document.time_line.employee == world.id_of("employees", "E-1002")


async def test_an_unanswered_entry_that_became_somebody_elses_is_not_written_twice(
    world: BusinessCentralWorld,
) -> None:
    erp, intent = world.connect(), world.intent()
    world.network.alter_next_write(_for_somebody_else(world))
    await erp.post([intent], await erp.guard_evidence([intent]))
    # Whoever did not hear the answer finds no entry of this reference.
    assert await erp.find([intent]) == {}
    with pytest.raises(RejectedError) as told:
        await erp.post([intent], await erp.guard_evidence([intent]))
    assert told.value.code == "entry_altered"
    assert len(list(world.company.rows("timeRegistrationEntries"))) == 1
