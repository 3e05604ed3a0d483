"""What the CompareAndSet model is made of: rows, their parents, calls, and how they change."""

from typing import Final, Literal, NamedTuple

from tests.model.ledger import NEVER, Row

At = Literal["idle", "begun", "half informed", "informed", "ready", "waiting", "answered"]
Outcome = Literal["none", "EXECUTED", "CONFLICT", "UNKNOWN", "refused"]

# Sets of rows, and of their parents, are bits: row 1 is 1, row 2 is 2, both are 3.
Rows = int


class Worker(NamedTuple):
    """One attempt with one call."""

    at: At = "idle"
    rows: Rows = 0
    # Rows that were PENDING when the attempt began, and those whose quiet time was over.
    pending: Rows = 0
    proven: Rows = 0
    # Rows whose fence, had or seen, is still current.
    current: Rows = 0
    # Parents that have not moved since this attempt read their stamps.
    fresh: Rows = 0
    # Rows whose document the search showed.
    found: Rows = 0
    # The claim is older than W.
    expired: bool = False
    flying: bool = False
    # It met a CONFLICT and goes on within its claim.
    again: bool = False
    outcome: Outcome = "none"


class Request(NamedTuple):
    """A call in flight that nobody waits for any more."""

    rows: Rows
    fresh: Rows


class World(NamedTuple):
    """The rows, the workers, the calls in flight and the documents per row."""

    rows: tuple[Row, ...]
    workers: tuple[Worker, ...]
    documents: tuple[int, ...]
    orphans: tuple[Request, ...] = ()
    # Rows whose document the search does not show yet; only if the search lags.
    hidden: Rows = 0
    # Rows whose parent still has the stamp that the last claim wrote down; only where that counts.
    exposed: Rows = 0


IDLE: Final = Worker()
_MIRRORED: Final = (0, 2, 1, 3)


def name_of(number: int) -> str:
    return f"worker {number + 1}"


def named(rows: Rows) -> str:
    return ("no row", "row 1", "row 2", "both rows")[rows]


def bits(world: World) -> list[tuple[Rows, Row]]:
    return [(1 << index, row) for index, row in enumerate(world.rows)]


def in_state(world: World, state: str) -> Rows:
    return sum(bit for bit, row in bits(world) if row.state == state)


def with_row(world: World, bit: Rows, row: Row) -> World:
    rows = list(world.rows)
    rows[bit - 1] = row
    return world._replace(rows=tuple(rows))


def with_worker(world: World, number: int, worker: Worker) -> World:
    workers = world.workers
    return world._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))


def flying(world: World, rows: Rows) -> bool:
    """Whether a call with one of these rows is in flight."""
    return any(each.rows & rows for each in world.orphans) or any(
        each.flying and each.rows & rows for each in world.workers
    )


def quiet(world: World, bit: Rows, row: Row) -> World:
    """Let the quiet time of a row be over: claims that hold it are older than W."""
    workers = tuple(
        each._replace(expired=True, fresh=0)
        if each.rows & bit and (each.again or each.at in _HOLDS_CLAIM)
        else each
        for each in world.workers
    )
    return with_row(world._replace(workers=workers), bit, row._replace(age=1))


def moved(world: World, parents: Rows) -> World:
    """Move parents: their stamps, wherever they were read, are no longer fresh."""
    workers = tuple(
        each._replace(fresh=each.fresh & ~parents) if each.fresh & parents else each
        for each in world.workers
    )
    orphans = tuple(each._replace(fresh=each.fresh & ~parents) for each in world.orphans)
    return world._replace(workers=workers, orphans=orphans, exposed=world.exposed & ~parents)


def canonical(world: World) -> World:
    """Give one representative for worlds that differ by the names of workers and rows."""
    if len(world.rows) == 1:
        return unnamed(world)
    first = (world.rows[0], world.documents[0])
    second = (world.rows[1], world.documents[1])
    if first < second:
        return unnamed(world)
    if first > second:
        return _mirrored(world)
    return min(unnamed(world), _mirrored(world))


def unnamed(world: World) -> World:
    """Give one representative for worlds that differ by the names of workers only."""
    return world._replace(workers=tuple(sorted(world.workers)))


def summary(world: World) -> str:
    rows = [
        row.state + " unsettled" * (row.unsettled != NEVER) + " news" * row.news
        for row in world.rows
    ]
    count = len(world.orphans) + sum(each.flying for each in world.workers)
    documents = "+".join(map(str, world.documents))
    return f"{', '.join(rows)} | in flight {count}, documents {documents}"


def _mirrored(world: World) -> World:
    """Swap row 1 with row 2, and so their parents."""
    workers = sorted(
        each._replace(
            rows=_MIRRORED[each.rows],
            pending=_MIRRORED[each.pending],
            proven=_MIRRORED[each.proven],
            current=_MIRRORED[each.current],
            fresh=_MIRRORED[each.fresh],
            found=_MIRRORED[each.found],
        )
        for each in world.workers
    )
    orphans = sorted(Request(_MIRRORED[each.rows], _MIRRORED[each.fresh]) for each in world.orphans)
    return World(
        world.rows[::-1],
        tuple(workers),
        world.documents[::-1],
        tuple(orphans),
        _MIRRORED[world.hidden],
        _MIRRORED[world.exposed],
    )


_HOLDS_CLAIM: Final = frozenset({"ready", "answered"})
