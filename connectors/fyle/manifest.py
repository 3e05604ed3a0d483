"""Facts about Fyle (Sage Expense Management); their sources are in docs/connectors/fyle.md."""

from typing import Final

from connectors.base.capabilities import (
    ExpenseReportSink,
    ExpenseReportSource,
    MasterDataSource,
)
from connectors.base.level import Level
from connectors.base.manifest import ApprovalEvidence, Manifest, RateLimit

PAGE_SIZE_MAX: Final = 200  # Fyle answers 400 to more.
# A record may become visible just behind the clock.
OVERLAP_SECONDS: Final = 120
# Ids in one `in.(…)`: a hundred of 15 characters stay well below any limit on an address.
IDS_MAX: Final = 100
# Reports told together: few enough to get to the end within a second's budget, mostly.
REPORTS_MAX: Final = 20
# Rows in one bulk call; Fyle names no limit, its own integrations send twenty at a time.
ROWS_MAX: Final = 50

MANIFEST: Final = Manifest(
    system="fyle",
    title="Fyle (Sage Expense Management, Platform API v1)",
    capabilities=frozenset({ExpenseReportSource, ExpenseReportSink, MasterDataSource}),
    verified_against=(
        "a simulator that stays inside the vendor's own OpenAPI description; not against a Fyle "
        "organisation"
    ),
    documented_at="https://docs.fylehq.com/",
    # Fyle counts no revisions of a report.
    approval=ApprovalEvidence(approver=True, instant=True, revision=False),
    takes_rejections=True,
    page_size_max=PAGE_SIZE_MAX,
    overlap_seconds=OVERLAP_SECONDS,
    rate_limits=(RateLimit(calls=10, per_seconds=1),),
    level=Level.EXACTLY_ONCE,
    notes=(
        "The limit is counted per IP address, so it is shared by all connections of a worker.",
        "Fyle knows no claim: a report can be sent back until it is paid. A claim reads its state.",
        "Telling moves updated_at: a report that was told comes once more, with the same hash.",
        "Whether an edited expense moves its report's updated_at is not documented: expenses that "
        "changed are asked for too.",
        "A report that was sent back is listed among those that never were approved: those are "
        "read too. One that was deleted is noticed when it is claimed or told, not before.",
        "Partly paid and obsolete are no steps of Fyle: they are answered 'not_provided'.",
        "A per diem for several days becomes one item a day.",
        "Subscriptions carry no signature: they are hints, and everything is read again.",
    ),
)
