"""What work between legal entities needs in the ERP's books: accounts for both of its sides.

Each company has both sides, because its people work for the other and the other's for it.
"""

from typing import Final

from sandbox.tryton.accounting_seed import Ledger
from sandbox.tryton.json_rpc import Domain, JsonRpcSession

# The side that charges, and the one that owes; the same in every company.
DUE_FROM: Final = "1480"
CHARGE: Final = "4460"
DUE_TO: Final = "1780"
EXPENSE: Final = "6460"
INTERCOMPANY_ACCOUNTS: Final = {
    DUE_FROM: "Due from affiliated companies",
    CHARGE: "Charges to affiliated companies",
    DUE_TO: "Due to affiliated companies",
    EXPENSE: "Work of affiliated companies",
}


class IntercompanySeed:
    """Completes the books of companies that are open; its method is called once per company."""

    def __init__(self, session: JsonRpcSession) -> None:
        self._erp = session

    async def open_intercompany_books(self, ledger: Ledger) -> None:
        """Create a company's accounts for work that it does for others, or others for it."""
        self._erp.work_for(ledger.company)
        due_from, due_to, spent = await self._create_types(ledger)
        charged = await self._type(ledger, ["revenue", "=", True])
        places = {
            DUE_FROM: ("1.0.0", due_from),
            CHARGE: ("4.0.0", charged),
            DUE_TO: ("2.0.0", due_to),
            EXPENSE: ("5.0.0", spent),
        }
        await self._erp.create(
            "account.account",
            [
                {
                    "code": code,
                    "name": INTERCOMPANY_ACCOUNTS[code],
                    "type": kind,
                    "parent": await self._account(ledger, parent),
                    "company": ledger.company,
                }
                for code, (parent, kind) in places.items()
            ],
        )

    async def _create_types(self, ledger: Ledger) -> list[int]:
        kinds = (
            ("Due from affiliated companies", "Assets", {"statement": "balance"}),
            ("Due to affiliated companies", "Liabilities", {"statement": "balance"}),
            ("Work of affiliated companies", "Expenses", {"statement": "income", "expense": True}),
        )
        return await self._erp.create(
            "account.account.type",
            [
                {
                    "name": name,
                    "company": ledger.company,
                    "parent": await self._type(ledger, ["name", "=", parent]),
                    **flags,
                }
                for name, parent, flags in kinds
            ],
        )

    async def _account(self, ledger: Ledger, code: str) -> int:
        clause: Domain = [["company", "=", ledger.company], ["code", "=", code]]
        return await self._erp.find_one("account.account", clause)

    async def _type(self, ledger: Ledger, clause: Domain) -> int:
        found: Domain = [["company", "=", ledger.company], clause]
        return await self._erp.find_one("account.account.type", found)
