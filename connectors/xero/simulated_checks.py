"""What Xero checks before it takes a document; its sentences are Xero's."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from connectors.base.dates import day_of
from connectors.xero.simulated_json import Record, amount_of, cents
from connectors.xero.simulated_organisation import SimulatedXero

_CENT: Final = Decimal("0.01")
_UNIT: Final = Decimal("0.0001")
_PERCENT: Final = Decimal(100)
COUNTED: Final = ("AUTHORISED", "POSTED", "SUBMITTED")
# Accounts that lines of documents may be on, by the side of the document.
_TYPES: Final = frozenset(
    {"EXPENSE", "OVERHEADS", "DIRECTCOSTS", "CURRENT", "CURRLIAB", "LIABILITY", "REVENUE", "SALES"}
    | {"OTHERINCOME", "FIXED", "NONCURRENT", "TERMLIAB", "EQUITY", "PREPAYMENT"}
)


class RefusedError(Exception):
    """An item that Xero does not take, with all that is wrong about it."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def lock_messages(xero: SimulatedXero, day: date) -> Iterator[str]:
    """What stands against a day that is locked."""
    for name, until in (
        ("period", xero.period_lock_date),
        ("end of year", xero.end_of_year_lock_date),
    ):
        if until is not None and day <= until:
            yield (
                f"The document date cannot be before the {name} lock date, "
                f"currently set at {until:%d-%b-%Y}"
            )


def day_in(item: Mapping[str, Any], name: str) -> date | None:
    """A day of a request; ValueError for one that is none."""
    value = item.get(name)
    return None if value is None else day_of(value)


def contact_messages(xero: SimulatedXero, item: Mapping[str, Any]) -> Iterator[str]:
    """What stands against the party of a document."""
    party = item.get("Contact")
    contact = xero.contacts.get(party.get("ContactID", "")) if isinstance(party, dict) else None
    if contact is None:
        yield "Contact could not be found"
    elif not contact.active:
        yield (
            f"A contact with the specified contact details has been archived: '{contact.name}'. "
            "The contact must be un-archived before creating new invoices or credit notes."
        )


def account_messages(xero: SimulatedXero, code: Any) -> Iterator[str]:
    """What stands against an account on a line."""
    account = xero.accounts.get(code) if isinstance(code, str) else None
    if code is None:
        yield "Account code must be specified"
    elif account is None or account.system is not None or account.type not in _TYPES:
        yield f"Account code '{code}' is not a valid code for this document."
    elif not account.active:
        yield f"Account code '{code}' has been archived, or deleted."


def tax_messages(xero: SimulatedXero, code: Any) -> Iterator[str]:
    """What stands against a tax on a line."""
    rate = xero.tax_rates.get(code)
    if code is not None and (rate is None or not rate.active):
        yield f"The TaxType code '{code}' does not exist or cannot be used for this type."


def line_of(xero: SimulatedXero, item: Mapping[str, Any], messages: list[str]) -> Record:
    """Check a line and give it as Xero keeps it; one of words only has no amounts."""
    words: Record = {
        "LineItemID": xero.issue("line"),
        "Description": item.get("Description"),
        "Tracking": [],
    }
    if not {"UnitAmount", "LineAmount", "AccountCode"} & set(item):
        return words
    quantity, price = amount_of(item.get("Quantity")), amount_of(item.get("UnitAmount"))
    quantity = Decimal(1) if quantity is None else quantity
    price = (price or Decimal(0)).quantize(_UNIT, ROUND_HALF_UP)
    expected = (quantity * price).quantize(_CENT, ROUND_HALF_UP)
    amount = amount_of(item.get("LineAmount"))
    if amount is not None and amount != expected:
        messages.append(
            f"The line total {amount} does not match the expected line total {expected}"
        )
    code = item.get("AccountCode")
    messages += account_messages(xero, code)
    account = xero.accounts.get(code) if isinstance(code, str) else None
    tax = item.get("TaxType") or (account.tax_type if account else "NONE")
    messages += tax_messages(xero, tax)
    rate = xero.tax_rates.get(tax)
    computed = (expected * (rate.rate if rate else 0) / _PERCENT).quantize(_CENT, ROUND_HALF_UP)
    given = amount_of(item.get("TaxAmount"))
    return {
        **words,
        "Quantity": quantity,
        "UnitAmount": price,
        "AccountCode": code,
        "TaxType": tax,
        "TaxAmount": cents(computed if given is None else given),
        "LineAmount": cents(expected),
        "Tracking": tracking_of(xero, item.get("Tracking") or []),
    }


def tracking_of(xero: SimulatedXero, given: list[Any]) -> list[Record]:
    """What of the tracking is kept: what is no active option is dropped without a word."""
    found: list[Record] = []
    for each in given if not xero.quirks.drops_tracking else ():
        for category in xero.categories.values():
            for option in category.options:
                named = (each.get("Name"), each.get("Option"))
                if option.active and named == (category.name, option.name):
                    found.append(
                        {
                            "Name": category.name,
                            "Option": option.name,
                            "TrackingCategoryID": category.id,
                            "TrackingOptionID": option.id,
                        }
                    )
    return found
