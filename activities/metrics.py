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
    "ledgerway_news_waiting", "What a source of reports is still to be told", ["connection"]
)
NEWS_REFUSED: Final = Gauge(
    "ledgerway_news_refused", "What a source of reports refused to hear for good", ["connection"]
)
LEDGER_READABLE: Final = Gauge(
    "ledgerway_ledger_readable", "1 if the ledger answered when this was scraped"
)
