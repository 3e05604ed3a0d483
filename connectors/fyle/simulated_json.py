"""How the simulated Fyle writes its records: inside the specification, digit by digit."""

from datetime import UTC, date, datetime
from typing import Any, Final

from connectors.fyle.simulated_state import (
    SimulatedCategory,
    SimulatedCostCentre,
    SimulatedExpense,
    SimulatedPerson,
    SimulatedProject,
    SimulatedTaxGroup,
)

Json = dict[str, Any]

_CREATED: Final = "2025-01-01T08:00:00.000000+00:00"
STAMPS: Final = {"created_at": _CREATED, "updated_at": _CREATED}


def instant(moment: datetime | None) -> str | None:
    """Write an instant as Fyle does, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None


def noon(day: date) -> str:
    """Write a day as Fyle keeps one: as an instant in the middle of it."""
    return f"{day.isoformat()}T12:00:00.000000+00:00"


def user_json(person: SimulatedPerson) -> Json:
    """A user, as other records name one."""
    return {"id": person.user_id, "email": person.email, "full_name": person.full_name}


def person_in_report(person: SimulatedPerson, org_id: str) -> Json:
    """An employee, as reports and expenses name one."""
    return {
        "id": person.id,
        "user_id": person.user_id,
        "user": user_json(person),
        "code": person.code,
        "org_id": org_id,
        "department_id": None,
        "department": None,
        "location": None,
        "title": None,
        "business_unit": None,
    }


def employee_json(person: SimulatedPerson, org_id: str) -> Json:
    """An employee in the list."""
    lists = (
        "mileage_rate_ids", "mileage_rates", "cost_center_ids", "cost_centers",
        "per_diem_rate_ids", "per_diem_rates", "project_ids", "projects", "category_ids",
        "categories", "custom_fields", "delegatees", "approver_user_ids", "approver_users",
    )  # fmt: skip
    empty = (
        "level", "level_id", "branch_account", "branch_ifsc", "mobile", "locale",
        "mileage_settings", "ach_account", "is_mobile_verified",
    )  # fmt: skip
    return {
        **person_in_report(person, org_id),
        **dict.fromkeys(empty),
        **{name: [] for name in lists},
        "flattened_custom_field": {},
        "roles": ["FYLER"],
        "special_email": person.email,
        "has_accepted_invite": True,
        "is_enabled": person.is_enabled,
        "joined_at": noon(person.joined_on) if person.joined_on else None,
        **STAMPS,
    }


def _display(name: str, sub: str | None) -> str:
    return f"{name} / {sub}" if sub else name


def category_embed(category: SimulatedCategory) -> Json:
    """A category, as expenses name one."""
    shown = _display(category.name, category.sub_category)
    return {**category.model_dump(), "display_name": shown}


def category_json(category: SimulatedCategory, org_id: str) -> Json:
    """A category in the list."""
    empty = dict.fromkeys(("restricted_project_ids", "restricted_spender_user_ids"))
    return {**category_embed(category), **empty, "is_enabled": True, "org_id": org_id, **STAMPS}


def project_embed(project: SimulatedProject) -> Json:
    """A project, as expenses name one."""
    shown = _display(project.name, project.sub_project)
    return {**project.model_dump(exclude={"is_enabled"}), "display_name": shown}


def project_json(project: SimulatedProject, org_id: str) -> Json:
    """A project in the list."""
    empty = ("description", "restricted_spender_user_ids", "approver_users", "category_ids")
    return {
        **project_embed(project),
        **dict.fromkeys((*empty, "default_billable")),
        "approver_user_ids": [],
        "is_enabled": project.is_enabled,
        "org_id": org_id,
        **STAMPS,
    }


def cost_centre_json(centre: SimulatedCostCentre, org_id: str) -> Json:
    """A cost centre in the list."""
    empty = dict.fromkeys(("description", "restricted_spender_user_ids"))
    return {**centre.model_dump(), **empty, "org_id": org_id, **STAMPS}


def tax_group_json(group: SimulatedTaxGroup, org_id: str) -> Json:
    """A tax group in the list."""
    return {**group.model_dump(), "code": None, "is_default": None, "org_id": org_id, **STAMPS}


def card_json(expense: SimulatedExpense) -> Json | None:
    """The card transaction that an expense was matched with."""
    if expense.card_amount is None:
        return None
    return {
        "id": f"bt{expense.id}"[:15],
        "corporate_card_id": "bacc01",
        "corporate_card_number": "xxxx-4543",
        "corporate_card_nickname": None,
        "masked_corporate_card_number": "xxxx-4543",
        "bank_name": "Simulated Bank",
        "corporate_card_user_full_name": None,
        "amount": expense.card_amount,
        "currency": expense.card_currency,
        "spent_at": noon(expense.spent_on),
        "posted_at": noon(expense.spent_on),
        "status": "POSTED",
        "description": None,
        "foreign_currency": None,
        "foreign_amount": None,
        "merchant": expense.merchant,
        "category": None,
        "matched_by": None,
    }


def travel_json(expense: SimulatedExpense) -> Json:
    """What an expense says of distances and days."""
    mileage, per_diem = None, None
    if expense.distance is not None:
        rate = expense.mileage_rate
        mileage = {"id": 1, "vehicle_type": expense.vehicle, "code": None, "rate": rate}
    if expense.per_diem_place is not None:
        per_diem = {"id": 1, "name": expense.per_diem_place, "code": None}
    return {
        "distance": expense.distance,
        "distance_unit": expense.distance_unit,
        "mileage_rate_id": mileage and 1,
        "mileage_rate": mileage,
        "mileage_is_round_trip": mileage and False,
        "per_diem_rate_id": per_diem and 1,
        "per_diem_rate": per_diem,
        "per_diem_num_days": expense.per_diem_days,
    }
