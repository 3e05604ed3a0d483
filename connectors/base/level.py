"""How much of its contract a connector has proven, in steps that build on each other."""

from enum import StrEnum


class Level(StrEnum):
    """A step of conformance; each includes those before it."""

    # Whole pages, exact values, one attempt, trouble named.
    READS = "L0"
    # News since an instant, deletions, equal stamps, and stamps that do not move.
    INCREMENTAL = "L1"
    # Writes arrive whole, one by one and in bulk, and refusals are honest.
    WRITES = "L2"
    # A write is there exactly once, whatever becomes of its answer.
    EXACTLY_ONCE = "L3"
    # What the system made of a write is seen, and all writes of ours can be listed.
    ATTESTED = "L4"

    @property
    def means(self) -> str:
        """The step in a few words."""
        return _MEANS[self]


_MEANS = {
    Level.READS: "reads",
    Level.INCREMENTAL: "reads news, deletions and overlap",
    Level.WRITES: "writes",
    Level.EXACTLY_ONCE: "writes exactly once under faults",
    Level.ATTESTED: "is read back and swept",
}
