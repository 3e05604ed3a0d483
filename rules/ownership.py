"""Ownership: which system masters which field of a master record, and who receives it (rule 40)."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from canonical.cross_reference import MasterKind
from canonical.text import Code

CodeBeginning = Annotated[str, Field(max_length=80)]
# What every master record has beside its identity; kinds have more.
COMMON_FIELDS = ("name", "active", "active_from", "active_until")
FIELDS_OF: Mapping[MasterKind, tuple[str, ...]] = {
    MasterKind.CUSTOMER: (*COMMON_FIELDS, "currency", "country", "tax_number", "email"),
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
    # Which legal entity a record belongs to whose owner does not say so, by how its code begins;
    # the longest beginning counts, "" is for all others.
    legal_entities: dict[CodeBeginning, Code] = Field(default_factory=dict)
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

    def legal_entity_of(self, code: str) -> str | None:
        """The legal entity that the code of a record stands for."""
        fitting = [one for one in self.legal_entities if code.startswith(one)]
        return self.legal_entities[max(fitting, key=len)] if fitting else None

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


class Governance(BaseModel):
    """What records must have before the ERP gets them; what is not named is not asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Kinds whose records belong to a legal entity that the ERP knows.
    legal_entity: frozenset[MasterKind] = frozenset()
    # Customers need a currency that the ERP books in, and a country for which some legal entity
    # has a row of taxes; those of these countries also a tax number.
    currency: bool = False
    tax_treatment: bool = False
    tax_number_in: Annotated[frozenset[str], Field(max_length=250)] = frozenset()
    # Projects are part of an engagement that says how they are billed.
    billing_structure: bool = False
    # Employees have a cost centre that is open in the ERP.
    cost_centre: bool = False
