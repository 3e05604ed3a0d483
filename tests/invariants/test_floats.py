"""I16: the product's code has no float but where one is listed; and the check finds each kind."""

from pathlib import Path

import pytest

from tests.invariants import floats

ROOT = Path(__file__).parents[2]
# Seconds to wait, and seconds that were measured; divisions of decimals and of paths. A float for
# money or hours has no place here: it is a defect.
ALLOWED: dict[str, set[str]] = {
    "canonical/hours.py": {"hours_from_seconds", "value_of"},
    "rules/billing_caps.py": {"_warnings"},
    "rules/billing_credit.py": {"_part_of_amount"},
    "rules/billing_exchange.py": {"Exchange.convert"},
    "rules/billing_intercompany.py": {"plan_intercompany"},
    "rules/billing_invoice.py": {"erp_quantity"},
    "rules/billing_measures.py": {"ProjectMargin.percent", "utilisation"},
    "rules/billing_pieces.py": {"cut", "_seconds_for"},
    "rules/billing_quantities.py": {"worth_of", "share_of"},
    "rules/expense_amounts.py": {"split_by_largest_remainder", "converted"},
    "rules/expense_consistency.py": {"_advance"},
    "rules/expense_policy.py": {"PerDiemRow.amount_without"},
    "rules/expense_tax.py": {"_by_table"},
    "rules/invoice_tax.py": {"_tax"},
    "store/schema.py": {"_MIGRATIONS"},
    "store/rate_budgets.py": {"_TAKE"},
    "activities/heartbeats.py": {"HEARTBEAT_EVERY_SECONDS"},
    "activities/metrics.py": {"_ANSWER_BUCKETS"},
    "activities/posting_run.py": {"_CONFLICT_PAUSE_SECONDS", "PostingRun._one_attempt"},
    "connectors/base/capabilities.py": {"PostingTarget.post"},
    "connectors/base/http.py": {"Timeouts", "OneAttempt.__init__"},
    "connectors/base/rate_budget.py": {"Unlimited.__init__"},
    "connectors/concur/access.py": {"Access.__init__"},
    "connectors/concur/allocation_mapping.py": {"_split"},
    "connectors/concur/client.py": {"ConcurClient.__init__"},
    "connectors/conformance/invoice_status.py": {"credit"},
    "connectors/flatfile/drop.py": {"read_drop", "_stamps"},
    "connectors/flatfile/invoice_status.py": {
        "InvoiceStatusFile._opened",
        "InvoiceStatusFile._mend_end",
    },
    "connectors/fyle/client.py": {"Memory", "FyleClient.__init__", "FyleClient.page"},
    "connectors/fyle/connector.py": {"connect"},
    "connectors/fyle/session.py": {"_Held", "FyleSession.__init__"},
    "connectors/harvest/invoice_mapping.py": {"_line_item"},
    "connectors/tryton/client.py": {"TrytonOptions", "TrytonClient.__init__", "TrytonClient.write"},
    "connectors/tryton/connector.py": {"Tryton.post"},
    "connectors/tryton/customer_invoices.py": {"CustomerInvoices.post"},
    "connectors/tryton/document_clerk.py": {"DocumentClerk.latest_start", "DocumentClerk.carry"},
    "connectors/tryton/draft_then_post.py": {"_PAUSES_SECONDS", "Attempt.__init__"},
    "connectors/tryton/expense_documents.py": {"ExpenseDocuments.post"},
    "connectors/tryton/journal_entries.py": {"JournalEntries.post"},
    "connectors/tryton/rates.py": {"exchange"},
    "connectors/tryton/time_lines.py": {
        "_PAUSES_SECONDS",
        "TimeLines._latest_start",
        "TimeLines.book",
        "TimeLines.take_back",
        "TimeLines._remove",
        "TimeLines._write",
    },
}


def test_no_money_path_has_a_float() -> None:
    found = floats.check(floats.sources(ROOT), ALLOWED)
    assert found == [], "\n".join(f"{one.subject} {one.message}" for one in found)


def test_all_of_the_products_code_is_looked_at() -> None:
    looked_at = floats.sources(ROOT)
    assert {path.partition("/")[0] for path in looked_at} == set(floats.PACKAGES)
    assert len(looked_at) > 80
    assert not [path for path in looked_at if "simulat" in path]


@pytest.mark.parametrize(
    "seeded",
    [
        "def price(amount: float) -> None: ...",
        "def price(amount: 'Decimal | None') -> float: ...",
        "class Line:\n    amount: list[float]",
        "RATE = 0.1",
        "def half(cents: int): return cents / 2",
        "def total(text): return float(text)",
        "import builtins\ndef total(text): return builtins.float(text)",
        "SUM = 'SELECT sum(amount)::float8 FROM posting'",
        "def rate(amount: int = 1.5): ...",
    ],
)
def test_a_seeded_float_is_found(seeded: str) -> None:
    assert floats.check({"rules/seeded.py": seeded}, {})


def test_an_allowance_is_for_its_own_place_only() -> None:
    code = {"a.py": "def one(x: float): ...\ndef two(x: float): ..."}
    (left,) = floats.check(code, {"a.py": {"one"}})
    assert (left.subject, left.message) == ("a.py:2", "the type float in two")


def test_an_allowance_that_nothing_needs_is_told() -> None:
    (left,) = floats.check({"a.py": "x = 1 // 2"}, {"a.py": {"x"}})
    assert left.message == "x is allowed a float and has none"
