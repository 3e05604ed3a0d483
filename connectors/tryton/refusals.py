"""What Tryton's error answers mean: one table from exception class to our errors."""

import re
from collections.abc import Mapping
from typing import Any, Final

from connectors.base.errors import (
    WARNING,
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    RejectedError,
)

_MESSAGE_MAX: Final = 300
_CODE_MAX: Final = 80
# A refused clause names few fields; more would only make the code unstable.
_FIELDS_MAX: Final = 3
_HASH: Final = re.compile(r"^[0-9a-f]{32}\.")
_RECORD: Final = re.compile(r'"(\(?\d+\)?)"')
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]+")
# Names of fields and records, which people need. All else in quotes may be a person's name.
_LABELS: Final = re.compile(
    r'"(Company|Employee|Date|Duration|Work|Description|UUID|Cost Price|Invoice Line'
    r"|Timesheet Line|Timesheet Work|Timesheet Lines"
    r'|Account|Amount|Party|Account Invoice|Account Invoice Line|Project Disbursement)"'
)
# What a refused clause on a line of time means to people.
_SENTENCES: Final[Mapping[str, str]] = {
    "end_date": "The employee had left by that date.",
    "start_date": "The employee had not yet joined on that date.",
    "timesheet_end_date": "The task takes no time after its end date.",
    "timesheet_start_date": "The task takes no time before its start date.",
    "company": "Employee and task must belong to the company that books.",
    "duration": "The duration may not be negative.",
}


class ServerExceptionError(RejectedError):
    """Python code in Tryton failed: a contract broken by us, by a module, or by the server.

    Tryton rolls back where its own code raises. Code that runs after the commit may fail too,
    so that after a write the stamps must say whether it happened.
    """


class UserWarningError(RejectedError):
    """Tryton asks whether that is meant. `name` is what a person's yes is recorded under."""

    def __init__(self, code: str, message: str, name: str) -> None:
        super().__init__(code, message)
        self.name = name


def error_of(error: Any, *, write: bool) -> ConnectorError:
    """Say what the `error` member of an answer means; all of it was said with HTTP status 200.

    Codes come from the class and from the names of the fields in the failed clause, never from
    the text. Messages carry no names of people.
    """
    match error:
        case ["ConcurrencyException", *_]:
            return ConflictError("moved", "a record of this call was changed in the meantime")
        case ["UserError", [message, _, domain]]:
            return _refused(message, domain)
        case ["UserWarning", [name, message, *_]]:
            # The name begins with a hash of the records that it is about.
            code = f"{WARNING}{_HASH.sub('', _word(name))}"[:_CODE_MAX]
            return UserWarningError(code, readable(message), str(name))
        case ["LoginException", *_]:
            return ConnectionConfigError("login_needs_more", "the ERP asks for a further factor")
        case _ if write:
            return ServerExceptionError("server_exception", _SERVER_EXCEPTION)
        case _:
            return ConnectionConfigError("server_exception", _SERVER_EXCEPTION)


_SERVER_EXCEPTION: Final = "Tryton's own code failed on this call; its server log says where"


def _refused(message: Any, domain: Any) -> RejectedError:
    fields = _failed_fields(domain)
    code = ":".join(["user_error", "+".join(fields)] if fields else ["user_error"])[:_CODE_MAX]
    known = [_SENTENCES[field] for field in fields if field in _SENTENCES]
    return RejectedError(code, " ".join([*known, readable(message)]))


def _failed_fields(domain: Any) -> list[str]:
    """Name the fields of the clause that failed.

    `domain` is the clause and, beside it, the definitions of its fields: kilobytes of them.
    """
    match domain:
        case [_, dict() as definitions]:
            return sorted(_word(name) for name in definitions)[:_FIELDS_MAX]
        case _:
            return []


def _word(value: Any) -> str:
    return _UNPRINTABLE.sub("", str(value)) or "unnamed"


def readable(message: Any) -> str:
    """Cut Tryton's sentence to what people need: without the values in it, which may be names."""
    text = " ".join(_UNPRINTABLE.sub(" ", str(message)).split())
    text = _LABELS.sub(r"\1", _RECORD.sub(r"\1", text))
    first, last = text.find('"'), text.rfind('"')
    if first != -1:
        # From the first quote to the last, because a name may contain quotes of its own; what
        # follows a quote that never closes goes too.
        text = f"{text[:first]}…{text[last + 1 :] if last > first else ''}"
    return text[:_MESSAGE_MAX].strip()
