"""Master governance: what a record must have before the ERP gets it. Pure.

A record that lacks something waits as a case, and what hangs on it waits with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from canonical.cross_reference import MasterKind
from canonical.masters import Customer, Employee, Master, Project
from canonical.text import same_code
from rules.policies import Policies


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is known: of the ERP, and of contracts."""

    legal_entities: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    cost_centres: frozenset[str] = frozenset()
    billed_projects: frozenset[str] = frozenset()


def lacks(
    record: Master,
    kind: MasterKind,
    legal_entity: str | None,
    around: Surroundings,
    policies: Policies,
) -> list[str]:
    """Say in words what a record lacks; nothing if the ERP may have it."""
    governance = policies.governance
    found: list[str] = []
    if kind in governance.legal_entity and legal_entity not in around.legal_entities:
        found.append(
            f"legal entity {legal_entity} is not one of the ERP's"
            if legal_entity
            else "it belongs to no legal entity"
        )
    match record:
        case Customer():
            found.extend(_customer(record, around, policies))
        case Project() if governance.billing_structure:
            if same_code(record.code) not in around.billed_projects:
                found.append("no engagement says how it is billed")
        case Employee() if governance.cost_centre:
            if record.cost_centre is None:
                found.append("it has no cost centre")
            elif same_code(record.cost_centre) not in around.cost_centres:
                found.append(f"cost centre {record.cost_centre} is not open in the ERP")
        case _:
            pass
    return found


def _customer(record: Customer, around: Surroundings, policies: Policies) -> Sequence[str]:
    governance, found = policies.governance, []
    if governance.currency:
        if record.currency is None:
            found.append("it has no currency")
        elif record.currency not in around.currencies:
            found.append(f"the ERP does not book in {record.currency}")
    if governance.tax_treatment and not _is_taxed(record.country, policies):
        found.append(
            f"no legal entity has a tax for customers of {record.country}"
            if record.country
            else "it has no country, so that its taxes cannot be told"
        )
    if record.country in governance.tax_number_in and record.tax_number is None:
        found.append("it has no tax number")
    return found


def _is_taxed(country: str | None, policies: Policies) -> bool:
    every = (policies.default, *policies.legal_entities.values())
    return country is not None and any(
        row.customer_country in {None, country} for one in every for row in one.billing.taxes
    )
