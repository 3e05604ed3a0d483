"""Facts about SAP Concur's financial integration, v4; sources are in docs/connectors/concur.md."""

from typing import Final

from connectors.base.capabilities import ExpenseReportSink, ExpenseReportSource, MasterDataSource
from connectors.base.level import Level
from connectors.base.manifest import ApprovalEvidence, Manifest

# Concur states a default (25 in its tables, 100 in its description) and no maximum.
PAGE_SIZE_MAX: Final = 100
# Documents per acknowledgement or confirmation; Concur states no maximum either.
BATCH_MAX: Final = 50
USERS_PAGE_SIZE_MAX: Final = 1000
SYSTEM_ID_LENGTH_MAX: Final = 50
MESSAGE_LENGTH_MAX: Final = 1300
COMPANY_ID_LENGTH_MAX: Final = 32
DOCUMENT_NUMBER_LENGTH_MAX: Final = 80

MANIFEST: Final = Manifest(
    system="concur",
    title="SAP Concur (Financial Integration Service v4, Identity v4.1)",
    capabilities=frozenset({ExpenseReportSource, ExpenseReportSink, MasterDataSource}),
    verified_against=(
        "a simulator that stays inside SAP's own OpenAPI descriptions, as repaired where they "
        "contradict SAP's pages; not against a Concur company"
    ),
    documented_at="https://developer.concur.com/api-reference/financial-integration/",
    # Documents from before SAP added lastApproverId name no approver.
    approval=ApprovalEvidence(approver=True, instant=True, revision=True),
    takes_rejections=True,
    page_size_max=PAGE_SIZE_MAX,
    level=Level.EXACTLY_ONCE,
    notes=(
        "The list holds what waits to be acknowledged, so there is no cursor to keep.",
        "A document can be recalled until it is acknowledged, and no longer.",
        "A report that failed or was recalled comes again as a document of its own.",
        "Links to further pages name a server of Concur's inside: pages are asked for by number.",
        "Reading while documents are acknowledged shifts the pages: what slips comes next time.",
        "Acknowledgements and confirmations may be repeated: codes 101, 113, 213 and 298 say so.",
        "SAP publishes no rate limit; 429 is heeded.",
        "A refresh token lives six months and may change with any answer.",
    ),
)
