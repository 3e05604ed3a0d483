"""How the simulated Xero writes its records, and reads what it is sent."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

from connectors.base.http import exact_json_text

_IDS: Final = UUID("7d1b52c2-8f60-5a3c-9a0e-5f2f6c2d9e11")
Record = dict[str, Any]


def new_id(what: str, number: int) -> str:
    """Make the id of the n-th record of its kind."""
    return str(uuid5(_IDS, f"{what} {number}"))


def shown(record: Mapping[str, Any]) -> Record:
    """A record as the Accounting API shows it; what begins with _ is nobody's business."""
    told: Record = {}
    for name, value in record.items():
        if name.startswith("_"):
            continue
        if type(value) is date:
            told[f"{name}String"] = f"{value.isoformat()}T00:00:00"
        told[name] = _value(value)
    return told


def _value(value: Any) -> Any:
    match value:
        case datetime():
            return f"/Date({_milliseconds(value)}+0000)/"
        case date():
            return f"/Date({_milliseconds(datetime.combine(value, time(0), UTC))}+0000)/"
        case dict():
            return shown(value)
        case list() | tuple():
            return [_value(each) for each in value]
        case _:
            return value


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def envelope(name: str, records: list[Record], now: datetime, page: Record | None) -> Record:
    """The whole answer of the Accounting API."""
    told = {
        "Id": new_id("answer", int(now.timestamp())),
        "Status": "OK",
        "ProviderName": "Ledgerway",
        "DateTimeUTC": f"/Date({_milliseconds(now)})/",
    }
    paging = {} if page is None else {"pagination": page}
    return {**told, **paging, name: [shown(record) for record in records]}


def validation_error(item: Mapping[str, Any], messages: list[str]) -> Record:
    """The answer to a call of which every item has to be right."""
    errors = [{"Message": message} for message in messages]
    return {
        "ErrorNumber": 10,
        "Type": "ValidationException",
        "Message": "A validation exception occurred",
        "Elements": [{**shown(item), "ValidationErrors": errors}],
    }


def other_error(number: int, kind: str, message: str) -> Record:
    """An error that is about no item."""
    return {"ErrorNumber": number, "Type": kind, "Message": message}


def amount_of(value: Any) -> Decimal | None:
    """A number in a request; ValueError for anything else."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a number is expected")  # noqa: TRY004  Answered as one of many.
    return Decimal(value)


def cents(value: Decimal) -> Decimal:
    """An amount as it is written: with two decimals at least."""
    return value.quantize(Decimal("0.01")) if value == round(value, 2) else value


def instant_text(moment: datetime) -> str:
    """An instant of the Projects API, with its seven decimals."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}0Z"


def body_of(record: Any) -> bytes:
    """The bytes of an answer."""
    return exact_json_text(record).encode()
