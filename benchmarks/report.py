"""What a benchmark says: figures per variant, ratios, and the goals beside them. Pure."""

import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

EVENT: Final = "event lane"
CAREFUL: Final = "careful script"
NAIVE: Final = "naive script"
VARIANTS: Final = (EVENT, CAREFUL, NAIVE)
# Beyond this share of the machine, others disturb so much that figures are worth little.
FOREIGN_SHARE_MAX: Final = 0.15


@dataclass(frozen=True, slots=True)
class Run:
    """One variant, measured once."""

    variant: str
    lines: int
    cpu_seconds: Mapping[str, float]
    lines_seconds: float
    calibration_us: float
    foreign_share: float = 0.0
    actions: float = 0.0
    events: int = 0
    conflicts: int = 0
    duplicates: int = 0
    missing: int = 0

    def cpu_ms_per_line(self, usual_us: float) -> dict[str, float]:
        """CPU by process group, as it would be at the usual speed of this machine."""
        factor = usual_us / self.calibration_us * 1000 / self.lines
        return {name: seconds * factor for name, seconds in self.cpu_seconds.items()}


@dataclass(frozen=True, slots=True)
class Resume:
    """What a kill in the middle cost; all times are seconds after the kill."""

    lines: int
    left_at_kill: int
    in_flight: int
    in_flight_moved_seconds: float
    all_posted_seconds: float
    undisturbed_seconds: float
    limit_seconds: float
    duplicates: int
    missing: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One variant's medians."""

    variant: str
    cpu_ms: float
    cpu_ms_all: tuple[float, ...]
    cpu_ms_by_group: Mapping[str, float]
    lines_per_second: float
    actions_per_line: float
    events_per_line: float
    conflicts: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure with what it should be; a goal that is missed fails the benchmark."""

    name: str
    measured: float
    goal: float | None = None
    aim: float | None = None
    unit: str = ""
    all: tuple[float, ...] = ()

    @property
    def missed(self) -> bool:
        """Whether the goal is missed."""
        return self.goal is not None and self.measured > self.goal

    @property
    def words(self) -> str:
        """How it stands."""
        if self.missed:
            return "GOAL MISSED"
        if self.aim is not None and self.measured > self.aim:
            return "goal met, aim not"
        return "met" if self.goal is not None else ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that one benchmark found."""

    figures: Sequence[Figures]
    verdicts: Sequence[Verdict]
    resume: Resume | None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether a goal is missed."""
        return any(verdict.missed for verdict in self.verdicts)


def report_on(
    passes: Sequence[Sequence[Run]], resume: Resume | None, facts: Mapping[str, Any]
) -> Report:
    """Turn passes, each with one run per variant, into figures and verdicts.

    Ratios are taken within a pass, where both sides met the same weather, then the median.
    """
    runs = [run for one in passes for run in one]
    usual_us = statistics.median(run.calibration_us for run in runs)
    by_variant: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_variant[run.variant].append(run)
    figures = [
        _figures(variant, by_variant[variant], usual_us)
        for variant in VARIANTS
        if variant in by_variant
    ]
    verdicts = [*_ratios(passes, usual_us), *_of_event(by_variant[EVENT]), *_of_resume(resume)]
    disturbed = max(run.foreign_share for run in runs)
    return Report(
        figures,
        verdicts,
        resume,
        {**facts, "foreign_share_max": disturbed, "calibration_us": usual_us},
    )


def _figures(variant: str, runs: Sequence[Run], usual_us: float) -> Figures:
    by_group = [run.cpu_ms_per_line(usual_us) for run in runs]
    totals = [sum(one.values()) for one in by_group]
    return Figures(
        variant=variant,
        cpu_ms=statistics.median(totals),
        cpu_ms_all=tuple(totals),
        cpu_ms_by_group={
            group: statistics.median(one[group] for one in by_group) for group in by_group[0]
        },
        lines_per_second=statistics.median(run.lines / run.lines_seconds for run in runs),
        actions_per_line=statistics.median(run.actions / run.lines for run in runs),
        events_per_line=statistics.median(run.events / run.lines for run in runs),
        conflicts=statistics.median(run.conflicts for run in runs),
    )


def _ratios(passes: Sequence[Sequence[Run]], usual_us: float) -> Iterable[Verdict]:
    event_to_naive = _ratio(passes, NAIVE, lambda run: _cpu(run, usual_us))
    event_to_careful = _ratio(passes, CAREFUL, lambda run: _cpu(run, usual_us))
    speed = _ratio(passes, NAIVE, lambda run: run.lines / run.lines_seconds)
    yield _verdict("CPU, event lane / naive script", event_to_naive, goal=2.0, aim=1.0)
    yield _verdict("CPU, event lane / careful script", event_to_careful)
    yield _verdict("lines/s, event lane / naive script", speed)


def _cpu(run: Run, usual_us: float) -> float:
    return sum(run.cpu_ms_per_line(usual_us).values())


def _ratio(
    passes: Sequence[Sequence[Run]], other: str, figure: Callable[[Run], float]
) -> tuple[float, ...]:
    """The event lane's figure over another variant's, pass by pass."""
    found: list[float] = []
    for one in passes:
        of = {run.variant: figure(run) for run in one}
        if EVENT in of and other in of:
            found.append(of[EVENT] / of[other])
    return tuple(found)


def _verdict(
    name: str, values: tuple[float, ...], goal: float | None = None, aim: float | None = None
) -> Verdict:
    return Verdict(name, statistics.median(values), goal, aim, all=values)


def _of_event(runs: Sequence[Run]) -> Iterable[Verdict]:
    actions = tuple(run.actions / run.lines for run in runs)
    yield _verdict("Temporal actions per line", actions, goal=0.2, aim=0.16)
    yield Verdict("duplicates in the ERP", sum(run.duplicates for run in runs), goal=0)
    yield Verdict("lines missing in the ERP", sum(run.missing for run in runs), goal=0)


def _of_resume(resume: Resume | None) -> Iterable[Verdict]:
    if resume is None:
        return
    moved = resume.in_flight_moved_seconds
    yield Verdict("after a kill: in flight moves on", moved, resume.limit_seconds, unit="s")
    late = resume.all_posted_seconds - resume.undisturbed_seconds
    yield Verdict("after a kill: all posted later by", late, resume.limit_seconds, unit="s")
    yield Verdict("after a kill: duplicates in the ERP", resume.duplicates, goal=0)
    yield Verdict("after a kill: lines missing", resume.missing, goal=0)


_ACTION: Final = re.compile(r"^action(?:_total)?\{(?P<labels>[^}]*)\} (?P<value>[0-9.eE+]+)$")


def actions_in(metrics: str, namespace: str) -> float:
    """Sum the server's own count of billed actions of a namespace, from its metrics page."""
    found = (_ACTION.match(line) for line in metrics.splitlines())
    wanted = f'namespace="{namespace}"'
    return sum(float(one["value"]) for one in found if one and wanted in one["labels"])


def books_compared(
    in_ledger: Iterable[str], in_erp: Mapping[str, int], lines: int
) -> tuple[int, int]:
    """Count duplicates and missing lines: what the ledger posted against what the ERP holds.

    Lines that the ledger never posted are missing too; what the ERP holds beyond them is twice.
    """
    references = set(in_ledger)
    duplicates = sum(count - 1 for count in in_erp.values())
    strangers = sum(reference not in references for reference in in_erp)
    missing = lines - sum(reference in in_erp for reference in references)
    return duplicates + strangers, missing
