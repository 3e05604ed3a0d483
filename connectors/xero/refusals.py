"""What Xero's refusals mean to people: codes by one table, and sentences without names in them.

The codes are for people and for telling causes apart. No step is ever decided by them: that it
was a refusal is said by the status, or by the item's own state.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.base.errors import RejectedError
from connectors.base.http import Answer

_MESSAGE_MAX: Final = 300
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]+")
_TAG: Final = re.compile(r"<[^>]*>")
# What stands in quotes may be a person's name; codes of accounts and taxes are worth showing.
_QUOTED: Final = re.compile(r"(?P<quote>['\"‘“]).*(?P<end>['\"’”])", re.DOTALL)  # noqa: RUF001
_CODE: Final = re.compile(r"(?:Account code|TaxType code|currency) '(?P<code>[A-Z0-9]{1,10})'")
# Xero's sentences, by what is the same in all of them.
_TABLE: Final[Sequence[tuple[str, str]]] = (
    ("cannot be before the period lock date", "period_locked"),
    ("cannot be before the end of year lock date", "year_locked"),
    ("is not a valid code for this document", "account_unfit"),
    ("has been archived, or deleted", "account_archived"),
    ("Account code must be specified", "account_missing"),
    ("TaxType code", "tax_unfit"),
    ("tax amount", "tax_amount"),
    ("# must be unique", "number_taken"),
    ("does not match the expected line total", "line_total"),
    ("total debits", "unbalanced"),
    ("contact with the specified contact details has been archived", "contact_archived"),
    ("Contact could not be found", "contact_unknown"),
    ("Currency", "currency_unknown"),
    ("must be greater than or equal to zero", "total_below_nothing"),
    ("not of valid status for modification", "status"),
    ("exceeds the amount outstanding", "more_than_is_open"),
    ("At least one line item", "no_lines"),
    ("idempotency key", "key_of_another_body"),
    ("Project is closed", "project_closed"),
    ("Task", "task_unfit"),
    ("User", "user_unfit"),
    ("duration", "duration_unfit"),
)
OTHER: Final = "validation"


def refusal_in(answer: Answer) -> RejectedError:
    """Say what a refusal with a body is about, in whatever form Xero gave it.

    A body that is no JSON, such as a page of HTML, says nothing that could be relied upon.
    """
    try:
        told = answer.json()
    except ValueError:
        return RejectedError(f"http_{answer.status}")
    messages = list(messages_in(told))
    if not messages:
        return RejectedError(f"http_{answer.status}")
    return refusal_of(messages)


def refusal_of(messages: Sequence[str]) -> RejectedError:
    """Turn Xero's sentences into a code and a sentence that names nobody."""
    return RejectedError(code_of(messages), readable(messages))


def messages_in(told: Any) -> Iterator[str]:
    """Collect the sentences of an error: of its items first, then of the whole."""
    if not isinstance(told, Mapping):
        return
    elements = told.get("Elements")
    found = [
        message
        for each in (elements if isinstance(elements, list) else ())
        for message in item_messages(each)
    ]
    state = told.get("modelState")
    for texts in state.values() if isinstance(state, Mapping) else ():
        found += [text for text in texts if isinstance(text, str)]
    for name in ("Message", "message", "Detail"):
        if not found and isinstance(told.get(name), str):
            found.append(told[name])
    yield from found


def item_messages(item: Any) -> Iterator[str]:
    """Collect the validation errors of one item of an answer."""
    errors = item.get("ValidationErrors") if isinstance(item, Mapping) else None
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, Mapping) and isinstance(error.get("Message"), str):
            yield error["Message"]


def code_of(messages: Sequence[str]) -> str:
    """Give the code of the first sentence that is known."""
    for message in messages:
        for part, code in _TABLE:
            if part in message:
                return code
    return OTHER


def readable(messages: Sequence[str]) -> str:
    """Give the sentences as people may see them anywhere: nothing that may be a name."""
    return " ".join(_without_names(message) for message in messages)[:_MESSAGE_MAX].strip()


def _without_names(message: str) -> str:
    codes = sorted({found["code"] for found in _CODE.finditer(message)})
    text = " ".join(_UNPRINTABLE.sub(" ", _TAG.sub(" ", message)).split())
    text = _QUOTED.sub("…", text)
    return f"{text} ({', '.join(codes)})" if codes else text
