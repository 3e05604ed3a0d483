"""Which level a connector reaches by what its suite came to, and why not the next; no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from canonical.posting import PostingKind
from connectors.base.capabilities import (
    AcknowledgementSink,
    ContractSource,
    ExpenseReportSink,
    ExpenseReportSource,
    InvoiceStatusSink,
    MilestoneSource,
    PostingTarget,
    TimeEntrySource,
)
from connectors.base.guard import (
    CompareAndSet,
    DraftThenPost,
    Guard,
    IdempotencyKey,
    Lookup,
    UniqueReference,
)
from connectors.base.level import Level
from connectors.base.manifest import Manifest

# The suite that proves a role; roles that are read beside others have none of their own.
_OF_ROLE: Final[Mapping[type, tuple[str, Level]]] = {
    TimeEntrySource: ("TimeEntrySourceContract", Level.READS),
    ExpenseReportSource: ("ExpenseReportSourceContract", Level.READS),
    ContractSource: ("ContractSourceContract", Level.READS),
    MilestoneSource: ("ContractSourceContract", Level.READS),
    AcknowledgementSink: ("AcknowledgementContract", Level.WRITES),
    ExpenseReportSink: ("ExpenseReportSinkContract", Level.WRITES),
    InvoiceStatusSink: ("InvoiceStatusContract", Level.WRITES),
    PostingTarget: ("PostingTargetContract", Level.WRITES),
}
_OF_GUARD: Final[Mapping[type[Guard], str]] = {
    CompareAndSet: "CompareAndSetContract",
    DraftThenPost: "DraftThenPostContract",
    IdempotencyKey: "IdempotencyKeyContract",
    Lookup: "LookupContract",
    UniqueReference: "UniqueReferenceContract",
}
_EXAMPLES_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule of a suite came to; `suites` are those that it is a part of."""

    name: str
    suites: Sequence[str]
    level: Level
    outcome: Literal["passed", "failed", "skipped"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """One level: what its rules came to, and what keeps it from being reached."""

    level: Level
    passed: int
    skipped: int
    failed: Sequence[Rule]
    # Suites that a connector with this manifest has to pass, and that were not run.
    missing: Sequence[str]

    @property
    def trouble(self) -> str:
        """Why the level is not reached, in a sentence; empty if nothing stands against it."""
        if self.missing:
            return f"the suite does not inherit {', '.join(self.missing)}"
        if not self.failed:
            return ""
        named = [_said(rule) for rule in self.failed[:_EXAMPLES_MAX]]
        more = len(self.failed) - len(named)
        return "; ".join(named) + (f"; and {more} more" if more else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run of a connector's suite says about it."""

    standings: Sequence[Standing]
    claimed: Level | None

    @property
    def reached(self) -> Level | None:
        """The highest level with a rule that passed, with nothing against it or those below."""
        reached = None
        for standing in self.standings:
            if standing.trouble:
                break
            if standing.passed:
                reached = standing.level
        return reached

    @property
    def why_not_the_next(self) -> str:
        """What keeps the connector from the next level."""
        for standing in self.standings:
            if standing.trouble:
                return f"{standing.level}: {standing.trouble}"
        if self.reached is not None and self.reached is not Level.ATTESTED:
            return "no rule of a higher level is about what this connector does"
        return "" if self.reached else "no rule was run"

    @property
    def holds(self) -> bool:
        """Whether nothing failed, and the connector is as good as its manifest claims."""
        if any(standing.failed for standing in self.standings):
            return False
        return self.claimed is None or (self.reached or "") >= self.claimed


def verdict_on(rules: Iterable[Rule], manifest: Manifest) -> Verdict:
    """Judge a run. A rule that was left out, with its reason, stands against nothing."""
    ran = list(rules)
    wanted = _wanted(manifest)
    present = {suite for rule in ran for suite in rule.suites}
    standings = [
        Standing(
            level,
            passed=sum(rule.outcome == "passed" for rule in ran if rule.level is level),
            skipped=sum(rule.outcome == "skipped" for rule in ran if rule.level is level),
            failed=[rule for rule in ran if rule.level is level and rule.outcome == "failed"],
            missing=sorted(
                suite for suite, since in wanted if since is level and suite not in present
            ),
        )
        for level in Level
    ]
    return Verdict(standings, manifest.level)


def _wanted(manifest: Manifest) -> set[tuple[str, Level]]:
    """The suites that prove what the manifest says, and the level that each belongs to."""
    wanted: set[tuple[str, Level]] = {
        _OF_ROLE[role] for role in manifest.capabilities if role in _OF_ROLE
    }
    if manifest.over_http:
        wanted.add(("HttpContract", Level.READS))
    for operation in manifest.operations:
        suite = _OF_GUARD.get(type(operation.guard))
        # A taking back is guarded like what it takes back, and proven by a suite of its own.
        if suite is not None and not operation.kind.takes_back:
            wanted.add((suite, Level.EXACTLY_ONCE))
    if PostingKind.UNDO in {each.kind for each in manifest.operations}:
        wanted.add(("UndoContract", Level.WRITES))
    return wanted


def _said(rule: Rule) -> str:
    sentence = rule.name.removeprefix("test_").replace("_", " ")
    return f"“{sentence}” fails" + (f" ({rule.reason})" if rule.reason else "")
