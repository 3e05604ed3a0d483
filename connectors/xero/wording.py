"""What Xero has no field for, as words in its descriptions that people and we can read.

A description is a line for people and, below it, facts in brackets: `[role=expense; item=17]`.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, unquote

from canonical.exact import decimal_text
from canonical.identity import REFERENCE_LENGTH, REFERENCE_PREFIX
from connectors.base.errors import RejectedError

DESCRIPTION_MAX: Final = 4000
_REFERENCE: Final = re.compile(rf"[A-Za-z0-9-]{{1,{REFERENCE_LENGTH}}}", re.ASCII)
# What we write ourselves; the sweep takes nothing else for ours.
_OURS: Final = re.compile(rf"{REFERENCE_PREFIX}[A-Z2-7]{{{REFERENCE_LENGTH - 1}}}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_FACTS: Final = re.compile(r"\[([^\[\]]*)\]\s*$")
# As they are; everything else is escaped, above all what takes facts apart.
_SAFE: Final = " /:.,-_+@#()|"
NO_REFERENCE: Final = "(none)"


def one_line(text: str) -> str:
    """Bring words to one line."""
    return " ".join(_CONTROL.sub(" ", text).split())


def referenced(reference: str, *words: str) -> str:
    """Put our reference first, then what people know the document by.

    Raises RejectedError for a reference that could not be found again.
    """
    if not _REFERENCE.fullmatch(reference):
        raise RejectedError("reference_unfit", "the reference would not be found again")
    return " ".join((reference, *filter(None, map(one_line, words))))


def reference_in(text: str | None) -> str:
    """Give the first word of a text, if it can be a reference at all."""
    word = (text or "").split(" ", 1)[0]
    return word if _REFERENCE.fullmatch(word) else NO_REFERENCE


def words_after(text: str | None) -> str:
    """Give what stands behind the reference."""
    return (text or "").removeprefix(reference_in(text)).strip()


def is_ours(reference: str) -> bool:
    """Whether a reference has the form that only we write."""
    return _OURS.fullmatch(reference) is not None


def described(words: str, facts: Mapping[str, Any]) -> str:
    """Write a description; what is None is left out, and words give way to facts."""
    told = "; ".join(
        f"{name}={quote(_text(value), safe=_SAFE)}"
        for name, value in facts.items()
        if value is not None
    )
    if len(told) + 3 > DESCRIPTION_MAX:
        raise RejectedError("description_too_long", "the facts of a line exceed what Xero keeps")
    room = DESCRIPTION_MAX - len(told) - 3
    return f"{one_line(words)[:room]}\n[{told}]"


def facts_in(description: str | None) -> Mapping[str, str]:
    """Read the facts of a description; none if nobody wrote any, or somebody broke them."""
    found = _FACTS.search(description or "")
    pairs = (each.partition("=") for each in found[1].split("; ")) if found else ()
    return {name.strip(): unquote(value) for name, sep, value in pairs if sep}


def words_in(description: str | None) -> str:
    """Read the line for people."""
    return _FACTS.sub("", description or "").strip()


def _text(value: Any) -> str:
    return decimal_text(value) if isinstance(value, Decimal) else str(value)
