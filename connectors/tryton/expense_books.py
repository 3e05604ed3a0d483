"""What the codes of an expense document are in one company's books, read just before posting."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from canonical.expense_document import ExpenseDocument
from canonical.posting import PostingIntent
from canonical.text import same_code
from connectors.base.errors import RejectedError
from connectors.tryton.client import Context, TrytonClient
from connectors.tryton.document_drafts import Books
from connectors.tryton.mapping import id_of

# A leaver's last report is still payable.
_ACTIVE_OR_NOT: Final = {"active_test": False}


class BookReader:
    """Reads the ids behind codes; a code that is not there, or twice, is refused by name."""

    def __init__(self, client: TrytonClient, cost_centre_root: str) -> None:
        self._client: Final = client
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
            journal=await self._journal(context),
            currency=await self._currency(body, context),
            accounts={code: row["id"] for code, row in accounts.items()},
            taxes={code: row["id"] for code, row in taxes.items()},
            cost_centres={code: (row["root"], row["id"]) for code, row in centres.items()},
            projects={code: row["id"] for code, row in projects.items()},
        )

    async def _accounts(self, body: ExpenseDocument, context: Context) -> Mapping[str, Any]:
        codes = {line.account for line in body.lines}
        domain = [["closed", "!=", True], ["type", "!=", None]]
        return await self._coded("account.account", "code", codes, domain, context)

    async def _taxes(self, body: ExpenseDocument, context: Context) -> Mapping[str, Any]:
        codes = {line.tax for line in body.lines if line.tax_base is not None and line.tax}
        return await self._coded(
            "account.tax", "description", codes, [["parent", "=", None]], context
        )

    async def _cost_centres(self, body: ExpenseDocument, context: Context) -> Mapping[str, Any]:
        codes = {line.cost_centre for line in body.lines if line.cost_centre}
        domain = [["root.name", "=", self._root], ["type", "=", "normal"]]
        model = "analytic_account.account"
        return await self._coded(model, "code", codes, domain, context, "root")

    async def _projects(self, body: ExpenseDocument, context: Context) -> Mapping[str, Any]:
        codes = {one.project for one in body.disbursements}
        domain = [["type", "=", "project"]]
        return await self._coded("project.work", "number", codes, domain, context)

    async def _coded(
        self,
        model: str,
        field: str,
        codes: Collection[str],
        domain: Sequence[Any],
        context: Context,
        *more: str,
    ) -> Mapping[str, Any]:
        if not codes:
            return {}
        clauses = [["company", "=", context["company"]], [field, "in", sorted(codes)], *domain]
        rows = await self._rows(model, clauses, [field, *more], context)
        found: dict[str, Any] = {}
        for row in rows:
            code = same_code(row[field])
            if code in found:
                raise RejectedError(f"{_WORDS[model]}_ambiguous", f"{code} is there more than once")
            found[code] = row
        for code in sorted(codes):
            if code not in found:
                raise RejectedError(f"{_WORDS[model]}_unknown", f"the ERP has no {code} to book on")
        return found

    async def _currency(self, body: ExpenseDocument, context: Context) -> int:
        rows = await self._rows("currency.currency", [["code", "=", body.currency]], [], context)
        return _only(rows, "currency_unknown", f"the ERP does not book in {body.currency}")

    async def _journal(self, context: Context) -> int:
        rows = await self._rows("account.journal", [["type", "=", "expense"]], [], context)
        return _only(rows[:1], "journal_missing", "the ERP has no journal of type 'expense'")

    async def _payee(self, body: ExpenseDocument, context: Context) -> tuple[int, int, int]:
        party = id_of(body.payee, "payee")
        anybody = {**context, **_ACTIVE_OR_NOT}
        fields = ["addresses", "account_payable"]
        rows = await self._rows("party.party", [["id", "=", party]], fields, anybody)
        _only(rows, "payee_unknown", f"the ERP has no party {party}")
        addresses, payable = rows[0]["addresses"], rows[0]["account_payable"]
        if not addresses:
            raise RejectedError("payee_without_address", f"party {party} has no address")
        if payable is None:
            defaults = await self._client.read(
                "model.account.configuration.read",
                [1],
                ["default_account_payable"],
                context=context,
            )
            payable = defaults[0]["default_account_payable"]
        if payable is None:
            raise RejectedError("payable_account_missing", "the company has no payable account")
        return party, addresses[0], payable

    async def _rows(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], context: Context
    ) -> list[Any]:
        found = await self._client.read(
            f"model.{model}.search_read",
            domain,
            *(0, None, [["id", "ASC"]], list(fields)),
            context=context,
        )
        return list(found)


# What people call these records.
_WORDS: Final = {
    "account.account": "account",
    "account.tax": "tax",
    "analytic_account.account": "cost_centre",
    "project.work": "project",
}


def _only(rows: Sequence[Any], code: str, sentence: str) -> int:
    if len(rows) != 1:
        raise RejectedError(code, sentence)
    number: int = rows[0]["id"]
    return number
