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
    MasterChangeSource,
    MasterDataTarget,
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
    NoGuard,
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
# Masters that others are told of, or that are written, must be read well before.
_OF_MASTERS: Final[Mapping[type, tuple[tuple[str, Level], ...]]] = {
    MasterChangeSource: (
        ("MasterSourceContract", Level.READS),
        ("MasterChangesContract", Level.INCREMENTAL),
    ),
    MasterDataTarget: (
        ("MasterSourceContract", Level.READS),
        ("MasterTargetContract", Level.WRITES),
        ("MasterOnceContract", Level.EXACTLY_ONCE),
    ),
}
_OF_GUARD: Final[Mapping[type[Guard], str]] = {
    CompareAndSet: "CompareAndSetContract",
    DraftThenPost: "DraftThenPostContract",
    IdempotencyKey: "IdempotencyKeyContract",
    Lookup: "LookupContract",
    UniqueReference: "UniqueReferenceContract",
}
_CAUSES_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule of a suite came to; `suites` are those that it is a part of."""

    name: str
    suites: Sequence[str]
    level: Level
    outcome: Literal["passed", "failed", "skipped"]
    reason: str = ""
    # The kind of posting or of master that it was tried with, if it is about either.
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """One level: what its rules came to, and what keeps it from being reached."""

    level: Level
    passed: int
    skipped: int
    failed: Sequence[Rule]
    # What a connector with this manifest owes and does not show, in sentences.
    owed: Sequence[str]

    @property
    def trouble(self) -> Sequence[str]:
        """Why the level is not reached, in sentences, each cause once; empty if it may be."""
        by_reason: dict[str, list[str]] = {}
        for rule in self.failed:
            said = rule.name.removeprefix("test_").replace("_", " ")
            by_reason.setdefault(rule.reason, []).append(said)
        causes = [_cause(reason, broken) for reason, broken in by_reason.items()]
        more = len(causes) - _CAUSES_MAX
        shown = causes[:_CAUSES_MAX] + ([f"and {more} causes more"] if more > 0 else [])
        return [*self.owed, *shown]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run of a connector's suite says about it."""

    standings: Sequence[Standing]
    claimed: Level | None
    # Kinds of posting of the manifest: those that rules were tried with, and all others.
    kinds_tried: Sequence[PostingKind] = ()
    kinds_untried: Sequence[PostingKind] = ()

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
    def why_not_the_next(self) -> Sequence[str]:
        """What keeps the connector from the next level, in sentences."""
        for standing in self.standings:
            if standing.trouble:
                return [f"{standing.level}: {each}" for each in standing.trouble]
        if self.reached is None:
            return ["no rule was run"]
        if self.reached is Level.ATTESTED:
            return []
        return ["no rule of a higher level is about what this connector does"]

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
            owed=[
                *(
                    f"the suite does not inherit {suite}"
                    for suite, since in sorted(wanted)
                    if since is level and suite not in present
                ),
                *(_untried_masters(ran, manifest) if level is Level.WRITES else ()),
                *(_unguarded(manifest) if level is Level.EXACTLY_ONCE else ()),
            ],
        )
        for level in Level
    ]
    kinds = [each.kind for each in manifest.operations]
    tried = {rule.kind for rule in ran if rule.outcome == "passed"}
    if any("UndoContract" in rule.suites for rule in ran):
        tried.add(PostingKind.UNDO)
    return Verdict(
        standings,
        manifest.level,
        [kind for kind in kinds if kind in tried],
        [kind for kind in kinds if kind not in tried],
    )


def _wanted(manifest: Manifest) -> set[tuple[str, Level]]:
    """The suites that prove what the manifest says, and the level that each belongs to."""
    wanted: set[tuple[str, Level]] = {
        _OF_ROLE[role] for role in manifest.capabilities if role in _OF_ROLE
    }
    for role in manifest.capabilities:
        wanted.update(_OF_MASTERS.get(role, ()))
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


def _unguarded(manifest: Manifest) -> Sequence[str]:
    """The kinds of posting and of master that nothing keeps from being there twice."""
    return [
        *(
            f"nothing guards postings of kind {operation.kind} (NoGuard)"
            for operation in manifest.operations
            if isinstance(operation.guard, NoGuard)
        ),
        *(
            f"nothing guards masters of kind {master.kind} (NoGuard)"
            for master in manifest.master_operations
            if isinstance(master.guard, NoGuard)
        ),
    ]


def _untried_masters(rules: Sequence[Rule], manifest: Manifest) -> Sequence[str]:
    """The kinds of master that the manifest says can be written, and no rule was tried with."""
    tried = {rule.kind for rule in rules if "MasterTargetContract" in rule.suites}
    if not tried:
        return []  # That the suite is missing is said already.
    return [
        f"no rule was tried with masters of kind {operation.kind}"
        for operation in manifest.master_operations
        if operation.kind not in tried
    ]


def _cause(reason: str, broken: Sequence[str]) -> str:
    """One cause of failures: what was said, and which rule it breaks."""
    which = f"“{broken[0]}”" + (f" and {len(broken) - 1} more" if len(broken) > 1 else "")
    verb = "fail" if len(broken) > 1 else "fails"
    return f"{which} {verb}" + (f": {reason}" if reason else "")
