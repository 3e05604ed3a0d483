"""Look-alikes: records that a person may have meant to be one thing; never linked by themselves."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, TypeVar

from rapidfuzz import fuzz, process

from canonical.masters import Master

M = TypeVar("M", bound=Master)

# Percent of likeness above which a person is asked. Typing errors and word order stay above it;
# names of one family of companies fall below.
ALIKE_MIN: Final = 90
CANDIDATES_MAX: Final = 5
_DIGITS: Final = re.compile(r"\d+")
# What says how a company is registered, and not which one it is.
_LEGAL_FORMS: Final = frozenset(
    {"ag", "gmbh", "se", "kg", "ohg", "ltd", "limited", "llc", "llp", "inc", "corp", "plc", "sa",
     "sarl", "bv", "nv", "ab", "oy", "as", "spa", "srl"}
)  # fmt: skip


def look_alikes(one: M, others: Sequence[M]) -> list[M]:
    """Records whose code or name differs by spelling only, or nearly so; the likest first."""
    code, name = plain(one.code), words(one.name)
    same = [it for it in others if plain(it.code) == code or (name and words(it.name) == name)]
    if same or not name:
        return same[:CANDIDATES_MAX]
    names = [words(it.name) for it in others]
    # Numbers tell things apart that are called the same otherwise: "Phase 1", "Phase 2".
    digits = _DIGITS.findall(name)
    found = process.extract(
        name,
        names,
        scorer=fuzz.token_sort_ratio,
        score_cutoff=ALIKE_MIN,
        limit=CANDIDATES_MAX,
    )
    return [others[place] for text, _, place in found if _DIGITS.findall(text) == digits]


def spelled_alike(one: Master, other: Master, *, by_name: bool) -> bool:
    """Whether two records of one system differ by spelling only, of the code or of the name."""
    name = words(one.name)
    return plain(one.code) == plain(other.code) or (
        by_name and bool(name) and name == words(other.name)
    )


def plain(text: str) -> str:
    """Bring a code to the form in which spellings of it compare equal."""
    return "".join(one for one in _unaccented(text) if one.isalnum())


def words(text: str) -> str:
    """Bring a name to its words: without case, accents, punctuation and legal form."""
    letters = "".join(one if one.isalnum() else " " for one in _unaccented(text.replace(".", "")))
    found = letters.split()
    return " ".join([one for one in found if one not in _LEGAL_FORMS] or found)


def _unaccented(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one))
