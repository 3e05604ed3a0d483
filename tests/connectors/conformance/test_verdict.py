"""Levels: a connector reaches one only with every rule below it, and with the suites it owes."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from canonical.cross_reference import MasterKind
from canonical.posting import PostingKind
from connectors import conformance
from connectors.base.capabilities import (
    AcknowledgementSink,
    MasterChangeSource,
    MasterDataTarget,
    PostingTarget,
    TimeEntrySource,
)
from connectors.base.guard import Bulk, Guard, Lookup, NoGuard, UniqueReference
from connectors.base.level import Level
from connectors.base.manifest import Manifest, MasterOperation, PostingOperation, ReferenceField
from connectors.conformance.levels import level_of
from connectors.conformance.verdict import Rule, verdict_on

SOURCE = Manifest(
    system="northwind",
    title="Northwind",
    capabilities=frozenset({TimeEntrySource, AcknowledgementSink}),
    verified_against="nothing",
    documented_at="nowhere",
)
SUITES = {
    Level.READS: ["HttpContract", "TimeEntrySourceContract"],
    Level.WRITES: ["AcknowledgementContract"],
}


def rule(level: Level, outcome: Any = "passed", suites: Sequence[str] = ()) -> Rule:
    return Rule(
        f"test_something_of_{level}", suites or SUITES.get(level, ["X"]), level, outcome, "it broke"
    )


ALL = [rule(level) for level in Level]


def target(guard: Guard) -> Manifest:
    operation = PostingOperation(
        PostingKind.TIME, guard, Bulk("NONE"), ReferenceField("memo", 21), send_window_seconds=10
    )
    return replace(SOURCE, capabilities=frozenset({PostingTarget}), operations=(operation,))


def test_all_rules_kept_is_the_highest_level() -> None:
    verdict = verdict_on(ALL, SOURCE)
    assert verdict.reached is Level.ATTESTED
    assert verdict.why_not_the_next == []
    assert verdict.holds


@pytest.mark.parametrize("broken", list(Level))
def test_a_broken_rule_keeps_its_level_and_all_above_from_being_reached(broken: Level) -> None:
    verdict = verdict_on([*ALL, rule(broken, "failed")], SOURCE)
    below = [level for level in Level if level < broken]
    assert verdict.reached == (below[-1] if below else None)
    assert verdict.why_not_the_next == [f"{broken}: “something of {broken}” fails: it broke"]
    assert not verdict.holds


def test_a_level_without_rules_is_passed_by_and_reached_by_nobody() -> None:
    reads_and_writes = [each for each in ALL if each.level in (Level.READS, Level.WRITES)]
    verdict = verdict_on(reads_and_writes, SOURCE)
    assert verdict.reached is Level.WRITES
    [why] = verdict.why_not_the_next
    assert "no rule of a higher level" in why


def test_a_rule_that_was_left_out_stands_against_nothing_and_reaches_nothing() -> None:
    told = [*ALL[:-1], rule(Level.ATTESTED, "skipped")]
    assert verdict_on(told, SOURCE).reached is Level.EXACTLY_ONCE


@pytest.mark.parametrize(
    ("suite", "level", "reached"),
    [
        ("HttpContract", Level.READS, None),
        ("TimeEntrySourceContract", Level.READS, None),
        ("AcknowledgementContract", Level.WRITES, Level.INCREMENTAL),
    ],
)
def test_a_suite_that_is_owed_and_was_not_run_is_named(
    suite: str, level: Level, reached: Level | None
) -> None:
    told = [replace(each, suites=[one for one in each.suites if one != suite]) for each in ALL]
    verdict = verdict_on(told, SOURCE)
    assert verdict.reached == reached
    assert verdict.why_not_the_next == [f"{level}: the suite does not inherit {suite}"]


def test_a_connector_that_speaks_no_http_owes_no_suite_about_it() -> None:
    told = [replace(each, suites=[*each.suites[-1:]]) for each in ALL]
    assert verdict_on(told, replace(SOURCE, over_http=False)).reached is Level.ATTESTED


def test_each_guard_of_a_manifest_is_to_be_proven() -> None:
    ran = [*ALL, rule(Level.WRITES, suites=["PostingTargetContract"])]
    verdict = verdict_on(ran, target(UniqueReference()))
    assert verdict.reached is Level.WRITES
    assert verdict.why_not_the_next == ["L3: the suite does not inherit UniqueReferenceContract"]


def test_what_nothing_guards_is_not_written_exactly_once() -> None:
    ran = [*ALL, rule(Level.WRITES, suites=["PostingTargetContract"])]
    verdict = verdict_on(ran, target(NoGuard()))
    assert verdict.reached is Level.WRITES
    assert verdict.why_not_the_next == ["L3: nothing guards postings of kind time (NoGuard)"]


def test_the_kinds_of_posting_that_no_rule_was_tried_with_are_named() -> None:
    manifest = target(UniqueReference())
    [time] = manifest.operations
    both = replace(manifest, operations=(time, replace(time, kind=PostingKind.JOURNAL)))
    verdict = verdict_on([replace(rule(Level.WRITES), kind="time")], both)
    assert list(verdict.kinds_tried) == [PostingKind.TIME]
    assert list(verdict.kinds_untried) == [PostingKind.JOURNAL]
    broken = verdict_on([replace(rule(Level.WRITES, "failed"), kind="time")], both)
    assert list(broken.kinds_tried) == []


def test_rules_that_fail_for_one_cause_are_told_as_one() -> None:
    broken = [replace(rule(Level.READS, "failed"), name=f"test_rule_{n}") for n in range(3)]
    other = replace(broken[0], name="test_other", reason="")
    assert verdict_on([*ALL, *broken, other], SOURCE).why_not_the_next == [
        "L0: “rule 0” and 2 more fail: it broke",
        "L0: “other” fails",
    ]


def test_masters_that_are_written_are_proven_kind_by_kind() -> None:
    operations = tuple(
        MasterOperation(kind, frozenset({"name"}), guard)
        for kind, guard in ((MasterKind.CUSTOMER, Lookup()), (MasterKind.PROJECT, NoGuard()))
    )
    manifest = replace(
        SOURCE,
        capabilities=frozenset({MasterChangeSource, MasterDataTarget}),
        master_operations=operations,
    )
    owed = {each.level: list(each.owed) for each in verdict_on(ALL, manifest).standings}
    assert owed == {
        Level.READS: ["the suite does not inherit MasterSourceContract"],
        Level.INCREMENTAL: ["the suite does not inherit MasterChangesContract"],
        Level.WRITES: ["the suite does not inherit MasterTargetContract"],
        Level.EXACTLY_ONCE: [
            "the suite does not inherit MasterOnceContract",
            "nothing guards masters of kind project (NoGuard)",
        ],
        Level.ATTESTED: [],
    }
    tried = replace(rule(Level.WRITES, suites=["MasterTargetContract"]), kind="customer")
    standings = {each.level: each for each in verdict_on([*ALL, tried], manifest).standings}
    assert standings[Level.WRITES].owed == ["no rule was tried with masters of kind project"]


def test_a_claim_holds_if_it_is_reached() -> None:
    told = ALL[:-1]
    for claimed, holds in ((Level.EXACTLY_ONCE, True), (Level.ATTESTED, False), (None, True)):
        assert verdict_on(told, replace(SOURCE, level=claimed)).holds is holds
    assert not verdict_on([], replace(SOURCE, level=Level.READS)).holds


def test_every_rule_of_every_suite_has_a_level() -> None:
    suites = [
        suite
        for module in iter_modules(conformance.__path__, f"{conformance.__name__}.")
        for suite in vars(import_module(module.name)).values()
        if isinstance(suite, type) and suite.__name__.endswith("Contract")
    ]
    rules = {
        f"{suite.__name__}.{name}": level_of(each)
        for suite in suites
        for name, each in vars(suite).items()
        if name.startswith("test_")
    }
    assert len(rules) > 100
    assert [name for name, level in rules.items() if level is None] == []
