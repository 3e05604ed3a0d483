"""Trouble with master writes: one attempt in the midst of it, and what its answers may say."""

from collections.abc import Callable, Mapping, Sequence

import httpx
import pytest

from connectors.base.capabilities import MasterDataTarget
from connectors.base.errors import ConflictError, TransientError
from connectors.base.guard import CompareAndSet, Lookup, UniqueReference
from connectors.base.master_writes import (
    MasterAnswer,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from connectors.conformance.master_world import (
    MasterTargetWorld,
    held_for,
    operation_of,
    query_for,
)

Answers = Sequence[MasterAnswer]


def new(world: MasterTargetWorld, number: int = 1) -> MasterWrite:
    """A record to be made; where none can be, the rule is not about this kind."""
    if not operation_of(world).creates:
        pytest.skip("records of this kind are not made here")
    return world.sample(number)


def refuses_twins(world: MasterTargetWorld) -> None:
    """The rule is about systems that refuse a second record of the same key."""
    if not isinstance(operation_of(world).guard, UniqueReference | CompareAndSet):
        pytest.skip("the manifest does not say that the system refuses twins")


def wait_seconds(world: MasterTargetWorld) -> int:
    """How long the platform waits before it looks for what was not answered."""
    operation = operation_of(world)
    return operation.quiet_seconds if isinstance(operation.guard, Lookup) else 0


async def tried(
    target: MasterDataTarget,
    writes: Sequence[MasterWrite],
    evidence: Mapping[str, str] | None = None,
) -> Answers:
    """One attempt; no answer at all where the connector says that nothing was done."""
    if evidence is None:
        evidence = (await target.find_masters([query_for(writes)])).evidence
    try:
        return await target.write_masters(writes, evidence)
    except (TransientError, ConflictError):
        return ()


def unsettled(
    world: MasterTargetWorld, sample: MasterWrite, answers: Answers, *, there: int = 1
) -> None:
    """It was made and nobody said so: the answer claims neither that it was nor that it was not."""
    assert [type(each) for each in answers] == [MasterUnsettled]
    assert len(held_for(world, sample)) == there


def no_refusal(world: MasterTargetWorld, sample: MasterWrite, answers: Answers) -> None:
    """A repeat of what is there: the same record, or nothing, but nothing for a person."""
    assert not [each for each in answers if isinstance(each, MasterRefused)]
    made = [each.id for each in answers if isinstance(each, MasterWritten)]
    assert set(made) <= {each.id for each in held_for(world, sample)}


def truthful(world: MasterTargetWorld, samples: Sequence[MasterWrite], answers: Answers) -> None:
    """An unsettled answer is the last one, what is called made is, and the rest was not tried."""
    assert len(answers) <= len(samples)
    for place, (sample, answer) in enumerate(zip(samples, answers, strict=False)):
        match answer:
            case MasterWritten(id=made):
                assert [each.id for each in held_for(world, sample)] == [made]
            case MasterUnsettled():
                assert place == len(answers) - 1, "something was tried after trouble"
            case MasterRefused():
                raise AssertionError("trouble is no refusal")
    assert [each for each in samples[len(answers) :] if held_for(world, each)] == []


def after_one_write(world: MasterTargetWorld, plan: Callable[[], None]) -> None:
    """Let the next write through, and let something befall the one after it."""

    async def carried(request: httpx.Request) -> httpx.Response:
        plan()
        return await world.network.carry(request)

    world.network.on_next_write(carried)


def go_wrong(world: MasterTargetWorld, trouble: str) -> None:
    """Let the next write come to grief."""
    match trouble:
        case "throttled":
            world.network.answer_next_write(429, {"Retry-After": "30"}, carried_out=False)
        case "lost":
            world.network.lose_next_write()
        case _:
            world.network.refuse_next_write()
