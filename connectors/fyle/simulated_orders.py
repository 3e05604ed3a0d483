"""Orders to the simulated Fyle, as JSON: what people would do in Fyle's UI."""

from collections.abc import Callable
from functools import partial
from typing import Final

from connectors.fyle.simulated_organisation import SimulatedFyle
from connectors.fyle.simulated_state import (
    ExpenseChange,
    Quirks,
    SimulatedMasters,
    SimulatedReport,
    State,
)
from connectors.fyle.wire import ReportState

# Carries out a JSON body and counts what it changed; raises ValidationError or KeyError.
Order = Callable[[SimulatedFyle, bytes], int]


class Additions(State):
    """Reports to add, with their expenses."""

    reports: tuple[SimulatedReport, ...]


class Changes(State):
    """Expenses to change."""

    changes: tuple[ExpenseChange, ...]


class Chosen(State):
    """Which reports an order is for."""

    ids: tuple[str, ...]


def _set_quirks(fyle: SimulatedFyle, body: bytes) -> int:
    told = Quirks.model_validate_json(body)
    news = {name: getattr(told, name) for name in told.model_fields_set}
    fyle.quirks = fyle.quirks.model_copy(update=news)
    return len(news)


def _put(fyle: SimulatedFyle, body: bytes) -> int:
    masters = SimulatedMasters.model_validate_json(body)
    fyle.put(masters)
    return sum(len(getattr(masters, name)) for name in SimulatedMasters.model_fields)


def _move(state: ReportState, fyle: SimulatedFyle, body: bytes) -> int:
    return fyle.move(Chosen.model_validate_json(body).ids, state)


ORDERS: Final[dict[str, Order]] = {
    "add": lambda fyle, body: fyle.add(Additions.model_validate_json(body).reports),
    "change": lambda fyle, body: fyle.change(Changes.model_validate_json(body).changes),
    "submit": partial(_move, ReportState.APPROVER_PENDING),
    "approve": partial(_move, ReportState.APPROVED),
    "release": partial(_move, ReportState.PAYMENT_PROCESSING),
    "send_back": partial(_move, ReportState.APPROVER_INQUIRY),
    "pay": partial(_move, ReportState.PAID),
    "delete": lambda fyle, body: fyle.delete(Chosen.model_validate_json(body).ids),
    "masters": _put,
    "quirks": _set_quirks,
}
