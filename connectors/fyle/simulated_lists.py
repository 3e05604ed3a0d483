"""The lists of the simulated Fyle: filters, order, offset and limit, without HTTP."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from connectors.base.http import exact_json_text
from connectors.fyle.simulated_documents import (
    expense_json,
    reimbursement_of,
    report_json,
    total_of,
)
from connectors.fyle.simulated_json import (
    STAMPS,
    Json,
    category_json,
    cost_centre_json,
    employee_json,
    instant,
    person_in_report,
    project_json,
    tax_group_json,
)
from connectors.fyle.simulated_organisation import SimulatedFyle

LIMIT_MAX: Final = 200
_PLACE: Final = frozenset({"order", "offset", "limit", "q"})
_ORDER: Final = re.compile(r"([a-z_]+)\.(asc|desc)")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T")

Query = Mapping[str, str]
_COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda one, other: bool(one == other),
    "gt": lambda one, other: bool(one > other),
    "gte": lambda one, other: bool(one >= other),
    "lt": lambda one, other: bool(one < other),
    "lte": lambda one, other: bool(one <= other),
}


def list_of(fyle: SimulatedFyle, name: str, query: Query) -> bytes:
    """Write one page of a list as JSON; raises ValueError for a query that Fyle refuses."""
    offset, limit = _place(query)
    found = list(_RECORDS[name](fyle))
    shown = found
    if not (name == "reports" and fyle.quirks.circular_pages):
        shown = [each for each in found if _fits(each, query)]
    member, downwards = _order(query)
    if shown and member not in shown[0]:
        raise ValueError(f"there is no {member} to order by")
    shown.sort(key=lambda each: _comparable(each[member]), reverse=downwards)
    start = 0 if name == "reports" and fyle.quirks.circular_pages else offset
    page = (_spoilt(each, fyle) for each in shown[start : start + limit])
    # Not json.dumps: a spoilt record need not be JSON at all.
    body = f'{{"count":{len(shown)},"offset":{offset},"data":[{",".join(page)}]}}'
    told = body.encode(errors="surrogatepass")
    return told[: len(told) // 2] if fyle.use_up("broken_pages") else told


def _place(query: Query) -> tuple[int, int]:
    missing = sorted({"order", "offset", "limit"} - query.keys())
    if missing:
        raise ValueError(f"missing: {', '.join(missing)}")
    try:
        offset, limit = int(query["offset"]), int(query["limit"])
    except ValueError:
        raise ValueError("offset and limit are numbers") from None
    if not 1 <= limit <= LIMIT_MAX or offset < 0:
        raise ValueError(f"limit is between 1 and {LIMIT_MAX}, offset is not negative")
    return offset, limit


def _order(query: Query) -> tuple[str, bool]:
    found = _ORDER.fullmatch(query["order"])
    if not found:
        raise ValueError("order is <member>.asc or <member>.desc")
    return found.group(1), found.group(2) == "desc"


def _fits(record: Json, query: Query) -> bool:
    return all(_passes(record, path, told) for path, told in query.items() if path not in _PLACE)


def _passes(record: Json, path: str, told: str) -> bool:
    value: Any = record
    for part in path.split("->"):
        if value is None:
            return False
        if part not in value:
            raise ValueError(f"there is no {path}")
        value = value[part]
    operator, _, operand = told.partition(".")
    if operator == "in":
        wanted = operand.removeprefix("(").removesuffix(")").split(",")
        return str(value) in {each.strip('"') for each in wanted}
    if operator not in _COMPARED:
        raise ValueError(f"there is no operator {operator}")
    if isinstance(value, bool):
        return operand == json.dumps(value)
    return value is not None and _COMPARED[operator](_comparable(value), _like(value, operand))


def _like(value: Any, operand: str) -> Any:
    """Read an operand as the kind of thing that it is compared with."""
    try:
        if isinstance(value, int | Decimal):
            return Decimal(operand)
        if _INSTANT.match(str(value)):
            return datetime.fromisoformat(operand)
    except (ValueError, InvalidOperation):
        raise ValueError("a filter's operand is not of its member's kind") from None
    return operand


def _comparable(value: Any) -> Any:
    if isinstance(value, str) and _INSTANT.match(value):
        return datetime.fromisoformat(value)
    return value


def _spoilt(record: Json, fyle: SimulatedFyle) -> str:
    """Write a record, with what a test wants to be wrong in it."""
    spoilt = fyle.quirks.spoilt.get(str(record["id"]), {})
    if "" in spoilt:
        return spoilt[""]
    members = {name: exact_json_text(each) for name, each in record.items()} | spoilt
    shown = (f"{json.dumps(name)}:{text}" for name, text in members.items() if text)
    return "{" + ",".join(shown) + "}"


def _reports(fyle: SimulatedFyle) -> Iterable[Json]:
    directory = fyle.directory
    exported = {each.object_id for each in fyle.lines.values()}
    for each in fyle.reports.values():
        yield report_json(each, directory, exported=each.id in exported)


def _expenses(fyle: SimulatedFyle) -> Iterable[Json]:
    directory = fyle.directory
    for report in fyle.reports.values():
        for number, each in enumerate(report.expenses, 1):
            yield expense_json(each, number, report, directory)


def _reimbursements(fyle: SimulatedFyle) -> Iterable[Json]:
    directory = fyle.directory
    for report in fyle.reports.values():
        reimbursement = reimbursement_of(report)
        if reimbursement is not None:
            person = directory.people[report.employee_id]
            named = person_in_report(person, directory.org_id)
            extras = ("location", "title", "business_unit")
            yield {
                **STAMPS,
                "id": reimbursement,
                "updated_at": instant(report.updated_at),
                "reimbursement_number": f"P/{report.seq_num}",
                "creator_user_id": person.user_id,
                "user_id": person.user_id,
                "org_id": directory.org_id,
                "currency": directory.currency,
                "amount": total_of(report),
                "is_paid": report.paid_at is not None,
                "paid_at": instant(report.paid_at),
                "mode": "OFFLINE",
                "purpose": report.purpose or "",
                "is_exported": None,
                "code": None,
                "employee_id": person.id,
                "employee": {name: each for name, each in named.items() if name not in extras},
            }


def _exports(fyle: SimulatedFyle) -> Iterable[Json]:
    for each in fyle.exports.values():
        kept = {"org_id": fyle.facts.org_id, "client_id": "tpaLedgerway"}
        yield {**each.model_dump(), **kept, **STAMPS}


def _lines(fyle: SimulatedFyle) -> Iterable[Json]:
    for each in fyle.lines.values():
        yield {**each.model_dump(), "org_id": fyle.facts.org_id, **STAMPS}


def _masters(kind: str, write: Callable[[Any, str], Json]) -> Callable[[SimulatedFyle], Any]:
    def records(fyle: SimulatedFyle) -> Iterable[Json]:
        directory = fyle.directory
        for each in getattr(directory, kind).values():
            yield write(each, directory.org_id)

    return records


_RECORDS: Final[Mapping[str, Callable[[SimulatedFyle], Iterable[Json]]]] = {
    "reports": _reports,
    "expenses": _expenses,
    "reimbursements": _reimbursements,
    "accounting_exports": _exports,
    "accounting_export_lineitems": _lines,
    "employees": _masters("people", employee_json),
    "categories": _masters("categories", category_json),
    "projects": _masters("projects", project_json),
    "cost_centers": _masters("cost_centres", cost_centre_json),
    "tax_groups": _masters("tax_groups", tax_group_json),
}
LISTS: Final = tuple(_RECORDS)
