"""Drafts: records on their way out of files, each by itself, until it is known that it is one."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from canonical.contracts import (
    Acceptance,
    Engagement,
    ErpScheduleLine,
    PurchaseOrder,
    RateCard,
    contract_record_id,
)
from canonical.text import ExternalId, storable
from connectors.base.records import RAW_CHARS_MAX
from connectors.flatfile.tables import Row
from connectors.flatfile.troubles import Finding, Place, Trouble

R = TypeVar("R")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)

_ID: Final = TypeAdapter[str](ExternalId)
_TROUBLES_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Draft(Generic[R_co]):
    """What was made of one record, or the troubles that it has; and where it stands.

    Without an id it is a dead letter: nobody can tell whose it was.
    """

    id: str | None
    place: Place
    raw: str
    changed_at: datetime
    record: R_co | None = None
    troubles: tuple[Trouble, ...] = ()
    # The lines that it was read from, for what can be made out of a broken one.
    rows: tuple[Row, ...] = ()

    @property
    def trouble(self) -> str | None:
        """All troubles in a sentence; the first of them, if there are many."""
        if self.record is not None:
            return None
        more = len(self.troubles) - _TROUBLES_MAX
        rest = f"; and {more} more" if more > 0 else ""
        return "; ".join(map(str, self.troubles[:_TROUBLES_MAX])) + rest


ContractDraft = Draft[Engagement | RateCard | PurchaseOrder | Acceptance | ErpScheduleLine]


def each_once(drafts: Iterable[Draft[R]]) -> Sequence[Draft[R]]:
    """Make one trouble of those that have one id: which of them counts, nobody can tell."""
    found: dict[str, list[Draft[R]]] = {}
    nameless: list[Draft[R]] = []
    for draft in drafts:
        if draft.id is None:
            nameless.append(draft)
        else:
            found.setdefault(draft.id, []).append(draft)
    return [*(_one_of(same) for same in found.values()), *nameless]


def id_of(kind: str, *names: str | None) -> str | None:
    """The id of a record by its own names; None if they are no names."""
    try:
        return contract_record_id(kind, *(_ID.validate_python(name) for name in names))
    except ValidationError:
        return None


def agreed(rows: Sequence[Row], column: str, read: Callable[[str], T]) -> T | None:
    """What all lines of one record say in a column; None if they differ, or say nothing."""
    try:
        said = {read(row.cells.get(column, "")) for row in rows}
    except ValueError:
        return None
    return said.pop() if len(said) == 1 else None


def raw_of(*rows: Row) -> str:
    """The lines as they stand, as the inbox keeps them."""
    lines: list[Mapping[str, Any]] = [
        {"file": row.file, "line": row.line, **row.cells} for row in rows
    ]
    # What could not be decoded has halves of characters, which nothing can store.
    return kept(json.dumps(lines[0] if len(lines) == 1 else lines, ensure_ascii=False))


def kept(text: str) -> str:
    """A text as the inbox keeps it: storable, and cut."""
    return storable(text[:RAW_CHARS_MAX])


def _one_of(same: Sequence[Draft[R]]) -> Draft[R]:
    if len(same) == 1:
        return same[0]
    places = " and ".join(str(draft.place) for draft in same[:_TROUBLES_MAX])
    what = f"it stands {len(same)} times, {places}: keep one of them"
    twice = Trouble(tuple(draft.place for draft in same), (Finding(None, what),))
    troubles = (trouble for draft in same for trouble in draft.troubles)
    return Draft(
        id=same[0].id,
        place=same[0].place,
        raw=kept("\n".join(draft.raw for draft in same)),
        changed_at=max(draft.changed_at for draft in same),
        troubles=(
            twice,
            *dict.fromkeys(troubles),
        ),
        # What one of them says counts for nothing while the others may say otherwise.
        rows=tuple(row for draft in same for row in draft.rows)
        if all(draft.rows for draft in same)
        else (),
    )
