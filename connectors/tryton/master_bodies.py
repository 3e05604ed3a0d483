"""What is sent to Tryton for a master record: the values of a new one, and of a change."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from canonical.cross_reference import MasterKind
from connectors.base.errors import RejectedError
from connectors.base.master_writes import MasterWrite
from connectors.tryton.wire import WireValue, date_on_wire
from connectors.tryton.work_mapping import can_be_marked, project_mark

Values = Mapping[str, Any]
_NO: Final = "no"
_DATES: Final = (("active_from", "start_date"), ("active_until", "end_date"))


def name_in(one: MasterWrite) -> str:
    """What it is called: by its code, where its owner knows no name."""
    return one.values.get("name") or one.code


def is_active(one: MasterWrite) -> bool:
    """Whether it is to be in use; what says nothing of it is."""
    return one.values.get("active") != _NO


def party(one: MasterWrite) -> Values:
    """A customer's or a person's party, with an address, without which nobody can be billed."""
    values: dict[str, Any] = {
        "name": name_in(one),
        "code": one.code,
        "active": is_active(one),
        "addresses": [["create", [{}]]],
    }
    email = one.values.get("email")
    if email:
        values["contact_mechanisms"] = [["create", [{"type": "email", "value": email}]]]
    return values


def project(one: MasterWrite, company: int) -> Values:
    """A project, marked with its code. RejectedError for a code that could not be found again."""
    if not can_be_marked(one.code):
        raise RejectedError("code_not_markable", "a project's code has no ']' here")
    return {
        "name": name_in(one),
        "type": "project",
        "company": company,
        "party": int(one.parent) if one.parent else None,
        "comment": project_mark(one.code),
        "timesheet_available": True,
        # Hours are billed from outside, and never by Tryton's own way of doing so.
        "project_invoice_method": "manual",
    }


def task(one: MasterWrite, company: int) -> Values:
    """A task that takes time."""
    return {
        "name": name_in(one),
        "type": "task",
        "company": company,
        "timesheet_available": True,
    }


def employee(one: MasterWrite, person: int) -> Values:
    """An employment of a person."""
    return {"party": person, **employment(one.values)}


def cost_centre(one: MasterWrite, root: int, company: int) -> Values:
    """A cost centre directly below its root."""
    return {
        "name": name_in(one),
        "code": one.code,
        "type": "normal",
        "root": root,
        "company": company,
        "state": _state(one),
    }


def employment(values: Mapping[str, str]) -> dict[str, WireValue | None]:
    """From when until when somebody works here."""
    dates: dict[str, WireValue | None] = {}
    for ours, theirs in _DATES:
        if ours in values:
            text = values[ours]
            dates[theirs] = date_on_wire(date.fromisoformat(text)) if text else None
    return dates


def change(one: MasterWrite, status: Values) -> Mapping[str, Values]:
    """What is changed of a record, by the model that keeps it.

    `status` is what says of a project or task whether it is done.
    """
    name = {"name": one.values["name"]} if "name" in one.values else {}
    changed: dict[str, Values]
    match one.kind:
        case MasterKind.CUSTOMER:
            active = {"active": is_active(one)} if "active" in one.values else {}
            changed = {"party.party": {**name, **active}}
        case MasterKind.EMPLOYEE:
            changed = {"company.employee": employment(one.values), "party.party": name}
        case MasterKind.PROJECT | MasterKind.TASK:
            changed = {"project.work": {**name, **status}}
        case _:
            state = {"state": _state(one)} if "active" in one.values else {}
            changed = {"analytic_account.account": {**name, **state}}
    return {model: values for model, values in changed.items() if values}


def _state(one: MasterWrite) -> str:
    return "opened" if is_active(one) else "closed"
