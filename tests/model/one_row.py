"""What the single-write models are made of: one row, its workers, the ERP and what is under way."""

from typing import Final, Literal, NamedTuple

from tests.model.ledger import NEVER, Row

VISIBLE: Final = -1

Guard = Literal["UniqueReference", "IdempotencyKey", "Lookup", "NoGuard"]
At = Literal[
    "idle", "looking", "absent", "asking", "reading", "ready", "leaving", "waiting", "answered"
]
# Why a claim may be asked for: the row is PENDING, or a look-up found nothing after or before Q.
Basis = Literal["pending", "proven", "unproven"]
Outcome = Literal["none", "EXECUTED", "SEVERAL", "UNKNOWN", "refused", "throttled"]


class Worker(NamedTuple):
    """One attempt in a worker; between two steps it may sleep as long as it likes, or die."""

    at: At = "idle"
    # Ticks since before tx 1, up to W + 1.
    lease: int = 0
    # The fence it has, or has seen, is still the row's.
    current: bool = False
    basis: Basis = "pending"
    # Ticks since its request left, or NEVER.
    request: int = NEVER
    outcome: Outcome = "none"
    document: int = 0


class World(NamedTuple):
    """Everything that can differ from one moment to the next."""

    row: Row
    workers: tuple[Worker, ...]
    # Requests in flight that nobody waits for any more: their ages.
    orphans: tuple[int, ...] = ()
    # Document n + 1: VISIBLE to a look-up, or the ticks for which it has been hidden.
    documents: tuple[int, ...] = ()
    # Ticks for which the ERP has known the idempotency key, or NEVER.
    key_age: int = NEVER
    # Sends that were not answered by NOT_EXECUTED (NoGuard).
    open_sends: int = 0
    # Document ids that tx 2 has reported to the ledger.
    reported: frozenset[int] = frozenset()


IDLE: Final = Worker()
_LEASED: Final = frozenset({"asking", "ready", "leaving"})


def name_of(number: int) -> str:
    return f"worker {number + 1}"


def in_flight(world: World) -> list[int]:
    """Give the ages of all requests in flight."""
    waited_for = [each.request for each in world.workers if each.request != NEVER]
    return [*world.orphans, *waited_for]


def visible(world: World) -> list[int]:
    return [number for number, hidden in enumerate(world.documents, start=1) if hidden == VISIBLE]


def with_worker(world: World, number: int, worker: Worker) -> World:
    workers = world.workers
    return world._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))


def fence_raised(world: World) -> World:
    """Raise the row's fence: what any worker holds or has seen is no longer current."""
    return world._replace(
        workers=tuple(
            each._replace(current=False) if each.current else each for each in world.workers
        )
    )


def orphaned(world: World, worker: Worker) -> World:
    """Leave a worker's request in flight without anybody to hear the answer."""
    if worker.request == NEVER:
        return world
    return world._replace(orphans=tuple(sorted((*world.orphans, worker.request))))


def later(world: World, row: Row, window: int, ttl: int) -> World:
    """Let one tick pass for everything but the row, which is given as it is then."""
    key_age = world.key_age if world.key_age == NEVER else world.key_age + 1
    return world._replace(
        row=row,
        workers=tuple(_older(each, window) for each in world.workers),
        orphans=tuple(age + 1 for age in world.orphans),
        documents=tuple(each if each == VISIBLE else each + 1 for each in world.documents),
        key_age=NEVER if key_age >= ttl else key_age,
    )


def revealed(world: World) -> list[World]:
    """Give the worlds in which one more document can be found."""
    documents = world.documents
    return [
        world._replace(documents=(*documents[:index], VISIBLE, *documents[index + 1 :]))
        for index, hidden in enumerate(documents)
        if hidden != VISIBLE
    ]


def still_coming(world: World, window: int) -> bool:
    """Whether a document may still appear or show itself without a new claim."""
    hidden = any(each != VISIBLE for each in world.documents)
    may_send = any(
        each.at == "leaving" or (each.at == "ready" and each.lease <= window)
        for each in world.workers
    )
    return bool(hidden or may_send or in_flight(world))


def summary(world: World) -> str:
    row = world.row
    age = f" for {row.age}" if row.state in {"SENDING", "IN_DOUBT"} else ""
    text = row.state + age + ", unsettled" * (row.unsettled != NEVER) + ", news" * row.news
    return f"{text} | in flight {len(in_flight(world))}, documents {len(world.documents)}"


def _older(worker: Worker, window: int) -> Worker:
    lease = min(worker.lease + 1, window + 1) if worker.at in _LEASED else 0
    request = worker.request if worker.request == NEVER else worker.request + 1
    return worker._replace(lease=lease, request=request)
