"""Journal entries as Xero's manual journals, and back."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from canonical.exact import round_to
from canonical.journal import JournalEntry, JournalLine
from canonical.money import minor_units
from canonical.posting import PostingIntent, PostingKind
from connectors.base.errors import RejectedError
from connectors.xero.options import XeroOptions
from connectors.xero.wire import POSTED, JournalRow
from connectors.xero.wording import one_line, referenced, words_after

_LABEL_MAX: Final = 250
# What stands behind the description of an entry that takes another one back.
_TAKING_BACK: Final = re.compile(
    r" \(takes back (?P<original>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r" on (?P<booked>[0-9]{4}-[0-9]{2}-[0-9]{2})\)$",
    re.ASCII,
)


def booked_on(intent: PostingIntent) -> date:
    """When it counts; what takes an entry back counts by its own decision about the period."""
    if intent.kind is PostingKind.REVERSAL:
        return intent.period.posting_date
    return intent.journal_entry.entry_date


def journal_values(intent: PostingIntent, base_currency: str) -> Mapping[str, Any]:
    """Make one manual journal, whole.

    Raises RejectedError for what Xero would drop: a party, or another than the base currency.
    """
    body = intent.journal_entry
    if body.currency != base_currency:
        raise RejectedError(
            "not_base_currency", f"manual journals are in {base_currency}, not {body.currency}"
        )
    if any(line.party is not None for line in body.lines):
        raise RejectedError("party_not_kept", "a manual journal of Xero keeps no party")
    takes_back = intent.kind is PostingKind.REVERSAL
    sign = -1 if takes_back else 1
    narration = referenced(intent.reference, body.description)
    if takes_back:
        narration += f" (takes back {body.entry_date} on {booked_on(intent)})"
    return {
        "Narration": narration,
        "Date": booked_on(intent).isoformat(),
        "LineAmountTypes": "NoTax",
        "Status": POSTED,
        "JournalLines": [
            {
                "LineAmount": sign * line.amount,
                "AccountCode": line.account,
                "Description": one_line(line.label),
                "TaxType": "NONE",
            }
            for line in body.lines
        ],
    }


def journal_entry_from(row: JournalRow, options: XeroOptions, base_currency: str) -> JournalEntry:
    """Read a manual journal whole; raises ValueError if it cannot be read exactly.

    What takes another entry back has its signs turned, so that it reads like that entry.
    """
    text = f" {words_after(row.narration)}"
    found = _TAKING_BACK.search(text)
    sign, entry_date = (-1 if found else 1), row.date
    # Another day than was decided: it shows as what it is, and does not agree.
    if found and found["booked"] == row.date.isoformat():
        entry_date = date.fromisoformat(found["original"])
    places = minor_units(base_currency)
    lines: list[JournalLine] = []
    for line in row.journal_lines:
        amount = round_to(sign * line.line_amount, places)
        if amount != sign * line.line_amount:
            raise ValueError("an amount that the currency cannot express")
        label = (line.description or "")[:_LABEL_MAX]
        lines.append(JournalLine(account=line.account_code, amount=amount, label=label))
    return JournalEntry(
        legal_entity=options.tenant_id,
        entry_date=entry_date,
        currency=base_currency,
        description=_TAKING_BACK.sub("", text).strip(),
        lines=tuple(lines),
    )
