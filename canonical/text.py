"""Text that every part of the platform can store, compare and show."""

import re
import unicodedata
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
_CODE: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")


def storable(value: str) -> str:
    """Replace NUL and lone surrogates, which PostgreSQL refuses with what looks like an outage."""
    return _UNSTORABLE.sub("\ufffd", value)


def same_code(value: str) -> str:
    """Bring a code to the one form in which two systems' spellings compare equal (NFC, trimmed)."""
    return unicodedata.normalize("NFC", storable(value)).strip()


def _code(value: Any) -> Any:
    return same_code(value) if isinstance(value, str) else value


def _printable(value: str) -> str:
    if not _CODE.fullmatch(value):
        raise ValueError("a code has no control characters and no halves of characters")
    return value


def _note(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


# A name by which systems know a thing: project code, party code, cost centre.
Code = Annotated[
    str, BeforeValidator(_code), AfterValidator(_printable), Field(min_length=1, max_length=80)
]
# An id as another system issued it; opaque to us.
ExternalId = Annotated[str, AfterValidator(_printable), Field(min_length=1, max_length=120)]
# What people call a thing.
Name = Annotated[str, BeforeValidator(_note), Field(max_length=250)]
# Free text of a person: personal data, so it lives in the database and in the ERP only.
Note = Annotated[str, BeforeValidator(_note), Field(max_length=4000)]
# A sentence for a person who decides; carries codes and amounts, never names.
Sentence = Annotated[str, BeforeValidator(_note), Field(max_length=1000)]
