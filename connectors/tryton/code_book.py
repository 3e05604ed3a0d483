"""What codes are in one company's books, read just before posting."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from canonical.text import same_code
from connectors.base.errors import RejectedError
from connectors.tryton.client import Context, TrytonClient

# Also those that are no longer active.
ANYBODY: Final[Context] = {"active_test": False}


class CodeBook:
    """Reads the ids behind codes; a code that is not there, or twice, is refused by name."""

    def __init__(self, client: TrytonClient) -> None:
        self._client: Final = client

    async def coded(
        self,
        model: str,
        field: str,
        codes: Collection[str],
        domain: Sequence[Any],
        context: Context,
        *more: str,
    ) -> Mapping[str, Any]:
        """Read a company's records by their codes, with their ids and `more`."""
        if not codes:
            return {}
        clauses = [["company", "=", context["company"]], [field, "in", sorted(codes)], *domain]
        rows = await self.rows(model, clauses, [field, *more], context)
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

    async def currency(self, code: str, context: Context) -> int:
        """Give the id of a currency."""
        rows = await self.rows("currency.currency", [["code", "=", code]], [], context)
        return only(rows, "currency_unknown", f"the ERP does not book in {code}")

    async def journal(self, kind: str, context: Context) -> int:
        """Give the first journal of a type."""
        rows = await self.rows("account.journal", [["type", "=", kind]], [], context)
        return only(rows[:1], "journal_missing", f"the ERP has no journal of type '{kind}'")

    async def default(self, name: str, context: Context) -> Any:
        """Give one of the settings of a company's books; None if nobody has set it."""
        found = await self._client.read(
            "model.account.configuration.read", [1], [name], context=context
        )
        return found[0][name]

    async def rows(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], context: Context
    ) -> list[Any]:
        """Read some fields of all records of a domain, lowest id first."""
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


def only(rows: Sequence[Any], code: str, sentence: str) -> int:
    """Give the id of the only row; RejectedError if there is another number of them."""
    if len(rows) != 1:
        raise RejectedError(code, sentence)
    number: int = rows[0]["id"]
    return number
