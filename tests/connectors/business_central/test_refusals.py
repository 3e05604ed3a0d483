"""What Business Central's refusals mean: each text that Microsoft's source has is in the table."""

import json
from pathlib import Path

import httpx
import pytest

from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.http import Answer
from connectors.business_central.refusal_texts import CODE_OF
from connectors.business_central.refusals import error_of

_FILE = Path(__file__).with_name("bc-v2.0.error-texts.json")
_TEXTS = [
    (entity, name, text)
    for entity, texts in json.loads(_FILE.read_text())["texts"].items()
    for name, text in texts.items()
]
_ID = "0f1e2d3c-0000-4000-8000-00000000000A"


def answer(code: str, message: str, status: int = 400) -> Answer:
    """An OData error as the service sends it."""
    told = {"error": {"code": code, "message": f"{message}  CorrelationId:  {_ID}."}}
    return Answer(status, httpx.Headers(), json.dumps(told).encode())


def said(text: str) -> str:
    """A text with values where its parameters are; one of them is somebody's name."""
    return text.replace("%1", "Kim Allen").replace("%2", "X, 'Y'").replace("\\\\", "\\\\")


def test_all_of_the_vendor_s_texts_are_there() -> None:
    assert len(_TEXTS) == 103


@pytest.mark.parametrize(("entity", "name", "text"), _TEXTS, ids=lambda part: str(part)[:40])
def test_each_text_of_the_vendor_has_a_code_of_its_own_meaning(
    entity: str, name: str, text: str
) -> None:
    error = error_of(answer("Application_DialogException", said(text)), write=True)
    assert isinstance(error, RejectedError), (entity, name)
    assert error.code == CODE_OF[text]
    assert "Kim" not in str(error)


@pytest.mark.parametrize(
    ("code", "status", "kind", "ours"),
    [
        ("Request_EntityChanged", 409, ConflictError, "moved"),
        ("Request_EntityChanged", 400, ConflictError, "moved"),
        ("Internal_EntityWithSameKeyExists", 400, RejectedError, "exists_already"),
        ("Internal_InvalidTableRelation", 400, RejectedError, "not_in_related_table"),
        ("BadRequest_ResourceNotFound", 404, RejectedError, "record_not_found"),
        ("Internal_CompanyNotFound", 404, ConnectionConfigError, "company_not_found"),
        ("Application_StringExceededLength", 400, RejectedError, "text_too_long"),
        ("Application_SomethingNew", 400, RejectedError, "erp:Application_SomethingNew"),
        ("Authorization_RequestDenied", 403, ConnectionConfigError, "http_403"),
        ("Application_TooManyRequests", 429, TransientError, "http_429"),
        ("Internal_ServerError", 500, OutcomeUnknownError, "http_500"),
        ("Application_RequestTimeout", 408, OutcomeUnknownError, "http_408"),
    ],
)
def test_an_error_code_says_who_acts_next(
    code: str, status: int, kind: type[ConnectorError], ours: str
) -> None:
    error = error_of(answer(code, "Words of Kim Allen.", status), write=True)
    assert error is not None
    assert type(error) is kind
    assert error.code == ours
    assert "Kim" not in str(error)


def test_a_refusal_tells_where_the_rest_can_be_read_and_never_the_erp_s_own_sentence() -> None:
    error = error_of(answer("Application_DialogException", "Kim Allen is blocked."), write=True)
    assert str(error) == (
        "Business Central refused it (Application_DialogException); its log has the rest under "
        + _ID.lower()
    )


@pytest.mark.parametrize("body", [b"", b"<html>Kim Allen</html>", b"[1]", b'{"error": "Kim"}'])
def test_a_refusal_that_is_no_odata_error_is_one_by_its_status(body: bytes) -> None:
    error = error_of(Answer(400, httpx.Headers(), body), write=True)
    assert isinstance(error, RejectedError)
    assert error.code == "http_400"
    assert "Kim" not in str(error)


def test_a_code_is_never_made_of_what_a_person_could_have_typed() -> None:
    error = error_of(answer("Kim Allen <kim@firm.example>", "x"), write=True)
    assert isinstance(error, RejectedError)
    assert error.code == "erp:Kim"
