"""docs/benchmarks.md names what can be asked for, and takes in the figures of a run."""

import re
from dataclasses import replace
from datetime import date
from typing import Final

import pytest

from benchmarks.event_lane import options
from benchmarks.page import BEGIN, END, PAGE, with_figures
from benchmarks.report import CAREFUL, EVENT, NAIVE, Report, Resume, Run, report_on
from tests.infra.manifests import CHECKOUT

TAKEN_ON: Final = date(2026, 10, 31)
RESUME: Final = Resume(
    lines=4000,
    left_at_kill=2400,
    in_flight=40,
    in_flight_moved_seconds=6.24,
    all_posted_seconds=9.5,
    undisturbed_seconds=4.0,
    limit_seconds=8,
    duplicates=0,
    missing=0,
)


def run(variant: str, cpu: dict[str, float], **more: float) -> Run:
    """One run of 4,000 lines in eight seconds, on a machine that kept its speed."""
    one = Run(variant, 4000, cpu, lines_seconds=8, calibration_us=100)
    return replace(one, **more)


def report(**more: float) -> Report:
    """A report on one pass."""
    event = run(EVENT, {"worker": 4.0, "Temporal": 2.0, "ERP": 0.4}, actions=600, events=9000)
    careful = run(CAREFUL, {"script": 0.4, "ERP": 0.4})
    naive = run(NAIVE, {"script": 4.0, "ERP": 4.0}, **more)
    facts = {"lines": 4000, "lines_per_timesheet": 20, "passes": 1, "workers": 1, "cores": 2}
    return report_on([[event, careful, naive]], RESUME, facts)


def test_the_page_has_a_place_for_figures_and_the_rest_of_it_stays() -> None:
    page = PAGE.read_text()
    filled = with_figures(page, report(), TAKEN_ON)
    before, _, after = page.partition(BEGIN)[0], None, page.partition(END)[2]
    assert filled.startswith(before + BEGIN)
    assert filled.endswith(END + after)
    # A later run replaces what an earlier one wrote.
    assert with_figures(filled, report(), TAKEN_ON) == filled


def test_the_figures_are_those_of_the_report() -> None:
    filled = with_figures(f"{BEGIN}old{END}", report(), TAKEN_ON)
    assert "old" not in filled
    assert "Taken on 2026-10-31: 4,000 lines a run, 20 a timesheet, 1 passes, 2 cores" in filled
    assert "| event lane | **1.60** | 1.00 | - | 0.50 | 0.10 | 500 | 0.150 | 2.25 |" in filled
    assert "| naive script | **2.00** | - | 1.00 | - | 1.00 | 500 | - | - |" in filled
    assert "| CPU, event lane / naive script | 0.8 | ≤ 2 | ≤ 1 | met |" in filled
    assert "| duplicates in the ERP | 0 | 0 |  | met |" in filled
    assert "| after a kill: in flight moves on | 6.24 s | ≤ 8 |  | met |" in filled
    assert "killed with 2,400 of 4,000 lines left and 40 in flight" in filled
    assert "Others used" not in filled


def test_figures_that_others_disturbed_say_so() -> None:
    filled = with_figures(f"{BEGIN}{END}", report(foreign_share=0.4), TAKEN_ON)
    assert "Others used up to 40% of the machine meanwhile" in filled


def test_a_goal_that_is_missed_is_written_as_such() -> None:
    event = run(EVENT, {"worker": 9.0}, actions=600, duplicates=2)
    naive = run(NAIVE, {"script": 4.0})
    careful = run(CAREFUL, {"script": 4.0})
    facts = {"lines": 4000, "lines_per_timesheet": 20, "passes": 1, "workers": 1, "cores": 2}
    missed = report_on([[event, careful, naive]], None, facts)
    filled = with_figures(f"{BEGIN}{END}", missed, TAKEN_ON)
    assert "| CPU, event lane / naive script | 2.25 | ≤ 2 | ≤ 1 | GOAL MISSED |" in filled
    assert "| duplicates in the ERP | 2 | 0 |  | GOAL MISSED |" in filled


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_page_without_a_place_for_figures_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="no place for figures"):
        with_figures(page, report(), TAKEN_ON)


def test_every_option_is_on_the_page_and_every_one_on_the_page_is_taken() -> None:
    taken = {
        option
        for action in options()._actions
        for option in action.option_strings
        if option.startswith("--") and option != "--help"
    }
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE.read_text())) == taken
    makefile = (CHECKOUT / "Makefile").read_text()
    assert "benchmarks.event_lane $(ARGS)" in makefile
