"""Revisions: which version of a source line is a new one in money's eyes."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.source_line import LineStatus, LineVersion
from canonical.time_entry import Approval, TimeEntry
from rules.revisions import advance, gone, is_news
from tests.unit.building import NOON, time_entry

SEEN = NOON + timedelta(minutes=5)


def shown(minute: int, **changes: Any) -> TimeEntry:
    """What the source shows, changed so many minutes after noon."""
    return time_entry(changed_at=NOON + timedelta(minutes=minute), **changes)


def after(*entries: TimeEntry) -> LineVersion:
    """The line after these versions came in, in this order."""
    line = reduce(lambda line, entry: advance(line, entry, SEEN), entries, None)
    assert line is not None
    return line


def test_the_first_approved_version_is_revision_one() -> None:
    line = after(shown(0))
    assert (line.revision, line.status, line.approved_at) == (1, LineStatus.APPROVED, SEEN)
    assert line.approved_at_from == "first_seen"
    assert line.entry == shown(0).model_dump_json()


def test_the_sources_own_instant_of_approval_is_kept() -> None:
    line = after(shown(0, approval=Approval(approved_at=NOON)))
    assert (line.approved_at, line.approved_at_from) == (NOON, "source")


def test_a_line_that_was_never_approved_has_nothing_to_correct() -> None:
    line = after(shown(0, approval=None), shown(1, approval=None, seconds=7200))
    assert (line.revision, line.status, line.ever_approved) == (1, LineStatus.NOT_APPROVED, False)


def test_changes_before_the_first_approval_make_no_revision() -> None:
    line = after(shown(0, approval=None), shown(1, approval=None, seconds=7200), shown(2))
    assert (line.revision, line.status) == (1, LineStatus.APPROVED)
    assert line.financial_hash == shown(2).financial_hash


@pytest.mark.parametrize(
    "change", [{"note": "other"}, {"bill_rate": None}, {"customer": "sc2"}, {}], ids=str
)
def test_a_change_without_money_makes_no_revision(change: dict[str, Any]) -> None:
    before = after(shown(0))
    now = advance(before, shown(9, **change), SEEN + timedelta(hours=1))
    assert now.revision == 1
    assert now.approved_at == before.approved_at
    assert now.entry == shown(9, **change).model_dump_json()
    assert not is_news(before, now)


def test_our_own_write_back_moves_nothing() -> None:
    before = after(shown(0))
    now = advance(before, shown(30), SEEN + timedelta(hours=1))
    assert not is_news(before, now)
    assert replace(now, entry=before.entry, changed_at=before.changed_at) == before


def test_the_same_version_again_is_nothing_new() -> None:
    before = after(shown(0))
    assert advance(before, shown(0), SEEN + timedelta(hours=1)) == before


def test_a_financial_change_of_an_approved_line_is_a_new_revision() -> None:
    before = after(shown(0))
    now = advance(before, shown(1, seconds=7200), SEEN + timedelta(hours=1))
    assert (now.revision, now.approved_at) == (2, SEEN + timedelta(hours=1))
    assert is_news(before, now)


def test_a_withdrawn_approval_is_news_and_keeps_the_revision() -> None:
    before = after(shown(0))
    now = advance(before, shown(1, approval=None, seconds=7200), SEEN)
    assert (now.status, now.revision) == (LineStatus.WITHDRAWN, 1)
    # What was approved, and may be posted, is still the first version.
    assert now.financial_hash == before.financial_hash
    assert is_news(before, now)


def test_a_line_approved_again_is_a_new_revision_even_unchanged() -> None:
    line = after(shown(0), shown(1, approval=None), shown(2))
    assert (line.revision, line.status) == (2, LineStatus.APPROVED)


def test_a_line_that_came_back_after_its_deletion_is_a_new_revision() -> None:
    deleted = gone(after(shown(0)))
    assert deleted.status is LineStatus.DELETED
    assert is_news(after(shown(0)), deleted)
    back = advance(deleted, shown(1), SEEN)
    assert (back.revision, back.status) == (2, LineStatus.APPROVED)


def test_a_line_that_can_be_read_at_last_replaces_what_could_not_be_posted() -> None:
    unreadable = replace(
        after(shown(0)),
        status=LineStatus.UNREADABLE,
        financial_hash="unreadable",
        entry=None,
        trouble="hours: not a number",
    )
    line = advance(unreadable, shown(1), SEEN)
    assert (line.revision, line.status, line.trouble) == (2, LineStatus.APPROVED, None)


def test_older_news_is_ignored() -> None:
    known = after(shown(5))
    assert advance(known, shown(4, seconds=7200, approval=None), SEEN) is known


def test_a_line_that_moved_to_another_timesheet_is_news_to_both() -> None:
    before = after(shown(0))
    now = advance(before, shown(1, timesheet="u1-other"), SEEN)
    assert is_news(before, now)
    assert now.revision == before.revision


def test_what_was_never_approved_is_no_news() -> None:
    assert not is_news(None, after(shown(0, approval=None)))
    assert is_news(None, after(shown(0)))
    before = after(shown(0, approval=None))
    assert not is_news(before, advance(before, shown(1, approval=None, seconds=60), SEEN))


# A version of a line: its hours, and whether it is approved.
versions = st.lists(
    st.tuples(st.integers(min_value=1, max_value=3), st.booleans()), min_size=1, max_size=7
)


def entries_of(story: list[tuple[int, bool]]) -> list[TimeEntry]:
    return [
        shown(minute, seconds=hours * 3600, approval=Approval() if approved else None)
        for minute, (hours, approved) in enumerate(story)
    ]


@given(versions, st.data())
def test_the_order_of_arrival_does_not_change_what_the_line_is(
    story: list[tuple[int, bool]], data: st.DataObject
) -> None:
    entries = entries_of(story)
    arrived = data.draw(st.permutations(entries))
    line, newest = after(*arrived), entries[-1]
    assert line.entry == newest.model_dump_json()
    assert line.changed_at == newest.changed_at
    assert (line.status is LineStatus.APPROVED) == (newest.approval is not None)
    if newest.approval is not None:
        assert line.financial_hash == newest.financial_hash
    # Fewer versions may have been seen, so the ordinal may be smaller, and nothing else.
    assert 1 <= line.revision <= after(*entries).revision


@given(versions)
def test_the_revision_counts_what_was_approved_anew(story: list[tuple[int, bool]]) -> None:
    approvals, posted = 0, None
    for hours, approved in story:
        if approved and posted != hours:
            approvals += 1
        posted = hours if approved else None
    line = after(*entries_of(story))
    assert line.revision == max(1, approvals)
    assert line.ever_approved == (approvals > 0)


@given(versions)
def test_a_line_never_goes_back_to_an_earlier_revision(story: list[tuple[int, bool]]) -> None:
    line: LineVersion | None = None
    for entry in entries_of(story):
        now = advance(line, entry, SEEN)
        if line is not None:
            assert now.revision in (line.revision, line.revision + 1)
            assert now.ever_approved or not line.ever_approved
            if now.revision != line.revision or now.status is not line.status:
                assert is_news(line, now) == now.ever_approved
        line = now
