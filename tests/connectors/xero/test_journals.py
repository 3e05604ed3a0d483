"""Journal entries as manual journals: many in one call, each judged by itself."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from activities.attestation import agrees
from canonical.journal import JournalLine
from canonical.posting import Executed, NotExecuted, PostingIntent, PostingKind, Unknown
from connectors.base.errors import OutcomeUnknownError, RejectedError
from tests.connectors.xero.firm import TRAVEL
from tests.connectors.xero.world import JournalWorld


async def test_an_entry_is_posted_and_balances(journals: JournalWorld) -> None:
    entry = journals.entry("123.45", "charge")
    [outcome] = await journals.connect().post([entry], {})
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    assert agrees(entry, outcome.document)
    [record] = journals.xero.documents["ManualJournals"].values()
    assert (record["Status"], record["LineAmountTypes"]) == ("POSTED", "NoTax")
    assert sum(line["LineAmount"] for line in record["JournalLines"]) == 0


async def test_only_the_id_of_what_is_posted_counts(journals: JournalWorld) -> None:
    journals.misbehave(renames_posted_journals=True)
    entries = [journals.entry(), journals.entry("1.00")]
    outcomes = await journals.connect().post(entries, {})
    shown = {f"journal/{record}" for record in journals.xero.documents["ManualJournals"]}
    assert {each.document_id for each in outcomes if isinstance(each, Executed)} == shown


async def test_a_draft_is_no_document_whatever_becomes_of_its_id(journals: JournalWorld) -> None:
    journals.misbehave(keeps_drafts=True)
    entry = journals.entry()
    [outcome] = await journals.connect().post([entry], {})
    assert isinstance(outcome, Unknown), "a draft is never taken for booked"
    assert await journals.connect().find([entry]) == {}
    journals.misbehave(keeps_drafts=False)
    [record] = journals.xero.documents["ManualJournals"].values()
    draft, posted = record["ManualJournalID"], await _posted_by_a_person(journals, record)
    assert draft != posted
    [document] = (await journals.connect().find([entry]))[entry.reference]
    assert document.document_id == f"journal/{posted}"


async def _posted_by_a_person(world: JournalWorld, record: dict[str, Any]) -> str:
    from connectors.xero.simulated_journals import post_journal

    return post_journal(world.xero, record, "POSTED")["ManualJournalID"]


async def test_of_a_call_that_broke_off_each_is_found_or_not(journals: JournalWorld) -> None:
    entries = [journals.entry(str(n + 1)) for n in range(5)]
    journals.misbehave(breaks_after_items=2)
    with pytest.raises(OutcomeUnknownError):
        await journals.connect().post(entries, {})
    found = await journals.connect().find(entries)
    assert sorted(found) == sorted(each.reference for each in entries[:2])


async def test_an_item_that_is_missing_from_the_answer_is_unknown(journals: JournalWorld) -> None:
    entries = [journals.entry(), journals.entry("2.00")]
    journals.misbehave(forgets_an_item=True)
    first, second = await journals.connect().post(entries, {})
    assert isinstance(first, Executed)
    assert isinstance(second, Unknown)
    assert sorted(await journals.connect().find(entries)) == sorted(e.reference for e in entries)


async def test_what_is_not_shown_within_the_lag_is_unknown_and_shown_later(
    journals: JournalWorld,
) -> None:
    journals.misbehave(lag_seconds=30)
    entry = journals.entry()
    [outcome] = await journals.connect().post([entry], {})
    assert isinstance(outcome, Unknown)
    await journals.pass_time(30)
    assert list(await journals.connect().find([entry])) == [entry.reference]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"currency": "USD"}, "not_base_currency"),
        (
            {
                "lines": (
                    JournalLine(account=TRAVEL, amount=Decimal(1), party="somebody"),
                    JournalLine(account="850", amount=Decimal(-1)),
                )
            },
            "party_not_kept",
        ),
        ({"legal_entity": "another"}, "legal_entity_unknown"),
    ],
)
async def test_what_xero_would_drop_is_refused_and_costs_its_neighbours_nothing(
    journals: JournalWorld, change: dict[str, Any], code: str
) -> None:
    bad, good = journals.entry(**change), journals.entry()
    refused, executed = await journals.connect().post([bad, good], {})
    assert isinstance(refused, NotExecuted)
    assert (refused.refused, refused.code) == (True, code)
    assert isinstance(executed, Executed)


async def test_a_locked_day_is_refused_for_the_one_and_not_the_other(
    journals: JournalWorld,
) -> None:
    journals.xero.end_of_year_lock_date = date(2025, 12, 31)
    bad, good = journals.entry(entry_date=date(2025, 12, 31)), journals.entry()
    refused, executed = await journals.connect().post([bad, good], {})
    assert isinstance(refused, NotExecuted)
    assert refused.code == "year_locked"
    assert isinstance(executed, Executed)


def reversal_of(world: JournalWorld, entry: PostingIntent, document_id: str) -> PostingIntent:
    return world.intent_of(
        entry.body,
        date(2026, 3, 31),
        kind=PostingKind.REVERSAL,
        corrects=entry.key,
        corrects_document=document_id,
    )


async def test_an_entry_is_taken_back_by_its_opposite(journals: JournalWorld) -> None:
    entry = journals.entry("36.00")
    reversal = reversal_of(journals, entry, await journals.book(entry))
    xero = journals.connect()
    [outcome] = await xero.post([reversal], {})
    assert isinstance(outcome, Executed)
    assert outcome.document is not None
    assert agrees(reversal, outcome.document)
    first, second = journals.xero.documents["ManualJournals"].values()
    assert [line["LineAmount"] for line in second["JournalLines"]] == [
        -line["LineAmount"] for line in first["JournalLines"]
    ]
    assert second["Date"] == date(2026, 3, 31)
    [again] = await xero.post([reversal], {})
    assert again == outcome, "a key that is sent again takes nothing back twice"


@pytest.mark.parametrize("status", ["VOIDED", "DRAFT"])
async def test_what_does_not_stand_is_not_taken_back(journals: JournalWorld, status: str) -> None:
    entry = journals.entry()
    document_id = await journals.book(entry)
    [record] = journals.xero.documents["ManualJournals"].values()
    record["Status"] = status
    with pytest.raises(RejectedError) as told:
        await journals.connect().post([reversal_of(journals, entry, document_id)], {})
    assert told.value.code == "original_not_standing"


async def test_entries_of_a_window_are_those_of_its_days(journals: JournalWorld) -> None:
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1)]
    for day in days:
        await journals.book(journals.entry(entry_date=day))
    march = journals.connect().documents_between(journals.options().tenant_id, days[1], days[2])
    swept = [each.journal_entry.entry_date async for page in march for each in page]
    assert sorted(swept) == days[1:3]
