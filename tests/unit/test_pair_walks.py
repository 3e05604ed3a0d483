"""Whatever happens in whatever order: no leg is booked twice, and a pair comes out whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.pair_world import PairWorld

STEPS = ("prepare", "prepare", "send", "send", "begin", "refuse", "let_go", "news", "period")


def take(world: PairWorld, step: str, choice: int) -> None:
    """Take one step, if it is possible now."""
    sendable, stopped = world.sendable(), world.stopped()
    match step:
        case "prepare":
            world.prepare()
        case "send" if sendable:
            world.carry_out(sendable[choice % len(sendable)])
        case "begin" if sendable:
            world.begin(sendable[choice % len(sendable)])
        case "refuse" if sendable:
            world.refuse(sendable[choice % len(sendable)])
        case "let_go" if stopped:
            world.let_go(stopped[choice % len(stopped)])
        case "news":
            (world.change if choice % 2 else world.withdraw_or_approve)()
        case "period":
            world.close_or_open()
        case _:
            pass


@pytest.mark.parametrize("policy", ["HOLD", "REVERSE"])
@settings(max_examples=300, deadline=None)
@given(
    walk=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), max_size=40),
)
def test_no_leg_is_booked_twice_and_in_the_end_the_books_are_as_the_source_says(
    policy: str, walk: list[tuple[str, int]]
) -> None:
    world = PairWorld(policy)
    for step, choice in walk:
        take(world, step, choice)
        world.check()
    world.settle_all()
    world.check()
    assert world.is_as_the_source_says(), [(one.leg, one.kind, one.state) for one in world.rows]


@pytest.mark.parametrize("policy", ["HOLD", "REVERSE"])
def test_the_walk_reaches_what_it_is_about(policy: str) -> None:
    """A leg is refused after the other was posted; then all goes well."""
    world = PairWorld(policy)
    world.prepare()
    for leg in ("main", "charge"):
        world.carry_out(next(one for one in world.sendable() if one.leg == leg))
    world.refuse(next(one for one in world.sendable() if one.leg == "owe"))
    world.prepare()
    backs = [one.leg for one in world.rows if one.kind.takes_back]
    assert backs == (["charge"] if world.reverses else [])
    world.settle_all()
    assert world.is_as_the_source_says()
