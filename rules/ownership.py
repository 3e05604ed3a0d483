"""Ownership: which system masters which field of a master record, and who receives it (rule 40)."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from canonical.cross_reference import MasterKind
from canonical.text import Code

# What every master record has beside its identity; kinds have more.
COMMON_FIELDS = ("name", "active", "active_from", "active_until")
FIELDS_OF: Mapping[MasterKind, tuple[str, ...]] = {
    MasterKind.CUSTOMER: (*COMMON_FIELDS, "currency"),
    MasterKind.EMPLOYEE: (*COMMON_FIELDS, "email", "cost_centre", "role"),
    MasterKind.PROJECT: COMMON_FIELDS,
    MasterKind.TASK: COMMON_FIELDS,
    MasterKind.DIMENSION_VALUE: COMMON_FIELDS,
}


class KindOwnership(BaseModel):
    """Who masters one kind of record: `owner` creates it, and owns every field not named apart.

    `fields` names the connection that owns a field instead. `receivers` are told of what they do
    not own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Code
    receivers: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    fields: dict[Code, Code] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _takes_part(self) -> Self:
        if self.owner in self.receivers:
            raise ValueError(f"{self.owner} owns the record and does not receive it")
        if len(set(self.receivers)) != len(self.receivers):
            raise ValueError("each receiver is named once")
        strangers = sorted(set(self.fields.values()) - {self.owner, *self.receivers})
        if strangers:
            raise ValueError(f"{strangers[0]} owns a field and is neither owner nor receiver")
        return self

    @property
    def connections(self) -> tuple[str, ...]:
        """Everybody who takes part, the owner first."""
        return (self.owner, *self.receivers)

    def owner_of(self, field: str) -> str:
        """Whose value of a field counts."""
        return self.fields.get(field, self.owner)


class Ownership(BaseModel):
    """The table of ownership; a kind that it does not name is synchronised by nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: dict[MasterKind, KindOwnership] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _knows_the_fields(self) -> Self:
        for kind, one in self.kinds.items():
            known = FIELDS_OF.get(kind)
            if known is None:
                raise ValueError(f"{kind} is not synchronised between systems")
            unknown = sorted(set(one.fields) - set(known))
            if unknown:
                raise ValueError(f"{kind} has no field {unknown[0]}; it has {', '.join(known)}")
        return self
