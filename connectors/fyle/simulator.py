"""Fyle as a plain ASGI app over one organisation, quirks included; orders under `/__sim/`.

    python -m connectors.fyle.simulator --port 0 --state FILE.json

serves it in a process of its own and prints {"port": …, "url": …} as its first line: the address
of accounts and cluster alike.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from connectors.base.http import exact_json_text
from connectors.fyle.simulated_lists import LISTS, list_of
from connectors.fyle.simulated_orders import ORDERS, Order
from connectors.fyle.simulated_organisation import SimulatedFyle
from connectors.fyle.simulated_state import OrganisationState
from connectors.fyle.simulated_writes import (
    BULK,
    Bulk,
    RefusedError,
    bulk,
    make_export,
    revert,
    shown,
)
from connectors.simulation.program import serve_from_file

Answering = Callable[[SimulatedFyle, Request], Awaitable[Response]]


def simulated_fyle(fyle: SimulatedFyle) -> Starlette:
    """Mount an organisation as the app that a test drives in process, or a server in its own."""
    admin = [
        *(Route(f"/{name}", _guarded(fyle, _list(name)), methods=["GET"]) for name in LISTS),
        *(
            Route(path, _guarded(fyle, _bulk(call), writes=True), methods=["POST"])
            for path, call in BULK.items()
        ),
        Route("/accounting_exports", _guarded(fyle, _export, writes=True), methods=["POST"]),
        Route(
            "/reports/revert_to_processing", _guarded(fyle, _revert, writes=True), methods=["POST"]
        ),
    ]
    accounts = [
        Route("/api/oauth/token", _guarded(fyle, _token, signed=False), methods=["POST"]),
        Route("/oauth/cluster", _guarded(fyle, _cluster), methods=["POST"]),
    ]
    return Starlette(
        routes=[
            *accounts,
            Mount("/platform/v1/admin", routes=admin),
            Mount("/__sim", routes=_ours(fyle)),
        ]
    )


def _ours(fyle: SimulatedFyle) -> list[Route]:
    async def status(_: Request) -> Response:
        return JSONResponse(fyle.summary())

    async def told(_: Request) -> Response:
        return JSONResponse(fyle.told)

    async def state(_: Request) -> Response:
        return Response(fyle.state().model_dump_json(), media_type="application/json")

    return [
        Route("/state", state, methods=["GET"]),
        Route("/status", status, methods=["GET"]),
        Route("/told", told, methods=["GET"]),
        *(
            Route(f"/{name}", _ordered(fyle, order), methods=["POST"])
            for name, order in ORDERS.items()
        ),
    ]


def _ordered(fyle: SimulatedFyle, order: Order) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"done": order(fyle, await request.body())})
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"wrong": wrong}, 422)
        except KeyError as error:
            return JSONResponse({"wrong": f"there is no {error}"}, 404)

    return endpoint


def _guarded(
    fyle: SimulatedFyle, answer: Answering, *, signed: bool = True, writes: bool = False
) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        turned_away = await _turned_away(fyle, request, signed=signed)
        if turned_away is not None:
            return turned_away
        try:
            told = await answer(fyle, request)
        except RefusedError as refused:
            return JSONResponse(refused.body, refused.status)
        except (ValueError, TypeError, AttributeError) as error:
            return JSONResponse({"message": f"Bad request: {error}"}, 400)
        if writes and fyle.use_up("failures_after_write"):
            return JSONResponse({"message": "Internal server error"}, 500)
        return told

    return endpoint


async def _turned_away(fyle: SimulatedFyle, request: Request, *, signed: bool) -> Response | None:
    """What every request meets first: how often, who are you, and is Fyle well today."""
    fyle.served[f"{request.method} {request.url.path.rsplit('/admin', 1)[-1]}"] += 1
    if fyle.quirks.slow_seconds:
        await asyncio.sleep(fyle.quirks.slow_seconds)
    wait_seconds = fyle.admit(time.monotonic())
    if wait_seconds:
        later = format_datetime(fyle.clock() + timedelta(seconds=wait_seconds), usegmt=True)
        when = later if fyle.quirks.retry_after_as_date else str(wait_seconds)
        return JSONResponse({"message": "Too many requests"}, 429, {"Retry-After": when})
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if signed and not fyle.knows(token):
        return JSONResponse({"message": "invalid token"}, 401)
    if fyle.use_up("failures"):
        return JSONResponse({"message": "Internal server error"}, 500)
    return None


async def _token(fyle: SimulatedFyle, request: Request) -> Response:
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    facts = fyle.facts
    if form.get("grant_type") != "refresh_token":
        return JSONResponse({"message": "grant_type is not supported"}, 400)
    if form.get("client_id") != facts.client_id:
        return JSONResponse({"message": "Client not found"}, 404)
    secrets = (form.get("client_secret"), form.get("refresh_token"))
    if secrets != (facts.client_secret, facts.refresh_token):
        return JSONResponse({"message": "Wrong client secret or refresh token"}, 401)
    told = {"access_token": fyle.new_token(), "token_type": "bearer"}
    return JSONResponse({**told, "expires_in": fyle.quirks.token_seconds})


async def _cluster(fyle: SimulatedFyle, request: Request) -> Response:
    here = f"{request.url.scheme}://{request.url.netloc}"
    return JSONResponse({"cluster_domain": fyle.facts.cluster_domain or here})


def _list(name: str) -> Answering:
    async def answer(fyle: SimulatedFyle, request: Request) -> Response:
        return _json(list_of(fyle, name, request.query_params))

    return answer


def _bulk(call: Bulk) -> Answering:
    async def answer(fyle: SimulatedFyle, request: Request) -> Response:
        bulk(fyle, call, await request.json())
        return Response(status_code=200)

    return answer


async def _export(fyle: SimulatedFyle, request: Request) -> Response:
    made = make_export(fyle, await request.json())
    return _json(exact_json_text({"data": made}).encode())


async def _revert(fyle: SimulatedFyle, request: Request) -> Response:
    return _json(shown(fyle, revert(fyle, await request.json())))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def main(arguments: list[str]) -> None:
    """Serve an organisation from a state file until somebody ends the process."""
    serve_from_file(
        "connectors.fyle.simulator",
        OrganisationState,
        lambda state: simulated_fyle(SimulatedFyle(state)),
        arguments,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
