"""Salesforce's REST API as a plain ASGI app over one org, quirks included; orders at `/__sim/`.

    python -m connectors.salesforce.simulator --port 0 --state FILE.json

serves it in a process of its own and prints {"port": …, "url": …} as its first line.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from connectors.salesforce.simulated_feed import deleted, updated
from connectors.salesforce.simulated_fields import described
from connectors.salesforce.simulated_orders import ORDERS, Order
from connectors.salesforce.simulated_org import RefusedError, SimulatedOrg
from connectors.salesforce.simulated_pages import asked, page
from connectors.salesforce.simulated_state import OrgState
from connectors.salesforce.simulated_writes import (
    changed,
    collection,
    created,
    kind_named,
    upserted,
)
from connectors.simulation.program import serve_from_file

_NOT_ALLOWED: Final = 405

Answering = Callable[[SimulatedOrg, Request], Awaitable[Response]]


def simulated_salesforce(org: SimulatedOrg) -> Starlette:
    """Mount an org as the app that a test drives in process, or a server in its own."""
    vendor: list[tuple[str, str, Answering]] = [
        ("/query", "GET", _query),
        ("/queryAll", "GET", _query),
        ("/query/{place}", "GET", _more),
        ("/sobjects/{kind}/updated", "GET", _updated),
        ("/sobjects/{kind}/deleted", "GET", _deleted),
        ("/sobjects/{kind}/describe", "GET", _describe),
        ("/sobjects/{kind}", "POST", _create),
        ("/sobjects/{kind}/{record}", "PATCH", _change),
        # A value may have slashes in it.
        ("/sobjects/{kind}/{field}/{value:path}", "PATCH", _upsert),
        ("/composite/sobjects", "PATCH", _collection),
    ]
    routes = [
        Route(path, _guarded(org, answer), methods=[method]) for path, method, answer in vendor
    ]

    async def token(request: Request) -> Response:
        return await _token(org, request)

    async def status(_: Request) -> Response:
        return JSONResponse(org.summary())

    async def state(_: Request) -> Response:
        return Response(org.state().model_dump_json(), media_type="application/json")

    ours = [
        Route("/state", state, methods=["GET"]),
        Route("/status", status, methods=["GET"]),
        *(
            Route(f"/{name}", _ordered(org, order), methods=["POST"])
            for name, order in ORDERS.items()
        ),
    ]
    return Starlette(
        routes=[
            Route("/services/oauth2/token", token, methods=["POST"]),
            Mount("/services/data/v{version}", routes=routes),
            Mount("/__sim", routes=ours),
        ],
        exception_handlers={HTTPException: _no_such_way},
    )


async def _no_such_way(_: Request, error: Exception) -> Response:
    """What Salesforce has nothing at, it refuses in the form of all its refusals."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    code = "METHOD_NOT_ALLOWED" if status == _NOT_ALLOWED else "NOT_FOUND"
    return _refusal(RefusedError(code, "The requested resource does not exist", status=status))


def _ordered(org: SimulatedOrg, order: Order) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"done": order(org, await request.body())})
        except ValidationError as invalid:
            wrong = invalid.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"wrong": wrong}, 422)
        except KeyError as missing:
            return JSONResponse({"wrong": f"there is no {missing}"}, 404)

    return endpoint


def _guarded(org: SimulatedOrg, answer: Answering) -> Callable[[Request], Any]:
    """Answer only who gets through the door, and refuse as Salesforce does."""

    async def endpoint(request: Request) -> Response:
        org.served[request.method] += 1
        # What arrives together is looked at together.
        await asyncio.sleep(0)
        away = _turned_away(org, request)
        if away is not None:
            return away
        try:
            answered = await answer(org, request)
        except RefusedError as refused:
            return _refusal(refused)
        if request.method != "GET" and org.use_up("failures_after_write"):
            return _refusal(RefusedError("UNKNOWN_EXCEPTION", "An unexpected error", status=500))
        return answered

    return endpoint


def _turned_away(org: SimulatedOrg, request: Request) -> Response | None:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not org.lets_in(token):
        words = "Session expired or invalid"
        return _refusal(RefusedError("INVALID_SESSION_ID", words, status=401))
    if org.quirks.calls_left is not None and not org.use_up("calls_left"):
        words = "TotalRequests Limit exceeded."
        return _refusal(RefusedError("REQUEST_LIMIT_EXCEEDED", words, status=403))
    if org.use_up("throttled"):
        return _refusal(RefusedError("TOO_MANY_REQUESTS", "Too many requests", status=429))
    if org.use_up("failures"):
        return _refusal(RefusedError("UNKNOWN_EXCEPTION", "An unexpected error", status=500))
    return None


def _refusal(refused: RefusedError) -> Response:
    told: dict[str, Any] = {"message": str(refused), "errorCode": refused.code}
    if refused.fields:
        told["fields"] = list(refused.fields)
    return JSONResponse([told], refused.status)


async def _token(org: SimulatedOrg, request: Request) -> Response:
    form = dict(parse_qsl((await request.body()).decode()))
    if form.get("grant_type") != "client_credentials":
        return _no_token("unsupported_grant_type", "grant type not supported")
    if (form.get("client_id"), form.get("client_secret")) != (org.client_id, org.client_secret):
        return _no_token("invalid_client", "invalid client credentials")
    address = str(request.base_url).rstrip("/")
    return JSONResponse(
        {
            "access_token": org.open_session(),
            "signature": "c2ltdWxhdGVk",
            "scope": "api",
            "instance_url": address,
            "id": f"{address}/id/00D5e000000simulated/0055e000000simulated",
            "token_type": "Bearer",
            "issued_at": str(int(org.clock().timestamp() * 1000)),
        }
    )


def _no_token(error: str, words: str) -> Response:
    return JSONResponse({"error": error, "error_description": words}, 400)


async def _query(org: SimulatedOrg, request: Request) -> Response:
    deleted_too = request.url.path.rstrip("/").endswith("/queryAll")
    place = asked(org, request.query_params.get("q", ""), deleted_too=deleted_too)
    return _page(org, request, place)


async def _more(org: SimulatedOrg, request: Request) -> Response:
    return _page(org, request, request.path_params["place"])


def _page(org: SimulatedOrg, request: Request, place: str) -> Response:
    if org.use_up("broken_pages"):
        return Response(b'{"totalSize": 1, "done": tr', media_type="application/json")
    wishes = request.headers.get("sforce-query-options", "")
    return JSONResponse(page(org, place, wishes, request.path_params["version"]))


async def _updated(org: SimulatedOrg, request: Request) -> Response:
    return JSONResponse(updated(org, _kind(request), dict(request.query_params)))


async def _deleted(org: SimulatedOrg, request: Request) -> Response:
    return JSONResponse(deleted(org, _kind(request), dict(request.query_params)))


async def _describe(org: SimulatedOrg, request: Request) -> Response:
    kind = _kind(request)
    fields = [described(each) for each in org.fields(kind)]
    return JSONResponse({"name": kind, "replicateable": True, "fields": fields})


async def _create(org: SimulatedOrg, request: Request) -> Response:
    return _saved(created(org, _kind(request), await _body(request)).id, 201)


async def _change(org: SimulatedOrg, request: Request) -> Response:
    changed(org, _kind(request), request.path_params["record"], await _body(request))
    return Response(status_code=204)


async def _upsert(org: SimulatedOrg, request: Request) -> Response:
    at = request.path_params
    if at["value"].casefold().endswith(".inc"):
        raise RefusedError("NOT_FOUND", "The requested resource does not exist", status=404)
    outcome = upserted(org, _kind(request), at["field"], at["value"], await _body(request))
    match outcome:
        case (str(record), bool(made)):
            if made:
                return _saved(record, 201, created=True)
            if org.quirks.tells_upserts:
                return _saved(record, 200, created=False)
            return Response(status_code=204)
        case several:
            return _several(request, [str(each) for each in several])


async def _collection(org: SimulatedOrg, request: Request) -> Response:
    return JSONResponse(collection(org, await _body(request)))


def _saved(record: str, status: int, **more: bool) -> Response:
    return JSONResponse({"id": record, "success": True, "errors": [], **more}, status)


def _several(request: Request, records: list[str]) -> Response:
    root = f"/services/data/v{request.path_params['version']}/sobjects"
    return JSONResponse([f"{root}/{request.path_params['kind']}/{each}" for each in records], 300)


def _kind(request: Request) -> Any:
    return kind_named(request.path_params["kind"])


async def _body(request: Request) -> Any:
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise RefusedError("JSON_PARSER_ERROR", "The body is not JSON") from None
    if not isinstance(body, dict):
        raise RefusedError("JSON_PARSER_ERROR", "The body is not an object")
    return body


def main(arguments: list[str]) -> None:
    """Serve an org from a state file until somebody ends the process."""
    serve_from_file(
        "connectors.salesforce.simulator",
        OrgState,
        lambda state: simulated_salesforce(SimulatedOrg(state)),
        arguments,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
