"""Xero as a plain ASGI app over one organisation, quirks included; orders under `/__sim/`.

    python -m connectors.xero.simulator --port 0 --state FILE.json

serves it in a process of its own and prints {"port": …, "url": …} as its first line: the address
of the identity server and of both APIs alike.
"""

import asyncio
import base64
import binascii
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from connectors.base.http import exact_json
from connectors.simulation.program import serve_from_file
from connectors.xero import simulated_lists as lists
from connectors.xero import simulated_projects as projects
from connectors.xero.simulated_gate import Answered, Gate, answered
from connectors.xero.simulated_json import envelope, other_error
from connectors.xero.simulated_orders import ORDERS, Order
from connectors.xero.simulated_organisation import DOCUMENTS, SimulatedXero
from connectors.xero.simulated_state import OrganisationState
from connectors.xero.simulated_where import WhereError
from connectors.xero.simulated_writes import (
    BrokenOffError,
    InvalidError,
    allocate_all,
    change_one,
    create_all,
)

_WRITES: Final = frozenset({"PUT", "POST", "DELETE"})

Answering = Callable[[SimulatedXero, Request], Awaitable[Answered]]


def simulated_xero(xero: SimulatedXero) -> Starlette:
    """Mount an organisation as the app that a test drives in process, or a server in its own."""
    gate = Gate(xero)

    def at(path: str, answer: Answering, *methods: str) -> Route:
        return Route(path, _guarded(xero, gate, answer), methods=[*methods])

    accounting = [
        *(at(f"/{name}", _whole(name), "GET") for name in lists.WHOLE),
        at("/Contacts", _contacts, "GET"),
        *(at(f"/{name}", _documents(name), "GET", "PUT") for name in DOCUMENTS),
        *(at(f"/{name}/{{record}}", _document(name), "GET", "POST") for name in DOCUMENTS),
        at("/CreditNotes/{record}/Allocations", _allocations, "PUT"),
    ]
    projects_api = [
        at("/Projects", _listed(projects.projects), "GET"),
        at("/ProjectsUsers", _listed(projects.users), "GET"),
        at("/Projects/{project}/Tasks", _in_project(projects.tasks), "GET"),
        at("/Projects/{project}/Time", _time, "GET", "POST"),
        at("/Projects/{project}/Time/{entry}", _entry, "GET", "DELETE"),
    ]

    async def token(request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        given = {name: values[0] for name, values in form.items()}
        return _response(gate.token(_credentials(request), given))

    return Starlette(
        routes=[
            Route("/connect/token", token, methods=["POST"]),
            Mount("/api.xro/2.0", routes=accounting),
            Mount("/projects.xro/2.0", routes=projects_api),
            Mount("/__sim", routes=_ours(xero)),
        ]
    )


def _ours(xero: SimulatedXero) -> list[Route]:
    async def status(_: Request) -> Response:
        return JSONResponse(xero.summary())

    return [
        Route("/status", status, methods=["GET"]),
        *(
            Route(f"/{name}", _ordered(xero, order), methods=["POST"])
            for name, order in ORDERS.items()
        ),
    ]


def _ordered(xero: SimulatedXero, order: Order) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"done": order(xero, await request.body())})
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"wrong": wrong}, 422)
        except KeyError as error:
            return JSONResponse({"wrong": f"there is no {error}"}, 404)

    return endpoint


def _guarded(xero: SimulatedXero, gate: Gate, answer: Answering) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        path = request.url.path
        xero.served[f"{request.method} {path}"] += 1
        gate.under_way += 1
        try:
            if xero.quirks.slow_seconds:
                await asyncio.sleep(xero.quirks.slow_seconds)
            return _response(await _answer(xero, gate, answer, request))
        finally:
            gate.under_way -= 1

    return endpoint


async def _answer(xero: SimulatedXero, gate: Gate, answer: Answering, request: Request) -> Answered:
    turned_away = gate.turned_away(request.headers)
    if turned_away is not None:
        return turned_away
    if xero.use_up("failures"):
        return gate.failure()
    writes = request.method in _WRITES
    body = await request.body()
    breaks_on = xero.quirks.breaks_on.encode()
    if writes and breaks_on and breaks_on in body:
        return gate.failure()
    asked = (request.method, str(request.url), body)
    key = request.headers.get("idempotency-key") if writes else None
    known = gate.remembered(key, asked)
    told = known or await _told(xero, gate, answer, request)
    gate.remember(key, asked, told)
    if writes and xero.use_up("failures_after_write"):
        return gate.failure()
    return _spoilt(xero, told)


async def _told(xero: SimulatedXero, gate: Gate, answer: Answering, request: Request) -> Answered:
    """Carry a request out, and say what Xero says of one that it cannot carry out."""
    is_project = "/projects.xro/" in request.url.path
    try:
        return await answer(xero, request)
    except InvalidError as invalid:
        return answered(invalid.told, 400)
    except BrokenOffError:
        return gate.failure()
    except projects.NoSuchRecordError:
        return answered({"message": "Not found"}, 404)
    except WhereError as error:
        return answered(other_error(16, "QueryParseException", str(error)), 400)
    except (projects.BadRequestError, ValueError, KeyError, TypeError, AttributeError) as error:
        if is_project:
            return answered({"message": str(error), "modelState": {}}, 400)
        return answered(other_error(14, "PostDataInvalidException", str(error)), 400)


def _spoilt(xero: SimulatedXero, told: Answered) -> Answered:
    """Let JSON texts stand instead of members of the records that a test has named."""
    if xero.use_up("broken_pages"):
        return Answered(told.status, told.body[:40], told.headers)
    body = told.body
    for marker, members in xero.quirks.spoilt.items():
        for name, text in members.items():
            body = body.replace(f'"{name}":{marker}'.encode(), f'"{name}":{text}'.encode())
    return Answered(told.status, body, told.headers, told.media_type)


def _whole(name: str) -> Answering:
    async def answer(xero: SimulatedXero, _: Request) -> Answered:
        member, records = lists.WHOLE[name]
        return answered(envelope(member, records(xero), xero.clock(), None))

    return answer


async def _contacts(xero: SimulatedXero, request: Request) -> Answered:
    return answered(lists.contact_page(xero, request.query_params))


def _documents(name: str) -> Answering:
    async def answer(xero: SimulatedXero, request: Request) -> Answered:
        if request.method == "GET":
            since = request.headers.get("if-modified-since")
            moment = datetime.fromisoformat(since) if since else None
            return answered(lists.documents(xero, name, request.query_params, moment))
        summarize = request.query_params.get("summarizeErrors", "true") == "true"
        sent = exact_json(await request.body())
        return answered(create_all(xero, name, sent, summarize=summarize))

    return answer


def _document(name: str) -> Answering:
    async def answer(xero: SimulatedXero, request: Request) -> Answered:
        record = request.path_params["record"]
        found = lists.document(xero, name, record)
        if found is None:
            raise projects.NoSuchRecordError
        if request.method == "GET":
            return answered(found)
        sent = exact_json(await request.body())
        return answered(change_one(xero, name, xero.documents[name][record], sent))

    return answer


async def _allocations(xero: SimulatedXero, request: Request) -> Answered:
    note = xero.documents["CreditNotes"].get(request.path_params["record"])
    if note is None:
        raise projects.NoSuchRecordError
    return answered(allocate_all(xero, note, exact_json(await request.body())))


def _listed(listing: Callable[[SimulatedXero, Any], Any]) -> Answering:
    async def answer(xero: SimulatedXero, request: Request) -> Answered:
        return answered(listing(xero, request.query_params))

    return answer


def _in_project(listing: Callable[[SimulatedXero, str, Any], Any]) -> Answering:
    async def answer(xero: SimulatedXero, request: Request) -> Answered:
        return answered(listing(xero, request.path_params["project"], request.query_params))

    return answer


async def _time(xero: SimulatedXero, request: Request) -> Answered:
    project = request.path_params["project"]
    if request.method == "GET":
        return answered(projects.entries(xero, project, request.query_params))
    made = projects.log_time(xero, project, exact_json(await request.body()))
    return answered(projects.shown_entry(made))


async def _entry(xero: SimulatedXero, request: Request) -> Answered:
    project, entry = request.path_params["project"], request.path_params["entry"]
    if request.method == "GET":
        return answered(projects.shown_entry(projects.entry(xero, project, entry)))
    projects.remove_entry(xero, project, entry)
    return Answered(204)


def _credentials(request: Request) -> tuple[str, str] | None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(given).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _response(told: Answered) -> Response:
    media = told.media_type if told.body else None
    return Response(told.body, told.status, dict(told.headers), media_type=media)


def main(arguments: list[str]) -> None:
    """Serve an organisation from a state file until somebody ends the process."""
    serve_from_file(
        "connectors.xero.simulator",
        OrganisationState,
        lambda state: simulated_xero(SimulatedXero(state)),
        arguments,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
