"""Manual journals of the simulated Xero; one that is posted is another record than its draft."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from connectors.xero.simulated_checks import (
    RefusedError,
    account_messages,
    day_in,
    lock_messages,
    tax_messages,
    tracking_of,
)
from connectors.xero.simulated_json import Record, amount_of, cents
from connectors.xero.simulated_organisation import SimulatedXero

NAME: Final = "ManualJournals"
_LINES_MIN: Final = 2


def create_journal(xero: SimulatedXero, item: Mapping[str, Any]) -> Record:
    """Make a journal, or raise RefusedError with everything that is wrong about it."""
    status = item.get("Status", "DRAFT")
    if status not in ("DRAFT", "POSTED"):
        raise RefusedError([f"A journal of status {status} cannot be created"])
    messages: list[str] = []
    lines = [_line(xero, line, messages) for line in item.get("JournalLines") or []]
    if len(lines) < _LINES_MIN:
        messages.append("At least one line item is required on each side of a journal")
    debits = sum((each["LineAmount"] for each in lines if each["LineAmount"] > 0), Decimal(0))
    credits_ = sum((each["LineAmount"] for each in lines if each["LineAmount"] < 0), Decimal(0))
    if debits + credits_ != 0:
        messages.append(
            f"The total debits ({debits:.2f}) must equal total credits ({credits_:.2f})"
        )
    day = day_in(item, "Date") or xero.clock().date()
    if status == "POSTED":
        messages += lock_messages(xero, day)
    if messages:
        raise RefusedError(messages)
    identity = xero.issue("journal")
    kept = "DRAFT" if xero.quirks.keeps_drafts else status
    record = {
        "_id": identity,
        "ManualJournalID": identity,
        "Narration": item["Narration"],
        "Date": day,
        "Status": kept,
        "LineAmountTypes": item.get("LineAmountTypes", "NoTax"),
        "JournalLines": lines,
        "ShowOnCashBasisReports": True,
        "HasAttachments": False,
    }
    told = xero.keep(NAME, record)
    if kept == "POSTED" and xero.quirks.renames_posted_journals:
        told = dict(record)
        _renamed(xero, record)
    return told


def post_journal(xero: SimulatedXero, record: Record, status: Any) -> Record:
    """Post or delete a draft, or void what is posted."""
    now = record["Status"]
    if status == "POSTED" and now == "DRAFT":
        messages = list(lock_messages(xero, record["Date"]))
        if messages:
            raise RefusedError(messages)
        record["Status"] = status
        return _renamed(xero, record)
    if (status, now) not in (("DELETED", "DRAFT"), ("VOIDED", "POSTED"), ("POSTED", "POSTED")):
        raise RefusedError([f"Journal not of valid status for modification: {now}"])
    record["Status"] = status
    return xero.keep(NAME, record)


def _renamed(xero: SimulatedXero, record: Record) -> Record:
    """What is posted gets an id of its own, and the draft's is nobody's any more."""
    del xero.documents[NAME][record["_id"]]
    record["_id"] = record["ManualJournalID"] = xero.issue("journal")
    return xero.keep(NAME, record)


def _line(xero: SimulatedXero, item: Mapping[str, Any], messages: list[str]) -> Record:
    code = item.get("AccountCode")
    messages += account_messages(xero, code)
    messages += tax_messages(xero, item.get("TaxType"))
    account = xero.accounts.get(code) if isinstance(code, str) else None
    return {
        "LineAmount": cents(amount_of(item.get("LineAmount")) or Decimal(0)),
        "AccountCode": code,
        **({"AccountID": account.id} if account else {}),
        "Description": item.get("Description"),
        "TaxType": item.get("TaxType", "NONE"),
        "Tracking": tracking_of(xero, item.get("Tracking") or []),
        "IsBlank": False,
    }
