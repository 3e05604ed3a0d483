"""The accounts payable desk of the ERP: pays employees, and sees what is really in the books.

It asks Tryton directly and shares no code with the connector, so that what it sees is independent
of the code that is tested with it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.tryton.json_rpc import Domain
from sandbox.tryton.payment_desk import PaymentDesk

SUPPLIER_INVOICES: Domain = [["type", "=", "in"]]
POSTED_STATES = ("posted", "paid")


@dataclass(frozen=True)
class TaxAmount:
    """One tax line, in the document's currency."""

    code: str
    base: Decimal
    amount: Decimal


@dataclass(frozen=True)
class SupplierInvoice:
    """One supplier invoice or credit note as the ERP holds it, told in codes.

    Amounts are in the document's currency; `accounts` and `cost_centres` are what its lines come
    to, without the payable that is the total.
    """

    id: int
    legal_entity: str
    state: str
    number: str | None
    reference: str
    payee: str
    currency: str
    document_date: date
    posting_date: date
    total: Decimal
    left_to_pay: Decimal
    accounts: Mapping[str, Decimal]
    cost_centres: Mapping[str, Decimal]
    taxes: tuple[TaxAmount, ...]

    @property
    def posted(self) -> bool:
        """Whether it is in the general ledger."""
        return self.state in POSTED_STATES


@dataclass(frozen=True)
class Disbursement:
    """What is passed on to a project's customer; `payments` is how many pay its payee."""

    id: int
    reference: str
    project: str
    payee: str
    state: str
    amount: Decimal
    currency: str
    incurred: date
    payments: int


class ExpenseDesk(PaymentDesk):
    """Works with an administrator's session."""

    async def supplier_invoices(self, domain: Domain = ()) -> tuple[SupplierInvoice, ...]:
        """Read all supplier invoices, drafts among them, in the order of their ids."""
        rows = await self._erp.find(
            "account.invoice",
            [SUPPLIER_INVOICES, list(domain)],
            *("company.party.code", "state", "number", "reference", "party.code"),
            *("currency.code", "invoice_date", "accounting_date", "total_amount", "amount_to_pay"),
            *("lines.account.code", "lines.amount", "lines.type"),
            *("lines.analytic_accounts.account.code",),
            *("taxes.tax.description", "taxes.account.code", "taxes.base", "taxes.amount"),
        )
        return tuple(map(_supplier_invoice, rows))

    async def posted(self, reference: str) -> tuple[SupplierInvoice, ...]:
        """Read the posted invoices whose reference begins with a text."""
        found = await self.supplier_invoices([["reference", "like", f"{reference}%"]])
        return tuple(one for one in found if one.posted)

    async def disbursements(self, reference: str = "") -> tuple[Disbursement, ...]:
        """Read the disbursements whose reference begins with a text."""
        rows = await self._erp.find(
            "project.disbursement",
            [["reference", "like", f"{reference}%"]],
            *("reference", "work.number", "payee.code", "state", "amount", "currency.code"),
            *("payment_date", "payments"),
        )
        return tuple(
            Disbursement(
                id=row["id"],
                reference=row["reference"],
                project=row["work."]["number"],
                payee=row["payee."]["code"],
                state=row["state"],
                amount=row["amount"],
                currency=row["currency."]["code"],
                incurred=row["payment_date"],
                payments=len(row["payments"]),
            )
            for row in rows
        )


def _supplier_invoice(row: dict[str, Any]) -> SupplierInvoice:
    accounts: dict[str, Decimal] = defaultdict(Decimal)
    cost_centres: dict[str, Decimal] = defaultdict(Decimal)
    for line in row["lines."]:
        if line["type"] == "line":
            accounts[line["account."]["code"]] += line["amount"]
            for entry in line["analytic_accounts."]:
                cost_centres[entry["account."]["code"]] += line["amount"]
    for tax in row["taxes."]:
        accounts[tax["account."]["code"]] += tax["amount"]
    return SupplierInvoice(
        id=row["id"],
        legal_entity=row["company."]["party."]["code"],
        state=row["state"],
        number=row["number"],
        reference=row["reference"] or "",
        payee=row["party."]["code"],
        currency=row["currency."]["code"],
        document_date=row["invoice_date"],
        posting_date=row["accounting_date"],
        total=row["total_amount"],
        left_to_pay=row["amount_to_pay"] or Decimal(0),
        accounts=dict(accounts),
        cost_centres=dict(cost_centres),
        taxes=tuple(
            TaxAmount(tax["tax."]["description"], tax["base"], tax["amount"])
            for tax in row["taxes."]
        ),
    )
