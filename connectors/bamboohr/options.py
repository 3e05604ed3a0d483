"""One company's use of BambooHR, as configuration states it."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import SecretStr

from connectors.bamboohr.manifest import PAGE_SIZE_MAX
from connectors.base.http import Timeouts

# The columns of the job information by which BambooHR divides a company.
JobField = Literal["department", "division", "location"]
# Fields of an employee, by our names, that a connection can do without.
Spared = Literal["email", "role", "active_from", "active_until", "cost_centre", "legal_entity"]
# The code of an employee that needs no further call: BambooHR's own id.
OWN_ID: Final = "id"
_FIELD: Final = re.compile(r"[A-Za-z0-9_.]{1,100}")
_COMPANY: Final = re.compile(r"[a-z0-9][a-z0-9-]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BambooHrOptions:
    """Key and company, and what the company's own fields stand for.

    `company` is the first part of the company's address. `code_field` names the field with the
    number by which other systems know an employee; 'id' is BambooHR's own. The list of employees
    does not have it: it is read in bulk from `dataset`, where it is called `dataset_code_field`,
    beside BambooHR's own id as `dataset_id_field`.
    `cost_centre_field` is what cost centres are called in BambooHR. `cost_centres` translates its
    values to codes; for all others the first group of `cost_centre_pattern` is the code, such as
    CC-100 in 'CC-100 Delivery', and where that finds nothing the value itself.
    `legal_entity_field` says where a person is employed, translated by `legal_entities`.
    `without_fields` are fields, by our names, that are not read: a key that may not see one of the
    others is trouble. `terminated_statuses` are the employment statuses that end an employment.
    `webhook_key` is the private key that BambooHR showed when the webhook was made, `webhook_id`
    the webhook whose deliveries `check` reports.
    """

    connection: str
    company: str
    api_key: SecretStr = field(repr=False)
    base_url: str = ""
    code_field: str = "employeeNumber"
    dataset: str = "employee"
    dataset_code_field: str = "employeeNumber"
    dataset_id_field: str = "employeeId"
    cost_centre_field: JobField = "department"
    cost_centres: dict[str, str] = field(default_factory=dict)
    cost_centre_pattern: str = r"^(CC-[0-9]+)\b"
    legal_entity_field: JobField | None = None
    legal_entities: dict[str, str] = field(default_factory=dict)
    without_fields: tuple[Spared, ...] = ()
    terminated_statuses: tuple[str, ...] = ("Terminated",)
    webhook_key: SecretStr | None = field(default=None, repr=False)
    webhook_id: str | None = None
    page_size: int = PAGE_SIZE_MAX
    timeouts: Timeouts = field(default=Timeouts())

    def __post_init__(self) -> None:
        if not _COMPANY.fullmatch(self.company):
            raise ValueError("company is the first part of the address, as in company.bamboohr.com")
        if not 1 <= self.page_size <= PAGE_SIZE_MAX:
            raise ValueError(f"a page of BambooHR has 1 to {PAGE_SIZE_MAX} employees")
        if re.compile(self.cost_centre_pattern).groups < 1:
            raise ValueError("cost_centre_pattern needs a group around the cost centre")
        names = (self.code_field, self.dataset, self.dataset_code_field, self.dataset_id_field)
        if not all(map(_FIELD.fullmatch, names)):
            raise ValueError("code_field, dataset and its fields are one name each")
        if self.legal_entity_field and not self.legal_entities:
            raise ValueError("legal_entity_field needs legal_entities, which translate its values")
        if self.webhook_id is not None and not self.webhook_id.isdigit():
            raise ValueError("webhook_id is a number")

    @property
    def address(self) -> str:
        """Where the company's API answers."""
        return self.base_url or f"https://{self.company}.bamboohr.com"
