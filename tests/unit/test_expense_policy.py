"""The tables of a legal entity: what configuration may say, and which row counts."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from canonical.expense import Mileage, PerDiem
from rules.expense_policy import ExpensePolicy
from rules.policies import Policies
from tests.unit.building import DAY
from tests.unit.expense_building import item, vat

TABLES = """
default:
  expense:
    version: "2026-01"
    accounts_by_type: {MEALS: "6640"}
    account_default: "6600"
    accounts_by_role: {card_clearing: "1360"}
    tax_registrations: [DE]
    taxes:
      - {country: DE, types: [MEALS], recoverable_percent: "50", erp_tax: VST-MEALS}
      - {country: DE, recoverable_percent: "100", erp_tax: VST, valid_until: 2026-12-31}
    mileage:
      - {country: DE, unit: km, currency: EUR, per_unit: "0.3000"}
legal_entities:
  UK01:
    expense: {version: uk-1}
"""


def tables(**changes: Any) -> ExpensePolicy:
    return ExpensePolicy.model_validate(changes)


def test_the_tables_are_read_from_configuration_per_legal_entity() -> None:
    policies = Policies.model_validate(yaml.safe_load(TABLES))

    assert policies.of("DE01").expense.version == "2026-01"
    assert policies.of("UK01").expense.version == "uk-1"
    assert policies.of("DE01").expense.mileage[0].per_unit == Decimal("0.3")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"taxes": [{"country": "DE", "recoverable_percent": 100}]}, "binary floats"),
        ({"taxes": [{"country": "DE", "recoverable_percent": 19.5}]}, "binary floats"),
        ({"taxes": [{"country": "DE", "recoverable_percent": "101"}]}, "less than or equal"),
        ({"taxes": [{"country": "Germany", "recoverable_percent": "1"}]}, "pattern"),
        ({"taxes": [{"country": "DE", "recoverable_percent": "1", "rate": "19"}]}, "Extra"),
        (
            {
                "taxes": [
                    {
                        "country": "DE",
                        "recoverable_percent": "1",
                        "valid_from": date(2026, 2, 1),
                        "valid_until": date(2026, 1, 31),
                    }
                ]
            },
            "not before its first",
        ),
        ({"mileage": [{"unit": "miles", "currency": "EUR", "per_unit": "1"}]}, "'km' or 'mi'"),
        ({"mileage": [{"unit": "km", "currency": "EUR", "per_unit": "0"}]}, "greater than 0"),
        ({"mileage": [{"unit": "km", "currency": "EUR", "per_unit": "0.12345"}]}, "decimal places"),
        ({"accounts_by_role": {"petty_cash": "1"}}, "petty_cash|Input should be"),
        ({"rounding": "DOWN"}, "HALF_UP"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        tables(**wrong)


def test_the_first_row_that_fits_counts_so_that_the_special_stand_above_the_general() -> None:
    policy = Policies.model_validate(yaml.safe_load(TABLES)).default.expense

    def erp_tax(type_code: str, day: date = DAY) -> str | None:
        about = item(type_code=type_code, transaction_date=day)
        row = policy.tax_row(vat("19.00"), about, "DE", proven=True)
        return row.erp_tax if row else None

    assert (erp_tax("MEALS"), erp_tax("TAXI")) == ("VST-MEALS", "VST")
    assert erp_tax("TAXI", date(2027, 1, 1)) is None


@pytest.mark.parametrize(
    ("row", "fits"),
    [
        ({}, True),
        ({"country": "DE"}, True),
        ({"country": "FR"}, False),
        ({"vehicle": "CAR"}, True),
        ({"vehicle": "BIKE"}, False),
        ({"unit": "mi"}, False),
        ({"valid_until": date(2026, 9, 30)}, False),
    ],
)
def test_a_mileage_row_fits_by_place_vehicle_unit_and_day(row: dict[str, Any], fits: bool) -> None:
    policy = tables(mileage=[{"unit": "km", "currency": "EUR", "per_unit": "0.3", **row}])
    driven = item(mileage=Mileage(distance=Decimal(1), unit="km", vehicle="CAR"))

    assert (policy.mileage_row(driven) is not None) is fits


@pytest.mark.parametrize(
    ("row", "fits"),
    [({}, True), ({"place": "Paris"}, False), ({"valid_from": date(2026, 10, 2)}, False)],
)
def test_an_allowance_row_fits_by_place_and_day(row: dict[str, Any], fits: bool) -> None:
    policy = tables(per_diem=[{"place": "Berlin", "currency": "EUR", "amount": "28", **row}])

    found = policy.per_diem_row(item(per_diem=PerDiem(place="Berlin")))

    assert (found is not None) is fits
