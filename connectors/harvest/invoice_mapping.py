"""News of invoices and Harvest's records: pure functions, and the marks by which we know our own.

Harvest keeps no external id on invoices. What we write carries a mark in its free text: an
invoice in its notes, a payment in its notes, a credit in the description of its line.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.exact import decimal_text, scale_of
from connectors.base.capabilities import InvoiceNews, InvoiceNewsLine
from connectors.base.dates import day_of
from connectors.base.errors import RejectedError
from connectors.harvest.invoice_wire import Invoice, LineItem, Payment
from connectors.harvest.mapping import cut

_DESCRIPTION_MAX: Final = 1000
_PLACES: Final = 2  # Harvest shows no more of a quantity or a price.
_SECONDS_PER_HOUR: Final = 3600
_PAYMENT: Final = re.compile(r"#([0-9]+)", re.ASCII)
_TAKEN_BACK: Final = "Taken back, Ledgerway reversal"
_SOME_DAY: Final = "some day"
_OURS: Final = "[Ledgerway "


def mark(name: str) -> str:
    """What a record of ours carries in its free text."""
    return f"{_OURS}{name}]"


def marked(text: str | None, name: str) -> bool:
    """Whether a free text carries the mark of this name."""
    return mark(name) in (text or "")


def mark_in(text: str | None) -> str:
    """The mark that a free text carries, whatever its name; empty if it carries none."""
    _, begins, rest = (text or "").partition(_OURS)
    name, ends, _ = rest.partition("]")
    return begins + name + ends if ends else ""


def invoice_name(news: InvoiceNews) -> str:
    """The name in an invoice's own mark, which is no payment's."""
    return f"invoice {news.reference}"


def amount_told(news: InvoiceNews) -> Decimal:
    """What the document comes to: with tax where the ERP has said it."""
    return (news.total or news.net).amount


def invoice_body(news: InvoiceNews, client: int, kind: str) -> dict[str, Any]:
    """An invoice for Harvest; raises RejectedError if its lines are not its sum."""
    body: dict[str, Any] = {
        "client_id": client,
        "number": news.number,
        "currency": news.net.currency,
        "issue_date": news.invoice_date.isoformat(),
        "notes": mark(invoice_name(news)),
        "line_items": _line_items(news, kind),
    }
    if news.due_date is not None:
        # Without the term Harvest ignores the date.
        body |= {"payment_term": "custom", "due_date": news.due_date.isoformat()}
    return body


def _line_items(news: InvoiceNews, kind: str) -> list[dict[str, Any]]:
    lines = news.lines or (InvoiceNewsLine("", 0, news.net),)
    if sum((line.amount.amount for line in lines), Decimal(0)) != news.net.amount:
        raise RejectedError("lines_do_not_add_up")
    items = [_line_item(line, kind) for line in lines]
    tax = amount_told(news) - news.net.amount
    if tax:
        # A line, not Harvest's percentage: the ERP's tax to the cent, wherever it was rounded.
        items.append(_item(kind, "Tax", Decimal(1), tax))
    return items


def _line_item(line: InvoiceNewsLine, kind: str) -> dict[str, Any]:
    """Hours at a price where both are exact, else the amount once with the hours beside it."""
    amount = line.amount.amount
    if not line.seconds:
        return _item(kind, line.label, Decimal(1), amount)
    hours = Decimal(line.seconds) / _SECONDS_PER_HOUR
    price = amount / hours
    if hours > 0 and _exact(hours) and _exact(price) and hours * price == amount:
        return _item(kind, line.label, hours, price)
    shown = decimal_text(hours.quantize(Decimal("0.0001")).normalize())
    return _item(kind, f"{line.label} ({shown} h)".strip(), Decimal(1), amount)


def _exact(number: Decimal) -> bool:
    return scale_of(number) <= _PLACES


def _item(kind: str, label: str, quantity: Decimal, price: Decimal) -> dict[str, Any]:
    description = cut(label, _DESCRIPTION_MAX)
    return {"kind": kind, "description": description, "quantity": quantity, "unit_price": price}


def credit_body(news: InvoiceNews, kind: str) -> dict[str, Any]:
    """A credit note as Harvest can show it: a line below nothing on the invoice it credits."""
    told = f"Credit note {news.number} of {news.invoice_date.isoformat()} {mark(news.id)}"
    return {"line_items": [_item(kind, told, Decimal(1), amount_told(news))]}


def credit_lines(invoice: Invoice) -> list[LineItem]:
    """The lines that are credits of ours."""
    return [line for line in invoice.line_items if mark_in(line.description)]


def as_issued(invoice: Invoice) -> Decimal:
    """What an invoice came to before it was credited."""
    return invoice.amount - sum((line.amount for line in credit_lines(invoice)), Decimal(0))


def payment_body(amount: Decimal, day: date | None, name: str) -> dict[str, Any]:
    """A payment for Harvest, which would write a thank-you mail to the customer if it may.

    Of a payment whose day the ERP does not say, Harvest keeps the day on which it was told.
    """
    body = {"amount": amount, "notes": mark(name), "send_thank_you": False}
    return body if day is None else body | {"paid_date": day.isoformat()}


@dataclass(frozen=True, slots=True)
class TakenBack:
    """How a payment is taken back: which payments go, and what of them stays paid since when."""

    payments: Mapping[int, str]
    rest: Decimal
    paid_date: date | None

    def line(self, name: str) -> str:
        """As the invoice's notes keep it, so that a second telling takes nothing else back."""
        gone = ", ".join(f"#{payment} {notes}" for payment, notes in self.payments.items())
        since = self.paid_date.isoformat() if self.paid_date else _SOME_DAY
        rest = f"{decimal_text(self.rest)} stays paid since {since}"
        return f"{_TAKEN_BACK} {name}: {gone}; {rest}"


def taken_back(payments: Iterable[Payment], amount: Decimal) -> TakenBack:
    """Choose the payments that go: the one of this amount, else the latest ones, the last in part.

    Only payments of ours; raises RejectedError if they are less than what is to be taken back.
    """
    ours = [each for each in payments if mark_in(each.notes)]
    ours.sort(key=lambda each: (each.paid_date or date.max, each.id), reverse=True)
    chosen = [each for each in ours if each.amount == amount][:1] or _covering(ours, amount)
    rest = sum((each.amount for each in chosen), Decimal(0)) - amount
    gone = {each.id: mark_in(each.notes) for each in chosen}
    return TakenBack(gone, rest, chosen[-1].paid_date)


def _covering(payments: Sequence[Payment], amount: Decimal) -> list[Payment]:
    chosen: list[Payment] = []
    left = amount
    for each in payments:
        chosen.append(each)
        left -= each.amount
        if left <= 0:
            return chosen
    raise RejectedError("no_such_payment")


def is_twin(payment: Payment, earlier: Iterable[Payment], notes: str | None) -> bool:
    """Whether it says again what an earlier payment says, or one that was taken back said."""
    own = mark_in(payment.notes)
    if not own:
        return False
    gone = own in (notes or "") and f"#{payment.id} {own}" not in (notes or "")
    return gone or any(mark_in(each.notes) == own for each in earlier)


def taken_back_before(notes: str | None, name: str) -> TakenBack | None:
    """Read from an invoice's notes how this reversal was begun; None if it was not."""
    beginning = f"{_TAKEN_BACK} {name}: "
    for line in (notes or "").splitlines():
        if line.startswith(beginning):
            gone, _, rest = line.removeprefix(beginning).partition("; ")
            amount, _, since = rest.partition(" stays paid since ")
            found = _PAYMENT.findall(gone)
            try:
                day = None if since == _SOME_DAY else day_of(since)
                return TakenBack({int(one): "" for one in found}, Decimal(amount), day)
            except (ValueError, ArithmeticError):
                raise RejectedError("notes_were_changed") from None
    return None
