"""What the platform counts about its own work, for Prometheus."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

# From seconds, for a workflow that was told at once, to days, for a case that was decided late.
_TIME_TO_POST_BUCKETS: Final = (1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400, 259_200, 604_800)

# Up to two minutes, which is how long a request is believed to be in flight at most.
_ANSWER_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 90, 120)

POSTED: Final = Counter(
    "ledgerway_posted_lines", "Lines that the ERP confirmed", ["target", "kind"]
)
STOPPED: Final = Counter(
    "ledgerway_stopped_lines", "Lines that were refused when they were sent", ["target", "code"]
)
UNANSWERED: Final = Counter(
    "ledgerway_unanswered_lines", "Lines that were sent without a clear answer", ["target"]
)
CONFLICTS: Final = Counter(
    "ledgerway_conflicts", "Calls that an optimistic lock refused", ["target"]
)
TIME_TO_POST: Final = Histogram(
    "ledgerway_time_to_post_seconds",
    "From final approval (or its first sight) to the ERP's confirmation",
    ["target"],
    buckets=_TIME_TO_POST_BUCKETS,
)
ANSWER_SECONDS: Final = Histogram(
    "ledgerway_answer_seconds",
    "How long the ERP took to answer a write; half of the in-flight bound is alarming",
    ["target"],
    buckets=_ANSWER_BUCKETS,
)
LINES_IN_CASES: Final = Gauge(
    "ledgerway_lines_in_cases", "Lines that wait for a person", ["cause", "legal_entity"]
)
UNCERTAIN_LINES: Final = Gauge(
    "ledgerway_uncertain_lines", "Lines sent and not answered", ["target"]
)
UNCERTAIN_AGE: Final = Gauge(
    "ledgerway_uncertain_age_seconds", "Age of the oldest unanswered line", ["target"]
)
UNPAID_REPORTS: Final = Gauge(
    "ledgerway_unpaid_reports", "Reports posted and not yet paid in full", ["target"]
)
UNPAID_AGE: Final = Gauge(
    "ledgerway_unpaid_age_seconds", "How long ago the oldest unpaid report was posted", ["target"]
)
NEWS_WAITING: Final = Gauge(
    "ledgerway_news_waiting",
    "What a source of reports or contracts is still to be told",
    ["connection"],
)
NEWS_REFUSED: Final = Gauge(
    "ledgerway_news_refused",
    "What a source of reports or contracts refused to hear for good",
    ["connection"],
)
READINESS_LAG: Final = Gauge(
    "ledgerway_readiness_lag_seconds",
    "From the end of the last month to the first readiness of its engagements",
    ["legal_entity", "quantile"],
)
HELD_UP_MONTHS: Final = Gauge(
    "ledgerway_held_up_months",
    "Engagements whose newest month that has ended cannot be billed",
    ["legal_entity"],
)
UNRELEASED_MONTHS: Final = Gauge(
    "ledgerway_unreleased_months",
    "Engagements whose newest month that has ended is ready and not released",
    ["legal_entity"],
)
# A sample is a float by its format. Exact amounts are in `ledgerway readiness` and `wip`.
UNRELEASED_AMOUNT: Final = Gauge(
    "ledgerway_unreleased_amount", "What is ready in them", ["legal_entity", "currency"]
)
UNPAID_INVOICES: Final = Gauge(
    "ledgerway_unpaid_invoices", "Invoices posted and not yet paid in full", ["target"]
)
OVERDUE_INVOICES: Final = Gauge(
    "ledgerway_overdue_invoices", "Those of them that were due before today", ["target"]
)
WIP_AMOUNT: Final = Gauge(
    "ledgerway_wip_amount", "Billable work that is posted and not yet billed", ["currency"]
)
LEDGER_READABLE: Final = Gauge(
    "ledgerway_ledger_readable", "1 if the ledger answered when this was scraped"
)
