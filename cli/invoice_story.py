"""The story of an invoice, and of work that is on one: who released it, and what it is made of.

Amounts are those of the ledger; numbers are the ERP's.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from cli.output import hours
from cli.report_story import Story, payment_story, told_story

_DONE: Final = {
    "billed": "billed on",
    "credited": "credited by",
    "drawn": "paid by a prepayment on",
    "write_down": "lowered on",
}


def kind_of(one: Story) -> str:
    """What a posting is; a credit note is posted as an invoice."""
    credit_note = one["billing"] and one["billing"]["invoice"]["credits"]
    return "credit note" if credit_note else str(one["kind"])


def invoice_called(one: Story) -> str:
    """Its engagement and month, and the event that it was made of."""
    month = one["timesheet"].rpartition("/")[2]
    return f"engagement {one['billing']['engagement']}, {month} ({one['source_id']})"


def invoice_story(one: Story) -> Iterator[str]:
    """Who let it go, its lines, what is paid and credited of it, and what its source knows."""
    billing, invoice = one["billing"], one["billing"]["invoice"]
    order = f", order {invoice['purchase_order']}" if invoice["purchase_order"] else ""
    yield f"released by {billing['released_by']}"
    yield (
        f"for {invoice['customer']}, dated {invoice['invoice_date']}, work of "
        f"{invoice['service_from']} to {invoice['service_until']}{order}"
    )
    for number, line in enumerate(invoice["lines"], start=1):
        yield f"  {number}. {_line(line, invoice['currency'])}"
    if billing["credits"]:
        yield f"credits {_document(billing['credits'], invoice['currency'])}"
    yield from payment_story(one)
    for note in billing["credited_by"]:
        yield f"credited by {_document(note, invoice['currency'])}"
    yield from told_story(one)


def billed_story(parts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """On which invoices and lines work is, and what of it was credited or given up."""
    for one in parts:
        size = f"{hours(one['seconds'])} h, " if one["seconds"] else ""
        worth = f"{size}{one['amount']} {one['currency']}"
        because = f": {one['reason']}" if one["reason"] else ""
        if one["kind"] == "written_off":
            yield f"given up on {one['on_date']}, {worth}{because}"
        else:
            of = f" of invoice {one['credits']}" if one["credits"] else ""
            yield (
                f"{_DONE[one['kind']]} {_numbered(one)}, line {one['line']}, {one['on_date']}: "
                f"{worth}{of}{because}"
            )


def _line(line: Mapping[str, Any], currency: str) -> str:
    rate = f" at {line['rate']['amount']} {line['rate']['currency']}" if line["rate"] else ""
    size = f"{hours(line['seconds'])} h{rate}, " if line["seconds"] else ""
    because = f": {line['reason']}" if line["reason"] else ""
    return (
        f"{line['role'].replace('_', ' ')} {line['contract_line']}, {size}"
        f"{Decimal(line['amount'])} {currency} ({line['tax'] or line['tax_note'] or 'no tax'})"
        f"{because}"
    )


def _document(one: Mapping[str, Any], currency: str) -> str:
    return f"{_numbered(one)} of {one['invoice_date']}, {one['net']} {currency}"


def _numbered(one: Mapping[str, Any]) -> str:
    """The ERP's number; while there is none, the event's id and how far it is."""
    state = one["state"].lower().replace("_", " ")
    return one["number"] or f"{one['event_id']} ({state})"
