"""Harvest v2 as a plain ASGI app over one account, quirks included; orders under `/__sim/`.

    python -m connectors.harvest.simulator --port 0 --state FILE.json

serves it in a process of its own and prints {"port": …, "url": …} as its first line.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_gate import (
    Answering,
    Dated,
    error,
    guarded,
    not_found,
    turned_away,
)
from connectors.harvest.simulated_invoice_routes import invoice_routes
from connectors.harvest.simulated_lists import list_of
from connectors.harvest.simulated_master_routes import master_routes
from connectors.harvest.simulated_orders import ORDERS, Order
from connectors.harvest.simulated_state import AccountState
from connectors.simulation.program import serve_from_file


def simulated_harvest(account: HarvestAccount) -> Starlette:
    """Mount an account as the app that a test drives in process, or a server in its own."""
    vendor = [
        Route("/company", guarded(account, _company), methods=["GET"]),
        *(
            Route(f"/{member}", guarded(account, _list(member)), methods=["GET"])
            for member in _LISTS
        ),
        Route("/time_entries/{entry_id:int}", guarded(account, _time_entry), methods=["GET"]),
        Route("/time_entries/{entry_id:int}", _refer(account), methods=["PATCH"]),
        *invoice_routes(account),
        *master_routes(account),
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
    return Starlette(
        routes=[Mount("/v2", routes=vendor), Mount("/__sim", routes=ours)],
        middleware=[Middleware(Dated, account=account)],
    )


_LISTS: Final = ("users", "clients", "projects", "tasks", "task_assignments", "time_entries")


def _ordered(account: HarvestAccount, order: Order) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"done": order(account, await request.body())})
        except ValidationError as invalid:
            wrong = invalid.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"wrong": wrong}, 422)
        except KeyError as missing:
            return JSONResponse({"wrong": f"there is no {missing}"}, 404)

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
        except ValueError as refused:
            return error(422, str(refused))
        return Response(body, media_type="application/json")

    return answer


def _time_entry(account: HarvestAccount, request: Request) -> Response:
    try:
        entry = account.entry(request.path_params["entry_id"])
    except KeyError:
        return not_found()
    return Response(account.json_of(entry), media_type="application/json")


def _refer(account: HarvestAccount) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        away = await turned_away(account, request)
        if away is not None:
            return away
        body = await request.json()
        try:
            entry = account.entry(request.path_params["entry_id"])
        except KeyError:
            return not_found()
        if entry.facts.is_closed and account.quirks.refuses_reference_on_closed:
            return error(422, "The time entry is approved and locked")
        account.refer(entry.facts.id, body.get("external_reference") or {})
        if account.use_up("failures_after_write"):
            return error(500, "Internal server error")
        return Response(account.json_of(entry), media_type="application/json")

    return endpoint


def main(arguments: list[str]) -> None:
    """Serve an account from a state file until somebody ends the process."""
    # The account's clock is the one that counts, so the server names no time.
    serve_from_file(
        "connectors.harvest.simulator",
        AccountState,
        lambda state: simulated_harvest(HarvestAccount(state)),
        arguments,
        path="/v2",
        date_header=False,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
