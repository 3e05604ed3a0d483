"""What is written to the Accounting API: many items a call, each with a state of its own."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.xero.simulated_checks import RefusedError
from connectors.xero.simulated_journals import NAME as JOURNALS
from connectors.xero.simulated_journals import create_journal, post_journal
from connectors.xero.simulated_json import Record, envelope, shown, validation_error
from connectors.xero.simulated_ledger import allocate, change_document, create_document
from connectors.xero.simulated_organisation import SimulatedXero

NIL: Final = "00000000-0000-0000-0000-000000000000"
_ITEMS_MAX: Final = 500


class BrokenOffError(Exception):
    """The server failed in the middle of a call."""


class InvalidError(Exception):
    """The whole call is refused; `told` is the answer."""

    def __init__(self, told: Record) -> None:
        super().__init__("refused")
        self.told = told


def create_all(
    xero: SimulatedXero, name: str, sent: Mapping[str, Any], *, summarize: bool
) -> Record:
    """Make each item of a call; the ones that are wrong cost the others nothing."""
    items = _items(sent, name)
    told: list[Record] = []
    for place, item in enumerate(items):
        if place == xero.quirks.breaks_after_items and len(items) > 1:
            raise BrokenOffError
        told.append(_create(xero, name, item, summarize=summarize))
    if xero.quirks.forgets_an_item and len(told) > 1:
        told.pop()
    answer = envelope(name, [], xero.clock(), None)
    return {**answer, name: told}


def _create(xero: SimulatedXero, name: str, item: Mapping[str, Any], *, summarize: bool) -> Record:
    try:
        is_journal = name == JOURNALS
        made = create_journal(xero, item) if is_journal else create_document(xero, name, item)
    except RefusedError as refused:
        if summarize:
            raise InvalidError(validation_error(item, refused.messages)) from refused
        errors = [{"Message": message} for message in refused.messages]
        state = {"StatusAttributeString": "ERROR", "ValidationErrors": errors}
        own = {} if name == JOURNALS else {"HasErrors": True}
        return {**shown(item), **own, **state}
    return {**shown(made), "StatusAttributeString": "OK"}


def change_one(xero: SimulatedXero, name: str, record: Record, sent: Mapping[str, Any]) -> Record:
    """Change the state of one document."""
    (item,) = _items(sent, name)
    change = post_journal if name == JOURNALS else _changed(name)
    try:
        made = change(xero, record, item.get("Status"))
    except RefusedError as refused:
        raise InvalidError(validation_error(item, refused.messages)) from refused
    return envelope(name, [made], xero.clock(), None)


def _changed(name: str) -> Any:
    return lambda xero, record, status: change_document(xero, name, record, status)


def allocate_all(xero: SimulatedXero, note: Record, sent: Mapping[str, Any]) -> Record:
    """Use a credit note on invoices."""
    try:
        made = [allocate(xero, note, item) for item in _items(sent, "Allocations")]
    except RefusedError as refused:
        raise InvalidError(validation_error({}, refused.messages)) from refused
    return envelope("Allocations", made, xero.clock(), None)


def _items(sent: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    items = sent[name]
    if not isinstance(items, list) or not 1 <= len(items) <= _ITEMS_MAX:
        raise ValueError(f"{name} is a list of 1 to {_ITEMS_MAX} items")
    if name == JOURNALS and any(not isinstance(item.get("Narration"), str) for item in items):
        raise ValueError("a manual journal has a narration")
    return items
