"""How the simulated Harvest writes its records: inside the specification, digit by digit."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from canonical.exact import decimal_text
from connectors.harvest.simulated_state import (
    SimulatedAssignment,
    SimulatedClient,
    SimulatedEntry,
    SimulatedMaster,
    SimulatedProject,
    SimulatedTask,
    SimulatedUser,
)

_CREATED: Final = "2025-01-01T08:00:00Z"
_ARCHIVED: Final = "Item Archived"
_APPROVED: Final = "Item Approved and Locked for this Time Period"
# Assignments have ids of their own; nothing refers to them.
_ASSIGNMENT_IDS: Final = 9_000_000


def entry_json(
    facts: SimulatedEntry,
    *,
    user: SimulatedUser,
    client: SimulatedClient,
    project: SimulatedProject,
    task: SimulatedTask,
    updated_at: datetime,
    reference: Mapping[str, str] | None,
) -> str:
    """Write a time entry. By template, because json.dumps has no exact decimals."""
    rate = "null" if facts.billable_rate is None else decimal_text(facts.billable_rate)
    hours = decimal_text(facts.hours)
    locked = facts.is_locked or facts.is_closed
    reason = _APPROVED if facts.is_closed else _ARCHIVED if locked else None
    changed = updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'{{"id":{facts.id},"spent_date":"{facts.spent_date}",'
        f'"user":{_named(user.id, f"{user.first_name} {user.last_name}")},'
        f'"client":{_named(client.id, client.name)},'
        f'"project":{_named(project.id, project.name)},'
        f'"task":{_named(task.id, task.name)},'
        f'"hours":{hours},"hours_without_timer":{hours},"rounded_hours":{_rounded(facts.hours)},'
        f'"notes":{json.dumps(facts.notes)},"created_at":"{_CREATED}","updated_at":"{changed}",'
        f'"is_locked":{_yes(locked)},"locked_reason":{json.dumps(reason)},'
        f'"is_closed":{_yes(facts.is_closed)},"is_billed":{_yes(facts.is_billed)},'
        f'"timer_started_at":{json.dumps(changed if facts.is_running else None)},'
        f'"started_time":null,"ended_time":null,"is_running":{_yes(facts.is_running)},'
        f'"invoice":null,"external_reference":{json.dumps(reference)},'
        f'"billable":{_yes(facts.billable)},"budgeted":false,"billable_rate":{rate},'
        '"cost_rate":null}'
    )


def master_json(record: SimulatedUser | SimulatedClient | SimulatedTask) -> dict[str, Any]:
    """A record whose members are Harvest's own."""
    return record.model_dump(mode="json") | _stamps(record)


def project_json(project: SimulatedProject, client: SimulatedClient) -> dict[str, Any]:
    """A project, with its client spelt out."""
    named = {"id": client.id, "name": client.name, "currency": client.currency}
    return project.model_dump(exclude={"client_id"}) | {"client": named} | _stamps(project)


def assignment_json(
    number: int, assignment: SimulatedAssignment, project: SimulatedProject, task: SimulatedTask
) -> dict[str, Any]:
    """A task of a project, with both spelt out."""
    return {
        "id": _ASSIGNMENT_IDS + number,
        "project": {"id": project.id, "name": project.name, "code": project.code},
        "task": {"id": task.id, "name": task.name},
        "is_active": assignment.is_active,
        "billable": True,
    } | _stamps(assignment)


def _stamps(record: SimulatedMaster) -> dict[str, str]:
    changed = record.updated_at
    told = changed.strftime("%Y-%m-%dT%H:%M:%SZ") if changed else _CREATED
    return {"created_at": _CREATED, "updated_at": told}


def _rounded(hours: Decimal) -> str:
    """Up to the next quarter, as an account may be set: who takes these hours is found out."""
    return decimal_text((hours * 4).to_integral_value(ROUND_CEILING) / 4)


def _yes(value: bool) -> str:  # noqa: FBT001  A converter.
    return "true" if value else "false"


def _named(record_id: int, name: str) -> str:
    return f'{{"id":{record_id},"name":{json.dumps(name)}}}'
