"""What expense reports need in the ERP's books: accounts, input tax, a way to pay.

Tryton takes on a line of a supplier invoice only accounts whose type is `expense` or `debt`, and
`debt` only on the liabilities' side. So what an advance, a company card or an employee's debt is
booked on stands there too, advances and debts with a balance on the other side.
"""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.firm import LegalEntity
from sandbox.tryton.accounting_seed import Ledger
from sandbox.tryton.json_rpc import Domain, JsonRpcSession, Values

# Expenses, by code; the same in every company.
EXPENSE_ACCOUNTS = {
    "6600": "Travel",
    "6610": "Lodging",
    "6620": "Meals",
    "6630": "Mileage",
    "6640": "Per diem",
    "6650": "Telecom",
    "6690": "Other employee expenses",
    "6695": "Non-deductible VAT on expenses",
    "6699": "Rounding differences of expenses",
}
CARD_CLEARING = "1740"
VENDOR_CLEARING = "1745"
EMPLOYEE_ADVANCES = "1750"
EMPLOYEE_RECEIVABLE = "1755"
CLEARING_ACCOUNTS = {
    CARD_CLEARING: "Company card clearing",
    VENDOR_CLEARING: "Vendors paid by the company",
    EMPLOYEE_ADVANCES: "Employee advances",
    EMPLOYEE_RECEIVABLE: "Employee receivable",
}
# These keep one balance per employee.
PERSONAL_ACCOUNTS = frozenset({EMPLOYEE_ADVANCES, EMPLOYEE_RECEIVABLE})
INPUT_TAX_ACCOUNT = "1570"
BANK_ACCOUNT = "1200"
EXCHANGE_ACCOUNT = "6880"
PAYMENT_METHOD = "Bank transfer"
# A country that lets companies reclaim input tax, by a company's base currency.
INPUT_TAXES = {"EUR": (("VAT19-IN", Decimal("0.19")), ("VAT7-IN", Decimal("0.07")))}


@dataclass(frozen=True)
class _Account:
    code: str
    name: str
    type: int
    parent: int
    party_required: bool = False
    reconcile: bool = False


class ExpenseSeed:
    """Completes the books of companies that are open; each method is called once per company."""

    def __init__(self, session: JsonRpcSession) -> None:
        self._erp = session

    async def open_expense_books(self, ledger: Ledger, entity: LegalEntity) -> None:
        """Create a company's accounts and taxes for expenses, and how it pays them."""
        self._erp.work_for(ledger.company)
        accounts = await self._create_accounts(ledger)
        await self._create_input_taxes(ledger, entity, accounts[INPUT_TAX_ACCOUNT])
        exchange = accounts[EXCHANGE_ACCOUNT]
        await self._erp.write(
            "account.configuration",
            [1],
            {
                "currency_exchange_journal": await self._journal("write-off"),
                "currency_exchange_credit_account": exchange,
                "currency_exchange_debit_account": exchange,
            },
        )
        bank = accounts[BANK_ACCOUNT]
        await self._erp.create(
            "account.invoice.payment.method",
            [
                {
                    "name": f"{PAYMENT_METHOD} {entity.code}",
                    "company": ledger.company,
                    "journal": await self._journal("cash"),
                    "credit_account": bank,
                    "debit_account": bank,
                }
            ],
        )

    async def _create_accounts(self, ledger: Ledger) -> dict[str, int]:
        wanted = await self._wanted_accounts(ledger)
        ids = await self._erp.create(
            "account.account",
            [
                {
                    "code": one.code,
                    "name": one.name,
                    "type": one.type,
                    "parent": one.parent,
                    "company": ledger.company,
                    "party_required": one.party_required,
                    "reconcile": one.reconcile,
                }
                for one in wanted
            ],
        )
        return {one.code: number for one, number in zip(wanted, ids, strict=True)}

    async def _wanted_accounts(self, ledger: Ledger) -> list[_Account]:
        assets, liabilities, expenses = [
            await self._account(ledger, code) for code in ("1.0.0", "2.0.0", "5.0.0")
        ]
        spent, owed = await self._erp.create(
            "account.account.type",
            [
                {
                    "name": "Employee expenses",
                    "company": ledger.company,
                    "parent": await self._type(ledger, ["name", "=", "Expenses"]),
                    "statement": "income",
                    "expense": True,
                },
                {
                    "name": "Clearing of employee expenses",
                    "company": ledger.company,
                    "parent": await self._type(ledger, ["name", "=", "Liabilities"]),
                    "statement": "balance",
                    "debt": True,
                },
            ],
        )
        tax = await self._type(ledger, ["name", "=", "Liabilities and assets for current tax"])
        cash = await self._type(ledger, ["name", "like", "Cash at bank%"])
        finance = await self._type(ledger, ["name", "=", "Finance costs"])
        return [
            *(_Account(code, name, spent, expenses) for code, name in EXPENSE_ACCOUNTS.items()),
            *(
                _Account(code, name, owed, liabilities, code in PERSONAL_ACCOUNTS, reconcile=True)
                for code, name in CLEARING_ACCOUNTS.items()
            ),
            _Account(INPUT_TAX_ACCOUNT, "Recoverable input tax", tax, assets),
            _Account(BANK_ACCOUNT, "Bank", cash, assets),
            _Account(EXCHANGE_ACCOUNT, "Exchange differences of expenses", finance, expenses),
        ]

    async def _create_input_taxes(self, ledger: Ledger, entity: LegalEntity, account: int) -> None:
        taxes = INPUT_TAXES.get(entity.currency, ())
        if not taxes:
            return
        (group,) = await self._erp.create(
            "account.tax.group",
            [{"name": f"Input tax {entity.code}", "code": "INPUT", "kind": "purchase"}],
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
                    "invoice_account": account,
                    "credit_note_account": account,
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
                    "lines": [["create", [_reclaimed(tax, what, kind) for kind in _KINDS]]],
                }
                for (code, _), tax in zip(taxes, ids, strict=True)
                for what in ("base", "tax")
            ],
        )

    async def _account(self, ledger: Ledger, code: str) -> int:
        clause: Domain = [["company", "=", ledger.company], ["code", "=", code]]
        return await self._erp.find_one("account.account", clause)

    async def _type(self, ledger: Ledger, clause: Domain) -> int:
        found: Domain = [["company", "=", ledger.company], clause]
        return await self._erp.find_one("account.account.type", found)

    async def _journal(self, kind: str) -> int:
        return await self._erp.find_one("account.journal", [["type", "=", kind]])


_KINDS = ("invoice", "credit")


def _reclaimed(tax: int, what: str, kind: str) -> Values:
    return {"operator": "+", "tax": tax, "amount": what, "type": kind}
