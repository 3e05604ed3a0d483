"""Kinds of record that may be in several files and forms: one line each, and one id each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from canonical.text import ExternalId, same_code
from connectors.flatfile.cells import Cells, RowTroubleError
from connectors.flatfile.contents import Contents, files_of
from connectors.flatfile.drafts import Draft, raw_of
from connectors.flatfile.tables import Columns, Row

R = TypeVar("R")

_ID: Final = TypeAdapter[str](ExternalId)


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """One kind: the first part of its files' names, its columns, and what a line says.

    `many` says that it may be spread over files with a suffix, such as one for each week.
    """

    stem: str
    columns: Columns
    named_by: Sequence[str]
    read: Callable[[Cells], R]
    many: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it may be in."""
        return files_of(self.stem, many=self.many)

    def drafts(self, contents: Contents) -> Iterator[Draft[R]]:
        """Make the record of each line, or its trouble."""
        for row in contents.rows_of_kind(self.stem, self.columns):
            about: dict[str, Any] = {
                "id": self.id_of(row),
                "place": row.place,
                "raw": raw_of(row),
                "changed_at": contents.arrived_at(row.file),
                "rows": (row,),
            }
            try:
                record = self.read(contents.cells(row))
            except RowTroubleError as error:
                yield Draft(**about, troubles=(error.trouble,))
            else:
                yield Draft(**about, record=record)

    def id_of(self, row: Row) -> str | None:
        """The id of a line's record by its own names; None if they are no names."""
        told = [(column, row.cells.get(column, "")) for column in self.named_by]
        return id_from(*(name for column, name in told if name or column in self.columns.required))


# The same people, projects and tasks stand on thousands of lines.
@lru_cache(maxsize=4096)
def id_from(*names: str) -> str | None:
    """One id for several names, which tells (`A/B`, `C`) from (`A`, `B/C`); None if it is none."""
    parts = [same_code(name) for name in names]
    if len(parts) > 1:
        parts = [part.replace("%", "%25").replace("/", "%2F") for part in parts]
    try:
        return _ID.validate_python("/".join(parts)) if all(parts) else None
    except ValidationError:
        return None
