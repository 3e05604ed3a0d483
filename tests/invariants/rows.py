"""What the checkers look at: plain rows, as SQL and the systems' own dumps give them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple, NotRequired, TypedDict

# A row of the ledger's `posting`, with the state of its case as `case_state`; or one of `audit`.
Row = Mapping[str, Any]


class Violation(NamedTuple):
    """Which invariant is broken, by what, and how."""

    invariant: str
    subject: str
    message: str


class ErpLine(TypedDict):
    """A document of ours as the ERP itself shows it."""

    document_id: str
    reference: str
    seconds: int
    work_date: date
    # The ledger's code of the company; left out where the dump does not tell.
    legal_entity: NotRequired[str]


class SourceEntry(TypedDict):
    """A line of work as its source shows it now; `seconds` is None if they cannot be read."""

    connection: str
    id: str
    approved: bool
    seconds: int | None
    work_date: date | None


Line = tuple[str, str]

UNSETTLED = frozenset({"PENDING", "SENDING", "EXCEPTION", "IN_DOUBT"})
# The ledger says that the ERP holds the document.
HELD = frozenset({"POSTED", "DUPLICATE"})
# Decided, and nothing of it was ever posted.
DROPPED = frozenset({"SUPERSEDED", "CANCELLED"})
TAKES_BACK = frozenset({"undo", "reversal"})
# What is booked for lines of sources.
WORK = frozenset({"time", "expense"})


def work(ledger: Iterable[Row]) -> Iterator[Row]:
    """The postings of work and of expenses, without what takes them back."""
    return (row for row in ledger if row["kind"] in WORK)


def line_of(row: Row) -> Line:
    """Which source line a posting is about."""
    return (row["connection"], row["source_id"])


def by_line(ledger: Iterable[Row]) -> dict[Line, list[Row]]:
    """All postings of each source line."""
    found: dict[Line, list[Row]] = {}
    for row in ledger:
        found.setdefault(line_of(row), []).append(row)
    return found


def standing(rows: Iterable[Row]) -> Row | None:
    """The posting in which a line stands: of its newest revision, and not dropped."""
    candidates = [row for row in work(rows) if row["state"] not in DROPPED]
    return max(candidates, key=lambda row: (row["revision"], row["amendment"]), default=None)


def taking_back_of(rows: Iterable[Row], original: Row) -> Row | None:
    """The last posting that takes another one back."""
    backs = [row for row in rows if row["corrects"] == original["key"]]
    return max(backs, key=lambda row: int(row["amendment"]), default=None)


def is_noted_stray(row: Row) -> bool:
    """The ledger knows that the ERP holds a document which should not be there; a case has it."""
    return row["last_outcome"] == "executed:stray"
