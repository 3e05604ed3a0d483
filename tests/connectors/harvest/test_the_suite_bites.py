"""The contract suite is no decoration: a connector that breaks a rule fails the rule's test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from canonical.time_entry import Approval, TimeEntry
from connectors.base.capabilities import (
    Acknowledged,
    Acknowledgement,
    SourcePage,
    SourceRecord,
)
from connectors.base.errors import ConnectorError, RejectedError, TransientError
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.conformance.acknowledgement import AcknowledgementContract
from connectors.conformance.http_contract import HttpContract
from connectors.conformance.time_source import TimeEntrySourceContract
from connectors.harvest import Harvest
from tests.connectors.harvest.world import HarvestWorld

Records = tuple[SourceRecord[TimeEntry], ...]


class Sabotaged:
    """A connector that does as Harvest's does, but for what a subclass spoils."""

    def __init__(self, good: Harvest) -> None:
        self.good = good
        self.manifest = good.manifest

    async def check(self) -> str:
        return await self.good.check()

    async def masters(self) -> object:
        return await self.good.masters()

    async def acknowledge(self, lines: Sequence[Acknowledgement]) -> Sequence[Acknowledged]:
        return await self.good.acknowledge(lines)

    def time_entries_changed_since(self, since: datetime) -> AsyncIterator[SourcePage[TimeEntry]]:
        return self.spoiled_pages(self.good.time_entries_changed_since(since))

    def time_entries_between(self, first: date, last: date) -> AsyncIterator[SourcePage[TimeEntry]]:
        return self.spoiled_pages(self.good.time_entries_between(first, last))

    async def spoiled_pages(
        self, pages: AsyncIterator[SourcePage[TimeEntry]]
    ) -> AsyncIterator[SourcePage[TimeEntry]]:
        async for page in pages:
            yield replace(page, records=self.spoiled(page.records))

    def spoiled(self, records: Records) -> Records:
        return records


class ReadsTheFirstPageOnly(Sabotaged):
    async def spoiled_pages(
        self, pages: AsyncIterator[SourcePage[TimeEntry]]
    ) -> AsyncIterator[SourcePage[TimeEntry]]:
        async for page in pages:
            yield page
            return


class RepeatsARecord(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return (*records, *records[:1])


class TakesAnythingForApproved(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            replace(
                each,
                approved=True,
                record=each.record and each.record.model_copy(update={"approval": Approval()}),
            )
            for each in records
        )


class DropsWhatItCannotRead(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(each for each in records if each.record is not None)


class LetsOneRecordSinkThePage(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        if any(each.trouble for each in records):
            raise TransientError("one_is_bad")
        return records


class QuotesWhatItCannotRead(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            replace(each, trouble=f"cannot read {each.raw}") if each.trouble else each
            for each in records
        )


class RoundsHours(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            replace(
                each,
                record=each.record
                and each.record.model_copy(
                    update={"seconds": -(-each.record.seconds // 900) * 900}
                ),
            )
            for each in records
        )


class PutsAPersonsLifeOnOneTimesheet(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(replace(each, document_id=each.employee) for each in records)


class ShiftsTheDate(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            replace(
                each,
                record=each.record
                and each.record.model_copy(
                    update={"work_date": each.record.work_date - timedelta(days=1)}
                ),
            )
            for each in records
        )


class SkipsTheInstantItself(Sabotaged):
    def time_entries_changed_since(self, since: datetime) -> AsyncIterator[SourcePage[TimeEntry]]:
        return self.good.time_entries_changed_since(since + timedelta(seconds=1))


class TriesTwice(Sabotaged):
    async def check(self) -> str:
        try:
            return await self.good.check()
        except TransientError:
            return await self.good.check()


class CallsEverythingTransient(Sabotaged):
    async def check(self) -> str:
        try:
            return await self.good.check()
        except ConnectorError as error:
            raise TransientError("something") from error


class CallsRefusalsAcceptance(Sabotaged):
    async def acknowledge(self, lines: Sequence[Acknowledgement]) -> Sequence[Acknowledged]:
        answers = await self.good.acknowledge(lines)
        return [Acknowledged(each.source_id, accepted=True) for each in answers]


class TellsARefusedLineAgain(Sabotaged):
    async def acknowledge(self, lines: Sequence[Acknowledgement]) -> Sequence[Acknowledged]:
        for line in lines:
            await self.good.acknowledge([line])
        return await self.good.acknowledge(lines)


class LetsARefusalEndTheBatch(Sabotaged):
    async def acknowledge(self, lines: Sequence[Acknowledgement]) -> Sequence[Acknowledged]:
        answers = await self.good.acknowledge(lines)
        if not all(each.accepted for each in answers):
            raise RejectedError("refused")
        return answers


class RaisesWhatItMet(Sabotaged):
    async def acknowledge(self, lines: Sequence[Acknowledgement]) -> Sequence[Acknowledged]:
        answers = await self.good.acknowledge(lines)
        if len(answers) < len(lines):
            raise TransientError("not_all")
        return answers


class SabotagedWorld(HarvestWorld):
    """The good world, with a bad connector in it."""

    def __init__(self, spoil: Callable[[Harvest], object], *, unlimited: bool = False) -> None:
        super().__init__()
        self._spoil = spoil
        self._unlimited = unlimited

    def connect(self, budget: RateBudget | None = None, **given: Any) -> Any:
        good = super().connect(Unlimited() if self._unlimited else budget, **given)
        return self._spoil(good)


time, sink, http = TimeEntrySourceContract(), AcknowledgementContract(), HttpContract()
BITES: list[tuple[type[Sabotaged], Callable[..., Awaitable[None]], dict[str, Any]]] = [
    (ReadsTheFirstPageOnly, time.test_all_pages_come_without_loss_or_duplicate, {}),
    (ReadsTheFirstPageOnly, time.test_equal_instants_at_the_edge_of_a_page_lose_nothing, {}),
    (ReadsTheFirstPageOnly, time.test_pages_in_a_circle_are_noticed, {}),
    (RepeatsARecord, time.test_all_pages_come_without_loss_or_duplicate, {}),
    (TakesAnythingForApproved, time.test_only_an_approval_approves, {}),
    (TakesAnythingForApproved, time.test_a_withdrawn_approval_is_seen, {}),
    (DropsWhatItCannotRead, time.test_an_unreadable_record_harms_no_neighbour, {}),
    (LetsOneRecordSinkThePage, time.test_an_unreadable_record_harms_no_neighbour, {}),
    (QuotesWhatItCannotRead, time.test_trouble_names_no_value, {}),
    (RoundsHours, time.test_hours_are_exact, {}),
    (PutsAPersonsLifeOnOneTimesheet, time.test_one_persons_week_is_one_timesheet, {}),
    (ShiftsTheDate, time.test_a_window_includes_both_its_ends_and_nothing_else, {}),
    (SkipsTheInstantItself, time.test_an_entry_changed_at_the_very_instant_is_read_again, {}),
    (SkipsTheInstantItself, time.test_equal_instants_at_the_edge_of_a_page_lose_nothing, {}),
    (TriesTwice, http.test_a_lost_answer_to_a_read_is_transient_and_was_one_attempt, {}),
    (TriesTwice, http.test_a_failing_system_is_transient_and_was_asked_once, {"status": 500}),
    (CallsEverythingTransient, http.test_bad_credentials_are_for_an_operator, {}),
    (CallsRefusalsAcceptance, sink.test_a_refusal_is_final_and_stops_nobody_else, {}),
    (CallsRefusalsAcceptance, sink.test_a_reference_that_was_not_kept_is_no_acceptance, {}),
    (TellsARefusedLineAgain, sink.test_a_refusal_is_final_and_stops_nobody_else, {}),
    (LetsARefusalEndTheBatch, sink.test_a_refusal_is_final_and_stops_nobody_else, {}),
    (RaisesWhatItMet, sink.test_the_budget_is_spent_and_not_exceeded, {}),
    (RaisesWhatItMet, sink.test_trouble_ends_the_batch_and_the_rest_waits, {"trouble": "lost"}),
]
# What a rule says when it is broken: its own assertion, an error it did not expect, or none where
# it expected one.
BROKEN = (AssertionError, ConnectorError, pytest.fail.Exception)


@pytest.mark.parametrize(
    ("sabotage", "rule", "given"),
    [
        pytest.param(*bite, id=f"{bite[0].__name__}-{bite[1].__name__.removeprefix('test_')}")
        for bite in BITES
    ],
)
async def test_a_sabotaged_connector_fails_the_rule(
    sabotage: type[Sabotaged], rule: Callable[..., Awaitable[None]], given: dict[str, Any]
) -> None:
    with pytest.raises(BROKEN):
        await rule(SabotagedWorld(sabotage), **given)
    # The rule is not simply impossible: the good connector keeps it.
    await rule(HarvestWorld(), **given)


@pytest.mark.parametrize(
    "rule",
    [
        time.test_reading_takes_a_token_for_each_page_and_sends_nothing_without,
        sink.test_the_budget_is_spent_and_not_exceeded,
        http.test_without_a_token_nothing_is_sent,
    ],
)
async def test_a_connector_that_ignores_its_budget_fails(
    rule: Callable[..., Awaitable[None]],
) -> None:
    with pytest.raises(BROKEN):
        await rule(SabotagedWorld(lambda good: good, unlimited=True))


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_connector_that_does_not_heed_retry_after_fails(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def heed_nothing(*_: object) -> None: ...

    monkeypatch.setattr("connectors.base.http.OneAttempt._heed", heed_nothing)
    with pytest.raises(BROKEN):
        await http.test_retry_after_pauses_the_whole_connection(HarvestWorld(), form)


async def test_a_connector_that_follows_redirects_fails() -> None:
    def follow(good: Harvest) -> Harvest:
        good._client._http._http.follow_redirects = True
        return good

    with pytest.raises(BROKEN):
        await http.test_a_redirect_is_not_followed(SabotagedWorld(follow), 302)
