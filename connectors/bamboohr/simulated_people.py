"""Reading in the simulated company: lists, single employees, tables, the feed, datasets."""

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.bamboohr import simulated_json as told
from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_gate import error, problem, refused
from connectors.bamboohr.simulated_state import SimulatedEmployee

_LIMIT_MAX: Final = 2500
_LIMIT: Final = 250
_FIELDS_MAX: Final = 400
_DATASET_MAX: Final = 1000
_SORTS: Final = frozenset(
    {"employeeId", "firstName", "lastName", "preferredName", "jobTitleName", "status"}
)
_TYPES: Final = ("inserted", "updated", "deleted", "all")


def list_people(company: BambooCompany, request: Request, _: bytes) -> Response:
    """A page of employees; the cursor is the last one of the page before."""
    asked = request.query_params
    limit, after = asked.get("page[limit]", str(_LIMIT)), asked.get("page[after]")
    if not limit.isdigit() or not 1 <= int(limit) <= _LIMIT_MAX:
        return error(400, "BadRequest", f"page[limit] is 1 to {_LIMIT_MAX}")
    if asked.get("sort", "employeeId").lstrip("-") not in _SORTS:
        return error(400, "BadRequest", "cannot sort by that field")
    ids = _ids(request)
    if ids is None:
        return error(400, "BadRequest", "filter[ids] are numbers")
    found = [one for one in company.people if not ids or one.id in ids]
    if after is not None and after not in {str(one.id) for one in found}:
        return error(400, "BadPage", "the employee at the edge of the page has changed")
    rest = [one for one in found if one.id > int(after or 0)]
    page = rest[: int(limit)]
    fields = ",".join(asked.getlist("fields")).split(",")
    records = [json.dumps(told.listed(company, one, fields)) for one in page]
    if after is None:
        records = [*company.quirks.poison, *records]
    cursor = str(page[-1].id) if len(rest) > len(page) else None
    meta = {
        "total": len(found),
        "page": {"limit": int(limit), "nextCursor": cursor, "prevCursor": after},
    }
    links = {"self": {"href": str(request.url)}}
    if cursor:
        following = request.url.include_query_params(**{"page[after]": cursor})
        links["next"] = {"href": str(following)}
    body = (
        f'{{"data":[{",".join(records)}],"meta":{json.dumps(meta)},"_links":{json.dumps(links)}}}'
    )
    return Response(body, media_type="application/json")


def show_person(company: BambooCompany, request: Request, _: bytes) -> Response:
    """One employee with the fields that were asked for and may be seen."""
    fields = request.query_params.get("fields", "firstName,lastName").split(",")
    if len(fields) > _FIELDS_MAX:
        return refused(400, "Too many fields")
    person = _person(company, request.path_params["employee_id"])
    if person is None:
        return refused(404)
    return JSONResponse(told.single(company, person, fields))


def changed(company: BambooCompany, request: Request, _: bytes) -> Response:
    """Who changed since an instant."""
    since = told.moment_in(request.query_params.get("since"))
    wanted = request.query_params.get("type", "all")
    if since is None or wanted not in _TYPES:
        return refused(400, "since or type is invalid")
    return JSONResponse(told.changed_since(company, since, wanted))


def changed_rows(company: BambooCompany, request: Request, _: bytes) -> Response:
    """All rows of a table of everybody in whose record anything changed."""
    table = request.path_params["table"]
    since = told.moment_in(request.query_params.get("since"))
    if since is None:
        return refused(400, "since is invalid")
    if table not in told.TABLES:
        return refused(404)
    people = {
        str(one.id): {
            "lastChanged": told.instant(one.last_changed),
            "rows": [_without_owner(row) for row in told.table_rows(company, one, table)],
        }
        for one in company.people
        if one.last_changed and one.last_changed >= since
    }
    return JSONResponse({"table": table, "employees": people})


def rows(company: BambooCompany, request: Request, _: bytes) -> Response:
    """All rows of a table, of one employee or of all."""
    own, table = request.path_params["employee_id"], request.path_params["table"]
    person = None if own == "all" else _person(company, own)
    if table not in told.TABLES or (own != "all" and person is None):
        return refused(404)
    people = company.people if person is None else [person]
    return JSONResponse([row for one in people for row in told.table_rows(company, one, table)])


def lists(company: BambooCompany, request: Request, _: bytes) -> Response:  # noqa: ARG001
    """All fields with a list of values."""
    return JSONResponse(told.lists_of(company))


def dataset(company: BambooCompany, request: Request, body: bytes) -> Response:
    """A page of the one dataset that there is."""
    try:
        asked: Any = json.loads(body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or not isinstance(asked.get("fields"), list):
        return problem(400, "INVALID_PARAMETERS", "fields are missing")
    if request.path_params["name"] != "employee":
        return problem(404, "DATASET_NOT_FOUND", "there is no such dataset")
    number, size = asked.get("page", 1), asked.get("pageSize", 100)
    if not 1 <= size <= _DATASET_MAX or set(asked["fields"]) - told.DATASET.keys():
        return problem(422, "VALIDATION_FAILED", "a field or the page is invalid")
    people = company.in_dataset
    pages = max(1, -(-len(people) // size))
    page = people[(number - 1) * size : number * size]
    return JSONResponse(
        {
            "data": [told.row_of(company, one, asked["fields"]) for one in page],
            "links": {},
            "meta": {
                "page": number,
                "pageSize": size,
                "totalPages": pages,
                "totalItems": len(people),
            },
        }
    )


def _ids(request: Request) -> set[int] | None:
    asked = request.query_params
    words = [
        *asked.getlist("filter[ids][]"),
        *",".join(asked.getlist("filter[ids]")).split(","),
    ]
    given = [one for one in words if one]
    return {int(one) for one in given} if all(one.isdigit() for one in given) else None


def _person(company: BambooCompany, own: str) -> SimulatedEmployee | None:
    try:
        return company.person(int(own))
    except (KeyError, ValueError):
        return None


def _without_owner(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "employeeId"}
