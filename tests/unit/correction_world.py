"""A line, its postings and the ERP in miniature, to walk through everything that can happen.

The moves are those of POSTING.md section 2, written here once more and without the product's
code; the one thing under test is `plan_line`, which every preparation asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple
from uuid import UUID

from canonical.posting import PostingKind, PostingState
from rules.corrections import LinePlan, Standing, plan_line
from tests.unit.building import number

S = PostingState
REVISIONS_MAX = 2
AMENDMENTS_MAX = 2


@cache
def _key(kind: PostingKind, revision: int, amendment: int, corrects: UUID | None) -> UUID:
    return number(f"{kind}/{revision}/{amendment}/{corrects}")


class Row(NamedTuple):
    """One posting; `released`, `withdrawn` and `outdated` are its flags."""

    kind: PostingKind
    revision: int
    amendment: int
    state: PostingState
    corrects: UUID | None = None
    waits_for: UUID | None = None
    released: bool = False
    withdrawn: bool = False
    outdated: bool = False

    @property
    def key(self) -> UUID:
        return _key(self.kind, self.revision, self.amendment, self.corrects)

    @property
    def standing(self) -> Standing:
        return Standing(
            key=self.key,
            kind=self.kind,
            revision=self.revision,
            amendment=self.amendment,
            state=self.state,
            released=self.released,
            corrects=self.corrects,
        )


@dataclass(frozen=True)
class World:
    """What the source says, and all postings. `owed`: somebody will prepare the line again."""

    wanted: bool = True
    revision: int = 1
    rows: frozenset[Row] = frozenset()
    owed: bool = True

    def with_rows(self, *changed: Row, owed: bool = False) -> "World":
        keys = {row.key for row in changed}
        kept = {row for row in self.rows if row.key not in keys}
        return replace(self, rows=frozenset(kept | set(changed)), owed=self.owed or owed)

    def row(self, key: UUID) -> Row:
        return next(row for row in self.rows if row.key == key)

    @property
    def plan(self) -> LinePlan:
        return plan_line(
            wanted=self.wanted,
            revision=self.revision,
            standings=[row.standing for row in sorted(self.rows, key=lambda row: row.key)],
        )

    @property
    def in_erp(self) -> list[Row]:
        """Work that the ERP holds and that no undo has removed."""
        held = (S.POSTED, S.DUPLICATE)
        return [r for r in self.rows if r.kind is PostingKind.TIME and r.state in held]


def steps(world: World) -> Iterator[World]:
    """Everything that can happen next."""
    yield from _source(world)
    yield from _prepared(world)
    for row in world.rows:
        yield from _posting(world, row)
        yield from _person(world, row)


def _source(world: World) -> Iterator[World]:
    if world.wanted:
        yield replace(world, wanted=False, owed=True)
    if world.revision < REVISIONS_MAX:
        # A change of an approved line, or an approval after a withdrawal.
        yield replace(world, wanted=True, revision=world.revision + 1, owed=True)


def _prepared(world: World) -> Iterator[World]:
    """Carry out the plan; every check may pass or stop the line."""
    plan = world.plan
    now = replace(world, owed=False)
    for keys, change in (
        (plan.cancel, {"state": S.CANCELLED, "released": False}),
        (plan.supersede, {"state": S.SUPERSEDED, "released": False}),
        (plan.note_withdrawn, {"withdrawn": True}),
        (plan.note_revision, {"outdated": True}),
    ):
        now = now.with_rows(*(now.row(key)._replace(**change) for key in keys))
    waits_for = plan.waits_for
    for key in plan.take_back:
        original = now.row(key)
        earlier = [row.amendment for row in now.rows if row.corrects == key]
        amendment = 1 + max(earlier, default=-1)
        back = Row(PostingKind.UNDO, original.revision, amendment, S.PENDING, corrects=key)
        now = now.with_rows(back)
        waits_for = back.key
    if plan.post:
        new = Row(PostingKind.TIME, world.revision, plan.amendment, S.PENDING, waits_for=waits_for)
        now = now.with_rows(new)
        yield from _rechecked(now.with_rows(new._replace(state=S.EXCEPTION)), plan)
    yield from _rechecked(now, plan)


def _rechecked(world: World, plan: LinePlan) -> Iterator[World]:
    if not plan.recheck:
        yield world
        return
    rows = [world.row(key) for key in plan.recheck]
    for state in (S.PENDING, S.EXCEPTION):
        yield world.with_rows(*(row._replace(state=state, released=False) for row in rows))


def _posting(world: World, row: Row) -> Iterator[World]:
    news = row.withdrawn or row.outdated
    back_again = S.CANCELLED if row.withdrawn else S.SUPERSEDED if row.outdated else S.PENDING
    match row.state:
        case S.PENDING if row.waits_for is None or world.row(row.waits_for).state is S.POSTED:
            yield world.with_rows(row._replace(state=S.SENDING))
        case S.SENDING:
            yield _posted(world, row)
            yield world.with_rows(row._replace(state=back_again), owed=news)
            refused = back_again if news else S.EXCEPTION
            yield world.with_rows(row._replace(state=refused), owed=news)
            yield world.with_rows(row._replace(state=S.IN_DOUBT), owed=news)
        case S.IN_DOUBT:
            yield _posted(world, row)
        case S.POSTED if row.kind is PostingKind.TIME:
            yield world.with_rows(row._replace(state=S.DUPLICATE))
        case S.DUPLICATE:
            # A person removed the others.
            yield world.with_rows(row._replace(state=S.POSTED), owed=news)
        case _:
            pass


def _posted(world: World, row: Row) -> World:
    news = row.withdrawn or row.outdated
    now = world.with_rows(row._replace(state=S.POSTED), owed=news)
    if row.corrects is None:
        return now
    original = now.row(row.corrects)
    return now.with_rows(original._replace(state=S.REVERSED))


def _person(world: World, row: Row) -> Iterator[World]:
    if row.state is S.EXCEPTION and not row.released:
        yield world.with_rows(row._replace(released=True), owed=True)
    if row.state is S.IN_DOUBT:
        let_go = S.CANCELLED if row.withdrawn else S.SUPERSEDED if row.outdated else S.PENDING
        yield world.with_rows(row._replace(state=let_go), owed=True)
    if row.state in (S.EXCEPTION, S.IN_DOUBT):
        waiting = [
            other._replace(state=S.WAIVED, released=False)
            for other in world.rows
            if other.waits_for == row.key and other.state in (S.PENDING, S.EXCEPTION)
        ]
        waived = row._replace(state=S.WAIVED, released=False)
        yield world.with_rows(waived, *waiting, owed=True)


def explore(limit: int) -> set[World]:
    """Every world that can be reached from a line just approved."""
    found, todo = {World()}, [World()]
    while todo:
        for after in steps(todo.pop()):
            if after not in found and all(row.amendment <= AMENDMENTS_MAX for row in after.rows):
                found.add(after)
                todo.append(after)
        if len(found) > limit:
            raise AssertionError(f"more than {limit} worlds: the model has lost its bounds")
    return found
