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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make prove` ask for what is left out otherwise."""
    parser.addoption("--exhaustive", action="store_true", help="only what is marked as exhaustive")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; what is exhaustive runs by itself.

    Whoever measures a connector's level wants all of its rules.
    """
    wanted = config.getoption("--exhaustive")
    left_out = (
        []
        if config.getoption("--conformance-report", default=None)
        else [one for one in items if bool(one.get_closest_marker("exhaustive")) is not wanted]
    )
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        out = set(left_out)
        items[:] = [one for one in items if one not in out]
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    ranks = (rank for rank, at in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(at))
    return next(ranks, len(_LONGEST_FIRST))
