"""Harvest v2 as a plain ASGI app over one account, quirks included; orders under `/__sim/`.

    python -m connectors.harvest.simulator --port 0 --state FILE.json

serves it in a process of its own and prints {"port": …, "url": …} as its first line.
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_lists import list_of
from connectors.harvest.simulated_orders import ORDERS, Order
from connectors.harvest.simulated_state import AccountState

# Longer than any client's, so that it is never we who close under a request.
_KEEP_ALIVE_SECONDS: Final = 75

Answering = Callable[[HarvestAccount, Request], Response]


def simulated_harvest(account: HarvestAccount) -> Starlette:
    """Mount an account as the app that a test drives in process, or a server in its own."""
    vendor = [
        Route("/company", _guarded(account, _company), methods=["GET"]),
        *(
            Route(f"/{member}", _guarded(account, _list(member)), methods=["GET"])
            for member in _LISTS
        ),
        Route("/time_entries/{entry_id:int}", _guarded(account, _time_entry), methods=["GET"]),
        Route("/time_entries/{entry_id:int}", _refer(account), methods=["PATCH"]),
    ]

    async def status(_: Request) -> Response:
        return JSONResponse(account.summary())

    async def references(_: Request) -> Response:
        return JSONResponse(account.references())

    async def state(_: Request) -> Response:
        return Response(account.state().model_dump_json(), media_type="application/json")

    ours = [
        Route("/state", state, methods=["GET"]),
        Route("/status", status, methods=["GET"]),
        Route("/references", references, methods=["GET"]),
        *(
            Route(f"/{name}", _ordered(account, order), methods=["POST"])
            for name, order in ORDERS.items()
        ),
    ]
    return Starlette(routes=[Mount("/v2", routes=vendor), Mount("/__sim", routes=ours)])


_LISTS: Final = ("users", "clients", "projects", "tasks", "task_assignments", "time_entries")


def _ordered(account: HarvestAccount, order: Order) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"done": order(account, await request.body())})
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"wrong": wrong}, 422)
        except KeyError as error:
            return JSONResponse({"wrong": f"there is no {error}"}, 404)

    return endpoint


async def _turned_away(account: HarvestAccount, request: Request) -> Response | None:
    """What every request meets first: who are you, how often, and is Harvest well today."""
    account.served[request.method] += 1
    if account.quirks.slow_seconds:
        await asyncio.sleep(account.quirks.slow_seconds)
    if not request.headers.get("user-agent"):
        return _error(400, "A User-Agent header with a contact is required")
    if request.headers.get("authorization") != f"Bearer {account.token}":
        told = {"error": "invalid_token", "error_description": "The access token is not valid."}
        return JSONResponse(told, 401)
    if request.headers.get("harvest-account-id") != account.account_id:
        return _error(403, "This token has no access to the account")
    wait_seconds = account.admit(time.monotonic())
    if wait_seconds:
        later = format_datetime(account.clock() + timedelta(seconds=wait_seconds), usegmt=True)
        when = later if account.quirks.retry_after_as_date else str(wait_seconds)
        return JSONResponse({"message": "Too many requests"}, 429, {"Retry-After": when})
    if account.use_up("failures"):
        return _error(500, "Internal server error")
    return None


def _error(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)


def _guarded(account: HarvestAccount, answer: Answering) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await _turned_away(account, request) or answer(account, request)

    return endpoint


def _company(account: HarvestAccount, request: Request) -> Response:  # noqa: ARG001
    domain = f"{account.account_id}.harvestapp.com"
    return JSONResponse(
        {
            "base_uri": f"https://{domain}",
            "full_domain": domain,
            "name": account.company,
            "is_active": True,
            "week_start_day": "Monday",
            "approval_feature": account.approval_feature,
        }
    )


def _list(member: str) -> Answering:
    def answer(account: HarvestAccount, request: Request) -> Response:
        url = request.url.remove_query_params(["page", "cursor"])
        if account.quirks.foreign_links:
            url = url.replace(hostname="elsewhere.example")
        try:
            body = list_of(
                account,
                member,
                request.query_params,
                lambda parameter: str(url.include_query_params(**parameter)),
            )
        except ValueError as error:
            return _error(422, str(error))
        return Response(body, media_type="application/json")

    return answer


def _time_entry(account: HarvestAccount, request: Request) -> Response:
    try:
        entry = account.entry(request.path_params["entry_id"])
    except KeyError:
        return JSONResponse({"status": 404, "error": "Not Found"}, 404)
    return Response(account.json_of(entry), media_type="application/json")


def _refer(account: HarvestAccount) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        turned_away = await _turned_away(account, request)
        if turned_away is not None:
            return turned_away
        body = await request.json()
        try:
            entry = account.entry(request.path_params["entry_id"])
        except KeyError:
            return JSONResponse({"status": 404, "error": "Not Found"}, 404)
        if entry.facts.is_closed and account.quirks.refuses_reference_on_closed:
            return _error(422, "The time entry is approved and locked")
        account.refer(entry.facts.id, body.get("external_reference") or {})
        if account.use_up("failures_after_write"):
            return _error(500, "Internal server error")
        return Response(account.json_of(entry), media_type="application/json")

    return endpoint


def main(arguments: list[str]) -> None:
    """Serve an account from a state file until somebody ends the process."""
    parser = argparse.ArgumentParser(prog="python -m connectors.harvest.simulator")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--state", type=Path, help="an AccountState as JSON")
    given = parser.parse_args(arguments)
    state = AccountState.model_validate_json(given.state.read_bytes()) if given.state else None
    listening = socket.create_server(("127.0.0.1", given.port), backlog=256)
    port = listening.getsockname()[1]
    print(json.dumps({"port": port, "url": f"http://127.0.0.1:{port}/v2"}), flush=True)  # noqa: T201
    serve(HarvestAccount(state), listening)


def serve(account: HarvestAccount, listening: socket.socket) -> None:
    """Serve on a socket that is already bound."""
    import uvicorn

    config = uvicorn.Config(
        simulated_harvest(account),
        log_level="warning",
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        lifespan="off",
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1:])
