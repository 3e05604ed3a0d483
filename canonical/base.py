"""What every canonical type has in common: frozen, closed, strict, and named with a version."""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict


class Canonical(BaseModel):
    """A fact that cannot change after it was made; unknown members are refused.

    `CONTRACT` is the name under which the type's JSON Schema is published, `name/vN`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )
    CONTRACT: ClassVar[str]


def _utc(value: datetime) -> datetime:
    if value.utcoffset() != timedelta(0):
        raise ValueError("an instant is given in UTC")
    return value


# `_at` fields: an instant, in UTC, with its zone.
Instant = Annotated[datetime, AfterValidator(_utc)]
