"""Write guards: what in the ERP's contract keeps a repeated write from booking twice.

Each posting operation declares exactly one (POSTING.md section 1). The platform picks the
protocol from it; the conformance suite proves that the declaration is true.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class UniqueReference:
    """The ERP refuses a second document with the same reference, for ever, at commit."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The ERP answers a repeated key with the first result, for `ttl_seconds`."""

    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class CompareAndSet:
    """A write carries the stamp of a parent record and fails if the parent has moved."""


@dataclass(frozen=True, slots=True)
class DraftThenPost:
    """A document is created as a draft, which is harmless, and posted in a second step."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """The ERP only lets us look documents up: safe once nothing can be in flight any more."""


@dataclass(frozen=True, slots=True)
class NoGuard:
    """Neither key nor look-up: what is not answered stays in doubt until a person decides."""


Guard = UniqueReference | IdempotencyKey | CompareAndSet | DraftThenPost | Lookup | NoGuard


@dataclass(frozen=True, slots=True)
class Bulk:
    """How an operation takes many lines at once, and at most how many.

    ATOMIC: all or nothing, so a refusal is halved until the bad line is found.
    PER_ITEM: each line has its own outcome. NONE: one line per call.
    """

    mode: Literal["NONE", "ATOMIC", "PER_ITEM"]
    lines_max: int = 1
