"""What customer invoices need in the ERP's books: accounts by role, and taxes on sales.

Tryton takes on a line of a customer invoice only accounts whose type is `revenue`, which stand in
the income statement. So a prepayment is booked on an account of its own there, and what is drawn
from it on the same account with its sign turned.
"""

from decimal import Decimal
from typing import Final

from sandbox.firm import LegalEntity
from sandbox.tryton.accounting_seed import Ledger
from sandbox.tryton.json_rpc import Domain, JsonRpcSession, Values

REVENUE_ACCOUNTS: Final = {
    "4400": "Consulting fees",
    "4410": "Expenses charged on",
    "4420": "Disbursements passed on",
    "4430": "Fixed fees",
    "4440": "Milestones",
    "4450": "Prepayments of customers",
    "4490": "Write-downs of fees",
}
# The account of each role of a line, by the role's name; the same in every company.
ACCOUNT_OF_ROLE: Final = {
    "work": "4400",
    "expense": "4410",
    "disbursement": "4420",
    "fee": "4430",
    "milestone": "4440",
    "prepayment": "4450",
    "draw": "4450",
    "write_down": "4490",
}
# By a company's base currency: the tax on its services, and the one on what is not taxed.
SALES_TAXES: Final = {
    "EUR": (("VAT19-OUT", Decimal("0.19")), ("VAT0-OUT", Decimal("0.00"))),
    "USD": (("EXEMPT-OUT", Decimal("0.00")),),
}


class BillingSeed:
    """Completes the books of companies that are open; its method is called once per company."""

    def __init__(self, session: JsonRpcSession) -> None:
        self._erp = session

    async def open_billing_books(self, ledger: Ledger, entity: LegalEntity) -> None:
        """Create a company's revenue accounts, and its taxes on sales."""
        self._erp.work_for(ledger.company)
        of_company: Domain = ["company", "=", ledger.company]
        revenue = await self._erp.find_one(
            "account.account.type", [of_company, ["revenue", "=", True]]
        )
        parent = await self._erp.find_one("account.account", [of_company, ["code", "=", "4.0.0"]])
        await self._erp.create(
            "account.account",
            [
                {
                    "code": code,
                    "name": name,
                    "type": revenue,
                    "parent": parent,
                    "company": ledger.company,
                }
                for code, name in REVENUE_ACCOUNTS.items()
            ],
        )
        await self._create_taxes(ledger, entity)

    async def _create_taxes(self, ledger: Ledger, entity: LegalEntity) -> None:
        taxes = SALES_TAXES.get(entity.currency, ())
        (group,) = await self._erp.create(
            "account.tax.group",
            [{"name": f"Tax on sales {entity.code}", "code": "SALES", "kind": "sale"}],
        )
        ids = await self._erp.create(
            "account.tax",
            [
                {
                    "name": f"{code} {entity.code}",
                    "description": code,
                    "group": group,
                    "type": "percentage",
                    "rate": rate,
                    "company": ledger.company,
                    "invoice_account": ledger.tax,
                    "credit_note_account": ledger.tax,
                }
                for code, rate in taxes
            ],
        )
        await self._erp.create(
            "account.tax.code",
            [
                {
                    "name": f"{code} {what} {entity.code}",
                    "code": f"{code} {what}",
                    "company": ledger.company,
                    "lines": [
                        ["create", [_due(tax, what, kind) for kind in ("invoice", "credit")]]
                    ],
                }
                for (code, _), tax in zip(taxes, ids, strict=True)
                for what in ("base", "tax")
            ],
        )


def _due(tax: int, what: str, kind: str) -> Values:
    return {"operator": "+", "tax": tax, "amount": what, "type": kind}
