"""Values of master records as Tryton's own people give them."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from connectors.conformance.master_world import NO, YES


def said(name: str, *, active: bool) -> Mapping[str, str]:
    """A name and an activity as a write says them."""
    return {"name": name, "active": YES if active else NO}


def dates_of(values: Mapping[str, str]) -> dict[str, object]:
    """When somebody works here, as Tryton takes it."""
    names = {"active_from": "start_date", "active_until": "end_date"}
    return {
        theirs: date.fromisoformat(values[ours]) if values[ours] else None
        for ours, theirs in names.items()
        if ours in values
    }


def without(members: Sequence[str]) -> Callable[[bytes], bytes]:
    """A system that takes members of a write for nothing."""

    def altered(write: bytes) -> bytes:
        call = json.loads(write)
        call["params"] = [
            {key: each for key, each in one.items() if key not in members}
            if isinstance(one, dict)
            else one
            for one in call["params"]
        ]
        return json.dumps(call).encode()

    return altered
