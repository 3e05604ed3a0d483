"""What all tests share: real servers, started once for the session."""

import pytest

pytest_plugins = ["tests.erp_fixtures", "tests.server_fixtures"]

# Several processes share the files of tests between them: what takes longest should not come last.
# Billing is before Tryton's connector, whose invoices have later dates: numbers follow dates.
_LONGEST_FIRST = (
    "tests/faults/",
    "tests/expenses/",
    "tests/billing/",
    "tests/connectors/tryton/",
    "tests/e2e/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    ranks = (rank for rank, at in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(at))
    return next(ranks, len(_LONGEST_FIRST))
