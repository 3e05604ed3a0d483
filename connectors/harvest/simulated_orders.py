"""Orders to the simulated account, in bulk and as JSON: what people would do in Harvest's UI."""

from collections.abc import Callable
from typing import Final

from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_state import (
    Change,
    Quirks,
    Selection,
    SimulatedEntry,
    SimulatedMasters,
    State,
)

# Carries out a JSON body and counts what it changed; raises ValidationError or KeyError.
Order = Callable[[HarvestAccount, bytes], int]


class Additions(State):
    """Entries to add."""

    time_entries: tuple[SimulatedEntry, ...]


class Changes(State):
    """Entries to change."""

    changes: tuple[Change, ...]


def _set_quirks(account: HarvestAccount, body: bytes) -> int:
    told = Quirks.model_validate_json(body)
    news = {name: getattr(told, name) for name in told.model_fields_set}
    account.quirks = account.quirks.model_copy(update=news)
    return len(news)


def _put(account: HarvestAccount, body: bytes) -> int:
    masters = SimulatedMasters.model_validate_json(body)
    account.put(masters)
    return sum(len(getattr(masters, name)) for name in SimulatedMasters.model_fields)


def _chosen(body: bytes) -> Selection:
    return Selection.model_validate_json(body)


ORDERS: Final[dict[str, Order]] = {
    "add": lambda account, body: account.add(Additions.model_validate_json(body).time_entries),
    "change": lambda account, body: account.change(Changes.model_validate_json(body).changes),
    "approve": lambda account, body: account.approve(_chosen(body)),
    "withdraw": lambda account, body: account.withdraw(_chosen(body)),
    "lock": lambda account, body: account.lock(_chosen(body)),
    "unlock": lambda account, body: account.lock(_chosen(body), locked=False),
    "start": lambda account, body: account.run_timer(_chosen(body)),
    "stop": lambda account, body: account.run_timer(_chosen(body), running=False),
    "delete": lambda account, body: account.delete(_chosen(body)),
    "masters": _put,
    "quirks": _set_quirks,
}
