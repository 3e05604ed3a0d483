"""Lists of what was written, for people: a table for each kind of document and month.

They follow from the documents, and count for nothing: what is missing in one is added by the
next look or sweep, and a list that was taken away is begun anew.
"""

import csv
import io
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from canonical.billing import CustomerInvoice
from canonical.exact import decimal_text
from canonical.expense_document import ExpenseDocument
from canonical.hours import hours_from_seconds
from canonical.journal import JournalEntry
from canonical.posting import PostingBody, TimeLine
from connectors.base.errors import ConnectorError
from connectors.flatfile.appending import GrowingFile, Growth
from connectors.flatfile.export_papers import PostedPaper

_LOG: Final = logging.getLogger(__name__)
INDEX: Final = "index"
TITLES: Final = (
    *("reference", "legal_entity", "posting_date", "period", "date"),
    *("party", "subject", "hours", "amount", "currency", "takes_back"),
)
Line = Mapping[str, str]


class Index:
    """The lists of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder / INDEX

    def add(self, papers: Iterable[PostedPaper]) -> None:
        """List documents that are not listed yet; a disk that refuses costs them nothing."""
        by_file: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
        for paper in papers:
            name = f"{_kind_of(paper.body)}-{paper.posting_date:%Y-%m}.csv"
            by_file[name].append((paper.reference, _table_line(_cells(_line(paper)))))
        try:
            if by_file:
                self._folder.mkdir(exist_ok=True)
            for name, lines in by_file.items():
                GrowingFile(self._folder, Growth(name, _reference_in, _HEADER)).add(lines)
        except (ConnectorError, OSError) as error:
            _LOG.warning("flatfile: the index is to be completed later (%s)", error)


def _kind_of(body: PostingBody) -> str:
    match body:
        case TimeLine():
            return "time"
        case ExpenseDocument():
            return "expense"
        case CustomerInvoice():
            return "invoice"
        case JournalEntry():
            return "journal"


def _line(paper: PostedPaper) -> Line:
    sign = -1 if paper.taken_back else 1
    common = {
        "reference": paper.reference,
        "legal_entity": paper.entity,
        "posting_date": paper.posting_date.isoformat(),
        "period": paper.period,
        "takes_back": paper.takes_back,
    }
    match paper.body:
        case TimeLine() as body:
            return {
                **common,
                "date": body.work_date.isoformat(),
                "party": body.employee,
                "subject": body.task,
                "hours": decimal_text(hours_from_seconds(sign * body.seconds)),
            }
        case ExpenseDocument() as body:
            total, on_day = body.payable, body.document_date
            party, subject = body.payee, body.report_number
        case CustomerInvoice() as body:
            total, on_day = body.total, body.invoice_date
            party, subject = body.customer, body.engagement
        case JournalEntry() as body:
            total, on_day = body.total, body.entry_date
            party, subject = "", body.description
    return {
        **common,
        "date": on_day.isoformat(),
        "party": party,
        "subject": subject,
        "amount": decimal_text(sign * total.amount + 0),
        "currency": total.currency,
    }


def _cells(line: Line) -> list[str]:
    # A line break within a cell would make two lines of one that was cut.
    return [" ".join(line.get(title, "").split()) for title in TITLES]


def _table_line(cells: Iterable[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _reference_in(line: bytes) -> str | None:
    """What a line is known by; it stands first, and has nothing that would be quoted."""
    return line.partition(b",")[0].decode(errors="replace")


_HEADER: Final = _table_line(TITLES)
