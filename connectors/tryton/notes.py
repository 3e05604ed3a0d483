"""Words that our records carry in Tryton's text fields, where people can read them too."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from canonical.exact import decimal_text


def billing_of(reference: str, document: int) -> str:
    """What the references of a document's disbursements begin with."""
    return f"{reference} {document} "


def note_of(facts: Mapping[str, Any]) -> str:
    """Write facts as `name: value` lines; what is None is left out."""
    return "\n".join(
        f"{name}: {_word(value)}" for name, value in facts.items() if value is not None
    )


def facts_in(text: str | None) -> Mapping[str, str]:
    """Read the `name: value` lines of a note; what people wrote between them does no harm."""
    pairs = (line.partition(": ") for line in (text or "").split("\n"))
    return {name.strip(): value.strip() for name, sep, value in pairs if sep and value.strip()}


def _word(value: Any) -> str:
    return decimal_text(value) if isinstance(value, Decimal) else str(value)
