"""Print what the exhaustive check of the posting protocol finds: `python -m tests.model`."""

import argparse
import sys

from tests.model.catalogue import ASSUMPTIONS, DEEP, MUTANTS, PROTOCOL, READINGS, VARIANTS, Check
from tests.model.exploration import explore

STATES_MAX_DEEP = 3_000_000

SECTIONS = (
    ("The protocol", PROTOCOL),
    ("Variants", VARIANTS),
    ("Mutants", MUTANTS),
    ("Readings that the text allows", READINGS),
    ("Broken assumptions", ASSUMPTIONS),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--traces", action="store_true", help="print each counterexample")
    parser.add_argument("--deep", action="store_true", help="larger constants only; minutes")
    parser.add_argument("--only", default="", help="only the checks whose name contains this")
    wanted = parser.parse_args()
    surprises = 0
    seconds = 0.0
    for title, checks in (("Larger constants", DEEP),) if wanted.deep else SECTIONS:
        chosen = [check for check in checks if wanted.only.lower() in check.name.lower()]
        if chosen:
            _write(f"\n{title:78s} {'states':>8s} {'seconds':>8s}")
        for check in chosen:
            as_expected, spent = _run(check, traces=wanted.traces)
            surprises += not as_expected
            seconds += spent
    _write(f"\n{seconds:.1f} s, {surprises} not as expected")
    return 1 if surprises else 0


def _run(check: Check, *, traces: bool) -> tuple[bool, float]:
    found = explore(check.model, STATES_MAX_DEEP)
    as_expected = found.safe == (check.broken is None)
    surprise = "" if as_expected else f"   EXPECTED {check.expected}"
    name = check.name if len(check.name) <= 78 else check.name[:75] + "..."
    _write(f"{name:78s} {found.states:8d} {found.seconds:8.2f}  {found.verdict}{surprise}")
    if found.counterexample is not None and (traces or not as_expected):
        _write(f"{found.counterexample}\n")
    return as_expected, found.seconds


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
