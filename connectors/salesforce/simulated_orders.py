"""Orders to the simulated org, in bulk and as JSON: what people would do in its pages."""

from collections.abc import Callable
from typing import Final

from connectors.salesforce.simulated_org import SimulatedOrg
from connectors.salesforce.simulated_state import Changed, Kind, Merge, Quirks, State, Value

# Carries out a JSON body and counts what it changed; raises ValidationError or KeyError.
Order = Callable[[SimulatedOrg, bytes], int]


class Addition(State):
    """A record to make."""

    kind: Kind
    fields: dict[str, Value]


class Additions(State):
    """Records to make."""

    records: tuple[Addition, ...]


class Changes(State):
    """Records to change."""

    changes: tuple[Changed, ...]


class Chosen(State):
    """Records by their ids."""

    ids: tuple[str, ...]


def _add(org: SimulatedOrg, body: bytes) -> int:
    records = Additions.model_validate_json(body).records
    for each in records:
        org.add(each.kind, each.fields)
    return len(records)


def _change(org: SimulatedOrg, body: bytes) -> int:
    changes = Changes.model_validate_json(body).changes
    for each in changes:
        org.change(each.id, each.fields)
    return len(changes)


def _merge(org: SimulatedOrg, body: bytes) -> int:
    told = Merge.model_validate_json(body)
    return org.merge(told.main, told.losers)


def _set_quirks(org: SimulatedOrg, body: bytes) -> int:
    told = Quirks.model_validate_json(body)
    news = {name: getattr(told, name) for name in told.model_fields_set}
    org.quirks = org.quirks.model_copy(update=news)
    return len(news)


def _ids(body: bytes) -> tuple[str, ...]:
    return Chosen.model_validate_json(body).ids


ORDERS: Final[dict[str, Order]] = {
    "add": _add,
    "change": _change,
    "delete": lambda org, body: org.delete(_ids(body)),
    "restore": lambda org, body: org.restore(_ids(body)),
    "merge": _merge,
    "end_sessions": lambda org, _: org.end_sessions(),
    "quirks": _set_quirks,
}
