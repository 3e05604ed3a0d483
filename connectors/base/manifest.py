"""A connector's manifest: facts about a system, in one place and without code."""

from dataclasses import dataclass, field

from canonical.cross_reference import MasterKind
from canonical.posting import PostingKind
from connectors.base.guard import Bulk, CompareAndSet, Guard, IdempotencyKey, UniqueReference
from connectors.base.level import Level


@dataclass(frozen=True, slots=True)
class ReferenceField:
    """Where our reference round-trips in the ERP, and how long it may be."""

    name: str
    length_max: int


@dataclass(frozen=True, slots=True)
class PostingOperation:
    """One kind of write: how it is guarded, bundled and recognised."""

    kind: PostingKind
    guard: Guard
    bulk: Bulk
    reference: ReferenceField
    # From asking for the claim to the last byte written (W); the platform gives older claims
    # back, and tells `post` the moment after which nothing may leave.
    send_window_seconds: int
    # The longest time a request may be under way at the ERP (F), and the longest time until a
    # created document can be found (L). Needed to prove that an unanswered write never happened.
    in_flight_max_seconds: int = 120
    lag_max_seconds: int = 0
    # Calls of this kind that the ERP takes side by side within one legal entity.
    concurrency_max: int = 1

    def __post_init__(self) -> None:
        under_way = self.send_window_seconds + self.in_flight_max_seconds
        if isinstance(self.guard, IdempotencyKey) and self.guard.ttl_seconds < 2 * under_way:
            raise ValueError(
                f"a key of {self.guard.ttl_seconds} s may expire while a request that carries it "
                f"is under way, which takes up to {under_way} s: declare Lookup instead"
            )

    @property
    def quiet_seconds(self) -> int:
        """After so long without an answer nothing can appear any more: Q > W + F + L."""
        return self.send_window_seconds + self.in_flight_max_seconds + self.lag_max_seconds + 1


@dataclass(frozen=True, slots=True)
class MasterOperation:
    """What of one kind of master record can be written, and how a repeat makes no twin.

    `fields` can be changed by the names of the canonical record; `creates` is whether a record can
    be made at all. An unanswered creation is repeated at once under a guard that refuses twins
    (UniqueReference, CompareAndSet), and otherwise only after `quiet_seconds`.
    """

    kind: MasterKind
    fields: frozenset[str]
    guard: Guard
    creates: bool = True
    bulk: Bulk = field(default_factory=lambda: Bulk("NONE"))
    in_flight_max_seconds: int = 120
    lag_max_seconds: int = 0

    @property
    def refuses_twins(self) -> bool:
        """Whether what was not answered can be made again at once: only one of two ever counts."""
        return isinstance(self.guard, UniqueReference | CompareAndSet)

    @property
    def quiet_seconds(self) -> int:
        """After so long without an answer nothing can appear any more."""
        return self.in_flight_max_seconds + self.lag_max_seconds + 1


@dataclass(frozen=True, slots=True)
class ApprovalEvidence:
    """What a source proves about an approval; what it does not give is "not provided"."""

    approver: bool
    instant: bool
    revision: bool


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many calls in so many seconds, counted by the vendor over the whole connection."""

    calls: int
    per_seconds: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a connector can do and what it was verified against."""

    system: str
    title: str
    capabilities: frozenset[type]
    verified_against: str
    documented_at: str
    operations: tuple[PostingOperation, ...] = ()
    master_operations: tuple[MasterOperation, ...] = ()
    # Kinds of posting that the ERP can only remove, not reverse by an opposite.
    undone_by_deletion: frozenset[PostingKind] = frozenset()
    approval: ApprovalEvidence | None = None
    # Whether the source can be told that a line was rejected; otherwise the case tells people.
    takes_rejections: bool = False
    page_size_max: int | None = None
    # How far back a poll looks again, because a record may appear behind the cursor.
    overlap_seconds: int = 0
    rate_limits: tuple[RateLimit, ...] = ()
    # What its conformance suite has proven; None claims nothing.
    level: Level | None = None
    # Whether it speaks HTTP, and so keeps to that contract too; a folder does not.
    over_http: bool = True
    notes: tuple[str, ...] = field(default=())

    def operation(self, kind: PostingKind) -> PostingOperation:
        """Give the operation for a kind of posting; KeyError if the system has none."""
        for operation in self.operations:
            if operation.kind is kind:
                return operation
        raise KeyError(f"{self.system} has no posting operation for '{kind}'")

    def master_operation(self, kind: MasterKind) -> MasterOperation | None:
        """Give what can be written of a kind of master record; None if nothing can."""
        return next((one for one in self.master_operations if one.kind is kind), None)
