"""Files in which a drop is told what became of its records: one JSON line for each step."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from canonical.exact import decimal_text
from canonical.money import Money
from connectors.flatfile.appending import GrowingFile, Growth

# How a line begins that was written here.
_OURS: Final = re.compile(rb'\{"id": ("[^"\\]*")')


class ToldSteps:
    """Appends steps, each of them once, to one file."""

    def __init__(self, folder: Path, name: str) -> None:
        growth = Growth(
            f"{name}.jsonl",
            id_of_step,
            # Where the end of a line goes that was never written whole.
            aside=f"{name}.broken",
        )
        self._file: Final = GrowingFile(folder, growth)

    def tell(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """Write the steps that are not there yet; the id comes first in each.

        Raises TransientError if the disk refuses: then a repeat finds what was written.
        """
        self._file.add((step["id"], _line(step)) for step in steps)

    def texts(self, member: str) -> set[str]:
        """What the steps that were told say in a member."""
        return set(self._file.seen(lambda line: _text_in(line, member)))


def id_of_step(line: bytes) -> str | None:
    """The id of a whole line; of ours without reading the rest of it, where it has an end."""
    ours = _OURS.match(line) if line.endswith(b"\n") else None
    if ours:
        return str(json.loads(ours[1]))
    return _text_in(line, "id")


def _text_in(line: bytes, member: str) -> str | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    found = value.get(member) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _line(step: Mapping[str, Any]) -> bytes:
    return json.dumps(step, ensure_ascii=False).encode() + b"\n"


def money_text(amount: Money | None) -> dict[str, str] | None:
    """An amount as it is written: text, so that nobody makes a binary float of it."""
    if amount is None:
        return None
    return {"amount": decimal_text(amount.amount), "currency": amount.currency}
