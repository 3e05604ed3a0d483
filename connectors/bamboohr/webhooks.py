"""Webhooks: whether BambooHR itself has sent one, lately."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from connectors.base.dates import moment_of

SIGNATURE: Final = "x-bamboohr-signature"
TIMESTAMP: Final = "x-bamboohr-timestamp"
# Beyond this a request is a repeat of somebody who listened in.
AGE_MAX: Final = timedelta(minutes=5)
_SECONDS_DIGITS_MAX: Final = 11


def signature_of(body: bytes, timestamp: str, key: str) -> str:
    """HMAC-SHA256 over the body as it was sent, followed by the header with the time."""
    return hmac.new(key.encode(), body + timestamp.encode(), sha256).hexdigest()


def is_genuine(headers: Mapping[str, str], body: bytes, now: datetime, key: str) -> bool:
    """Whether the signature is the key's, and the signed time is now, give or take."""
    timestamp = headers.get(TIMESTAMP, "")
    signed = headers.get(SIGNATURE, "").strip().lower()
    expected = signature_of(body, timestamp, key)
    if not hmac.compare_digest(expected.encode(), signed.encode(errors="replace")):
        return False
    sent_at = _moment(timestamp.strip())
    return sent_at is not None and abs(now - sent_at) <= AGE_MAX


def _moment(timestamp: str) -> datetime | None:
    """BambooHR does not document the form: seconds since 1970 and ISO 8601 are both seen."""
    if timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _SECONDS_DIGITS_MAX:
        return datetime.fromtimestamp(int(timestamp), UTC)
    try:
        return moment_of(timestamp)
    except ValueError:
        return None
