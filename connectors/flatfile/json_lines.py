"""JSON lines: one object on each line of a file, each read by itself."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.base.records import trouble_of
from connectors.flatfile.drop import DropFile
from connectors.flatfile.manifest import LINE_CHARS_MAX, LINES_MAX
from connectors.flatfile.tables import OTHER_ENCODING, undecodable
from connectors.flatfile.troubles import Place

C = TypeVar("C", bound=BaseModel)


class JsonLineError(ValueError):
    """A line that is no object of ours; says what is to be mended."""


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line: its number, its text, and its object; or why it is none."""

    file: str
    line: int
    text: str
    value: dict[str, Any] | None = None
    trouble: str | None = None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.file, self.line)

    def text_of(self, member: str) -> str | None:
        """A member, if it is a text; of a broken line what is likely to be it."""
        if self.value is not None:
            found = self.value.get(member)
            return found if isinstance(found, str) else None
        # Of a broken line the first such member is likely to be the record's own.
        likely = re.search(rf'"{member}"\s*:\s*"([^"\\]+)"', self.text)
        return likely[1] if likely else None

    def make(self, kind: type[C], **given: Any) -> C:
        """Make what the line says, with what it leaves to us; raises ValueError."""
        if self.value is None or self.trouble:
            raise JsonLineError(self.trouble)
        if ours := sorted(given.keys() & self.value.keys()):
            raise JsonLineError(f"{ours[0]} is not the file's to say: take it out")
        try:
            return kind.model_validate_json(json.dumps({**self.value, **given}))
        except ValueError as error:
            raise JsonLineError(trouble_of(error)) from None


def json_lines(file: DropFile | None) -> Sequence[JsonLine]:
    """Take a file apart, without its empty lines; one that is not there has none.

    It is UTF-8, as JSON is. Raises ConnectionConfigError if it has too many lines, and
    TransientError if its last line was cut: then it is still being written.
    """
    if file is None:
        return ()
    text = file.data.decode("utf-8-sig", errors="surrogateescape")
    # JSON text may hold other marks of a line's end within its strings, so only this one counts.
    lines = [
        _line(file.name, number, line.strip())
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    if len(lines) > LINES_MAX:
        raise ConnectionConfigError(
            "file_unreadable", f"{file.name}: it has {len(lines)} lines and may have {LINES_MAX}"
        )
    if lines and lines[-1].value is None and not text.endswith("\n"):
        raise TransientError("file_cut", f"{lines[-1].place} is not written to its end yet")
    return lines


def _line(file: str, number: int, text: str) -> JsonLine:
    if len(text) > LINE_CHARS_MAX:
        return JsonLine(file, number, text, trouble=f"it has more than {LINE_CHARS_MAX} characters")
    try:
        value = json.loads(
            text, parse_float=_no_text, parse_constant=_no_text, object_pairs_hook=_object
        )
    except (ValueError, RecursionError):
        return JsonLine(file, number, text, trouble="it is no JSON object on one line: mend it")
    if not isinstance(value, dict):
        return JsonLine(file, number, text, trouble="it is no JSON object: write one on each line")
    return JsonLine(file, number, text, value, OTHER_ENCODING if undecodable(text) else None)


def _no_text(_digits: str) -> list[str]:
    # A list is refused wherever a number would be, so that no binary float is ever made.
    return []


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("an object has the same member twice")
    return found
