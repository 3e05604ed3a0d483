"""Contracts written as this drop reads them: for who moves them here, the sandbox and tests.

Nothing that is read or posted passes here.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final

from canonical.contracts import (
    Acceptance,
    Cap,
    ContractLine,
    Engagement,
    ErpScheduleLine,
    PurchaseOrder,
    RateCard,
)
from canonical.exact import decimal_text
from canonical.money import HourlyRate, Money
from connectors.flatfile.cells import name_in_cell
from connectors.flatfile.contract_parts import (
    CHANGE_ORDERS,
    HEADS,
    LINES,
    SCHEDULES,
    TABLES,
)
from connectors.flatfile.engagements import JSON
from connectors.flatfile.milestones import ACCEPTANCES, BILLING_SCHEDULE
from connectors.flatfile.options import Delimiter
from connectors.flatfile.purchase_orders import PURCHASE_ORDERS
from connectors.flatfile.rate_cards import COLUMNS, RATES
from connectors.flatfile.tables import Columns

Cell = str | bool | date | Sequence[str] | None
Line = Mapping[str, Cell]
_COLUMNS: Final = {
    **TABLES,
    RATES: COLUMNS,
    PURCHASE_ORDERS.file: PURCHASE_ORDERS.columns,
    ACCEPTANCES.file: ACCEPTANCES.columns,
    BILLING_SCHEDULE.file: BILLING_SCHEDULE.columns,
}


def engagements_as_json(engagements: Iterable[Engagement]) -> dict[str, str]:
    """Write engagements, each on its line, by the name of the file."""
    lines = (one.model_dump_json(exclude={"connection"}) for one in engagements)
    return {JSON: "".join(f"{line}\n" for line in lines)}


def engagements_as_tables(
    engagements: Sequence[Engagement], delimiter: Delimiter = ","
) -> dict[str, str]:
    """Write engagements into four tables, by the names of the files.

    Blanks around a name do not survive a table.
    """
    tables: dict[str, list[Line]] = {name: [] for name in TABLES}
    for one in engagements:
        tables[HEADS].append(_head(one))
        for line in one.lines:
            tables[LINES].append({"engagement": one.id, **_contract_line(line)})
            below = {"engagement": one.id, "contract_line": line.id}
            tables[SCHEDULES] += ({**below, **each} for each in _schedule(line))
            tables[CHANGE_ORDERS] += ({**below, **each} for each in _change_orders(line))
    return {name: _table(name, lines, delimiter) for name, lines in tables.items()}


def rate_cards_as_table(cards: Iterable[RateCard], delimiter: Delimiter = ",") -> dict[str, str]:
    """Write rate cards, a line for each rate, by the name of the file."""
    lines: list[Line] = [
        {
            "card": card.id,
            "version": card.version,
            "scope": one.scope,
            "engagement": one.engagement,
            "contract_line": one.contract_line,
            "customer": one.customer,
            "employee": one.employee,
            "role": one.role,
            **_priced(one.rate),
            "valid_from": one.valid_from,
            "valid_until": one.valid_until,
        }
        for card in cards
        for one in card.rates
    ]
    return {RATES: _table(RATES, lines, delimiter)}


def purchase_orders_as_table(
    orders: Iterable[PurchaseOrder], delimiter: Delimiter = ","
) -> dict[str, str]:
    """Write purchase orders, by the name of the file."""
    lines: list[Line] = [
        {
            "id": one.id,
            "number": one.number,
            **_priced(one.amount),
            "valid_from": one.valid_from,
            "valid_until": one.valid_until,
        }
        for one in orders
    ]
    return {PURCHASE_ORDERS.file: _table(PURCHASE_ORDERS.file, lines, delimiter)}


def milestones_as_tables(
    acceptances: Iterable[Acceptance],
    schedule: Iterable[ErpScheduleLine],
    delimiter: Delimiter = ",",
) -> dict[str, str]:
    """Write acceptances and the ERP's schedule, by the names of the files."""
    accepted: list[Line] = [one.model_dump() for one in acceptances]
    scheduled: list[Line] = [{"key": one.key, **_priced(one.amount)} for one in schedule]
    return {
        ACCEPTANCES.file: _table(ACCEPTANCES.file, accepted, delimiter),
        BILLING_SCHEDULE.file: _table(BILLING_SCHEDULE.file, scheduled, delimiter),
    }


def _head(engagement: Engagement) -> Line:
    return {
        "id": engagement.id,
        "code": engagement.code,
        "name": engagement.name,
        "legal_entity": engagement.legal_entity,
        "customer": engagement.customer,
        "customer_country": engagement.customer_tax.country,
        "customer_registered": engagement.customer_tax.registered,
    }


def _contract_line(line: ContractLine) -> Line:
    return {
        "id": line.id,
        "label": line.label,
        "model": line.model,
        "currency": line.currency,
        "projects": line.projects,
        "tasks": line.tasks,
        "service": line.service,
        "expenses_billed": line.expenses_billed,
        **(_cap(line.cap) if line.cap else {}),
        "purchase_order_required": line.purchase_order_required,
        "purchase_order": line.purchase_order,
        "performance_obligation": line.performance_obligation,
        "valid_from": line.valid_from,
        "valid_until": line.valid_until,
    }


def _cap(cap: Cap) -> Line:
    return {
        "cap_kind": cap.kind,
        **_priced(cap.amount, "cap_amount", "cap_currency"),
        "cap_expenses_included": cap.expenses_included,
    }


def _schedule(line: ContractLine) -> Iterator[Line]:
    for one in line.schedule:
        yield {
            "id": one.id,
            "label": one.label,
            "due_date": one.due_date,
            **_priced(one.amount),
            "erp_key": one.erp_key,
            "performance_obligation": one.performance_obligation,
            "draw_from": one.draw_from,
            "draw_until": one.draw_until,
        }


def _change_orders(line: ContractLine) -> Iterator[Line]:
    for one in line.cap.change_orders if line.cap else ():
        yield {"id": one.id, "agreed_date": one.agreed_date, **_priced(one.amount)}


def _priced(
    price: Money | HourlyRate | None, amount: str = "amount", currency: str = "currency"
) -> Line:
    if price is None:
        return {}
    return {amount: decimal_text(price.amount), currency: price.currency}


def _table(name: str, lines: Sequence[Line], delimiter: str) -> str:
    columns: Columns = _COLUMNS[name]
    text = io.StringIO(newline="")
    # With this end of a line, which RFC 4180 has, the writer quotes cells with either half of it.
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    titles = (*columns.required, *columns.optional)
    writer.writerow(titles)
    for line in lines:
        writer.writerow([_cell(line.get(title)) for title in titles])
    return text.getvalue()


def _cell(value: Cell) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case StrEnum():
            return value.value
        case str():
            return value
        case date():
            return value.isoformat()
        case names:
            return "|".join(map(name_in_cell, names))
