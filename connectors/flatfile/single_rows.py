"""Records that are one line of one table each: how a table of such is read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from connectors.flatfile.cells import Cells, RowTroubleError
from connectors.flatfile.contents import Contents
from connectors.flatfile.drafts import Draft, id_of, raw_of
from connectors.flatfile.tables import Columns

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """One kind of record: its file, its columns, those that name it, and what a line says."""

    file: str
    columns: Columns
    kind: str
    named_by: Sequence[str]
    read: Callable[[Cells], R]

    def drafts(self, contents: Contents) -> Iterator[Draft[R]]:
        """Make the record of each line, or its trouble."""
        for row in contents.rows(self.file, self.columns):
            names = [row.cells.get(column, "") for column in self.named_by]
            about: dict[str, Any] = {
                "id": id_of(self.kind, *names),
                "place": row.place,
                "raw": raw_of(row),
                "changed_at": contents.changed_at(self.file),
            }
            try:
                record = self.read(contents.cells(row))
            except RowTroubleError as error:
                yield Draft(**about, troubles=(error.trouble,))
            else:
                yield Draft(**about, record=record)
