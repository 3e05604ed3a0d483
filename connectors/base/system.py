"""A system that connectors exist for, as configuration names it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base.capabilities import Connected, SourceRecord
from connectors.base.manifest import Manifest, RateLimit
from connectors.base.rate_budget import RateBudget


@dataclass(frozen=True, slots=True)
class System:
    """What the runtime needs to connect: the options' type and the function that connects.

    A connector package offers one as `SYSTEM`; one outside this repository is found by the entry
    point group `ledgerway.connectors`.
    """

    name: str
    options: type
    connect: Callable[[Any, RateBudget], Connected]
    # The vendor's limits, for the budget that is made before the connector is.
    rate_limits: tuple[RateLimit, ...] = ()
    # What it can be used as, for what is set up before anything is connected.
    capabilities: frozenset[type] = frozenset()
    # Reads a page of the system's documents as people keep one, with its options and no request;
    # raises ValueError if it is none. None for a system that is no source.
    read_page: Callable[[Any, bytes], Sequence[SourceRecord[Any]]] | None = None
    # What it says of itself with the options' own defaults, for who has no connection at hand.
    manifest: Manifest | None = None
    # The modules of its conformance tests, such as `northwind.tests.test_conformance`.
    suites: tuple[str, ...] = ()
