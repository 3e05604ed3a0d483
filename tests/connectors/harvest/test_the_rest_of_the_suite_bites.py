"""The rules about news, answers and texts are no decoration either: each has its saboteur."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

import pytest

from canonical.masters import Masters
from canonical.money import Money
from canonical.time_entry import TimeEntry
from connectors.base.capabilities import (
    Acknowledged,
    Acknowledgement,
    InvoiceNews,
    InvoiceStep,
    SourcePage,
    SourceRecord,
)
from connectors.base.errors import TransientError
from connectors.conformance.acknowledgement import AcknowledgementContract
from connectors.conformance.http_contract import HttpContract
from connectors.conformance.invoice_status import InvoiceStatusContract
from connectors.conformance.time_source import TimeEntrySourceContract
from tests.connectors.harvest import test_the_invoice_suite_bites as invoices
from tests.connectors.harvest.test_the_suite_bites import (
    BROKEN,
    CallsRefusalsAcceptance,
    Records,
    Sabotaged,
    SabotagedWorld,
    TriesTwice,
)
from tests.connectors.harvest.world import HarvestWorld

Pages = AsyncIterator[SourcePage[TimeEntry]]


class SwallowsABrokenPage(Sabotaged):
    async def spoiled_pages(self, pages: Pages) -> Pages:
        try:
            async for page in pages:
                yield page
        except TransientError:
            return


class AsksTwiceForAPage(Sabotaged):
    async def spoiled_pages(self, pages: Pages) -> Pages:
        try:
            yield await anext(pages)
        except TransientError:
            yield await anext(pages)


class TakesLocalTimeForUtc(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(_changed(each, changed_at=_earlier(each)) for each in records)


class ShowsYesterdaysNewsAgain(Sabotaged):
    def time_entries_changed_since(self, since: datetime) -> Pages:
        return self.good.time_entries_changed_since(since - timedelta(days=1))


class RemembersWhatIsGone(Sabotaged):
    kept: ClassVar[dict[str | None, SourceRecord[TimeEntry]]] = {}

    def spoiled(self, records: Records) -> Records:
        self.kept.update({each.source_id: each for each in records})
        return tuple(self.kept.values())


class CountsTheNote(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            _changed(each, seconds=each.record.seconds + len(each.record.note))
            if each.record
            else each
            for each in records
        )


class CountsOurReference(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            _changed(each, billable=False) if "LTESTREFERENCE" in each.raw else each
            for each in records
        )


class HidesTasks(Sabotaged):
    async def masters(self) -> Masters:
        masters = await self.good.masters()
        return masters.model_copy(update={"tasks": ()})

    async def close(self) -> None:
        await self.good.close()

    def time_entries_between(self, first: date, last: date) -> Pages:
        return self.good.time_entries_between(first, last)


class AnswersOutOfOrder(Sabotaged):
    async def acknowledge(self, lines: Sequence[Acknowledgement]) -> Sequence[Acknowledged]:
        return list(await self.good.acknowledge(lines))[::-1]


class NumbersItsTellings(Sabotaged):
    tellings: ClassVar[Any] = count(1)

    async def acknowledge(self, lines: Sequence[Acknowledgement]) -> Sequence[Acknowledged]:
        told = [replace(each, reference=f"{each.reference}{next(self.tellings)}") for each in lines]
        return await self.good.acknowledge(told)


class AsksNobody(Sabotaged):
    async def check(self) -> str:
        try:
            return await self.good.check()
        except TransientError:
            return "all is well"


class SaysNothing(Sabotaged):
    async def check(self) -> str:
        await self.good.check()
        return ""


class ShowsItsSecret(Sabotaged):
    async def check(self) -> str:
        return f"{await self.good.check()} as {HarvestWorld.secret}"


class SettlesACreditNote(invoices.Sabotaged):
    """Takes the settling of a credit note for a payment of its invoice."""

    async def tell_invoices(self, news: invoices.News) -> invoices.Answers:
        told = [
            replace(each, number=each.credits, amount=_ten(each))
            if each.step is InvoiceStep.PAID and each.credits
            else each
            for each in news
        ]
        return await self.good.tell_invoices(told)


class PaysOnlyOnce(invoices.Sabotaged):
    """Takes any second settling for the first one."""

    async def tell_invoices(self, news: invoices.News) -> invoices.Answers:
        seen: set[str] = set()
        told: list[Acknowledged] = []
        for each in news:
            if each.step is InvoiceStep.PAID and each.number in seen:
                told.append(Acknowledged(each.id, accepted=True))
                continue
            if each.step is InvoiceStep.PAID:
                seen.add(each.number)
            told += await self.good.tell_invoices([each])
        return told


class AnswersWhatWasNotAsked(invoices.Sabotaged):
    async def tell_invoices(self, news: invoices.News) -> invoices.Answers:
        return await self.good.tell_invoices(news) or [Acknowledged("", accepted=True)]


def _ten(news: InvoiceNews) -> Money:
    return news.net.model_copy(update={"amount": abs(news.net.amount)})


def _changed(record: SourceRecord[TimeEntry], **changes: Any) -> SourceRecord[TimeEntry]:
    return replace(record, record=record.record and record.record.model_copy(update=changes))


def _earlier(record: SourceRecord[TimeEntry]) -> datetime | None:
    return record.record and record.record.changed_at - timedelta(hours=1)


time, sink, http = TimeEntrySourceContract(), AcknowledgementContract(), HttpContract()
status = InvoiceStatusContract()
Rule = Callable[..., Awaitable[None]]
BITES: list[tuple[type[Sabotaged], Rule]] = [
    (SwallowsABrokenPage, time.test_a_broken_page_is_transient_and_shows_nothing_private),
    (AsksTwiceForAPage, time.test_a_lost_page_is_transient_and_was_one_attempt),
    (TakesLocalTimeForUtc, time.test_the_instant_of_a_change_is_the_one_at_which_it_was_made),
    (ShowsYesterdaysNewsAgain, time.test_what_did_not_change_is_no_news),
    (RemembersWhatIsGone, time.test_a_deletion_is_visible_by_comparing_a_window),
    (CountsTheNote, time.test_only_what_is_financial_changes_the_hash),
    (HidesTasks, time.test_whatever_an_entry_names_is_among_the_masters),
    (AnswersOutOfOrder, sink.test_each_line_is_told_its_reference_in_order),
    (NumbersItsTellings, sink.test_telling_twice_changes_nothing),
    (CallsRefusalsAcceptance, sink.test_a_line_that_went_is_a_refusal),
    (CountsOurReference, sink.test_our_own_write_back_is_no_correction),
    (TriesTwice, http.test_a_refused_connection_is_transient_and_was_one_attempt),
    (AsksNobody, http.test_an_answer_that_cannot_be_read_is_transient),
    (SaysNothing, http.test_good_credentials_say_who_we_are),
    (ShowsItsSecret, http.test_secrets_are_in_no_text),
]
INVOICE_BITES: list[tuple[type[invoices.Sabotaged], Rule]] = [
    (SettlesACreditNote, status.test_a_credit_note_that_is_settled_shows_no_payment),
    (
        PaysOnlyOnce,
        status.test_an_invoice_that_is_paid_again_after_its_payment_bounced_is_paid_once,
    ),
    (AnswersWhatWasNotAsked, status.test_nothing_to_tell_is_nothing_told),
]


@pytest.mark.parametrize(("sabotage", "rule"), BITES, ids=[one.__name__ for one, _ in BITES])
async def test_a_sabotaged_connector_fails_the_rule(sabotage: type[Sabotaged], rule: Rule) -> None:
    with pytest.raises(BROKEN):
        await rule(SabotagedWorld(sabotage))
    # The rule is not simply impossible: the good connector keeps it.
    await rule(HarvestWorld())


@pytest.mark.parametrize(
    ("sabotage", "rule"), INVOICE_BITES, ids=[one.__name__ for one, _ in INVOICE_BITES]
)
async def test_a_sabotaged_teller_of_invoices_fails_the_rule(
    sabotage: type[invoices.Sabotaged], rule: Rule
) -> None:
    with pytest.raises(BROKEN):
        await rule(invoices.SabotagedWorld(sabotage))
    await rule(HarvestWorld())
