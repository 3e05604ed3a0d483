"""How the simulated Harvest writes invoices, payments and messages: inside the specification."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.harvest.simulated_state import (
    SimulatedClient,
    SimulatedInvoice,
    SimulatedLineItem,
    SimulatedMessage,
    SimulatedPayment,
)


def invoice_json(invoice: SimulatedInvoice, client: SimulatedClient) -> dict[str, Any]:
    """An invoice as Harvest writes it."""
    paid = invoice.payments[-1].paid_date if invoice.state == "paid" and invoice.payments else None
    return {
        "id": invoice.id,
        "client_key": f"{invoice.id:040x}",
        "number": invoice.number,
        "purchase_order": invoice.purchase_order,
        "amount": invoice.amount,
        "due_amount": invoice.due_amount,
        **dict.fromkeys(("tax", "tax2", "discount")),
        **dict.fromkeys(("tax_amount", "tax2_amount", "discount_amount"), Decimal(0)),
        "subject": invoice.subject,
        "notes": invoice.notes,
        "state": invoice.state,
        "period_start": None,
        "period_end": None,
        "issue_date": invoice.issue_date.isoformat(),
        "due_date": invoice.due_date.isoformat(),
        "payment_term": invoice.payment_term,
        "sent_at": _stamp(invoice.sent_at),
        "paid_at": f"{paid}T00:00:00Z" if paid else None,
        "paid_date": paid.isoformat() if paid else None,
        "closed_at": _stamp(invoice.closed_at),
        "recurring_invoice_id": None,
        "created_at": _stamp(invoice.created_at),
        "updated_at": _stamp(invoice.updated_at),
        "currency": invoice.currency,
        "payment_options": [],
        "client": {"id": client.id, "name": client.name},
        "estimate": None,
        "retainer": None,
        "creator": None,
        "line_items": [_item_json(one) for one in invoice.line_items],
    }


def _item_json(item: SimulatedLineItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind,
        "description": item.description,
        "quantity": item.quantity,
        "unit_price": item.unit_price,
        "amount": item.amount,
        "taxed": False,
        "taxed2": False,
        "project": None,
    }


def payment_json(payment: SimulatedPayment) -> dict[str, Any]:
    """A payment as Harvest writes it."""
    return {
        "id": payment.id,
        "amount": payment.amount,
        "paid_at": f"{payment.paid_date}T00:00:00Z",
        "paid_date": payment.paid_date.isoformat(),
        "recorded_by": "Ledgerway",
        "recorded_by_email": "integration@firm.example",
        "notes": payment.notes,
        "transaction_id": None,
        "payment_gateway": {"id": None, "name": None},
        "created_at": _stamp(payment.created_at),
        "updated_at": _stamp(payment.created_at),
    }


def message_json(message: SimulatedMessage) -> dict[str, Any]:
    """An entry of an invoice's history as Harvest writes it."""
    return {
        "id": message.id,
        "sent_by": "Ledgerway",
        "sent_by_email": "integration@firm.example",
        "sent_from": "Ledgerway",
        "sent_from_email": "integration@firm.example",
        "include_link_to_client_invoice": False,
        "send_me_a_copy": False,
        "thank_you": False,
        "reminder": False,
        "send_reminder_on": None,
        "created_at": _stamp(message.created_at),
        "updated_at": _stamp(message.created_at),
        "attach_pdf": False,
        "event_type": message.event_type,
        "recipients": [{"name": "", "email": one} for one in message.recipients],
        "subject": message.subject,
        "body": message.body,
    }


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
