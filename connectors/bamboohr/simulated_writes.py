"""Writing in the simulated company: employees are made and changed, with the vendor's refusals."""

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_gate import refused
from connectors.bamboohr.simulated_json import day_in
from connectors.bamboohr.simulated_state import SimulatedEmployee, SimulatedJob

_RECORD: Final = {
    "firstName": "first_name",
    "lastName": "last_name",
    "employeeNumber": "number",
    "workEmail": "email",
}
_JOB: Final = {
    "jobTitle": "title",
    "department": "department",
    "division": "division",
    "location": "location",
}


def create(company: BambooCompany, request: Request, body: bytes) -> Response:
    """Make an employee; the answer has no body, and the id stands in the Location."""
    fields = _object(body)
    if fields is None or not fields.get("firstName") or not fields.get("lastName"):
        return refused(400, "firstName and lastName are required")
    most = company.quirks.employees_max
    if most is not None and len(company.people) >= most:
        return refused(429, "The company has reached its employee limit")
    blank = SimulatedEmployee(id=company.next_id(), first_name="-", last_name="-")
    try:
        person = _with(company, blank, fields)
    except ValueError as wrong:
        return refused(409, str(wrong))
    made = company.hire(person)
    where = f"{request.url.scheme}://{request.url.netloc}/api/v1/employees/{made.id}"
    return Response(status_code=201, headers={"Location": where})


def update(company: BambooCompany, request: Request, body: bytes) -> Response:
    """Change fields. What the key may not write is left out, and the answer is 200 all the same."""
    fields = _object(body)
    if fields is None:
        return refused(400, "Malformed JSON")
    try:
        person = company.person(int(request.path_params["employee_id"]))
    except (KeyError, ValueError):
        return refused(404)
    ignored = company.quirks.ignored & fields.keys()
    if ignored:
        left = company.quirks.ignored - ignored
        company.quirks = company.quirks.model_copy(update={"ignored": left})
    kept = {name: value for name, value in fields.items() if name not in ignored}
    try:
        changed = _with(company, person, kept)
    except ValueError as wrong:
        return refused(409, str(wrong))
    if changed != person:
        news = {name: getattr(changed, name) for name in SimulatedEmployee.model_fields}
        company.change(person.id, **{**news, "last_changed": company.now})
    return Response(status_code=200)


def _with(
    company: BambooCompany, person: SimulatedEmployee, fields: dict[str, Any]
) -> SimulatedEmployee:
    news: dict[str, Any] = {
        _RECORD[name]: value or None for name, value in fields.items() if name in _RECORD
    }
    if "first_name" in news and not news["first_name"]:
        raise ValueError("First name is required")
    email = news.get("email")
    if email and any(one.email == email and one.id != person.id for one in company.people):
        raise ValueError(f"Duplicate email: {email}")
    if email and "@" not in email:
        raise ValueError(f"Invalid email: {email}")
    if "hireDate" in fields:
        news["hire_date"] = day_in(fields["hireDate"])
    job = {_JOB[name]: value or "" for name, value in fields.items() if name in _JOB}
    if job:
        today = company.now.date()
        current = company.job_on(person, today)
        others = tuple(one for one in person.jobs if one is not current)
        base = current or SimulatedJob(day=today)
        news["jobs"] = (*others, base.model_copy(update=job))
    known = {*_RECORD, *_JOB, "hireDate"}
    others_told = {name: value for name, value in fields.items() if name not in known}
    return person.model_copy(update={**news, "others": {**person.others, **others_told}})


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
