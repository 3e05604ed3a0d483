"""What one tenant's Concur documents mean, as far as the tenant decides it."""

from dataclasses import dataclass
from typing import Literal

from canonical.expense import Owed


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a tenant keeps what, and what its payment types mean.

    The cost objects are the numbers of the tenant's own fields: `allocationCustomNCode`, or where
    that is empty `entryOrgUnitNCode`, or `reportOrgUnitNCode`. SAP's own set-up for its ERPs has
    the company code in 2 and the cost object in 4. Never the employee's fields: an employee may
    charge another department.

    `company_paid` is whom a business cost of the payment type COPD (company paid) is owed to.
    SAP's published posting records credit the employee's vendor account.
    """

    connection: str
    legal_entity_field: int = 2
    cost_centre_field: int = 4
    project_field: int = 5
    company_paid: Owed = Owed.EMPLOYEE
    # Expense types that are a day's allowance, by code; Concur does not mark them.
    per_diem_types: frozenset[str] = frozenset()
    # Concur sends a distance without its unit.
    distance_unit: Literal["km", "mi"] = "mi"
