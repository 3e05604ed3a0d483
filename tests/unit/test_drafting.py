"""What a timesheet's lines and postings call for now, decided without any input or output."""

from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import Any

import pytest

from activities.draft import Draft
from activities.drafting import Drafter, unreadable_cause
from activities.intents import Intents
from activities.line_checks import check_time
from canonical.exception_case import Cause
from canonical.identity import idempotency_key, reference_of
from canonical.posting import PostingKind, PostingState
from canonical.posting_period import PeriodState
from canonical.source_line import LineStatus, LineVersion
from canonical.time_entry import TimeEntry
from rules.facts import Facts
from rules.policies import ClosedPeriodPolicy, Policies, Policy
from rules.revisions import advance
from store.postings import NewPosting, Posting
from tests.unit.building import DAY, NOON, facts, number, period, posting, time_entry

S = PostingState
INTENTS = Intents("northwind", {"tryton": {PostingKind.TIME}})
HOLD = Policies(default=Policy(closed_period=ClosedPeriodPolicy.HOLD))
OCTOBER_CLOSED = {"DE01": [period("2026-10", PeriodState.CLOSED), period("2026-11")]}
NOVEMBER = DAY.replace(month=11)


def line_after(*entries: TimeEntry) -> LineVersion:
    line = reduce(lambda line, entry: advance(line, entry, NOON), entries, None)
    assert line is not None
    return line


def draft(
    lines: list[LineVersion],
    postings: list[Posting] | None = None,
    amendments: dict[tuple[str, int], dict[str, str]] | None = None,
    known: Facts | None = None,
    policies: Policies | None = None,
) -> Draft:
    drafter = Drafter(known or facts(), policies or Policies(), INTENTS, check_time)
    return drafter.draft(lines, postings or [], amendments or {})


def held(new: NewPosting, state: PostingState, **changes: Any) -> Posting:
    """A drafted posting as the ledger holds it later."""
    assert new.intent is not None
    at_least: dict[str, Any] = {"fence": 1} if state is not S.PENDING else {}
    if state is S.POSTED:
        at_least["erp_document_id"] = "501"
    return posting(new.intent, **{"state": state, **at_least, **changes})


ONE = line_after(time_entry())
TWO = line_after(time_entry(), time_entry(seconds=7200, changed_at=NOON.replace(hour=13)))
WITHDRAWN = line_after(time_entry(), time_entry(approval=None, changed_at=NOON.replace(hour=13)))


def first() -> NewPosting:
    (new,) = draft([ONE]).new
    return new


def test_an_approved_line_becomes_a_posting_with_the_key_of_its_parts() -> None:
    new = first()
    assert new.key == idempotency_key(
        tenant="northwind",
        target="tryton",
        source="harvest",
        object_name="time_entry",
        source_id="100",
        revision=1,
        kind="time",
        leg="main",
        amendment=0,
    )
    assert new.reference == reference_of(new.key)
    assert (new.state, new.waits_for, new.corrects) == (S.PENDING, None, None)
    assert (new.seconds, new.amount, new.currency) == (3600, Decimal("120.00"), "EUR")
    assert (new.period, new.posting_date, new.original_date) == ("2026-10", DAY, DAY)
    assert new.intent is not None
    assert (new.intent.key, new.intent.reference) == (new.key, new.reference)


def test_the_same_input_gives_the_same_draft() -> None:
    lines = [ONE, line_after(time_entry("101", task="nowhere"))]
    assert draft(lines) == draft(lines)


def test_a_line_that_is_not_approved_calls_for_nothing() -> None:
    assert draft([line_after(time_entry(approval=None))]) == draft([])


def test_a_line_with_trouble_is_written_down_as_stopped_beside_the_good_ones() -> None:
    made = draft([ONE, line_after(time_entry("101", task="nowhere"))])
    assert [new.source_id for new in made.new] == ["100"]
    ((stopped, cause),) = made.new_stopped
    assert (stopped.source_id, stopped.state, cause.cause) == (
        "101",
        S.EXCEPTION,
        Cause.UNKNOWN_TASK,
    )
    assert (stopped.seconds, stopped.amount, stopped.intent) == (3600, Decimal("120.00"), None)
    assert made.causes == {cause}


def test_a_change_of_what_is_posted_takes_it_back_and_waits_with_the_replacement() -> None:
    original = held(first(), S.POSTED)
    back, replacement = draft([TWO], [original]).new
    assert (back.kind, back.corrects, back.revision) == (PostingKind.UNDO, original.key, 1)
    assert (back.seconds, back.amount) == (-3600, Decimal("-120.00"))
    assert (replacement.kind, replacement.revision) == (PostingKind.TIME, 2)
    assert (replacement.seconds, replacement.waits_for) == (7200, back.key)


def test_a_taking_back_is_copied_from_what_was_posted_and_not_from_what_is_known_now() -> None:
    original = held(first(), S.POSTED)
    renamed = facts(employees={}, tasks={}, cost_centres={})
    (back,) = draft([WITHDRAWN], [original], known=renamed).new
    assert back.intent is not None
    assert back.intent.body == original.intent.body
    assert back.intent.dimensions == original.intent.dimensions
    assert back.intent.value == -original.intent.value
    assert (back.intent.corrects, back.intent.corrects_document) == (original.key, "501")
    assert back.key != original.key


def test_a_second_taking_back_of_one_posting_has_a_key_of_its_own() -> None:
    original = held(first(), S.POSTED)
    (back,) = draft([WITHDRAWN], [original]).new
    again = draft([WITHDRAWN], [original, held(back, S.SUPERSEDED)]).new
    assert [new.amendment for new in again] == [1]
    assert again[0].key != back.key


def test_a_taking_back_of_a_closed_period_counts_in_the_next_open_one() -> None:
    original = held(first(), S.POSTED)
    (back,) = draft([WITHDRAWN], [original], known=facts(calendars=OCTOBER_CLOSED)).new
    assert (back.posting_date, back.period, back.original_date) == (NOVEMBER, "2026-11", DAY)


def test_a_taking_back_that_has_no_period_stops_and_the_replacement_waits_for_it() -> None:
    original = held(first(), S.POSTED)
    moved = line_after(
        time_entry(), time_entry(work_date=NOVEMBER, changed_at=NOON.replace(hour=13))
    )
    made = draft([moved], [original], known=facts(calendars=OCTOBER_CLOSED), policies=HOLD)
    ((back, cause),) = made.new_stopped
    assert (back.kind, back.state, cause.cause) == (
        PostingKind.UNDO,
        S.EXCEPTION,
        Cause.CLOSED_PERIOD,
    )
    (replacement,) = made.new
    assert replacement.waits_for == back.key


def test_a_released_taking_back_goes_to_the_period_that_a_person_chose() -> None:
    """The choice is kept with the revision that is taken back, not with the newest one."""
    original = held(first(), S.POSTED)
    moved = line_after(
        time_entry(), time_entry(work_date=NOVEMBER, changed_at=NOON.replace(hour=13))
    )
    known = facts(calendars=OCTOBER_CLOSED)
    made = draft([moved], [original], known=known, policies=HOLD)
    ((back, _),) = made.new_stopped
    stopped = held(back, S.EXCEPTION, fence=0, released=True)
    waiting = held(made.new[0], S.PENDING, waits_for=back.key)
    chosen = {("100", 1): {"period": "2026-11"}}
    again = draft([moved], [original, stopped, waiting], chosen, known, HOLD)
    assert again.stopped_again == []
    (requeued,) = again.requeue
    assert (requeued.key, requeued.intent.period.period) == (back.key, "2026-11")


def test_a_withdrawal_while_it_is_under_way_is_only_noted() -> None:
    sending = held(first(), S.SENDING)
    made = draft([WITHDRAWN], [sending])
    assert (list(made.moves.note_withdrawn), made.new) == ([sending.key], [])


def test_a_change_while_it_is_under_way_is_noted_with_its_revision() -> None:
    sending = held(first(), S.SENDING)
    made = draft([TWO], [sending])
    assert (list(made.moves.note_revision), made.new) == ([(sending.key, 2)], [])


def test_a_released_line_that_passes_is_queued_again_with_what_it_means_now() -> None:
    stopped = held(first(), S.EXCEPTION, fence=0, released=True)
    chosen = {("100", 1): {"period": "2026-11"}}
    made = draft([ONE], [stopped], chosen, facts(calendars=OCTOBER_CLOSED), HOLD)
    (again,) = made.requeue
    assert (again.key, again.intent.period.posting_date) == (stopped.key, NOVEMBER)
    assert made.new == []


def test_a_released_line_that_still_has_trouble_stops_again() -> None:
    stopped = held(first(), S.EXCEPTION, fence=0, released=True)
    made = draft([ONE], [stopped], known=facts(tasks={}))
    ((key, cause),) = made.stopped_again
    assert (key, cause.cause, made.requeue) == (stopped.key, Cause.UNKNOWN_TASK, [])


def test_a_key_that_was_sent_is_never_used_for_another_body() -> None:
    sent = held(first(), S.EXCEPTION, fence=4, released=True)
    other = facts(tasks={"st1": facts().tasks["st1"].model_copy(update={"id": "14"})})
    made = draft([ONE], [sent], known=other)
    assert (list(made.moves.supersede), made.requeue) == ([sent.key], [])
    (new,) = made.new
    assert (new.amendment, new.key == sent.key) == (1, False)


def test_a_key_that_was_sent_is_used_again_for_the_same_body() -> None:
    sent = held(first(), S.EXCEPTION, fence=4, released=True)
    made = draft([ONE], [sent])
    assert ([one.key for one in made.requeue], made.new) == ([sent.key], [])


def test_amended_values_count_for_their_own_revision_only() -> None:
    amended = {("100", 1): {"cost_centre": "CC-9"}}
    assert draft([ONE], [], amended).new_stopped
    assert draft([TWO], [], amended).new_stopped == []


UNREADABLE = replace(
    ONE,
    status=LineStatus.UNREADABLE,
    financial_hash="unreadable",
    entry=None,
    trouble="hours: not a number",
)


def test_an_unreadable_line_is_a_case_and_blocks_nothing_else() -> None:
    made = draft([UNREADABLE, line_after(time_entry("101"))])
    assert [new.source_id for new in made.new] == ["101"]
    ((stopped, cause),) = made.new_stopped
    assert (stopped.seconds, stopped.currency, cause.cause) == (0, "XXX", Cause.UNREADABLE_LINE)
    assert (stopped.period, stopped.original_date) == ("2026-10", DAY)


@pytest.mark.parametrize("trouble", [None, "x" * 2000, "line one\nline two"])
def test_lines_unreadable_for_one_reason_share_a_cause(trouble: str | None) -> None:
    cause = unreadable_cause(replace(UNREADABLE, trouble=trouble))
    other = unreadable_cause(replace(UNREADABLE, source_id="102", trouble=trouble))
    assert cause == other
    assert (cause.cause, cause.subject.startswith("harvest: ")) == (Cause.UNREADABLE_LINE, True)


def test_what_is_posted_counts_when_the_rest_of_the_week_is_checked() -> None:
    long = line_after(time_entry("99", seconds=80_000))
    (posted,) = draft([long]).new
    late = line_after(time_entry("100", seconds=7_000))
    ((stopped, cause),) = draft([long, late], [held(posted, S.POSTED)]).new_stopped
    assert (stopped.source_id, cause.cause) == ("100", Cause.OVER_24_HOURS)


def test_a_repeat_of_a_preparation_drafts_nothing_new() -> None:
    pending = held(first(), S.PENDING)
    assert draft([ONE], [pending]) == draft([])
    assert draft([ONE], [held(first(), S.POSTED, case_id=number("c"))]) == draft([])
