"""Text that every part of the platform can store, compare and show."""

import hashlib
import re
import unicodedata
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

CODE_MAX: Final = 80
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_CODE: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")


def storable(value: str) -> str:
    """Replace NUL and lone surrogates, which PostgreSQL refuses with what looks like an outage."""
    return _UNSTORABLE.sub("\ufffd", value)


def same_code(value: str) -> str:
    """Bring a code to the one form in which two systems' spellings compare equal (NFC, trimmed)."""
    return unicodedata.normalize("NFC", storable(value)).strip()


def label(value: str) -> str:
    """Turn any text into a code that people can read; long ones that differ stay different."""
    line = same_code(_CONTROL.sub(" ", value))
    if len(line) <= CODE_MAX:
        return line
    told_apart_by = hashlib.sha256(line.encode()).hexdigest()[:8]
    return f"{line[: CODE_MAX - 9]}~{told_apart_by}"


def _label(value: Any) -> Any:
    return label(value) if isinstance(value, str) else value


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
    str,
    BeforeValidator(_code),
    AfterValidator(_printable),
    Field(min_length=1, max_length=CODE_MAX),
]
# What something is called to people, made of whatever systems call it; never too long.
Label = Annotated[Code, BeforeValidator(_label)]
# An id as another system issued it; opaque to us.
ExternalId = Annotated[str, AfterValidator(_printable), Field(min_length=1, max_length=120)]
# What people call a thing.
Name = Annotated[str, BeforeValidator(_note), Field(max_length=250)]
# Free text of a person: personal data, so it lives in the database and in the ERP only.
Note = Annotated[str, BeforeValidator(_note), Field(max_length=4000)]
# A sentence for a person who decides; carries codes and amounts, never names.
Sentence = Annotated[str, BeforeValidator(_note), Field(max_length=1000)]

# A country, ISO 3166-1 alpha-2.
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
