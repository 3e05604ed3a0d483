"""Facts about the file drop: what it holds, and how much; docs/connectors/flatfile.md shows it."""

from typing import Final

from connectors.base.capabilities import (
    ContractSource,
    InvoiceStatusSink,
    MasterDataSource,
    MilestoneSource,
    TimeEntrySource,
)
from connectors.base.manifest import ApprovalEvidence, Manifest

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
    title="Files in a folder (CSV, JSON lines)",
    capabilities=frozenset({ContractSource, MilestoneSource, InvoiceStatusSink}),
    verified_against=_VERIFIED,
    documented_at=_DOCUMENTED,
    page_size_max=PAGE_SIZE_MAX,
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

TIME_CAPABILITIES: Final = frozenset({TimeEntrySource, MasterDataSource})


def time_manifest(*, evidence: bool) -> Manifest:
    """Facts about a folder of time entries; what it proves of approvals is the owner's choice."""
    return Manifest(
        system="flatfile_time",
        title="Time entries in a folder (CSV, JSON lines)",
        capabilities=TIME_CAPABILITIES,
        verified_against=_VERIFIED,
        documented_at=_DOCUMENTED,
        approval=ApprovalEvidence(approver=evidence, instant=evidence, revision=False),
        page_size_max=PAGE_SIZE_MAX,
        overlap_seconds=OVERLAP_SECONDS,
        notes=(
            "The files are the whole truth of the weeks that are read again: what is not in them "
            "any more is deleted, and what was posted of it goes back.",
            "News is found by file: all lines of a file that changed are shown.",
            "A line without an id keeps a window from being compared: it may be any line that "
            "seems to be gone.",
        ),
    )
