"""What the codes of an expense document are in one company's books, read just before posting."""

from collections.abc import Mapping
from typing import Any, Final

from canonical.expense_document import ExpenseDocument
from canonical.posting import PostingIntent
from connectors.base.errors import RejectedError
from connectors.tryton.client import Context, TrytonClient
from connectors.tryton.code_book import ANYBODY, CodeBook, only
from connectors.tryton.document_drafts import Books
from connectors.tryton.mapping import id_of


class BookReader(CodeBook):
    """Reads what an expense document names."""

    def __init__(self, client: TrytonClient, cost_centre_root: str) -> None:
        super().__init__(client)
        self._root: Final = cost_centre_root

    async def read(self, intent: PostingIntent) -> Books:
        """Look everything up that one document names; raises RejectedError."""
        body = intent.expense_document
        company = id_of(body.legal_entity, "legal entity")
        context = {"company": company}
        accounts = await self._accounts(body, context)
        taxes = await self._taxes(body, context)
        centres = await self._cost_centres(body, context)
        projects = await self._projects(body, context)
        party, address, payable = await self._payee(body, context)
        return Books(
            company=company,
            party=party,
            address=address,
            payable=payable,
            journal=await self.journal("expense", context),
            currency=await self.currency(body.currency, context),
            accounts={code: row["id"] for code, row in accounts.items()},
            taxes={code: row["id"] for code, row in taxes.items()},
            cost_centres={code: (row["root"], row["id"]) for code, row in centres.items()},
            projects={code: row["id"] for code, row in projects.items()},
        )

    async def _accounts(self, body: ExpenseDocument, context: Context) -> Mapping[str, Any]:
        codes = {line.account for line in body.lines}
        domain = [["closed", "!=", True], ["type", "!=", None]]
        return await self.coded("account.account", "code", codes, domain, context)

    async def _taxes(self, body: ExpenseDocument, context: Context) -> Mapping[str, Any]:
        codes = {line.tax for line in body.lines if line.tax_base is not None and line.tax}
        return await self.coded(
            "account.tax", "description", codes, [["parent", "=", None]], context
        )

    async def _cost_centres(self, body: ExpenseDocument, context: Context) -> Mapping[str, Any]:
        codes = {line.cost_centre for line in body.lines if line.cost_centre}
        domain = [["root.name", "=", self._root], ["type", "=", "normal"]]
        model = "analytic_account.account"
        return await self.coded(model, "code", codes, domain, context, "root")

    async def _projects(self, body: ExpenseDocument, context: Context) -> Mapping[str, Any]:
        codes = {one.project for one in body.disbursements}
        domain = [["type", "=", "project"]]
        return await self.coded("project.work", "number", codes, domain, context)

    async def _payee(self, body: ExpenseDocument, context: Context) -> tuple[int, int, int]:
        party = id_of(body.payee, "payee")
        # A leaver's last report is still payable.
        anybody = {**context, **ANYBODY}
        fields = ["addresses", "account_payable"]
        rows = await self.rows("party.party", [["id", "=", party]], fields, anybody)
        only(rows, "payee_unknown", f"the ERP has no party {party}")
        addresses, payable = rows[0]["addresses"], rows[0]["account_payable"]
        if not addresses:
            raise RejectedError("payee_without_address", f"party {party} has no address")
        if payable is None:
            payable = await self.default("default_account_payable", context)
        if payable is None:
            raise RejectedError("payable_account_missing", "the company has no payable account")
        return party, addresses[0], payable
