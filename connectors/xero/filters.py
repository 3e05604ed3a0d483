"""What Xero is asked for, in its own language of filters.

Reading a member that a record does not have is an error there, so each is asked for first.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from canonical.identity import REFERENCE_PREFIX
from connectors.xero.drafts import BILL, BILL_CREDIT, CREDIT_NOTES, INVOICES, SALE, SALE_CREDIT
from connectors.xero.wire import BOOKED, POSTED

# Where our reference stands, by the type of the document.
REFERENCE_MEMBER = {
    BILL: "InvoiceNumber",
    SALE: "Reference",
    BILL_CREDIT: "CreditNoteNumber",
    SALE_CREDIT: "Reference",
}
TYPES_OF = {INVOICES: (BILL, SALE), CREDIT_NOTES: (BILL_CREDIT, SALE_CREDIT)}


def carrying(kind: str, references: Iterable[str]) -> str:
    """Booked documents of one type that begin with one of these references."""
    begins = begins_with(REFERENCE_MEMBER[kind], [f"{each} " for each in references])
    return all_of(f'Type=="{kind}"', begins, booked())


def ours(name: str) -> str:
    """Booked documents of a list whose reference might be ours."""
    kinds = [
        all_of(f'Type=="{kind}"', begins_with(REFERENCE_MEMBER[kind], [REFERENCE_PREFIX]))
        for kind in TYPES_OF[name]
    ]
    return all_of(any_of(kinds), booked())


def journals(beginnings: Sequence[str]) -> str:
    """Posted journals whose narration begins so."""
    return all_of(f'Status=="{POSTED}"', begins_with("Narration", beginnings))


def within(first: date, last: date) -> str:
    """Documents of a window of days, ends included."""
    return all_of(f"Date>={_day(first)}", f"Date<={_day(last)}")


def numbered(member: str, ids: Iterable[str]) -> str:
    """Records by their ids."""
    return any_of([f'{member}==guid("{each}")' for each in ids])


def booked() -> str:
    """Documents that count."""
    return any_of([f'Status=="{each}"' for each in BOOKED])


def begins_with(member: str, beginnings: Iterable[str]) -> str:
    """Records whose text is there and begins so."""
    texts = any_of([f'{member}.StartsWith("{each}")' for each in beginnings])
    return all_of(f"{member}!=null", texts)


def all_of(*conditions: str) -> str:
    return f"({' AND '.join(conditions)})"


def any_of(conditions: Sequence[str]) -> str:
    return f"({' OR '.join(conditions)})"


def _day(day: date) -> str:
    return f"DateTime({day.year},{day.month:02},{day.day:02})"
