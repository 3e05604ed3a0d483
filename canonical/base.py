"""What every canonical type has in common: frozen, closed, strict, and named with a version."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo

_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?", re.ASCII)


class Canonical(BaseModel):
    """A fact that cannot change after it was made; unknown members are refused.

    `CONTRACT` is the name under which the type's JSON Schema is published, `name/vN`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )
    CONTRACT: ClassVar[str]


def _day(value: Any, info: ValidationInfo) -> Any:
    return date.fromisoformat(_written(value)) if _is_json_text(value, info) else value


def _instant(value: Any, info: ValidationInfo) -> Any:
    return datetime.fromisoformat(_written(value)) if _is_json_text(value, info) else value


def _is_json_text(value: Any, info: ValidationInfo) -> bool:
    return info.mode == "json" and isinstance(value, str)


def _written(value: str) -> str:
    # Pydantic would take "0" for a count of seconds since 1970, even where it is strict.
    if not _ISO.fullmatch(value):
        raise ValueError("a day or an instant is written as 2026-10-31 or 2026-10-31T12:00:00Z")
    return value


def _utc(value: datetime) -> datetime:
    if value.utcoffset() != timedelta(0):
        raise ValueError("an instant is given in UTC")
    return value


# `_date` fields: a plain day, in nobody's zone.
Day = Annotated[date, BeforeValidator(_day)]
# `_at` fields: an instant, in UTC, with its zone.
Instant = Annotated[datetime, BeforeValidator(_instant), AfterValidator(_utc)]
