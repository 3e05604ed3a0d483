"""Master governance: what a record must have before the ERP gets it."""

from typing import Any

import pytest

from canonical.cross_reference import MasterKind
from canonical.masters import Customer, Employee, Master, Project
from rules.master_governance import Surroundings, lacks
from rules.policies import Policies

C, P, E = MasterKind.CUSTOMER, MasterKind.PROJECT, MasterKind.EMPLOYEE
AROUND = Surroundings(
    legal_entities=frozenset({"DE01"}),
    currencies=frozenset({"EUR", "USD"}),
    cost_centres=frozenset({"CC-100"}),
    billed_projects=frozenset({"PRJ-1"}),
)


def policies(**governance: Any) -> Policies:
    taxes = [
        {"customer_country": country, "tax": tax, "rate": rate}
        for country, tax, rate in (("DE", "VAT19-OUT", "19"), ("US", None, "0"))
    ]
    return Policies.model_validate(
        {
            "governance": governance,
            "legal_entities": {"DE01": {"billing": {"taxes": taxes}}},
        }
    )


def customer(**given: Any) -> Customer:
    return Customer(**{"connection": "crm", "id": "1", "code": "CUST-1", "name": "Halden", **given})


def found(record: Master, kind: MasterKind, entity: str | None = None, **asked: Any) -> list[str]:
    return lacks(record, kind, entity, AROUND, policies(**asked))


def test_nothing_is_asked_for_by_itself() -> None:
    assert found(customer(), C) == []


@pytest.mark.parametrize(
    ("given", "asked", "said"),
    [
        ({}, {"currency": True}, ["it has no currency"]),
        ({"currency": "CHF"}, {"currency": True}, ["the ERP does not book in CHF"]),
        ({"currency": "EUR"}, {"currency": True}, []),
        (
            {},
            {"tax_treatment": True},
            ["it has no country, so that its taxes cannot be told"],
        ),
        (
            {"country": "FR"},
            {"tax_treatment": True},
            ["no legal entity has a tax for customers of FR"],
        ),
        ({"country": "US"}, {"tax_treatment": True}, []),
        ({"country": "DE"}, {"tax_number_in": {"DE"}}, ["it has no tax number"]),
        ({"country": "DE", "tax_number": "DE1"}, {"tax_number_in": {"DE"}}, []),
        ({"country": "US"}, {"tax_number_in": {"DE"}}, []),
    ],
)
def test_a_customer_needs_currency_and_tax_treatment(
    given: dict[str, str], asked: dict[str, Any], said: list[str]
) -> None:
    assert found(customer(**given), C, **asked) == said


def test_a_project_needs_a_legal_entity_and_somebody_who_says_how_it_is_billed() -> None:
    asked = {"legal_entity": {P}, "billing_structure": True}
    known = Project(connection="psa", id="1", code="PRJ-1", name="Roll-out")
    stray = Project(connection="psa", id="2", code="PRJ-9", name="Nobody's")

    assert found(known, P, "DE01", **asked) == []
    assert found(stray, P, "FR01", **asked) == [
        "legal entity FR01 is not one of the ERP's",
        "no engagement says how it is billed",
    ]
    assert found(known, P, None, **asked) == ["it belongs to no legal entity"]


@pytest.mark.parametrize(
    ("centre", "said"),
    [
        ("CC-100", []),
        (None, ["it has no cost centre"]),
        ("CC-900", ["cost centre CC-900 is not open in the ERP"]),
    ],
)
def test_an_employee_needs_a_cost_centre_that_is_open(centre: str | None, said: list[str]) -> None:
    person = Employee(connection="hr", id="1", code="E-1", name="A", cost_centre=centre)

    assert found(person, E, cost_centre=True) == said


def test_all_that_is_missing_is_said_at_once() -> None:
    said = found(customer(), C, None, legal_entity={C}, currency=True, tax_treatment=True)

    assert len(said) == 3
