"""What the DraftThenPost model is made of: one row, drafts by id, workers and late posts."""

from typing import Final, Literal, NamedTuple

from tests.model.ledger import Row

# "creating": its request is in flight. "hidden": it exists, the search does not show it yet.
Slot = Literal["free", "creating", "hidden", "draft", "posted"]
At = Literal[
    "idle", "begun", "claimed", "creating", "searching", "chosen", "deleting", "posting", "answered"
]
Outcome = Literal["none", "EXECUTED", "SEVERAL", "UNKNOWN", "refused"]


class Worker(NamedTuple):
    """One attempt; 0 stands for a document that is gone, so that its id finds nothing."""

    at: At = "idle"
    pending: bool = False
    proven: bool = False
    current: bool = False
    expired: bool = False
    # The draft it created, the one it chose to post, and those it must delete before.
    own: int = 0
    keep: int = 0
    others: tuple[int, ...] = ()
    flying: bool = False
    outcome: Outcome = "none"


class World(NamedTuple):
    """The row, the workers, the documents by id, and late posts that nobody waits for.

    A late deletion needs no place: the sweep may delete any draft at any moment.
    """

    row: Row
    workers: tuple[Worker, ...]
    slots: tuple[Slot, ...]
    late_posts: frozenset[int] = frozenset()


IDLE: Final = Worker()
HOLDS_CLAIM: Final = frozenset({"claimed", "searching", "chosen"})


def name_of(number: int) -> str:
    return f"worker {number + 1}"


def documents_of(state: World) -> list[tuple[int, Slot]]:
    return list(enumerate(state.slots, start=1))


def in_state(state: World, wanted: Slot) -> list[int]:
    return [number for number, slot in documents_of(state) if slot == wanted]


def found(worker: Worker, posted: list[int]) -> Worker:
    outcome: Outcome = "EXECUTED" if len(posted) == 1 else "SEVERAL"
    return Worker("answered", current=worker.current, keep=posted[0], outcome=outcome)


def with_worker(state: World, number: int, worker: Worker) -> World:
    workers = state.workers
    return state._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))


def put(state: World, number: int, slot: Slot) -> World:
    return state._replace(slots=(*state.slots[: number - 1], slot, *state.slots[number:]))


def deleted(state: World, number: int) -> World:
    """Delete a draft: its id means nothing any more, wherever it is remembered."""
    workers = tuple(
        each._replace(
            own=0 if each.own == number else each.own,
            keep=0 if each.keep == number else each.keep,
            others=tuple(0 if other == number else other for other in each.others),
        )
        for each in state.workers
    )
    return put(state, number, "free")._replace(
        workers=workers,
        late_posts=state.late_posts - {number},
    )


def orphaned(state: World, worker: Worker) -> World:
    """Leave a worker's request in flight without anybody to hear the answer."""
    if worker.at == "posting" and worker.flying and worker.keep:
        return state._replace(late_posts=state.late_posts | {worker.keep})
    return state


def all_is_quiet(state: World) -> bool:
    flying = any(each.flying for each in state.workers)
    return not (flying or state.late_posts or {"creating", "hidden"} & set(state.slots))
