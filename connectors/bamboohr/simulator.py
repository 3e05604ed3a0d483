"""BambooHR as a plain ASGI app over one company, quirks included; orders under `/__sim/`.

    python -m connectors.bamboohr.simulator --port 0 --state FILE.json

serves it in a process of its own and prints {"port": …, "url": …} as its first line.
"""

import sys
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from connectors.bamboohr import simulated_people as people
from connectors.bamboohr import simulated_webhooks as webhooks
from connectors.bamboohr import simulated_writes as writes
from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_gate import Answering, guarded
from connectors.bamboohr.simulated_orders import ORDERS, Order
from connectors.bamboohr.simulated_state import CompanyState
from connectors.simulation.program import serve_from_file


def simulated_bamboohr(company: BambooCompany) -> Starlette:
    """Mount a company as the app that a test drives in process, or a server in its own."""

    def route(method: str, path: str, answer: Answering) -> Route:
        return Route(path, guarded(company, answer), methods=[method])

    vendor = [
        route("GET", "/v1/employees", people.list_people),
        route("POST", "/v1/employees", writes.create),
        route("GET", "/v1/employees/changed", people.changed),
        route("GET", "/v1/employees/changed/tables/{table}", people.changed_rows),
        route("GET", "/v1/employees/{employee_id}", people.show_person),
        route("POST", "/v1/employees/{employee_id}", writes.update),
        route("GET", "/v1/employees/{employee_id}/tables/{table}", people.rows),
        route("GET", "/v1/meta/lists", people.lists),
        route("POST", "/v1/webhooks", webhooks.create),
        route("GET", "/v1/webhooks/{webhook_id:int}/log", webhooks.log),
        route("POST", "/v2/datasets/{name}/data", people.dataset),
    ]

    async def status(_: Request) -> Response:
        return JSONResponse(company.summary())

    async def state(_: Request) -> Response:
        return Response(company.state().model_dump_json(), media_type="application/json")

    ours = [
        Route("/state", state, methods=["GET"]),
        Route("/status", status, methods=["GET"]),
        *(
            Route(f"/{name}", _ordered(company, order), methods=["POST"])
            for name, order in ORDERS.items()
        ),
    ]
    return Starlette(routes=[Mount("/api", routes=vendor), Mount("/__sim", routes=ours)])


def _ordered(company: BambooCompany, order: Order) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"done": order(company, await request.body())})
        except ValidationError as invalid:
            wrong = invalid.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"wrong": wrong}, 422)
        except KeyError as missing:
            return JSONResponse({"wrong": f"there is no {missing}"}, 404)

    return endpoint


def main(arguments: list[str]) -> None:
    """Serve a company from a state file until somebody ends the process."""
    serve_from_file(
        "connectors.bamboohr.simulator",
        CompanyState,
        lambda state: simulated_bamboohr(BambooCompany(state)),
        arguments,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
