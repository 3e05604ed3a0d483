"""One company's use of SAP Concur, as configuration states it."""

from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import SecretStr

from canonical.expense import Owed
from connectors.base.http import Timeouts
from connectors.concur.manifest import (
    PAGE_SIZE_MAX,
    SYSTEM_ID_LENGTH_MAX,
    USERS_PAGE_SIZE_MAX,
)
from connectors.concur.reading import Reading

DocumentKind = Literal["expense", "cashadvance"]
_FIELDS: Final = range(1, 41)


@dataclass(frozen=True, slots=True)
class ConcurOptions:
    """Credentials, address, and what the company's own fields mean.

    The refresh token is a company's, since financial documents open to no other. `system_id`
    names us as the system that takes documents over: it never changes while one is under way.
    The members from `legal_entity_field` on are `Reading`'s.
    """

    connection: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    refresh_token: SecretStr = field(repr=False)
    # The geolocation that Concur names for the company's token.
    base_url: str = "https://us.api.concursolutions.com"
    system_id: str = "LEDGERWAY"
    document_kinds: tuple[DocumentKind, ...] = ("expense", "cashadvance")
    document_format: Literal["json", "text"] = "json"
    page_size: int = PAGE_SIZE_MAX
    users_page_size: int = USERS_PAGE_SIZE_MAX
    timeouts: Timeouts = field(default=Timeouts())
    legal_entity_field: int = 2
    cost_centre_field: int = 4
    project_field: int = 5
    company_paid: Owed = Owed.EMPLOYEE
    per_diem_types: frozenset[str] = frozenset()
    distance_unit: Literal["km", "mi"] = "mi"

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= PAGE_SIZE_MAX:
            raise ValueError(f"a page of Concur has 1 to {PAGE_SIZE_MAX} documents")
        if not 1 <= self.users_page_size <= USERS_PAGE_SIZE_MAX:
            raise ValueError(f"a page of Concur has 1 to {USERS_PAGE_SIZE_MAX} users")
        if not 1 <= len(self.system_id) <= SYSTEM_ID_LENGTH_MAX:
            raise ValueError(f"a system id has 1 to {SYSTEM_ID_LENGTH_MAX} characters")
        if not self.document_kinds:
            raise ValueError("without a kind of document there is nothing to read")
        fields = (self.legal_entity_field, self.cost_centre_field, self.project_field)
        if any(each not in _FIELDS for each in fields):
            raise ValueError("a field of the company's own has a number from 1 to 40")

    @property
    def reading(self) -> Reading:
        """What documents mean to this company."""
        return Reading(
            connection=self.connection,
            legal_entity_field=self.legal_entity_field,
            cost_centre_field=self.cost_centre_field,
            project_field=self.project_field,
            company_paid=self.company_paid,
            per_diem_types=self.per_diem_types,
            distance_unit=self.distance_unit,
        )
