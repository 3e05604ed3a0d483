"""The figures of a report as Markdown, between the two markers of docs/benchmarks.md."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from benchmarks.report import FOREIGN_SHARE_MAX, Figures, Report, Verdict

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- figures -->"
END: Final = "<!-- /figures -->"
_GROUPS: Final = ("worker", "script", "Temporal", "PostgreSQL", "ERP", "driver")


def with_figures(page: str, report: Report, taken_on: date) -> str:
    """Put a report's figures in place of those that stand on the page; the rest stays as it is."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no place for figures between {BEGIN} and {END}")
    figures = "\n".join(_lines(report, taken_on))
    return f"{before}{BEGIN}\n{figures}\n{END}{after}"


def _lines(report: Report, taken_on: date) -> Iterator[str]:
    facts = report.facts
    yield (
        f"Taken on {taken_on}: {facts['lines']:,} lines a run, {facts['lines_per_timesheet']} a "
        f"timesheet, {facts['passes']} passes, {facts['cores']} cores, {facts['workers']} worker "
        "process(es)."
    )
    if facts["foreign_share_max"] > FOREIGN_SHARE_MAX:
        yield (
            f"Others used up to {facts['foreign_share_max']:.0%} of the machine meanwhile: ratios "
            "hold roughly, lines/s do not."
        )
    yield from ("", *_figures(report.figures))
    yield from ("", *_verdicts(report.verdicts))
    if report.resume is not None:
        resume = report.resume
        yield ""
        yield (
            f"The worker was killed with {resume.left_at_kill:,} of {resume.lines:,} lines left "
            f"and {resume.in_flight} in flight. Those moved on after "
            f"{resume.in_flight_moved_seconds:.1f} s, and all was posted after "
            f"{resume.all_posted_seconds:.1f} s ({resume.undisturbed_seconds:.1f} s undisturbed)."
        )


def _figures(figures: Sequence[Figures]) -> Iterator[str]:
    groups = [name for name in _GROUPS if any(name in one.cpu_ms_by_group for one in figures)]
    yield _row("per line", "CPU ms", *groups, "lines/s", "actions", "events")
    yield _row("---", *["---:"] * (len(groups) + 4))
    for one in figures:
        parts = [one.cpu_ms_by_group.get(name) for name in groups]
        yield _row(
            one.variant,
            f"**{one.cpu_ms:.2f}**",
            *("-" if part is None else f"{part:.2f}" for part in parts),
            f"{one.lines_per_second:,.0f}",
            f"{one.actions_per_line:.3f}" if one.actions_per_line else "-",
            f"{one.events_per_line:.2f}" if one.events_per_line else "-",
        )


def _verdicts(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield _row("", "measured", "goal", "aim", "")
    yield _row("---", "---:", "---:", "---:", "---")
    for one in verdicts:
        goal, aim = (_limit(limit) for limit in (one.goal, one.aim))
        measured = f"{one.measured:.3g}{one.unit and ' ' + one.unit}"
        yield _row(one.name, measured, goal, aim, one.words)


def _limit(limit: float | None) -> str:
    if limit is None:
        return ""
    return f"≤ {limit:g}" if limit else "0"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
