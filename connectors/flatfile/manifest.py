"""Facts about the file drop: what it holds, and how much; docs/connectors/flatfile.md shows it."""

from typing import Final

from canonical.identity import REFERENCE_LENGTH
from canonical.posting import PostingKind
from connectors.base.capabilities import (
    AcknowledgementSink,
    ContractSource,
    DraftKeeper,
    ExpenseReportSink,
    ExpenseReportSource,
    InvoiceStatusSink,
    MasterDataSource,
    MilestoneSource,
    PostingCalendar,
    PostingTarget,
    TimeEntrySource,
)
from connectors.base.guard import Bulk, UniqueReference
from connectors.base.level import Level
from connectors.base.manifest import (
    ApprovalEvidence,
    Manifest,
    PostingOperation,
    ReferenceField,
)

PAGE_SIZE_MAX: Final = 500
# A file of contracts that is larger holds something else.
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
# All of them are read as they stood at one moment.
FILES_MAX: Final = 1000
LINE_CHARS_MAX: Final = 4 * 1024 * 1024
LINES_MAX: Final = 200_000

_VERIFIED: Final = "files on a local file system"
_DOCUMENTED: Final = "docs/connectors/flatfile.md"
# How far back a poll looks again: a file may be written, and then take its time to arrive.
OVERLAP_SECONDS: Final = 120

MANIFEST: Final = Manifest(
    system="flatfile",
    title="Files in a folder (CSV, JSON lines, XLSX)",
    capabilities=frozenset({ContractSource, MilestoneSource, InvoiceStatusSink}),
    verified_against=_VERIFIED,
    documented_at=_DOCUMENTED,
    page_size_max=PAGE_SIZE_MAX,
    level=Level.EXACTLY_ONCE,
    over_http=False,
    notes=(
        "The files are the whole truth: what is not in them any more is gone.",
        "A file whose lines cannot be told apart stops the reading, because absence in it would "
        "be no evidence.",
        "Files that belong together are replaced one by one: what must change at once belongs on "
        "one line of engagements.jsonl.",
        "One process at a time writes the status of invoices; the file is locked meanwhile.",
    ),
)

TIME_CAPABILITIES: Final = frozenset({TimeEntrySource, MasterDataSource, AcknowledgementSink})


def time_manifest(*, evidence: bool) -> Manifest:
    """Facts about a folder of time entries; what it proves of approvals is the owner's choice."""
    return Manifest(
        system="flatfile_time",
        title="Time entries in a folder (CSV, JSON lines, XLSX)",
        capabilities=TIME_CAPABILITIES,
        verified_against=_VERIFIED,
        documented_at=_DOCUMENTED,
        approval=ApprovalEvidence(approver=evidence, instant=evidence, revision=False),
        page_size_max=PAGE_SIZE_MAX,
        overlap_seconds=OVERLAP_SECONDS,
        level=Level.EXACTLY_ONCE,
        over_http=False,
        notes=(
            "The files are the whole truth of the weeks that are read again: what is not in them "
            "any more is deleted, and what was posted of it goes back.",
            "News is found by file: all lines of a file that changed are shown.",
            "What became of an entry is appended to time_status.jsonl.",
            "A line without an id keeps a window from being compared: it may be any line that "
            "seems to be gone.",
        ),
    )


EXPENSE_CAPABILITIES: Final = frozenset({ExpenseReportSource, ExpenseReportSink})


def expense_manifest(*, evidence: bool) -> Manifest:
    """Facts about a folder of expense reports; what it proves of approvals is the owner's."""
    return Manifest(
        system="flatfile_expenses",
        title="Expense reports in a folder (CSV, JSON lines, XLSX)",
        capabilities=EXPENSE_CAPABILITIES,
        verified_against=_VERIFIED,
        documented_at=_DOCUMENTED,
        approval=ApprovalEvidence(approver=evidence, instant=evidence, revision=False),
        takes_rejections=True,
        page_size_max=PAGE_SIZE_MAX,
        overlap_seconds=OVERLAP_SECONDS,
        level=Level.EXACTLY_ONCE,
        over_http=False,
        notes=(
            "A report may be changed or recalled at any time: there is no claim that would stop "
            "whoever fills the folder.",
            "A report that is not in the files any more is not taken back; one that says "
            "'approved: no' is.",
            "Who is paid and what became of it is appended to expense_status.jsonl.",
        ),
    )


# Each document is a file of its own, and is on the disk before the next call: some ten
# milliseconds each on a slow one.
DOCUMENTS_MAX: Final = 100
# Before its name is asked for, a document is written whole. A share that hangs longer is no share.
SEND_WINDOW_SECONDS: Final = 60
IN_FLIGHT_MAX_SECONDS: Final = 120


def _operation(kind: PostingKind) -> PostingOperation:
    return PostingOperation(
        kind=kind,
        guard=UniqueReference(),
        bulk=Bulk("PER_ITEM", DOCUMENTS_MAX),
        reference=ReferenceField("the name of the file", REFERENCE_LENGTH),
        send_window_seconds=SEND_WINDOW_SECONDS,
        in_flight_max_seconds=IN_FLIGHT_MAX_SECONDS,
        concurrency_max=4,
    )


EXPORT_MANIFEST: Final = Manifest(
    system="flatfile_export",
    title="Documents in a folder, for an ERP that imports files",
    capabilities=frozenset({PostingTarget, MasterDataSource, PostingCalendar, DraftKeeper}),
    verified_against=_VERIFIED,
    documented_at=_DOCUMENTED,
    operations=tuple(_operation(kind) for kind in PostingKind if kind is not PostingKind.UNDO),
    page_size_max=PAGE_SIZE_MAX,
    level=Level.ATTESTED,
    over_http=False,
    notes=(
        "A name in documents/ is taken once: that is the guard. Nothing in it is ever removed.",
        "The import takes its files from outbox/, each of them once, and may take them away.",
        "documents/ and outbox/ hold the same file: what an import writes into it is seen as a "
        "change of the document.",
        "The folder is on one file system that knows links and keeps what it said is on the disk.",
        "Whether the ERP has imported a file, and what it made of it, is not known here.",
    ),
)
