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

from sandbox.tryton.json_rpc import Domain, ErpError, JsonRpcSession, Values

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


class ExpenseDesk:
    """Works with an administrator's session."""

    def __init__(self, session: JsonRpcSession) -> None:
        self._erp = session

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

    async def pay(self, invoice: int, on: date, amount: Decimal | None = None) -> None:
        """Pay an invoice from the bank: all that is open, or a part of it.

        Payments that came back count against the invoice for Tryton until they are unlinked.
        """
        row = await self._invoice(invoice)
        self._erp.work_for(row["company"])
        _, gone = await self._payments(row)
        if gone:
            unlink = {"payment_lines": [["remove", [line["id"] for line in gone]]]}
            await self._erp.write("account.invoice", [invoice], unlink)
        (method,) = await self._erp.find(
            "account.invoice.payment.method", [["company", "=", row["company"]]], "id"
        )
        start: Values = {
            "payee": row["party"],
            "payees": [row["party"]],
            "company": row["company"],
            "currency": row["currency"],
            "invoice_account": row["account"],
            "payment_method": method["id"],
            "amount": row["amount_to_pay"] if amount is None else amount,
            "date": on,
        }
        # Only looked at if something stays open.
        ask: Values = {**start, "type": "partial", "invoice": invoice, "lines": []}
        kept = ("type", "amount", "currency", "company", "invoice", "lines")
        forms = {"start": start, "ask": {name: ask[name] for name in kept}}
        await self._erp.run_wizard(
            "account.invoice.pay", ("pay", forms), on=("account.invoice", invoice)
        )

    async def take_last_payment_back(self, invoice: int) -> None:
        """Cancel the latest payment of an invoice, as after a transfer that came back."""
        row = await self._invoice(invoice)
        self._erp.work_for(row["company"])
        standing, _ = await self._payments(row)
        if not standing:
            raise ErpError("Lookup", f"invoice {invoice} has no payment that could come back")
        last = standing[-1]
        if last["reconciliation"] is not None:
            await self._erp.call(
                "model.account.move.reconciliation.delete", [last["reconciliation"]]
            )
        await self._cancel_move(last["move"])

    async def release_returned_payments(self, invoice: int) -> None:
        """Take payments that came back off an invoice; before that Tryton takes no new one."""
        row = await self._invoice(invoice)
        self._erp.work_for(row["company"])
        returned = await self._erp.find(
            "account.move.line",
            [["id", "in", row["payment_lines"]], ["reconciliation", "!=", None]],
            "id",
        )
        ids = [line["id"] for line in returned]
        await self._erp.write("account.move.line", ids, {"invoice_payment": None})

    async def cancel(self, invoice: int) -> None:
        """Cancel a posted invoice, as a person may."""
        self._erp.work_for((await self._invoice(invoice))["company"])
        await self._erp.press("account.invoice", "cancel", [invoice])

    async def trial_balance(self, legal_entity: str) -> dict[str, Decimal]:
        """Sum up a company's general ledger: debit less credit, by the account's code."""
        balance: dict[str, Decimal] = defaultdict(Decimal)
        domain: Domain = [
            ["move.company.party.code", "=", legal_entity],
            ["move.state", "=", "posted"],
        ]
        rows = await self._erp.find("account.move.line", domain, "account.code", "debit", "credit")
        for row in rows:
            balance[row["account."]["code"]] += row["debit"] - row["credit"]
        return dict(balance)

    async def _invoice(self, invoice: int) -> dict[str, Any]:
        fields = ("company", "party", "currency", "account", "amount_to_pay", "payment_lines")
        (row,) = await self._erp.find("account.invoice", [["id", "=", invoice]], *fields)
        return row

    async def _payments(
        self, invoice: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Give the payment lines of an invoice: those that stand, and those that came back."""
        domain: Domain = [["id", "in", invoice["payment_lines"]]]
        lines = await self._erp.find("account.move.line", domain, "move", "reconciliation")
        origins = [f"account.move,{line['move']}" for line in lines]
        undone = await self._erp.find("account.move", [["origin", "in", origins]], "origin")
        gone = {move["origin"] for move in undone}
        standing = [line for line in lines if f"account.move,{line['move']}" not in gone]
        return standing, [line for line in lines if line not in standing]

    async def _cancel_move(self, move: int) -> None:
        form = {"default": {"description": "Came back", "reversal": True}}
        step = ("cancel", form)
        try:
            await self._erp.run_wizard("account.move.cancel", step, on=("account.move", move))
        except ErpError as error:
            # Tryton asks whether a move with an invoice may be cancelled. It may.
            if error.kind != "UserWarning":
                raise
            await self._erp.call("model.res.user.warning.skip", error.detail, False)  # noqa: FBT003
            await self._erp.run_wizard("account.move.cancel", step, on=("account.move", move))


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
