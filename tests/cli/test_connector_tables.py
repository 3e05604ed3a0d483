"""The tables of systems and of pairs: written from the manifests, and held current."""

from importlib import import_module

import pytest

from cli.connector_table import markdown_table
from cli.pair_table import Pair, markdown_of, pairs_of
from connectors.base.capabilities import PaymentSource, PostingTarget
from connectors.base.system import System
from connectors.conformance.levels import level_of
from connectors.conformance.verdict import Rule, verdict_on
from runtime.configuration import Configuration, ConnectionSettings
from runtime.flows import FLOWS
from runtime.registry import our_systems
from runtime.schedules import planned
from tests.infra.manifests import CHECKOUT

SYSTEMS = our_systems()
PAIRS = list(pairs_of(SYSTEMS))
each_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.source}-{pair.target}")


def test_the_readme_has_the_table_of_systems_as_it_is_now() -> None:
    table = markdown_table(SYSTEMS, CHECKOUT)
    assert table in (CHECKOUT / "README.md").read_text(), (
        "put what `ledgerway connectors list --markdown` prints into the README"
    )


def test_the_page_of_pairs_has_them_as_they_are_now() -> None:
    page = (CHECKOUT / "docs" / "connectors" / "pairs.md").read_text()
    assert markdown_of(PAIRS) in page, (
        "put what `ledgerway connectors pairs --markdown` prints into docs/connectors/pairs.md"
    )


def test_every_source_stands_beside_every_erp() -> None:
    manifests = {each.name: each.manifest for each in SYSTEMS if each.manifest}
    sources = {
        name
        for name, manifest in manifests.items()
        if manifest.capabilities & {flow.source for flow in FLOWS}
    }
    targets = {name for name, one in manifests.items() if PostingTarget in one.capabilities}
    assert len(sources) >= 6
    assert len(targets) >= 4
    assert {(pair.source, pair.target) for pair in PAIRS} == {
        (source, target) for source in sources for target in targets
    }


@each_pair
def test_a_pair_that_cannot_be_names_the_role_or_the_kind_that_is_missing(pair: Pair) -> None:
    named = ("Source)", "Sink)", "Target)", "Calendar)", "kind ")
    for sentence in (*pair.missing, *pair.limits):
        assert any(each in sentence for each in named), sentence


@each_pair
def test_a_pair_that_works_is_scheduled_for_its_flow_and_asks_for_no_role_that_is_missing(
    pair: Pair,
) -> None:
    configuration = Configuration(
        tenant="x",
        connections={
            "source": ConnectionSettings(system=pair.source, posts_to="target"),
            "target": ConnectionSettings(system=pair.target),
        },
    )
    schedules = {one.id: one.workflow for one in planned(configuration)}
    polls = {
        "time": "PollSource",
        "expenses": "PollExpenseSource",
        "invoices": "PollContracts",
    }
    assert schedules["poll/source"] == polls[pair.flow]
    [target] = [each for each in SYSTEMS if each.name == pair.target]
    follows = pair.flow != "time" and PaymentSource in target.capabilities
    assert ("payments/target" in schedules) is follows


@pytest.mark.parametrize("system", SYSTEMS, ids=[each.name for each in SYSTEMS])
def test_the_suite_of_each_connector_has_every_rule_that_its_level_stands_on(
    system: System,
) -> None:
    """The rules themselves are run as tests of their own; `connectors conformance` runs both."""
    assert system.manifest is not None
    tests = [
        test
        for module in system.suites
        for test in vars(import_module(module)).values()
        if isinstance(test, type) and test.__name__.startswith("Test")
    ]
    # Which kind of master a rule is tried with, only running it can tell.
    kinds = [str(each.kind) for each in system.manifest.master_operations] or [""]
    rules = [
        Rule(
            name,
            [suite.__name__ for suite in test.__mro__ if hasattr(suite, name)],
            level,
            "passed",
            kind=kind,
        )
        for kind in kinds
        for test in tests
        for name in dir(test)
        if name.startswith("test_") and (level := level_of(getattr(test, name))) is not None
    ]
    verdict = verdict_on(rules, system.manifest)
    assert [standing.owed for standing in verdict.standings] == [[]] * 5
    assert verdict.reached == verdict.claimed
