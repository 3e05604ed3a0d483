"""Facts about the file drop: what it holds, and how much; docs/connectors/flatfile.md shows it."""

from typing import Final

from connectors.base.capabilities import ContractSource, InvoiceStatusSink, MilestoneSource
from connectors.base.manifest import Manifest

PAGE_SIZE_MAX: Final = 500
# A file of contracts that is larger holds something else.
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
LINE_CHARS_MAX: Final = 4 * 1024 * 1024
LINES_MAX: Final = 200_000

MANIFEST: Final = Manifest(
    system="flatfile",
    title="Files in a folder (CSV, JSON lines)",
    capabilities=frozenset({ContractSource, MilestoneSource, InvoiceStatusSink}),
    verified_against="files on a local file system",
    documented_at="docs/connectors/flatfile.md",
    page_size_max=PAGE_SIZE_MAX,
    notes=(
        "The files are the whole truth: what is not in them any more is gone.",
        "A file whose lines cannot be told apart stops the reading, because absence in it would "
        "be no evidence.",
        "Files that belong together are replaced one by one: what must change at once belongs on "
        "one line of engagements.jsonl.",
        "One process at a time writes the status of invoices; the file is locked meanwhile.",
    ),
)
