"""Who is who: idempotency keys, the reference an ERP is given, and hashes of bodies."""

import base64
import hashlib
from typing import Final
from uuid import UUID, uuid5

from pydantic import BaseModel

# Fixed for ever: a change would make every key of every firm a new one.
_KEYS: Final = UUID("6f1f3a3e-7f0d-5f55-9c39-3d2b6f0b7a11")
REFERENCE_PREFIX: Final = "L"
REFERENCE_LENGTH: Final = 21


def idempotency_key(
    *,
    tenant: str,
    target: str,
    source: str,
    object_name: str,
    source_id: str,
    revision: int,
    kind: str,
    leg: str,
    amendment: int,
) -> UUID:
    """Make the key of one posting: the same for every attempt, on every machine, for ever.

    The parts are length-prefixed, so that ('a|b', 'c') and ('a', 'b|c') differ.
    """
    parts = (
        tenant, target, source, object_name, source_id, str(revision), kind, leg, str(amendment)
    )  # fmt: skip
    return uuid5(_KEYS, "|".join(f"{len(part)}:{part}" for part in parts))


def reference_of(key: UUID) -> str:
    """Give the text that is written into the ERP: 'L' and 20 base32 characters of the key."""
    return REFERENCE_PREFIX + base64.b32encode(key.bytes).decode("ascii")[: REFERENCE_LENGTH - 1]


def content_hash(body: BaseModel | str) -> str:
    """Hash a body as it goes over the wire (SHA-256 of its JSON); equal bodies hash equally."""
    text = body if isinstance(body, str) else body.model_dump_json()
    return hashlib.sha256(text.encode()).hexdigest()
