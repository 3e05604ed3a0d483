"""Troubles: what is to be mended in a file, where it stands, and never with a value of it."""

from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """One line of one file, as people look for it."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: in which column, where it is in one, and what to do about it."""

    column: str | None
    what: str

    def __str__(self) -> str:
        return f"column {self.column}: {self.what}" if self.column else self.what


@dataclass(frozen=True, slots=True)
class Trouble:
    """All that is wrong with one line; or what is wrong with several of them together."""

    places: tuple[Place, ...]
    findings: tuple[Finding, ...]

    @classmethod
    def at(cls, place: Place, what: str, column: str | None = None) -> "Trouble":
        """One finding in one line."""
        return cls((place,), (Finding(column, what),))

    def __str__(self) -> str:
        said = "; ".join(map(str, self.findings))
        return f"{self.places[0]}: {said}" if len(self.places) == 1 else said
