"""Facts: what is known of a source and of its ERP at one moment, ready for rules to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from canonical.contracts import ExchangeRate
from canonical.cross_reference import MasterKind
from canonical.exception_case import RootCause
from canonical.masters import (
    Account,
    CostCentreAssignment,
    CostRate,
    Currency,
    Customer,
    DimensionValue,
    Employee,
    LegalEntity,
    Project,
    Task,
    TaxCode,
)
from canonical.posting_period import PostingPeriod


@dataclass(frozen=True, slots=True)
class Facts:
    """Master data of both sides, joined by cross-references.

    `employees`, `projects` and `tasks` give the ERP's record for a source's id; the `source_`
    ones give the source's own record. Dimension values, accounts, tax codes and customers are known
    by (legal entity, code), customers that all share by ("", code), currencies by their ISO code;
    an ERP that lists none of a kind leaves it empty.
    """

    source: str
    target: str
    employees: Mapping[str, Employee]
    projects: Mapping[str, Project]
    tasks: Mapping[str, Task]
    source_employees: Mapping[str, Employee]
    source_projects: Mapping[str, Project]
    source_tasks: Mapping[str, Task]
    legal_entities: Mapping[str, LegalEntity]
    cost_centres: Mapping[tuple[str, str], DimensionValue]
    calendars: Mapping[str, Sequence[PostingPeriod]]
    # The ERP's records by code, for values that a person put in place of the source's.
    employees_by_code: Mapping[str, Employee]
    projects_by_code: Mapping[str, Project]
    tasks_by_code: Mapping[str, Task]
    accounts: Mapping[tuple[str, str], Account] = field(default_factory=dict)
    tax_codes: Mapping[tuple[str, str], TaxCode] = field(default_factory=dict)
    currencies: Mapping[str, Currency] = field(default_factory=dict)
    customers: Mapping[tuple[str, str], Customer] = field(default_factory=dict)
    # What hours cost, by the ERP's employee, the earliest rate first.
    cost_rates: Mapping[str, Sequence[CostRate]] = field(default_factory=dict)
    exchange_rates: Sequence[ExchangeRate] = ()
    # The source's records that wait for a decision before the ERP has them, by kind and id.
    waiting: Mapping[tuple[MasterKind, str], RootCause] = field(default_factory=dict)
    # For which cost centre people work from which day on, by the source's id, the earliest first.
    assignments: Mapping[str, Sequence[CostCentreAssignment]] = field(default_factory=dict)

    def cost_centre_of(self, employee: str, day: date) -> str | None:
        """For which cost centre a person of the source worked on a day; None if HR says nothing."""
        valid = [one for one in self.assignments.get(employee, ()) if one.valid_from <= day]
        return valid[-1].cost_centre if valid else None
