"""Corrections walked through to the end: every order of news, answers and decisions."""

from dataclasses import replace

import pytest

from canonical.posting import PostingKind, PostingState
from rules.corrections import LinePlan
from tests.unit import correction_world
from tests.unit.correction_world import Row, World, explore

S = PostingState
NEEDS_A_PERSON = {S.EXCEPTION, S.IN_DOUBT, S.DUPLICATE}
UNDER_WAY = {S.PENDING, S.SENDING}
WORLDS_MAX = 50_000


@pytest.fixture(scope="module")
def worlds() -> set[World]:
    return explore(WORLDS_MAX)


def acts(plan: LinePlan) -> bool:
    """Whether the plan wants something done, beside noting news."""
    return bool(plan.post or plan.recheck or plan.cancel or plan.supersede or plan.take_back)


def back_of(world: World, original: Row) -> Row | None:
    """The last taking back of a posting."""
    backs = [row for row in world.rows if row.corrects == original.key]
    return max(backs, key=lambda row: row.amendment, default=None)


def is_kept(world: World, original: Row) -> bool:
    """A person decided that it stays in the ERP."""
    back = back_of(world, original)
    return back is not None and back.state is S.WAIVED


def test_the_walk_meets_every_state(worlds: set[World]) -> None:
    assert len(worlds) > 1_000
    states = {(row.kind, row.state) for world in worlds for row in world.rows}
    assert {state for kind, state in states if kind is PostingKind.TIME} == set(PostingState)
    assert max(world.revision for world in worlds) == correction_world.REVISIONS_MAX


def test_the_erp_never_holds_two_live_postings_of_a_line(worlds: set[World]) -> None:
    assert [world for world in worlds if len(world.in_erp) > 1] == []


def test_nothing_new_is_planned_while_an_older_posting_may_take_effect(worlds: set[World]) -> None:
    for world in worlds:
        if world.plan.post:
            uncertain = {
                row.key
                for row in world.rows
                if row.kind is PostingKind.TIME and row.state in (S.SENDING, S.IN_DOUBT)
            }
            assert uncertain == set()


def test_a_replacement_waits_for_its_taking_back(worlds: set[World]) -> None:
    for world in worlds:
        plan = world.plan
        if plan.post and world.in_erp:
            assert plan.take_back or plan.waits_for is not None
        for row in world.rows:
            if row.state in (S.SENDING, S.POSTED) and row.waits_for is not None:
                assert world.row(row.waits_for).state is S.POSTED


def test_what_is_withdrawn_never_posts_anew(worlds: set[World]) -> None:
    for world in worlds:
        if not world.wanted:
            assert not world.plan.post
            assert all(world.row(key).corrects for key in world.plan.recheck)


def test_at_most_one_posting_of_each_kind_is_unsettled(worlds: set[World]) -> None:
    for world in worlds:
        for kind in (PostingKind.TIME, PostingKind.UNDO):
            unsettled = {*UNDER_WAY, S.EXCEPTION, S.IN_DOUBT}
            rows = [row for row in world.rows if row.kind is kind and row.state in unsettled]
            assert len(rows) <= 1


def test_nothing_is_forgotten_whoever_comes_first(worlds: set[World]) -> None:
    """Where there is something to do, somebody will be told to prepare the line again."""
    for world in worlds:
        if world.owed:
            continue
        assert not acts(world.plan), world
        for row in world.rows:
            if row.state in (S.SENDING, S.IN_DOUBT, S.DUPLICATE) and row.corrects is None:
                settled = world.with_rows(row._replace(state=S.POSTED))
                assert not acts(settled.plan) or row.withdrawn or row.outdated, world


def test_a_plan_that_was_carried_out_leaves_nothing_to_plan(worlds: set[World]) -> None:
    for world in worlds:
        for after in correction_world._prepared(world):
            assert not acts(after.plan), (world, after)


def test_in_the_end_the_erp_holds_what_the_source_approved(worlds: set[World]) -> None:
    """The net of a chain is the latest approved revision, unless a person decided otherwise."""
    ended = [
        world
        for world in worlds
        if not world.owed and not any(row.state in UNDER_WAY | NEEDS_A_PERSON for row in world.rows)
    ]
    assert len(ended) > 50
    for world in ended:
        held = {row.revision for row in world.in_erp if not is_kept(world, row)}
        current = {row.state for row in world.rows if row.revision == world.revision}
        if not world.wanted:
            assert held == set()
        elif S.WAIVED in current:
            assert held <= {world.revision}
        else:
            assert held == {world.revision}


def test_a_waived_taking_back_is_not_asked_for_again_until_the_source_changes() -> None:
    posted = Row(PostingKind.TIME, 1, 0, S.POSTED)
    waived = Row(PostingKind.UNDO, 1, 0, S.WAIVED, corrects=posted.key)
    replacement = Row(PostingKind.TIME, 2, 0, S.WAIVED, waits_for=waived.key)
    withdrawn = World(wanted=False, rows=frozenset({posted, waived}))
    changed = World(revision=2, rows=frozenset({posted, waived, replacement}))
    assert withdrawn.plan == changed.plan == LinePlan()
    again = replace(changed, revision=3).plan
    assert (again.take_back, again.post) == ((posted.key,), True)


def test_a_duplicate_is_settled_before_anything_is_sent_for_a_change() -> None:
    twice = Row(PostingKind.TIME, 1, 0, S.DUPLICATE)
    changed = World(revision=2, rows=frozenset({twice})).plan
    assert (changed.post, changed.note_revision) == (False, (twice.key,))
    withdrawn = World(wanted=False, rows=frozenset({twice})).plan
    assert (withdrawn.take_back, withdrawn.note_withdrawn) == ((), (twice.key,))
