"""What Business Central's error answers mean: one table from error code to our errors."""

import re
from collections.abc import Mapping
from typing import Any, Final

from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    RejectedError,
)
from connectors.base.http import Answer, exact_json, verdict_by_status
from connectors.business_central.refusal_texts import CODE_OF

_CORRELATION: Final = re.compile(r"\s*CorrelationId:\s*([0-9a-fA-F-]{36})\.?\s*$")
_PLACEHOLDER: Final = re.compile(r"%[0-9]")
_CODE_MAX: Final = 80
_WORD: Final = re.compile(r"[A-Za-z_]{1,60}")

# The codes of dynamics-error-codes, as far as they say more than their status does.
_CODES: Final[Mapping[str, tuple[type[ConnectorError], str]]] = {
    "Request_EntityChanged": (ConflictError, "moved"),
    "BadRequest_InvalidToken": (ConflictError, "moved"),
    "Internal_EntityWithSameKeyExists": (RejectedError, "exists_already"),
    "Internal_InvalidTableRelation": (RejectedError, "not_in_related_table"),
    "Internal_RecordNotFound": (RejectedError, "record_not_found"),
    "Internal_DataNotFoundFilter": (RejectedError, "record_not_found"),
    "Internal_CompanyNotFound": (ConnectionConfigError, "company_not_found"),
    "BadRequest_NotFound": (RejectedError, "record_not_found"),
    "BadRequest_ResourceNotFound": (RejectedError, "record_not_found"),
    "Application_StringExceededLength": (RejectedError, "text_too_long"),
    "Application_FieldValidationException": (RejectedError, "field_not_valid"),
    "Application_DialogException": (RejectedError, "refused"),
    "Application_CallbackNotAllowed": (RejectedError, "asks_for_a_person"),
    "Authentication_InvalidCredentials": (ConnectionConfigError, "credentials"),
}


def _pattern(text: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(text)
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)


_TEXTS: Final = tuple((_pattern(text), code) for text, code in CODE_OF.items())


def verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001  A Verdict.
    """Say what an answer means; a 5xx after a write proves nothing, whatever it says."""
    return error_of(answer, write=write)


def error_of(answer: Answer, *, write: bool) -> ConnectorError | None:
    """Say what a whole answer means, one from within a $batch included."""
    error = verdict_by_status(answer, write)
    if not isinstance(error, RejectedError | ConflictError):
        return error
    told = _told(answer.body)
    if told is None:
        return error
    code, message = told
    meant, ours = _CODES.get(code, (type(error), ""))
    if meant is ConflictError or isinstance(error, ConflictError):
        return ConflictError("moved", "a record was changed in the meantime")
    return meant(_case_code(code, ours, message), sentence(code, message))


def sentence(code: str, message: str) -> str:
    """What people are told: never the ERP's own sentence, which may hold names and amounts."""
    found = _CORRELATION.search(message)
    where = f"; its log has the rest under {found.group(1).lower()}" if found else ""
    return f"Business Central refused it ({_word(code)}){where}"


def _case_code(code: str, ours: str, message: str) -> str:
    """The text's meaning where the table has it, else what the error code says."""
    text = _CORRELATION.sub("", message).strip()
    if text in CODE_OF:
        return CODE_OF[text]
    for pattern, meaning in _TEXTS:
        if pattern.fullmatch(text):
            return meaning
    return ours or f"erp:{_word(code)}"[:_CODE_MAX]


def _told(body: bytes) -> tuple[str, str] | None:
    """The code and message of an OData error; None for what is no such thing, such as HTML."""
    try:
        told: Any = exact_json(body)
    except ValueError:
        return None
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        return None
    return error["code"], str(error.get("message", ""))


def _word(code: str) -> str:
    found = _WORD.match(code)
    return found.group() if found else "unnamed"
