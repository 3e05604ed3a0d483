"""Orders to the simulated Xero, as JSON: what people would do in Xero's own pages."""

from collections.abc import Callable
from datetime import date
from typing import Final

from canonical.exact import ExactDecimal
from connectors.xero.simulated_ledger import change_document, pay, unpay
from connectors.xero.simulated_organisation import SimulatedXero
from connectors.xero.simulated_state import Quirks, SimulatedMasters, State

# Carries out a JSON body and counts what it changed; raises ValidationError or KeyError.
Order = Callable[[SimulatedXero, bytes], int]


class LockDates(State):
    """Until when documents are locked; nothing unlocks them."""

    period: date | None = None
    end_of_year: date | None = None


class PaymentOrder(State):
    """A payment on a document."""

    document: str
    amount: ExactDecimal
    paid_on: date


class Chosen(State):
    """Which records an order is for."""

    ids: tuple[str, ...]


def _set_quirks(xero: SimulatedXero, body: bytes) -> int:
    told = Quirks.model_validate_json(body)
    news = {name: getattr(told, name) for name in told.model_fields_set}
    xero.quirks = xero.quirks.model_copy(update=news)
    return len(news)


def _lock(xero: SimulatedXero, body: bytes) -> int:
    told = LockDates.model_validate_json(body)
    xero.period_lock_date, xero.end_of_year_lock_date = told.period, told.end_of_year
    return 1


def _put(xero: SimulatedXero, body: bytes) -> int:
    masters = SimulatedMasters.model_validate_json(body)
    xero.put(masters)
    return sum(len(getattr(masters, name)) for name in SimulatedMasters.model_fields)


def _pay(xero: SimulatedXero, body: bytes) -> int:
    order = PaymentOrder.model_validate_json(body)
    pay(xero, order.document, order.amount, order.paid_on)
    return 1


def _unpay(xero: SimulatedXero, body: bytes) -> int:
    ids = Chosen.model_validate_json(body).ids
    for payment in ids:
        unpay(xero, payment)
    return len(ids)


def _invoice_time(xero: SimulatedXero, body: bytes) -> int:
    ids = Chosen.model_validate_json(body).ids
    for entry in ids:
        xero.entries[entry]["status"] = "INVOICED"
    return len(ids)


def _void(xero: SimulatedXero, body: bytes) -> int:
    ids = Chosen.model_validate_json(body).ids
    for record in ids:
        name = "Invoices" if record in xero.documents["Invoices"] else "CreditNotes"
        change_document(xero, name, xero.documents[name][record], "VOIDED")
    return len(ids)


ORDERS: Final[dict[str, Order]] = {
    "masters": _put,
    "quirks": _set_quirks,
    "lock": _lock,
    "pay": _pay,
    "take_payments_back": _unpay,
    "invoice_time": _invoice_time,
    "void": _void,
}
