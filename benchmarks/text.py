"""A report as a table for people."""

from collections.abc import Iterator, Sequence

from benchmarks.report import FOREIGN_SHARE_MAX, Figures, Report, Resume, Verdict

_GROUPS = ("worker", "script", "Temporal", "PostgreSQL", "ERP", "driver")


def rendered(report: Report) -> str:
    """Everything that was found, goals beside it."""
    return "\n".join([*_header(report), "", *_table(report.figures), "", *_verdicts(report)])


def _header(report: Report) -> Iterator[str]:
    facts = report.facts
    yield (
        f"{facts['lines']} lines a run, {facts['lines_per_timesheet']} a timesheet, "
        f"{facts['passes']} interleaved passes, {facts['cores']} cores, "
        f"{facts['workers']} worker process(es); medians"
    )
    yield "CPU milliseconds per line, all processes, at this machine's usual speed:"
    if facts["foreign_share_max"] > FOREIGN_SHARE_MAX:
        yield (
            f"(others used up to {facts['foreign_share_max']:.0%} of this machine meanwhile: "
            "ratios hold roughly, lines/s do not)"
        )


def _table(figures: Sequence[Figures]) -> Iterator[str]:
    groups = [name for name in _GROUPS if any(name in one.cpu_ms_by_group for one in figures)]
    columns = ["CPU ms", *groups, "lines/s", "actions", "events", "conflicts"]
    yield f"{'':16}" + "".join(f"{name:>11}" for name in columns)
    for one in figures:
        parts = [one.cpu_ms_by_group.get(name) for name in groups]
        cells = [f"{one.cpu_ms:.2f}", *("-" if part is None else f"{part:.2f}" for part in parts)]
        cells += [f"{one.lines_per_second:.0f}"]
        cells += [f"{one.actions_per_line:.3f}" if one.actions_per_line else "-"]
        cells += [f"{one.events_per_line:.2f}" if one.events_per_line else "-"]
        cells += [f"{one.conflicts:.0f}"]
        yield f"{one.variant:16}" + "".join(f"{cell:>11}" for cell in cells)


def _verdicts(report: Report) -> Iterator[str]:
    yield f"{'':36}{'measured':>10}{'goal':>8}{'aim':>8}"
    for verdict in report.verdicts:
        yield _verdict(verdict)
    if report.resume is not None:
        yield ""
        yield from _resume(report.resume)


def _verdict(verdict: Verdict) -> str:
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.3g}{verdict.unit and ' ' + verdict.unit}"

    limits = [f"≤ {number(limit)}" if limit else number(limit) for limit in _limits(verdict)]
    passes = ", ".join(f"{one:.2f}" for one in verdict.all) if len(verdict.all) > 1 else ""
    line = (
        f"{verdict.name:36}{number(verdict.measured):>10}{limits[0]:>8}{limits[1]:>8}"
        f"  {verdict.words:18}{passes and f'passes: {passes}'}"
    )
    return line.rstrip()


def _limits(verdict: Verdict) -> tuple[float | None, float | None]:
    return verdict.goal, verdict.aim


def _resume(resume: Resume) -> Iterator[str]:
    yield (
        f"The worker was killed with {resume.left_at_kill} of {resume.lines} lines left and "
        f"{resume.in_flight} in flight; those moved on after "
        f"{resume.in_flight_moved_seconds:.1f} s, and all was posted after "
        f"{resume.all_posted_seconds:.1f} s ({resume.undisturbed_seconds:.1f} s undisturbed)."
    )
