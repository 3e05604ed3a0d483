"""What rules about expenses find: a problem stops a report, a warning is told and kept."""

from dataclasses import dataclass
from enum import StrEnum

from canonical.exception_case import Cause


class Rule(StrEnum):
    """The rules that decide a line, each with its version: `expense-tax/1`.

    A version rises when the same report and tables would give another line.
    """

    COST = "expense-cost/1"
    ALLOCATION = "expense-allocation/1"
    TAX = "expense-tax/1"
    PAYEE = "expense-payee/1"
    PERSONAL = "expense-personal/1"
    ADVANCE = "expense-advance/1"
    ROUNDING = "expense-rounding/1"

    @property
    def code(self) -> str:
        """The rule's name without its version."""
        return self.value.partition("/")[0]

    @property
    def version(self) -> str:
        """The rule's version."""
        return self.value.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a report cannot be posted as it is, in the form of a root cause without its entity."""

    cause: Cause
    subject: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found about one report."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(self.problems + other.problems, self.warnings + other.warnings)


def problem(cause: Cause, subject: str, sentence: str) -> Findings:
    """One problem."""
    return Findings(problems=(Problem(cause, subject, sentence),))


def warning(sentence: str) -> Findings:
    """One warning."""
    return Findings(warnings=(sentence,))
