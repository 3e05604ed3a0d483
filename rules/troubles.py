"""What keeps records from being read, told apart by cause and not by where it was met."""

import re
from typing import Final

# Positions in lists, lines of files, counts: what differs between records that share a trouble.
_NUMBERS: Final = re.compile(r"[0-9]+")
# A part of a record that connectors name before what is wrong with it.
_NAMED: Final = re.compile(r"(?:^|(?<=; ))(entry|expense|item) [^:;]+: ")
_BETWEEN: Final = re.compile(r"; (?:and # more)?")


def shape_of(trouble: str) -> str:
    """A trouble without its numbers and ids, each part once: equal for records of one cause.

    Worked example: 'items.3.amount: not a number; items.4.amount: not a number' has the shape
    'items.#.amount: not a number', and 'expense txAbC: amount: gone' has 'expense #: amount: gone'.
    """
    unnamed = _NAMED.sub(r"\1 #: ", trouble)
    parts = _BETWEEN.split(_NUMBERS.sub("#", unnamed))
    return "; ".join(dict.fromkeys(part for part in parts if part))
