"""Levels of conformance: each rule of a suite belongs to one, and a connector reaches them in turn.

A suite is marked as a whole, `@rules_at(Level.READS)`, and a rule of another level by itself,
`@at(Level.INCREMENTAL)`; the rule's own mark counts.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import pytest

from connectors.base.level import Level

# The marker that carries a rule's level; `plugin` makes it known to pytest.
MARKER: Final = "conformance"
S = TypeVar("S")


def at(level: Level) -> Callable[[S], S]:
    """Mark one rule."""
    mark: Callable[[S], S] = getattr(pytest.mark, MARKER)(level.value)
    return mark


def rules_at(level: Level) -> Callable[[type[S]], type[S]]:
    """Mark all rules of a suite that have no level of their own."""

    def mark(suite: type[S]) -> type[S]:
        for name, rule in list(vars(suite).items()):
            if name.startswith("test_") and level_of(rule) is None:
                setattr(suite, name, at(level)(rule))
        return suite

    return mark


def level_of(rule: Any) -> Level | None:
    """The level of a rule, None if it has none."""
    marks = getattr(rule, "pytestmark", ())
    return next((Level(each.args[0]) for each in marks if each.name == MARKER), None)
