"""Queries in SOQL: built of names that configuration was checked for, and of quoted values."""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from connectors.salesforce.options import AccountFields

# A request line may have 16,384 bytes there; half of that is left to whatever is in between.
_VALUES_BYTES_MAX: Final = 6_000
_VALUES_MAX: Final = 200
_ESCAPED: Final = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)


def accounts(fields: AccountFields) -> str:
    """The Accounts with their billing contact, in the order in which they changed."""
    title = f" AND Title = {literal(fields.billing_title)}" if fields.billing_title else ""
    contact = (
        f"(SELECT Email FROM Contacts WHERE Email != null{title} ORDER BY CreatedDate, Id LIMIT 1)"
    )
    return f"SELECT {', '.join(('Id', *fields.named, contact))} FROM Account"


def opportunities(code_field: str) -> str:
    """The Opportunities, won or not."""
    return f"SELECT Id, Name, AccountId, IsWon, {code_field} FROM Opportunity"


def of(values: Sequence[str], field: str) -> Iterator[str]:
    """Conditions that a field has one of these values: several, where one would be too long."""
    part: list[str] = []
    size = 0
    for value in dict.fromkeys(values):
        quoted = literal(value)
        length = len(quote(quoted)) + 3
        if part and (size + length > _VALUES_BYTES_MAX or len(part) == _VALUES_MAX):
            yield f"{field} IN ({','.join(part)})"
            part, size = [], 0
        part.append(quoted)
        size += length
    if part:
        yield f"{field} IN ({','.join(part)})"


def literal(value: str) -> str:
    """A text as SOQL quotes it."""
    return f"'{value.translate(_ESCAPED)}'"
