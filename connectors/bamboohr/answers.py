"""What BambooHR's answers mean: by status, by header, and where a 200 says that it is none."""

from typing import Any, Final

from connectors.base.errors import ConnectorError, RejectedError, TransientError
from connectors.base.http import Answer, verdict_by_status

# The codes of refusals that we act on.
GONE: Final = "http_404"
BAD_PAGE: Final = "bad_page"
EMPLOYEE_LIMIT: Final = "employee_limit"
_SAID_MAX: Final = 300
# The second is how BambooHR's own help spells the first.
_HEADERS: Final = ("x-bamboohr-error-message", "x-bamboohr-error-messsage")
_MEMBERS: Final = ("detail", "title", "message")
_TRIED_TOO_OFTEN: Final = 429


def verdict(answer: Answer, write: bool) -> ConnectorError | None:  # noqa: FBT001  A Verdict.
    """Say what an answer means; a `Verdict`."""
    if answer.status == 200:  # noqa: PLR2004
        return _good_or_not(answer)
    if answer.status == _TRIED_TOO_OFTEN and write and "retry-after" not in answer.headers:
        # Whoever is throttled is told for how long. Without that it says that the company has as
        # many employees as it pays for.
        return RejectedError(EMPLOYEE_LIMIT, said(answer))
    # Nothing here is locked by stamps: 409 is about the content.
    found = verdict_by_status(answer, write, {409: RejectedError})
    if not isinstance(found, RejectedError):
        return found
    if write:
        return RejectedError(found.code, said(answer))
    # What it says of a read goes to nobody: it may name somebody.
    return RejectedError(BAD_PAGE) if _error(answer).get("code") == "BadPage" else found


def said(answer: Answer) -> str:
    """The words of a refusal: in a header with an empty body, or in one of two kinds of body."""
    for name in _HEADERS:
        if answer.headers.get(name):
            return answer.headers[name][:_SAID_MAX]
    body = _object(answer)
    inner = body.get("error")
    for members in (inner if isinstance(inner, dict) else {}, body):
        for name in _MEMBERS:
            words = members.get(name)
            if isinstance(words, str) and words:
                return words[:_SAID_MAX]
    return ""


def _good_or_not(answer: Answer) -> ConnectorError | None:
    """The log of webhooks answers 200 where it should have answered 429."""
    if not answer.body.lstrip().startswith(b'{"error"'):
        return None
    code = _error(answer).get("code")
    return TransientError("throttled" if code == _TRIED_TOO_OFTEN else "error_in_a_good_answer")


def _error(answer: Answer) -> dict[str, Any]:
    inner = _object(answer).get("error")
    return inner if isinstance(inner, dict) else {}


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
