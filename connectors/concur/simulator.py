"""SAP Concur as a plain ASGI app over one company, quirks included; orders under `/__sim/`.

    python -m connectors.concur.simulator --port 0 --state FILE.json

serves it in a process of its own and prints {"port": …, "url": …} as its first line.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from connectors.base.http import exact_json
from connectors.concur.simulated_company import SimulatedConcur
from connectors.concur.simulated_judgements import judged
from connectors.concur.simulated_lists import documents_page, users_page
from connectors.concur.simulated_orders import ORDERS, Order
from connectors.concur.simulated_state import CompanyState
from connectors.simulation.program import serve_from_file

_KINDS: Final = frozenset({"expense", "cashadvance"})
_ITEMS: Final = {
    "acknowledgements": "ids",
    "postingconfirmations": "postingConfirmations",
    "paymentconfirmations": "processingConfirmation",
}

Answering = Callable[[SimulatedConcur, Request], Awaitable[Response]]


def simulated_concur(company: SimulatedConcur) -> Starlette:
    """Mount a company as the app that a test drives in process, or a server in its own."""
    transactions = "/fi/v4/companies/transactiontypes/{kind}/transactions"
    vendor = [
        Route("/oauth2/v0/token", _guarded(company, _token, signed=False), methods=["POST"]),
        Route("/profile/identity/v4.1/Users", _guarded(company, _users), methods=["GET"]),
        Route(f"/financialintegration{transactions}", _guarded(company, _list), methods=["GET"]),
        *(
            Route(
                f"/financialintegration{transactions}/{what}",
                _guarded(company, _judging(what)),
                methods=["POST"],
            )
            for what in _ITEMS
        ),
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
    return Starlette(routes=[*vendor, Mount("/__sim", routes=ours)])


def _ordered(company: SimulatedConcur, order: Order) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"done": order(company, await request.body())})
        except KeyError as error:
            return JSONResponse({"wrong": f"there is no {error}"}, 404)
        except ValueError as error:
            return JSONResponse({"wrong": str(error)}, 422)

    return endpoint


def _guarded(
    company: SimulatedConcur, answer: Answering, *, signed: bool = True
) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        company.served[f"{request.method} {request.url.path.rsplit('/', 1)[-1]}"] += 1
        if company.quirks.slow_seconds:
            await asyncio.sleep(company.quirks.slow_seconds)
        return _turned_away(company, request, signed=signed) or await answer(company, request)

    return endpoint


def _turned_away(company: SimulatedConcur, request: Request, *, signed: bool) -> Response | None:
    """What every request meets first: who are you, how often, and is Concur well today."""
    wait_seconds = company.admit(time.monotonic())
    if wait_seconds:
        later = format_datetime(company.clock() + timedelta(seconds=wait_seconds), usegmt=True)
        when = later if company.quirks.retry_after_as_date else str(wait_seconds)
        return JSONResponse({"message": "Too many requests"}, 429, {"Retry-After": when})
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if signed and not (scheme == "Bearer" and company.opens(token)):
        return JSONResponse({"message": "Unauthorized", "status": "401"}, 401)
    if company.use_up("failures"):
        return JSONResponse({"message": "Internal error", "status": "500"}, 500)
    if company.use_up("accepted"):
        return JSONResponse({"message": "Accepted"}, 202)
    return None


async def _token(company: SimulatedConcur, request: Request) -> Response:
    form = {name: told[-1] for name, told in parse_qs((await request.body()).decode()).items()}
    if form.get("client_id") != company.facts.client_id:
        return _no_token(61, "invalid_client", "client not found")
    if form.get("client_secret") != company.facts.client_secret:
        return _no_token(64, "invalid_client", "Incorrect credentials. Please Retry")
    if form.get("grant_type") != "refresh_token":
        return _no_token(60, "invalid_grant", "these are not the grants you are looking for")
    if form.get("refresh_token") not in {company.facts.refresh_token, company.refresh_token}:
        return _no_token(108, "invalid_grant", "bad or expired refresh token")
    token = company.issue_token()
    told = {
        "expires_in": str(company.quirks.token_seconds),
        "scope": "FISVC identity.user.ids.read",
        "token_type": "Bearer",
        "access_token": token,
        "refresh_token": company.refresh_token,
        "geolocation": company.quirks.geolocation or str(request.base_url).rstrip("/"),
    }
    return JSONResponse(told)


def _no_token(code: int, error: str, description: str) -> Response:
    told = {"code": code, "error": error, "error_description": description}
    return JSONResponse(told, 401 if error == "invalid_client" else 400)


async def _list(company: SimulatedConcur, request: Request) -> Response:
    kind = request.path_params["kind"]
    form = request.headers.get("documentformatas", "json").lower()
    if kind not in _KINDS or form not in {"json", "text"}:
        return Response(status_code=400)
    try:
        body = documents_page(company, kind, request.query_params, form)
    except ValueError:
        return Response(status_code=400)
    return Response(body, media_type="application/json")


async def _users(company: SimulatedConcur, request: Request) -> Response:
    try:
        body = users_page(company, request.query_params)
    except ValueError as error:
        return JSONResponse({"detail": str(error), "status": "400"}, 400)
    return Response(body, media_type="application/json")


def _judging(what: str) -> Answering:
    async def answer(company: SimulatedConcur, request: Request) -> Response:
        kind, body = request.path_params["kind"], exact_json(await request.body())
        items, system_id = _items_of(what, body), body.get("systemId", "")
        if kind not in _KINDS or items is None:
            return Response(status_code=400)
        answers = [judged(company, what, kind, each, system_id) for each in items]
        if company.use_up("hangs_after_write"):
            await asyncio.sleep(company.quirks.hang_seconds)
        if company.use_up("failures_after_write"):
            return Response(status_code=500)
        return JSONResponse([each for each in answers if each is not None])

    return answer


def _items_of(what: str, body: Any) -> list[Any] | None:
    """The documents of a request; None if the request as a whole cannot be right."""
    items = body.get(_ITEMS[what]) if isinstance(body, dict) else None
    if not isinstance(items, list) or not items:
        return None
    if what == "acknowledgements":
        return [{"docId": each} for each in items]
    if any(len(each.get("docId", "")) not in range(1, 33) for each in items):
        return None  # One id that is too long spoils the whole request.
    return items


def main(arguments: list[str]) -> None:
    """Serve a company from a state file until somebody ends the process."""
    serve_from_file(
        "connectors.concur.simulator",
        CompanyState,
        lambda state: simulated_concur(SimulatedConcur(state)),
        arguments,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
