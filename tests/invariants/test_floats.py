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
    "rules/billing_pieces.py": {"_seconds_for", "cut"},
    "rules/billing_quantities.py": {"share_of", "worth_of"},
    "rules/expense_amounts.py": {"converted", "split_by_largest_remainder"},
    "rules/expense_consistency.py": {"_advance"},
    "rules/expense_policy.py": {"PerDiemRow.amount_without"},
    "rules/expense_tax.py": {"_by_table"},
    "rules/invoice_tax.py": {"_tax"},
    "store/rate_budgets.py": {"_TAKE"},
    "store/schema.py": {"_MIGRATIONS"},
    "activities/heartbeats.py": {"HEARTBEAT_EVERY_SECONDS"},
    "activities/metrics.py": {"_ANSWER_BUCKETS"},
    "activities/posting_run.py": {"PostingRun._one_attempt", "_CONFLICT_PAUSE_SECONDS"},
    "connectors/base/capabilities.py": {"PostingTarget.post"},
    "connectors/bamboohr/client.py": {"BambooHrClient.people"},
    "connectors/base/held_token.py": {"HeldToken", "TokenHolder.__init__"},
    "connectors/base/http.py": {"OneAttempt.__init__", "OneAttempt.write", "Timeouts"},
    "connectors/base/rate_budget.py": {"Unlimited.__init__"},
    "connectors/business_central/client.py": {"Client.__init__", "Client.together", "Client.write"},
    "connectors/business_central/connector.py": {"BusinessCentral.post"},
    "connectors/business_central/deadlines.py": {"latest_start"},
    "connectors/business_central/documents.py": {"DocumentKeeper.post"},
    "connectors/business_central/draft_then_post.py": {
        "Attempt.__init__",
        "_DOUBTS_SECONDS",
        "_PAUSES_SECONDS",
    },
    "connectors/business_central/journal_entries.py": {
        "JournalEntries._adopt",
        "JournalEntries._delete",
        "JournalEntries._given_up",
        "JournalEntries._make",
        "JournalEntries._post",
        "JournalEntries._read_back",
        "JournalEntries._taken_back",
        "JournalEntries.post",
        "_PAUSES_SECONDS",
    },
    "connectors/business_central/master_mapping.py": {"CompanyMasters.exchange_rate"},
    "connectors/business_central/session.py": {"Session.__init__", "Session.write"},
    "connectors/business_central/shelf.py": {
        "Shelf.create",
        "Shelf.delete",
        "Shelf.post",
        "Shelf.set_dimensions",
    },
    "connectors/business_central/time_lines.py": {
        "TimeLines._latest_start",
        "TimeLines.book",
        "TimeLines.take_back",
        "_PAUSES_SECONDS",
    },
    "connectors/business_central/time_register.py": {"entry_values"},
    "connectors/concur/access.py": {"Access.__init__"},
    "connectors/concur/allocation_mapping.py": {"_split"},
    "connectors/concur/client.py": {"ConcurClient.__init__"},
    "connectors/conformance/invoice_status.py": {"credit"},
    "connectors/flatfile/appending.py": {
        "GrowingFile._mend_end",
        "GrowingFile._opened",
        "GrowingFile.seen",
    },
    "connectors/flatfile/drop.py": {"_stamps", "read_drop"},
    "connectors/flatfile/export.py": {"FileExport._post", "FileExport.post"},
    "connectors/flatfile/export_index.py": {"Index.__init__"},
    "connectors/flatfile/export_shelf.py": {
        "Shelf.__init__",
        "Shelf._deliver",
        "Shelf._path_of",
        "Shelf.prove_links",
        "Shelf.put_all",
    },
    "connectors/flatfile/rejected.py": {"tell_rejected"},
    "connectors/flatfile/workbooks.py": {"_Cell._read"},
    "connectors/fyle/client.py": {"FyleClient.__init__", "FyleClient.page", "Memory"},
    "connectors/fyle/connector.py": {"connect"},
    "connectors/fyle/session.py": {"FyleSession.__init__", "_Held"},
    "connectors/harvest/invoice_mapping.py": {"_line_item"},
    "connectors/tryton/client.py": {"TrytonClient.__init__", "TrytonClient.write", "TrytonOptions"},
    "connectors/tryton/connector.py": {"Tryton.post"},
    "connectors/tryton/customer_invoices.py": {"CustomerInvoices.post"},
    "connectors/tryton/document_clerk.py": {"DocumentClerk.carry", "DocumentClerk.latest_start"},
    "connectors/tryton/draft_then_post.py": {"Attempt.__init__", "_PAUSES_SECONDS"},
    "connectors/tryton/expense_documents.py": {"ExpenseDocuments.post"},
    "connectors/tryton/journal_entries.py": {"JournalEntries.post"},
    "connectors/tryton/rates.py": {"exchange"},
    "connectors/tryton/time_lines.py": {
        "TimeLines._latest_start",
        "TimeLines._remove",
        "TimeLines._write",
        "TimeLines.book",
        "TimeLines.take_back",
        "_PAUSES_SECONDS",
    },
    "connectors/xero/client.py": {
        "XeroClient.__init__",
        "XeroClient._write",
        "XeroClient.change",
        "XeroClient.project_create",
        "XeroClient.project_delete",
        "XeroClient.put",
    },
    "connectors/xero/connector.py": {"Xero.__init__", "Xero.post", "connect"},
    "connectors/xero/ledger_documents.py": {
        "LedgerDocuments._allocate",
        "LedgerDocuments._removed",
        "LedgerDocuments.post",
        "PAUSES_SECONDS",
    },
    "connectors/xero/manual_journals.py": {"ManualJournals.post"},
    "connectors/xero/masters.py": {"MasterReading.__init__", "MasterReading._tasks_of"},
    "connectors/salesforce/session.py": {"SalesforceSession.__init__"},
    "connectors/xero/session.py": {"XeroSession.__init__"},
    "connectors/xero/time_entries.py": {"TimeEntries.book", "TimeEntries.take_back"},
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
