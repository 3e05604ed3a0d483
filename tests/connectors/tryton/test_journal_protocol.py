"""Journal entries in the real ERP: DraftThenPost, refusals by name, and the opposite of an entry.

Every interleaving of the protocol is checked on the model; here it is seen that moves follow it.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from activities.attestation import agrees
from canonical.journal import JournalEntry
from canonical.posting import Executed, PostingIntent, PostingOutcome
from connectors.base.errors import (
    ConflictError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.tryton import Tryton
from sandbox.tryton.expense_seed import EMPLOYEE_RECEIVABLE
from sandbox.tryton.intercompany_seed import CHARGE, DUE_FROM
from tests.connectors.tryton.journal_world import CREATE, POST, JournalWorld, charge, line

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

RACERS = 3


async def post(target: Tryton, intent: PostingIntent) -> PostingOutcome:
    """Make one attempt."""
    (outcome,) = await target.post([intent], await target.guard_evidence([intent]))
    return outcome


async def refusal(target: Tryton, intent: PostingIntent) -> str:
    """Make one attempt that must be refused; gives the code."""
    with pytest.raises(RejectedError) as refused:
        await post(target, intent)
    return refused.value.code


async def settled(world: JournalWorld, intent: PostingIntent) -> int:
    """Try until it is posted, as another worker would; then there is one move, as sent."""
    target = world.connect()
    for _ in range(10):
        try:
            outcome = await post(target, intent)
        except (ConflictError, TransientError, OutcomeUnknownError):
            continue
        assert isinstance(outcome, Executed)
        break
    else:
        raise AssertionError("not posted in ten attempts")
    (held,) = await world.held(intent)
    assert held.posted
    (found,) = (await target.find([intent]))[intent.reference]
    assert found.document_id == outcome.document_id == str(held.id)
    assert agrees(intent, found)
    return held.id


async def test_an_entry_is_booked_in_its_company_its_currency_and_its_period(
    journal: JournalWorld,
) -> None:
    target = journal.connect()
    for currency in ("EUR", "USD"):
        entity = journal.entity(currency)
        intent = journal.intent(*charge("123.45"), currency=currency, legal_entity=entity.id)
        before = await journal.desk.trial_balance(entity.code)
        (outcome,) = await target.post([intent], {})
        assert isinstance(outcome, Executed)
        assert outcome.document is not None
        assert agrees(intent, outcome.document)
        (held,) = await journal.held(intent)
        assert (held.legal_entity, held.currency) == (entity.code, currency)
        assert (held.entry_date, held.period) == (journal.day, f"{journal.day:%Y-%m}")
        assert held.journal == "MISC"
        assert held.accounts == {DUE_FROM: Decimal("123.45"), CHARGE: Decimal("-123.45")}
        after = await journal.desk.trial_balance(entity.code)
        assert after[DUE_FROM] - before.get(DUE_FROM, 0) == Decimal("123.45")
        assert after[CHARGE] - before.get(CHARGE, 0) == Decimal("-123.45")


async def test_racers_on_one_entry_leave_one_move_and_one_number(journal: JournalWorld) -> None:
    intent = journal.intent()
    targets = [journal.connect() for _ in range(RACERS)]
    await asyncio.gather(*(target.check() for target in targets))
    outcomes = await asyncio.gather(
        *(post(target, intent) for target in targets), return_exceptions=True
    )
    allowed = (Executed, ConflictError, TransientError, OutcomeUnknownError)
    assert [each for each in outcomes if not isinstance(each, allowed)] == []
    document = await settled(journal, intent)
    booked = {each.document_id for each in outcomes if isinstance(each, Executed)}
    assert booked <= {str(document)}


async def test_a_lost_answer_to_creation_does_nothing_that_matters(journal: JournalWorld) -> None:
    target, intent = journal.connect(), journal.intent()
    journal.aim = CREATE
    journal.network.lose_next_write()
    with pytest.raises(TransientError):
        await post(target, intent)
    assert await target.find([intent]) == {}
    assert [each.posted for each in await journal.held(intent)] == [False]
    await settled(journal, intent)


async def test_a_lost_answer_to_posting_is_looked_into(journal: JournalWorld) -> None:
    target, intent = journal.connect(), journal.intent()
    journal.network.lose_next_write()
    assert isinstance(await post(target, intent), Executed)
    assert journal.sent(POST) == 1
    await settled(journal, intent)


async def test_posting_that_is_still_under_way_is_unknown_and_counts_once_when_it_lands(
    journal: JournalWorld,
) -> None:
    target, intent = journal.connect(), journal.intent()
    journal.network.hold_next_write()
    with pytest.raises(OutcomeUnknownError):
        await post(target, intent)
    assert await target.find([intent]) == {}
    await journal.network.release()
    await settled(journal, intent)


async def test_a_draft_that_somebody_altered_is_replaced_and_never_posted(
    journal: JournalWorld,
) -> None:
    target, intent = journal.connect(), journal.intent()
    journal.network.refuse_next_write()
    with pytest.raises((TransientError, OutcomeUnknownError)):
        await post(target, intent)
    (draft,) = await journal.held(intent)
    debited, credited = draft.lines
    values = {"debit": Decimal("99.00")}, {"credit": Decimal("99.00")}
    journal.session.work_for(int(journal.entity().id))
    await journal.session.write("account.move.line", [debited.id], values[0])
    await journal.session.write("account.move.line", [credited.id], values[1])
    assert await settled(journal, intent) != draft.id


async def test_what_lost_requests_left_behind_is_swept_and_keeps_no_period_open(
    journal: JournalWorld,
) -> None:
    target, intent = journal.connect(), journal.intent()
    journal.aim = CREATE
    journal.network.lose_next_write()
    with pytest.raises(TransientError):
        await post(target, intent)
    now = datetime.now(UTC)
    assert await target.remove_stray_drafts(now - timedelta(hours=1)) == 0
    assert await target.remove_stray_drafts(now + timedelta(minutes=1)) >= 1
    assert await journal.held(intent) == ()


Spoilt = Callable[[JournalWorld], PostingIntent]
REFUSED: dict[str, tuple[str, Spoilt]] = {
    "an account that is not there": (
        "account_unknown",
        lambda world: world.intent(line("9999", "1.00"), line(CHARGE, "-1.00")),
    ),
    "a party missing where one is kept": (
        "party_missing",
        lambda world: world.intent(line(EMPLOYEE_RECEIVABLE, "1.00"), line(CHARGE, "-1.00")),
    ),
    "a party where none is kept": (
        "party_not_kept",
        lambda world: world.intent(line(DUE_FROM, "1.00", party="1"), line(CHARGE, "-1.00")),
    ),
    "another currency than the books": (
        "currency_not_the_books",
        lambda world: world.intent(currency="USD"),
    ),
    "a day outside all fiscal years": (
        "period_missing",
        lambda world: world.intent(entry_date=world.day.replace(year=1999)),
    ),
}


@pytest.mark.parametrize(("code", "spoilt"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_the_books_do_not_take_is_refused_by_name_and_leaves_nothing(
    journal: JournalWorld, code: str, spoilt: Spoilt
) -> None:
    intent = spoilt(journal)
    assert await refusal(journal.connect(), intent) == code
    assert await journal.held(intent) == ()


async def test_a_closed_period_is_refused_by_name_and_taken_once_it_is_open_again(
    journal: JournalWorld,
) -> None:
    intent = journal.intent()
    target = journal.connect()
    async with journal.closed(journal.entity(), journal.day):
        assert await refusal(target, intent) == "period_closed"
        assert await journal.held(intent) == ()
    await settled(journal, intent)


async def test_a_reversal_is_the_opposite_to_the_cent_and_reads_as_what_it_takes_back(
    journal: JournalWorld,
) -> None:
    target, entity = journal.connect(), journal.entity()
    before = await journal.desk.trial_balance(entity.code)
    original = journal.intent(*charge("77.70"))
    document_id = await journal.posted(target, original)
    reversal = journal.reversal(original, document_id, journal.next_day)
    await settled(journal, reversal)
    (held,) = await journal.held(reversal)
    assert held.accounts == {DUE_FROM: Decimal("-77.70"), CHARGE: Decimal("77.70")}
    assert held.origin == f"account.move,{document_id}"
    assert (held.entry_date, held.period) == (journal.next_day, f"{journal.next_day:%Y-%m}")
    after = await journal.desk.trial_balance(entity.code)
    assert {code: amount for code, amount in after.items() if amount} == {
        code: amount for code, amount in before.items() if amount
    }
    # The original stands as it was.
    assert agrees(original, (await target.find([original]))[original.reference][0])


async def test_only_a_posted_entry_of_ours_is_taken_back(journal: JournalWorld) -> None:
    target = journal.connect()
    original, other = journal.intent(), journal.intent()
    document_id = await journal.posted(target, original)
    missing = journal.reversal(original, "999999", journal.day)
    assert await refusal(target, missing) == "original_not_standing"
    foreign = journal.reversal(other, document_id, journal.day)
    assert await refusal(target, foreign) == "not_ours"


async def test_the_sweep_and_the_window_show_entries_and_their_opposites(
    journal: JournalWorld,
) -> None:
    target = journal.connect()
    before = datetime.now(UTC) - timedelta(seconds=60)
    original = journal.intent()
    document_id = await journal.posted(target, original)
    reversal = journal.reversal(original, document_id, journal.day)
    other_id = await journal.posted(target, reversal)
    swept = [each async for page in target.documents_since(before) for each in page]
    body = original.journal_entry
    window = [
        each
        async for page in target.documents_between(body.legal_entity, journal.day, journal.day)
        for each in page
    ]
    for listed in (swept, window):
        entries = [each for each in listed if isinstance(each.body, JournalEntry)]
        ours = {each.document_id: each for each in entries}
        assert agrees(original, ours[document_id])
        assert agrees(reversal, ours[other_id])
    # The move that books a document of another kind is no entry of ours.
    assert len({each.reference for each in swept}) == len(swept)
