"""What the codes of a customer invoice are in one company's books, read just before posting."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from canonical.billing import CustomerInvoice, InvoiceRole
from canonical.posting import PostingIntent
from connectors.base.errors import RejectedError
from connectors.tryton.client import Context, TrytonClient
from connectors.tryton.code_book import CodeBook, only
from connectors.tryton.customer_drafts import CustomerBooks
from connectors.tryton.document_wire import TaxRow
from connectors.tryton.mapping import id_of
from connectors.tryton.master_mapping import PERCENT
from connectors.tryton.wire import row_from

_ACCOUNT: Final[Sequence[Any]] = (["closed", "!=", True], ["type", "!=", None])
_SALES_TAX: Final[Sequence[Any]] = (
    ["parent", "=", None],
    ["OR", ["group", "=", None], ["group.kind", "in", ["sale", "both"]]],
)


class CustomerBookReader(CodeBook):
    """Reads what an invoice names; the accounts are those that a firm gave each role."""

    def __init__(self, client: TrytonClient, accounts: Mapping[InvoiceRole, str]) -> None:
        super().__init__(client)
        self._by_role: Final = accounts

    async def read(self, intent: PostingIntent, credited: Mapping[str, int]) -> CustomerBooks:
        """Look everything up that one invoice names; raises RejectedError."""
        body = intent.customer_invoice
        company = id_of(body.legal_entity, "legal entity")
        context: Context = {"company": company}
        party, address, receivable, term = await self._customer(body, context)
        return CustomerBooks(
            company=company,
            party=party,
            address=address,
            receivable=receivable,
            payment_term=term,
            journal=await self.journal("revenue", context),
            currency=await self.currency(body.currency, context),
            accounts=await self._accounts(body, context),
            taxes=await self._taxes(body, context),
            credited=credited,
        )

    async def _accounts(
        self, body: CustomerInvoice, context: Context
    ) -> Mapping[InvoiceRole, tuple[str, int]]:
        roles = {line.role for line in body.lines}
        for role in sorted(roles):
            if role not in self._by_role:
                raise RejectedError(
                    "revenue_account_missing", f"no account is set for lines of role '{role.value}'"
                )
        codes = {self._by_role[role] for role in roles}
        found = await self.coded("account.account", "code", codes, _ACCOUNT, context)
        return {role: (self._by_role[role], found[self._by_role[role]]["id"]) for role in roles}

    async def _taxes(self, body: CustomerInvoice, context: Context) -> Mapping[str, int]:
        """Read the taxes; one of another rate, or not of that day, would bill something else."""
        rates = {(line.tax, line.tax_rate) for line in body.lines}
        codes = {code for code, _ in rates if code}
        fields = ("name", "company", "type", "rate", "active", "start_date", "end_date")
        found = await self.coded("account.tax", "description", codes, _SALES_TAX, context, *fields)
        for code, rate in rates:
            if code is None and rate:
                raise RejectedError("tax_incomplete", "a tax rate needs the code of its tax")
            if code is None:
                continue
            tax = row_from(TaxRow, found[code])
            if tax.type != "percentage" or tax.rate is None or tax.rate * PERCENT != rate:
                raise RejectedError("tax_rate_differs", f"{code} has another rate in the ERP")
            begins, ends = tax.start_date, tax.end_date
            day = body.tax_point_date
            if (begins and day < begins) or (ends and day > ends):
                raise RejectedError("tax_not_valid", f"{code} does not apply on {day}")
        return {code: row["id"] for code, row in found.items()}

    async def _customer(
        self, body: CustomerInvoice, context: Context
    ) -> tuple[int, int, int, int | None]:
        party = id_of(body.customer, "customer")
        fields = ["addresses", "account_receivable", "customer_payment_term"]
        rows = await self.rows("party.party", [["id", "=", party]], fields, context)
        only(rows, "customer_unknown", f"the ERP has no active party {party}")
        addresses, receivable = rows[0]["addresses"], rows[0]["account_receivable"]
        if not addresses:
            raise RejectedError("customer_without_address", f"party {party} has no address")
        if receivable is None:
            receivable = await self.default("default_account_receivable", context)
        if receivable is None:
            raise RejectedError(
                "receivable_account_missing", "the company has no receivable account"
            )
        term = rows[0]["customer_payment_term"]
        if term is None:
            term = await self.default("default_customer_payment_term", context)
        return party, addresses[0], receivable, term
