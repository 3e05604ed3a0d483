"""Invoices, bills and credit notes of the simulated Xero: made, approved, voided, paid, used."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from connectors.xero.simulated_checks import (
    COUNTED,
    RefusedError,
    contact_messages,
    day_in,
    line_of,
    lock_messages,
)
from connectors.xero.simulated_json import Record, amount_of, cents
from connectors.xero.simulated_organisation import SimulatedXero

_TYPES: Final = {
    "Invoices": ("ACCPAY", "ACCREC"),
    "CreditNotes": ("ACCPAYCREDIT", "ACCRECCREDIT"),
}
_ID: Final = {"Invoices": "InvoiceID", "CreditNotes": "CreditNoteID"}
_NUMBER: Final = {"Invoices": "InvoiceNumber", "CreditNotes": "CreditNoteNumber"}
_NUMBERED: Final = {"ACCREC": "INV", "ACCRECCREDIT": "CN"}
_NOTHING: Final = Decimal("0.00")


def create_document(xero: SimulatedXero, name: str, item: Mapping[str, Any]) -> Record:
    """Make a document, or raise RefusedError with everything that is wrong about it."""
    messages: list[str] = []
    kind = item.get("Type")
    if kind not in _TYPES[name]:
        raise RefusedError([f"The Type '{kind}' is not valid for this document"])
    messages += contact_messages(xero, item)
    day = day_in(item, "Date") or xero.clock().date()
    status = item.get("Status", "DRAFT")
    if status not in ("DRAFT", "SUBMITTED", "AUTHORISED"):
        messages.append(f"Invoice not of valid status for modification: {status}")
    lines = [line_of(xero, line, messages) for line in item.get("LineItems") or []]
    if not any("AccountCode" in line for line in lines):
        messages.append("At least one line item is required")
    messages += _head_messages(xero, name, item, day, status)
    record = _record(xero, name, item, day, lines)
    if record["Total"] < 0:
        messages.append("The document total must be greater than or equal to zero.")
    if messages:
        raise RefusedError(messages)
    _approve(xero, record, status)
    return xero.keep(name, record)


def _head_messages(
    xero: SimulatedXero, name: str, item: Mapping[str, Any], day: date, status: str
) -> list[str]:
    messages: list[str] = []
    currency = item.get("CurrencyCode", xero.facts.base_currency)
    if currency not in xero.facts.currencies:
        messages.append(f"Currency '{currency}' is not set up for this organisation")
    if name == "Invoices" and status == "AUTHORISED" and day_in(item, "DueDate") is None:
        messages.append("Invoice due date cannot be empty for approved invoices")
    if status in COUNTED:
        messages += lock_messages(xero, day)
    number = item.get(_NUMBER[name])
    taken = {record[_NUMBER[name]] for record in xero.documents[name].values() if _is_sale(record)}
    if item.get("Type") in _NUMBERED and number is not None and number in taken:
        messages.append("Invoice # must be unique")
    return messages


def _is_sale(record: Record) -> bool:
    return record["Type"] in _NUMBERED


def _record(
    xero: SimulatedXero,
    name: str,
    item: Mapping[str, Any],
    day: date,
    lines: list[Record],
) -> Record:
    party = item.get("Contact")
    contact = xero.contacts.get(party.get("ContactID", "")) if isinstance(party, dict) else None
    net = sum((line.get("LineAmount", _NOTHING) for line in lines), _NOTHING)
    tax = sum((line.get("TaxAmount", _NOTHING) for line in lines), _NOTHING)
    if item.get("LineAmountTypes") == "NoTax":
        tax = _NOTHING
    identity = xero.issue(name)
    kind = item["Type"]
    number = item.get(_NUMBER[name])
    if number is None:
        number = xero.number(_NUMBERED[kind]) if kind in _NUMBERED else ""
    sale = {"Reference": item.get("Reference", "")} if kind in _NUMBERED else {"Reference": ""}
    return {
        "_id": identity,
        _ID[name]: identity,
        _NUMBER[name]: number,
        "Type": kind,
        **sale,
        "Contact": {
            "ContactID": contact.id if contact else "",
            "Name": contact.name if contact else "",
            "HasValidationErrors": False,
        },
        "Date": day,
        **({"DueDate": due} if (due := day_in(item, "DueDate")) else {}),
        "Status": "DRAFT",
        "LineAmountTypes": item.get("LineAmountTypes", "Exclusive"),
        "LineItems": lines,
        "SubTotal": cents(net),
        "TotalTax": cents(tax),
        "Total": cents(net + tax),
        "CurrencyCode": item.get("CurrencyCode", xero.facts.base_currency),
        "CurrencyRate": Decimal("1.0"),
        "HasAttachments": False,
        "HasErrors": False,
        "Payments": [],
        **_opened(name, cents(net + tax)),
    }


def _opened(name: str, total: Decimal) -> Record:
    if name == "CreditNotes":
        return {"RemainingCredit": total, "AppliedAmount": _NOTHING, "Allocations": []}
    return {
        "AmountDue": total,
        "AmountPaid": _NOTHING,
        "AmountCredited": _NOTHING,
        "CreditNotes": [],
        "SentToContact": False,
        "IsDiscounted": False,
    }


def _approve(xero: SimulatedXero, record: Record, status: str) -> None:
    if status == "AUTHORISED" and xero.quirks.keeps_drafts:
        status = "DRAFT"
    record["Status"] = status
    if status == "AUTHORISED":
        settle(record)


def settle(record: Record) -> None:
    """A document of which nothing is open is paid; one of which something is open is not."""
    if record["Status"] in ("AUTHORISED", "PAID"):
        left = record["AmountDue"] if "AmountDue" in record else record["RemainingCredit"]
        record["Status"] = "PAID" if left == 0 else "AUTHORISED"


def change_document(xero: SimulatedXero, name: str, record: Record, status: Any) -> Record:
    """Delete a draft, approve it, or void what counts; nothing else can be changed here."""
    now = record["Status"]
    used = bool(record["Payments"]) or bool(record.get("CreditNotes"))
    used = used or bool(record.get("Allocations"))
    if status == "AUTHORISED" and now in ("DRAFT", "SUBMITTED"):
        messages = list(lock_messages(xero, record["Date"]))
        if messages:
            raise RefusedError(messages)
        _approve(xero, record, "AUTHORISED")
    elif status == "AUTHORISED" and now in ("AUTHORISED", "PAID"):
        pass
    elif (status == "DELETED" and now in ("DRAFT", "SUBMITTED", "DELETED")) or (
        status == "VOIDED" and now in ("AUTHORISED", "VOIDED") and not used
    ):
        record["Status"] = status
    else:
        raise RefusedError([f"Invoice not of valid status for modification: {now}"])
    return xero.keep(name, record)


def allocate(xero: SimulatedXero, note: Record, item: Mapping[str, Any]) -> Record:
    """Use a credit note on an invoice of the same party."""
    amount = amount_of(item.get("Amount")) or Decimal(0)
    day = day_in(item, "Date") or xero.clock().date()
    invoices = xero.documents["Invoices"]
    invoice = invoices.get((item.get("Invoice") or {}).get("InvoiceID", ""))
    if invoice is None:
        raise RefusedError(["Invoice could not be found"])
    if amount > min(invoice["AmountDue"], note["RemainingCredit"]) or amount <= 0:
        raise RefusedError(["The amount exceeds the amount outstanding"])
    invoice["AmountDue"] -= amount
    invoice["AmountCredited"] += amount
    invoice["CreditNotes"].append(
        {"CreditNoteID": note["CreditNoteID"], "AppliedAmount": amount, "Total": note["Total"]}
    )
    note["RemainingCredit"] -= amount
    note["AppliedAmount"] += amount
    told = {
        "AllocationID": xero.issue("allocation"),
        "Amount": amount,
        "Date": day,
        "Invoice": {"InvoiceID": invoice["InvoiceID"]},
    }
    note["Allocations"].append(told)
    for name, record in (("Invoices", invoice), ("CreditNotes", note)):
        settle(record)
        xero.keep(name, record)
    return told


def pay(xero: SimulatedXero, document: str, amount: Decimal, day: date) -> str:
    """Pay a document, as people do in Xero; gives the payment's id."""
    name = "Invoices" if document in xero.documents["Invoices"] else "CreditNotes"
    record = xero.documents[name][document]
    payment = xero.issue("payment")
    record["Payments"].append(
        {"PaymentID": payment, "Date": day, "Amount": amount, "HasValidationErrors": False}
    )
    _move(record, amount)
    xero.keep(name, record)
    return payment


def unpay(xero: SimulatedXero, payment: str) -> None:
    """Take a payment back: it is not shown any more. KeyError if there is none."""
    for name in ("Invoices", "CreditNotes"):
        for record in xero.documents[name].values():
            for each in record["Payments"]:
                if each["PaymentID"] == payment:
                    record["Payments"].remove(each)
                    _move(record, -each["Amount"])
                    xero.keep(name, record)
                    return
    raise KeyError(payment)


def _move(record: Record, amount: Decimal) -> None:
    if "AmountDue" in record:
        record["AmountDue"] -= amount
        record["AmountPaid"] += amount
    else:
        record["RemainingCredit"] -= amount
    settle(record)
