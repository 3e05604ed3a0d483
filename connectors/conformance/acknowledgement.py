"""What every source that is told about postings keeps to: in order, and refusals are final."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pytest

from connectors.base.capabilities import Acknowledged, Acknowledgement, AcknowledgementSink
from connectors.base.errors import ConnectionConfigError
from connectors.base.level import Level
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import Tokens
from connectors.conformance.levels import at, rules_at
from connectors.conformance.time_source import MONDAY, TimeSourceWorld, in_window, news


class AcknowledgementWorld(TimeSourceWorld, Protocol):
    """A `TimeSourceWorld` whose system can be told what became of an entry."""

    def sink(self, budget: RateBudget, *, secret: str | None = None) -> AcknowledgementSink:
        """Make a connector, as one that can be told."""
        ...

    def refuse_acknowledgements(self) -> None:
        """Let the system refuse to be told anything about approved entries."""
        ...

    def drop_acknowledgements(self) -> None:
        """Let the system say yes and keep nothing."""
        ...

    def references(self) -> Mapping[str, str]:
        """Our reference, by entry, as the system keeps it."""
        ...


@rules_at(Level.WRITES)
class AcknowledgementContract:
    """Inherit it with a fixture `world`: an `AcknowledgementWorld`, new for each test."""

    async def test_each_line_is_told_its_reference_in_order(
        self, world: AcknowledgementWorld
    ) -> None:
        lines = _lines(world, 3)
        answers = await world.sink(Tokens()).acknowledge(lines)
        assert [(each.source_id, each.accepted) for each in answers] == [
            (line.source_id, True) for line in lines
        ]
        assert world.references() == {line.source_id: line.reference for line in lines}

    @at(Level.EXACTLY_ONCE)
    async def test_telling_twice_changes_nothing(self, world: AcknowledgementWorld) -> None:
        lines = _lines(world, 1)
        first = await world.sink(Tokens()).acknowledge(lines)
        again = await world.sink(Tokens()).acknowledge(lines)
        assert list(again) == list(first)
        assert world.references() == {lines[0].source_id: lines[0].reference}

    async def test_a_refusal_is_final_and_stops_nobody_else(
        self, world: AcknowledgementWorld
    ) -> None:
        refused, accepted = _lines(world, 2)
        world.approve(refused.source_id)
        world.refuse_acknowledgements()
        answers = await world.sink(Tokens()).acknowledge([refused, accepted])
        assert [each.accepted for each in answers] == [False, True]
        assert answers[0].code
        assert answers[0].code != Acknowledged("", accepted=True).code
        assert len(world.network.requests) == 2, "a refused line was told again"

    async def test_a_line_that_went_is_a_refusal(self, world: AcknowledgementWorld) -> None:
        gone, stays = _lines(world, 2)
        world.delete(gone.source_id)
        answers = await world.sink(Tokens()).acknowledge([gone, stays])
        assert [each.accepted for each in answers] == [False, True]

    @at(Level.ATTESTED)
    async def test_a_reference_that_was_not_kept_is_no_acceptance(
        self, world: AcknowledgementWorld
    ) -> None:
        lines = _lines(world, 1)
        world.drop_acknowledgements()
        answers = await world.sink(Tokens()).acknowledge(lines)
        assert [each.accepted for each in answers] == [False]

    @at(Level.EXACTLY_ONCE)
    async def test_the_budget_is_spent_and_not_exceeded(self, world: AcknowledgementWorld) -> None:
        lines = _lines(world, 3)
        answers = await world.sink(Tokens(2)).acknowledge(lines)
        assert _told(answers) == [line.source_id for line in lines[:2]]
        assert len(world.network.requests) == 2
        assert list(await world.sink(Tokens(0)).acknowledge(lines)) == []

    @at(Level.EXACTLY_ONCE)
    @pytest.mark.parametrize("trouble", ["throttled", "failing", "lost", "refused"])
    async def test_trouble_ends_the_batch_and_the_rest_waits(
        self, world: AcknowledgementWorld, trouble: str
    ) -> None:
        lines = _lines(world, 3)
        world.network.let_pass()
        match trouble:
            case "throttled":
                world.network.answer_next(429, {"Retry-After": "30"})
            case "failing":
                world.network.answer_next(500)
            case "lost":
                world.network.lose_next_answer()
            case _:
                world.network.refuse_next()
        answers = await world.sink(Tokens()).acknowledge(lines)
        assert _told(answers) == [lines[0].source_id]
        assert len(world.network.requests) == 2
        later = await world.sink(Tokens()).acknowledge(lines[1:])
        assert [each.accepted for each in later] == [True, True]

    async def test_bad_credentials_are_for_an_operator(self, world: AcknowledgementWorld) -> None:
        lines = _lines(world, 2)
        with pytest.raises(ConnectionConfigError):
            await world.sink(Tokens(), secret="not-the-secret").acknowledge(lines)

    @at(Level.EXACTLY_ONCE)
    async def test_our_own_write_back_is_no_correction(self, world: AcknowledgementWorld) -> None:
        lines = _lines(world, 1)
        entry = lines[0].source_id
        before = (await in_window(world, MONDAY, MONDAY))[entry]
        world.pass_time(60)
        await world.sink(Tokens()).acknowledge(lines)
        after = (await news(world, before.changed_at))[entry]
        assert after.financial_hash == before.financial_hash
        assert after.changed_at >= before.changed_at


def _lines(world: AcknowledgementWorld, count: int) -> list[Acknowledgement]:
    return [
        Acknowledgement(
            source_id=world.add(MONDAY, "1"),
            reference=f"LTESTREFERENCE{number}",
            document_id=f"timesheet.line,{number}",
            permalink=f"https://erp.example/{number}",
        )
        for number in range(count)
    ]


def _told(answers: Sequence[Acknowledged]) -> list[str]:
    return [each.source_id for each in answers]
