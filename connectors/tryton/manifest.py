"""Facts about Tryton 8.2, an ERP; how they were measured is in docs/connectors/tryton.md."""

import math
from typing import Final

from canonical.cross_reference import MasterKind
from canonical.identity import REFERENCE_LENGTH
from canonical.posting import PostingKind
from connectors.base.capabilities import (
    AttachmentTarget,
    CostRateSource,
    DraftKeeper,
    ExchangeRateSource,
    MasterDataSource,
    MasterDataTarget,
    PaymentSource,
    PostingCalendar,
    PostingTarget,
)
from connectors.base.guard import (
    Bulk,
    CompareAndSet,
    DraftThenPost,
    Guard,
    Lookup,
    UniqueReference,
)
from connectors.base.http import Timeouts
from connectors.base.level import Level
from connectors.base.manifest import (
    Manifest,
    MasterOperation,
    PostingOperation,
    ReferenceField,
)

# A call of 200 lines takes 0.14 to 0.45 s at the ERP; longer calls win little per line, hold their
# tasks longer, and are dearer to halve when one line is refused.
LINES_MAX: Final = 200
PAGE_SIZE_MAX: Final = 1000  # Tryton itself knows no limit.
# Tryton sets no length; this is what a person can still read in its list of lines.
DESCRIPTION_LENGTH_MAX: Final = 1000
# A record carries the time its transaction began: one that took long appears behind the cursor.
OVERLAP_SECONDS: Final = 120
# Posting a document takes some ten calls; before its last write they may take so many times what
# one read may. Measured: half a second in all.
DRAFT_READS: Final = 3
# Posting takes Tryton up to 38 ms a line (measured at load 4): a request must have ended in F.
DOCUMENT_LINES_MAX: Final = 1000


def manifest_for(timeouts: Timeouts) -> Manifest:
    """Give the manifest; the send window follows from the connection's time-outs."""
    return Manifest(
        system="tryton",
        title="Tryton 8.2 (JSON-RPC)",
        capabilities=frozenset(
            {
                PostingTarget,
                MasterDataSource,
                MasterDataTarget,
                PostingCalendar,
                AttachmentTarget,
                DraftKeeper,
                PaymentSource,
                ExchangeRateSource,
                CostRateSource,
            }
        ),
        verified_against="trytond 8.2.1 on PostgreSQL 18, behind gunicorn, over JSON-RPC",
        documented_at="https://docs.tryton.org/latest/server/",
        operations=(
            _operation(PostingKind.TIME, timeouts),
            _operation(PostingKind.UNDO, timeouts),
            _document_operation(PostingKind.EXPENSE, timeouts),
            _document_operation(PostingKind.INVOICE, timeouts),
            _document_operation(PostingKind.JOURNAL, timeouts, "account.move.description"),
            # The field is that of what is taken back.
            _document_operation(PostingKind.REVERSAL, timeouts),
        ),
        master_operations=(
            # The code of a party is unique.
            _master(MasterKind.CUSTOMER, {"name", "active"}, UniqueReference()),
            _master(MasterKind.EMPLOYEE, {"name", "active_from", "active_until"}, CompareAndSet()),
            # Numbered by Tryton itself, and made on their own.
            _master(MasterKind.PROJECT, {"name", "active"}, Lookup()),
            _master(MasterKind.TASK, {"name", "active"}, CompareAndSet()),
            _master(MasterKind.DIMENSION_VALUE, {"name", "active"}, CompareAndSet()),
        ),
        undone_by_deletion=frozenset({PostingKind.TIME}),
        page_size_max=PAGE_SIZE_MAX,
        overlap_seconds=OVERLAP_SECONDS,
        level=Level.ATTESTED,
        notes=(
            "PostgreSQL only: on SQLite Tryton's own checks do not hold.",
            "Needs the modules timesheet, timesheet_cost, project, project_invoice, account,"
            " analytic_account;"
            " for expenses also account_invoice, analytic_invoice, project_disbursement.",
            "The user sees all companies (company_filter 'all'), or a look-up would miss lines.",
            "A stamp that is missing from a call is not checked by Tryton: we refuse such a call.",
            "HTTP 503 may follow a commit whose database connection broke: it proves nothing.",
            "A status 'Done' does not keep time off a task; only its timesheet end date does.",
            "A time line has no analytic account: dimensions of an intent are not written.",
            "An invoiced line can be neither changed nor removed.",
            "A supplier invoice takes accounts of type 'expense' or 'debt' only, and 'debt' only"
            " on the liabilities' side.",
            "Its numbers have no gaps: two that post at once are answered 503.",
            "A customer invoice takes accounts of type 'revenue' only, and no second one under the"
            " same reference is warned about.",
            "A journal entry takes a party on exactly those accounts that keep one; a draft of one"
            " keeps its period from being closed.",
            "A disbursement of nothing or less is refused; a validated one pays its payee.",
        ),
    )


def _master(kind: MasterKind, fields: set[str], guard: Guard) -> MasterOperation:
    return MasterOperation(kind, frozenset(fields), guard, bulk=Bulk("ATOMIC", LINES_MAX))


def _operation(kind: PostingKind, timeouts: Timeouts) -> PostingOperation:
    return PostingOperation(
        kind=kind,
        guard=CompareAndSet(),
        bulk=Bulk("ATOMIC", LINES_MAX),
        reference=ReferenceField("timesheet.line.description", REFERENCE_LENGTH),
        send_window_seconds=send_window_seconds(timeouts),
        # Calls on the same task cost each other a conflict, and colleagues share their tasks: with
        # two at once a month of 1,534 lines had 917 lines refused for the time being, with four
        # 2,313, and each took longer. Larger calls are what makes it faster.
        concurrency_max=1,
    )


def _document_operation(
    kind: PostingKind, timeouts: Timeouts, reference: str = "account.invoice.reference"
) -> PostingOperation:
    return PostingOperation(
        kind=kind,
        guard=DraftThenPost(),
        bulk=Bulk("NONE"),
        # The report's number, the engagement, or what an entry is known by stands beside it.
        reference=ReferenceField(reference, REFERENCE_LENGTH),
        send_window_seconds=send_window_seconds(timeouts, DRAFT_READS),
        # The sequence of the documents' numbers is locked without waiting.
        concurrency_max=1,
    )


def send_window_seconds(timeouts: Timeouts, reads: int = 1) -> int:
    """Bound the time from asking for the claim to the last byte written (W).

    What happens before the last write (a login, a look, a draft) may take no longer than `reads`
    times `read_seconds`; the connector gives up beyond that.
    """
    return math.ceil(
        timeouts.pool_seconds
        + timeouts.connect_seconds
        + timeouts.write_seconds
        + timeouts.read_seconds * reads
    )
