"""The lines of time of a simulated Tryton, with the indexes that keep searches short."""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.tryton.simulated_search import prefix_of

# Descriptions are found by as many characters as a reference has.
_INDEXED_CHARS: Final = 21
Line = dict[str, Any]


class LineStore:
    """All lines by id, and by the beginning of their descriptions and by task."""

    def __init__(self) -> None:
        self.lines: Final[dict[int, Line]] = {}
        self._ids: Final[list[int]] = []
        self._by_reference: Final[dict[str, set[int]]] = defaultdict(set)
        self._by_work: Final[dict[int, set[int]]] = defaultdict(set)

    def add(self, line: Line) -> None:
        """Add a line, or put a removed one back."""
        number = line["id"]
        self.lines[number] = line
        if self._ids and self._ids[-1] > number:
            bisect.insort(self._ids, number)
        else:
            self._ids.append(number)
        self._by_reference[_beginning(line)].add(number)
        self._by_work[line["work"]].add(number)

    def remove(self, number: int) -> None:
        """Remove a line that is there."""
        line = self.lines.pop(number)
        del self._ids[bisect.bisect_left(self._ids, number)]
        self._by_reference[_beginning(line)].discard(number)
        self._by_work[line["work"]].discard(number)

    def of_work(self, work: int) -> list[Line]:
        """Give the lines of one task."""
        return [self.lines[number] for number in sorted(self._by_work[work])]

    def candidates(self, domain: Sequence[Any]) -> Iterator[Line]:
        """Give the lines among which all hits of a domain are, in the order of their ids."""
        above = max(_lower_bounds(domain), default=0)
        hint = self._hint(domain)
        if hint is None:
            numbers: Iterable[int] = self._ids[bisect.bisect_right(self._ids, above) :]
        else:
            numbers = sorted(number for number in hint if number > above)
        return (self.lines[number] for number in numbers if number in self.lines)

    def _hint(self, domain: Any) -> set[int] | None:
        """Give lines among which all hits are, or None if no index helps."""
        match domain:
            case ["OR", *parts]:
                hints = [self._hint(part) for part in parts]
                known = [hint for hint in hints if hint is not None]
                return set().union(*known) if len(known) == len(hints) else None
            case [str(field), str(name), operand] if field != "AND":
                return self._indexed(field, name, operand)
            case [*parts]:
                hints = [self._hint(part) for part in parts if isinstance(part, list) and part]
                return min((hint for hint in hints if hint is not None), key=len, default=None)
            case _:
                return None

    def _indexed(self, field: str, name: str, operand: Any) -> set[int] | None:
        match field, name:
            case "description", "in":
                return _all_of(self._by_reference, [text[:_INDEXED_CHARS] for text in operand])
            case "description", "like":
                prefix = prefix_of([field, name, operand]) or ""
                if len(prefix) < _INDEXED_CHARS:
                    return None
                return _all_of(self._by_reference, [prefix[:_INDEXED_CHARS]])
            case "work", "in":
                return _all_of(self._by_work, operand)
            case "id", "in":
                return set(operand)
            case _:
                return None


def _all_of(index: Mapping[Any, set[int]], keys: Iterable[Any]) -> set[int]:
    return set().union(*(index[key] for key in keys if key in index))


def _lower_bounds(domain: Sequence[Any]) -> Iterator[int]:
    for part in domain:
        match part:
            case ["id", ">", int() as bound]:
                yield bound
            case _:
                continue


def _beginning(line: Line) -> str:
    text: str = line["description"] or ""
    return text[:_INDEXED_CHARS]
