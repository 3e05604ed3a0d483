"""Rejections: why a document went back to its source, in words for the people there."""

from typing import ClassVar

from canonical.base import Canonical
from canonical.text import Code, Sentence


class Rejection(Canonical):
    """What the source's processor is told: the root cause's code, and what to do about it."""

    CONTRACT: ClassVar[str] = "rejection/v1"

    code: Code
    message: Sentence
