"""The accounts receivable desk of the ERP: collects, credits, and sees what is really billed.

It asks Tryton directly and shares no code with the connector, so that what it sees is independent
of the code that is tested with it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.tryton.json_rpc import Domain
from sandbox.tryton.payment_desk import PaymentDesk

CUSTOMER_INVOICES: Domain = [["type", "=", "out"]]
# A credited invoice is cancelled in Tryton, and stays in the ledger with its number.
LEDGER_STATES = ("posted", "paid", "cancelled")


@dataclass(frozen=True)
class BilledLine:
    """One line, in the document's currency; `credits` is the line that it takes back."""

    id: int
    account: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    taxes: tuple[str, ...]
    tax_date: date | None
    credits: int | None


@dataclass(frozen=True)
class CustomerBill:
    """One customer invoice or credit note as the ERP holds it, told in codes."""

    id: int
    legal_entity: str
    state: str
    number: str | None
    reference: str
    customer: str
    currency: str
    invoice_date: date
    posting_date: date
    payment_term: str | None
    net: Decimal
    tax: Decimal
    total: Decimal
    left_to_pay: Decimal
    lines: tuple[BilledLine, ...]

    @property
    def posted(self) -> bool:
        """Whether it has a number and is in the general ledger."""
        return self.number is not None and self.state in LEDGER_STATES

    @property
    def accounts(self) -> Mapping[str, Decimal]:
        """What its lines come to, by account."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            sums[line.account] += line.amount
        return dict(sums)


class CustomerDesk(PaymentDesk):
    """Works with an administrator's session; payments are those of every desk."""

    async def customer_invoices(self, domain: Domain = ()) -> tuple[CustomerBill, ...]:
        """Read all customer invoices, drafts among them, in the order of their ids."""
        rows = await self._erp.find(
            "account.invoice",
            [CUSTOMER_INVOICES, list(domain)],
            *("company.party.code", "state", "number", "reference", "party.code"),
            *("currency.code", "invoice_date", "accounting_date", "payment_term.name"),
            *("untaxed_amount", "tax_amount", "total_amount", "amount_to_pay"),
            *("lines.type", "lines.account.code", "lines.quantity", "lines.unit_price"),
            *("lines.amount", "lines.taxes.description", "lines.taxes_date", "lines.origin"),
        )
        return tuple(map(_bill, rows))

    async def credit_all(self, invoice: int, on: date) -> None:
        """Credit an invoice in Tryton itself, as a person may: a credit note that settles it."""
        self._erp.work_for((await self._invoice(invoice))["company"])
        start = {"with_refund": True, "with_refund_allowed": True, "invoice_date": on}
        await self._erp.run_wizard(
            "account.invoice.credit", ("credit", {"start": start}), on=("account.invoice", invoice)
        )

    async def settle_with(self, invoice: int, credit_note: int) -> None:
        """Count what a credit note takes back as settling a part of an invoice."""
        self._erp.work_for((await self._invoice(invoice))["company"])
        settled = {"payment_lines": [["add", await self._lines_to_pay(credit_note)]]}
        await self._erp.write("account.invoice", [invoice], settled)

    async def reconcile(self, invoice: int, credit_note: int) -> None:
        """Set an invoice off against a credit note of the same amount: both are done with."""
        self._erp.work_for((await self._invoice(invoice))["company"])
        lines = [*await self._lines_to_pay(invoice), *await self._lines_to_pay(credit_note)]
        await self._reconcile(lines)

    async def take_transfer(self, on: date, amount: Decimal, *documents: int) -> None:
        """Take in one transfer that settles several documents, credit notes taken off."""
        (row,) = await self._erp.find(
            "account.invoice", [["id", "=", documents[0]]], "company", "party", "account"
        )
        self._erp.work_for(row["company"])
        (method,) = await self._erp.find(
            "account.invoice.payment.method",
            [["company", "=", row["company"]]],
            *("journal", "debit_account"),
        )
        receivable = {"account": row["account"], "party": row["party"], "credit": amount}
        bank = {"account": method["debit_account"], "debit": amount}
        within: Domain = [
            ["start_date", "<=", on],
            ["end_date", ">=", on],
            ["type", "=", "standard"],
        ]
        period = await self._erp.find_one(
            "account.period", [*within, ["company", "=", row["company"]]]
        )
        move = {
            "company": row["company"],
            "journal": method["journal"],
            "period": period,
            "date": on,
            "lines": [["create", [receivable, bank]]],
        }
        (number,) = await self._erp.create("account.move", [move])
        await self._erp.press("account.move", "post", [number])
        paying = await self._erp.find_one(
            "account.move.line", [["move", "=", number], ["account", "=", row["account"]]]
        )
        settled = [line for each in documents for line in await self._lines_to_pay(each)]
        await self._reconcile([paying, *settled])

    async def undo_reconciliation(self, invoice: int) -> None:
        """Take back that an invoice was set off, so that it is open again."""
        self._erp.work_for((await self._invoice(invoice))["company"])
        lines = await self._erp.find(
            "account.move.line", [["id", "in", await self._lines_to_pay(invoice)]], "reconciliation"
        )
        await self._open_again(sorted({line["reconciliation"] for line in lines}))

    async def _reconcile(self, lines: Sequence[int]) -> None:
        await self._erp.run_wizard(
            "account.move.reconcile_lines", ("start", {}), on=("account.move.line", *lines)
        )

    async def _lines_to_pay(self, invoice: int) -> list[int]:
        (row,) = await self._erp.find("account.invoice", [["id", "=", invoice]], "lines_to_pay")
        found: list[int] = row["lines_to_pay"]
        return found

    async def bill_by_hand(self, project: int) -> None:
        """Keep Tryton's own billing of hours off a project: it is billed from outside."""
        await self._erp.write("project.work", [project], {"project_invoice_method": "manual"})

    async def bill_hours(self, project: int) -> None:
        """Let Tryton's own project billing invoice a project's hours; ErpError if it does not."""
        await self._erp.press("project.work", "invoice", [project])


def _bill(row: dict[str, Any]) -> CustomerBill:
    term = row["payment_term."]
    return CustomerBill(
        id=row["id"],
        legal_entity=row["company."]["party."]["code"],
        state=row["state"],
        number=row["number"],
        reference=row["reference"] or "",
        customer=row["party."]["code"],
        currency=row["currency."]["code"],
        invoice_date=row["invoice_date"],
        posting_date=row["accounting_date"],
        payment_term=term["name"] if term else None,
        net=row["untaxed_amount"],
        tax=row["tax_amount"],
        total=row["total_amount"],
        left_to_pay=row["amount_to_pay"] or Decimal(0),
        lines=tuple(_line(line) for line in row["lines."] if line["type"] == "line"),
    )


def _line(row: dict[str, Any]) -> BilledLine:
    origin = row["origin"]
    return BilledLine(
        id=row["id"],
        account=row["account."]["code"],
        quantity=row["quantity"],
        unit_price=row["unit_price"],
        amount=row["amount"],
        taxes=tuple(tax["description"] for tax in row["taxes."]),
        tax_date=row["taxes_date"],
        credits=int(origin.partition(",")[2]) if origin else None,
    )
