"""Bulk statements: rows travel as one array per column, never one statement per row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a bulk statement carries, with their PostgreSQL types, in order."""

    types: Mapping[str, str]

    @property
    def names(self) -> str:
        """The column list of an INSERT."""
        return ", ".join(self.types)

    def unnest(self, first_parameter: int = 1) -> str:
        """A row source `unnest(...) AS r(...)` over the parameters from `first_parameter` on."""
        arrays = ", ".join(
            f"${number}::{kind}[]"
            for number, kind in enumerate(self.types.values(), start=first_parameter)
        )
        return f"unnest({arrays}) AS r({self.names})"

    def insert(self, table: str, rest: str = "") -> str:
        """An INSERT of all rows; `rest` may say what happens on conflict and what is returned."""
        return f"INSERT INTO {table} ({self.names}) SELECT {self.names} FROM {self.unnest()} {rest}"

    def arrays(self, rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
        """Turn rows into one array per column; no row gives empty arrays."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        return columns or [[] for _ in self.types]
