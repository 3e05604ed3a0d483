"""The posting protocol, guard by guard, in every interleaving: what is safe, and what is not."""

from dataclasses import replace

import pytest

from tests.model.catalogue import (
    ASSUMPTIONS,
    IDEMPOTENCY_KEY,
    LOOKUP,
    LOOKUP_DUPLICATES,
    MUTANTS,
    PROTOCOL,
    READINGS,
    TWICE,
    VARIANTS,
    Check,
)
from tests.model.exploration import explore
from tests.model.ledger import Flaw

pytestmark = pytest.mark.exhaustive

_SENDING = frozenset(
    {
        "withdraws",
        "has the exception sent again",
        "finds the row PENDING",
        "finds the row taken",
        "claims",
        "dies",
        "gives back its claim",
        "drops a stale claim",
        "sends",
        "gets no answer in time",
        "commits and answers",
        "commits, the answer is lost",
        "commits late, unheard",
        "drops the request",
        "drops a late request",
        "does nothing: refused",
        "does nothing: throttled",
        "tx 2: EXECUTED",
        "tx 2: EXECUTED with a stale fence",
        "tx 2: UNKNOWN",
        "tx 2: UNKNOWN with a stale fence",
        "tx 2: refused",
        "tx 2: refused with a stale fence",
        "tx 2: throttled with a stale fence",
        "passes",
    }
)
_LOOKING_UP = frozenset(
    {
        "finds the row SENDING",
        "looks up: found",
        "looks up: nothing, proven",
        "turns to claim again",
        "claims again, proven",
        "finds its fence stale",
        "cancels the withdrawn row",
    }
)
_SENDING_AGAIN = frozenset(
    {
        "looks up: nothing, unproven",
        "claims again, unproven",
        "leaves the withdrawn row",
        "recognises a repeat and answers",
        "recognises a repeat, the answer is lost",
    }
)
_ROW_BY_STAMP = frozenset(
    {
        "withdraws row 1",
        "writes to the parent of row 1",
        "takes up row 1",
        "reads all stamps",
        "searches and finds no row",
        "searches and finds row 1",
        "tx 1: claims row 1",
        "tx 1: adopts row 1",
        "tx 1: cancels row 1",
        "tx 1: comes too late",
        "sends row 1",
        "gives back its claim",
        "dies",
        "gets no answer in time",
        "commits and answers",
        "commits, the answer is lost",
        "commits a late call, unheard",
        "sees a moved parent",
        "refuses the content",
        "tx 2: EXECUTED with a stale fence",
        "tx 2: CONFLICT",
        "tx 2: CONFLICT with a stale fence",
        "tx 2: UNKNOWN",
        "tx 2: refused",
    }
)

# What must have happened at least once: a check of a model in which nothing happens is void.
HAPPENS = {
    "UniqueReference": _SENDING | _LOOKING_UP | _SENDING_AGAIN | {"lets the document be found"},
    "IdempotencyKey, ttl = 2 (W + F)": (
        _SENDING | _LOOKING_UP | _SENDING_AGAIN | {"finds the key too old"}
    ),
    "Lookup, Q = W + F + L + 1": _SENDING | _LOOKING_UP | {"lets the document be found"},
    "NoGuard": _SENDING
    | {
        "puts the row IN_DOUBT",
        "finds the document",
        "finds nothing",
        "lets the document be found",
    },
    "CompareAndSet, one row with news": _ROW_BY_STAMP | {"makes row 1 quiet"},
    "CompareAndSet, two rows under two parents": {
        "takes up both rows",
        "tx 1: claims both rows",
        "tx 1: adopts row 1, claims row 2",
        "sends both rows",
        "sends row 2",
        "commits, the answer is lost",
        "sees a moved parent",
        "searches and finds both rows",
        "refuses the content",
        "tx 2: CONFLICT",
        "tx 2: EXECUTED with a stale fence",
    },
    "DraftThenPost": {
        "withdraws",
        "makes the row quiet",
        "deletes draft 1",
        "creates 1 late",
        "posts 2 late",
        "looks up: posted",
        "cancels the withdrawn row",
        "searches: finds 1 and 2",
        "searches: no draft to be seen",
        "sends: delete draft 2",
        "sends: delete draft that is gone",
        "deletes and answers",
        "deletes, the answer is lost",
        "refuses to delete",
        "posts and answers",
        "posts, the answer is lost",
        "refuses: not a draft",
        "refuses the content",
        "gives back its claim",
        "tx 2: EXECUTED with a stale fence",
        "tx 2: UNKNOWN",
        "tx 2: refused",
    },
    "Lookup, the check leaves room for the send within W": (
        _SENDING | _LOOKING_UP | {"finds its lease good"}
    ),
    "CompareAndSet, CONFLICT tried again within the claim": {
        "tries again within its claim",
        "goes on with row 1",
        "goes on with no row",
        "makes row 1 quiet",
    },
    "CompareAndSet, an outdated stamp is the proof: no W, F, L": (
        _ROW_BY_STAMP | {"touches the parents"}
    ),
    "UniqueReference, no lease and no Q: duplicates only": {
        "claims again, proven",
        "commits late, unheard",
        "recognises a repeat and answers",
        "recognises a repeat, the answer is lost",
    },
    "DraftThenPost, any fit draft is kept, and only posting is unknown": {
        "withdraws",
        "makes the row quiet",
        "deletes draft 1",
        "creates 1 late",
        "posts 2 late",
        "takes a draft that is there",
        "searches: keeps draft 1",
        "searches: keeps draft 2",
        "searches: its draft is gone",
        "gets no answer in time to creating: nothing was done",
        "gets no answer in time to deleting: nothing was done",
        "gets no answer in time to posting",
        "refuses to delete",
        "posts, the answer is lost",
        "refuses: not a draft",
        "refuses the content",
        "tx 2: NOT_EXECUTED",
        "tx 2: UNKNOWN",
        "tx 2: refused",
    },
    "Lookup, F broken: what the ledger notices": {
        "commits late, unheard",
        "tx 2: EXECUTED with a stale fence",
        "tx 2: SEVERAL",
    },
}


def _named(checks: tuple[Check, ...]) -> list[object]:
    return [pytest.param(check, id=check.name) for check in checks]


def _assert_found_out(check: Check) -> None:
    found = explore(check.model)

    assert found.counterexample is not None
    assert check.broken is not None
    assert check.broken in found.counterexample.broken


@pytest.mark.parametrize("check", _named(PROTOCOL + VARIANTS))
def test_the_protocol_holds_in_every_state_and_always_leads_to_a_decision(check: Check) -> None:
    found = explore(check.model)

    assert found.safe, f"\n{found.counterexample}"
    assert HAPPENS[check.name] - set(found.fired) == set()


@pytest.mark.parametrize("check", _named(MUTANTS))
def test_a_mutant_of_the_protocol_is_found_out(check: Check) -> None:
    _assert_found_out(check)


@pytest.mark.parametrize("check", _named(READINGS))
def test_a_careless_reading_of_the_text_breaks_the_protocol(check: Check) -> None:
    _assert_found_out(check)


@pytest.mark.parametrize("check", _named(ASSUMPTIONS))
def test_without_its_assumption_the_guard_does_not_hold(check: Check) -> None:
    _assert_found_out(check)


@pytest.mark.parametrize(
    ("window", "in_flight", "lag"),
    [(0, 1, 1), (1, 1, 0), (2, 1, 1), (1, 2, 1), (1, 1, 2)],
)
def test_the_smallest_safe_quiet_time_is_one_tick_above_w_plus_f_plus_l(
    window: int, in_flight: int, lag: int
) -> None:
    bound = window + in_flight + lag
    above = replace(LOOKUP, window=window, in_flight=in_flight, lag=lag, quiet=bound + 1)
    assert explore(above).safe

    # At the bound the document may commit or show itself right after the look-up.
    at_the_bound = replace(above, quiet=bound, checked="duplicates")
    found = explore(at_the_bound)
    assert found.counterexample is not None
    assert TWICE in found.counterexample.broken


def test_no_quiet_time_helps_a_lease_measured_after_the_claims_reply() -> None:
    for quiet in (4, 6, 8):
        late = replace(LOOKUP_DUPLICATES, quiet=quiet, flaws=frozenset({Flaw.LEASE_FROM_REPLY}))
        assert not explore(late).safe


@pytest.mark.parametrize("in_flight", [1, 2])
def test_a_key_must_live_for_twice_the_window_and_the_time_in_flight(in_flight: int) -> None:
    ttl = 2 * (IDEMPOTENCY_KEY.window + in_flight) - 2
    short = replace(
        IDEMPOTENCY_KEY, in_flight=in_flight, quiet=2 + in_flight, ttl=ttl, checked="duplicates"
    )
    assert not explore(short).safe


def test_every_flaw_is_put_to_the_test() -> None:
    tried = {
        flaw
        for check in MUTANTS + READINGS + ASSUMPTIONS
        for flaw in getattr(check.model, "flaws", ())
    }
    assert tried == set(Flaw)
