"""Business Central as a plain ASGI app over one environment, quirks included.

    python -m connectors.business_central.simulator --port 0

serves it in a process of its own and prints {"port": …, "url": …} as its first line: the address
of the API and of the login alike. Orders of ours are under `/__sim/`.
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.base.http import exact_json, exact_json_text
from connectors.business_central.simulated_firm import furnish
from connectors.business_central.simulated_orders import ORDERS, held
from connectors.business_central.simulated_query import ODataError
from connectors.business_central.simulated_service import Ask, Environment, Reply
from connectors.simulation.program import serve_one

CLIENT_ID, CLIENT_SECRET, TENANT = "the-client-id", "the-client-secret", "firm.example"
_WINDOW_SECONDS: Final = 300


class _Gate:
    """Who may come in, and how often."""

    def __init__(self, environment: Environment, clock: Callable[[], float]) -> None:
        self.environment = environment
        self.clock = clock
        self.tokens: dict[str, float] = {}
        self._calls: deque[float] = deque()

    def new_token(self) -> str:
        token = f"token-{len(self.tokens) + 1}"
        self.tokens[token] = self.clock() + self.environment.quirks.token_seconds
        return token

    def knows(self, token: str) -> bool:
        return self.tokens.get(token, 0.0) > self.clock()

    def wait_seconds(self) -> int:
        now = self.clock()
        while self._calls and self._calls[0] <= now - _WINDOW_SECONDS:
            self._calls.popleft()
        if len(self._calls) >= self.environment.quirks.calls_in_window:
            return max(1, int(self._calls[0] + _WINDOW_SECONDS - now))
        self._calls.append(now)
        return 0


def simulated_business_central(
    environment: Environment, clock: Callable[[], float] = time.monotonic
) -> Starlette:
    """Mount an environment as the app that a test drives in process, or a server in its own."""
    gate = _Gate(environment, clock)

    async def token(request: Request) -> Response:
        return await _token(gate, request)

    async def api(request: Request) -> Response:
        return await _answer(gate, request)

    async def order(request: Request) -> Response:
        return await _ordered(environment, request)

    async def documents(_: Request) -> Response:
        return _json(Reply(200, {"documents": held(environment)}))

    methods = ["GET", "POST", "PATCH", "DELETE"]
    return Starlette(
        routes=[
            Route("/{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
            Route("/__sim/documents", documents, methods=["GET"]),
            Route("/__sim/{order}", order, methods=["POST"]),
            Route("/v2.0/{environment}/api/v2.0/{path:path}", api, methods=methods),
        ]
    )


async def _ordered(environment: Environment, request: Request) -> Response:
    try:
        order = ORDERS[request.path_params["order"]]
        done = order(environment, exact_json(await request.body()))
    except (KeyError, ValueError, ODataError) as error:
        return JSONResponse({"wrong": f"{type(error).__name__}: {error}"}, 422)
    return _json(Reply(200, {"done": done}))


async def _token(gate: _Gate, request: Request) -> Response:
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    given = (request.path_params["tenant"], form.get("client_id"), form.get("client_secret"))
    if given != (TENANT, CLIENT_ID, CLIENT_SECRET):
        return JSONResponse({"error": "invalid_client", "error_description": "AADSTS7000215"}, 401)
    if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith(
        "/.default"
    ):
        return JSONResponse({"error": "invalid_request"}, 400)
    told = {"token_type": "Bearer", "access_token": gate.new_token()}
    return JSONResponse({**told, "expires_in": gate.environment.quirks.token_seconds})


async def _answer(gate: _Gate, request: Request) -> Response:
    environment, quirks = gate.environment, gate.environment.quirks
    if seconds := gate.wait_seconds():
        later = format_datetime(environment.clock() + timedelta(seconds=seconds), usegmt=True)
        when = later if quirks.retry_after_as_date else str(seconds)
        error = {"code": "Application_TooManyRequests", "message": "Too many requests."}
        return JSONResponse({"error": error}, 429, {"Retry-After": when})
    if not gate.knows(request.headers.get("authorization", "").removeprefix("Bearer ")):
        error = {"code": "Authentication_InvalidCredentials", "message": "The token is not good."}
        return JSONResponse({"error": error}, 401)
    if quirks.fail_before:
        quirks.fail_before -= 1
        return _failure(quirks.fail_status, quirks.fail_body)
    if request.method != "GET" and quirks.slow_seconds:
        await asyncio.sleep(float(quirks.slow_seconds))
    reply = await _carried_out(environment, request)
    if request.method != "GET" and quirks.fail_after:
        quirks.fail_after -= 1
        return _failure(quirks.fail_status, quirks.fail_body)
    return reply


async def _carried_out(environment: Environment, request: Request) -> Response:
    root = str(request.url).split("/api/v2.0/", 1)[0] + "/api/v2.0/"
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        body: Any = exact_json(await request.body()) if await request.body() else None
    except ValueError:
        return _json(Reply(400, ODataError(400, "BadRequest", "Invalid Request Body").body))
    ask = Ask(
        request.method,
        request.path_params["path"],
        dict(request.query_params),
        {**headers, "service-root": root},
        body,
    )
    if ask.path == "$batch" and ask.method == "POST":
        try:
            return _json(environment.batch(body, headers))
        except ODataError as error:
            return _json(Reply(error.status, error.body))
    return _json(environment.answer(replace(ask)))


def _failure(status: int, body: str) -> Response:
    kind = "text/html" if body.startswith("<") else "application/json"
    return Response(body, status, media_type=kind)


def _json(reply: Reply) -> Response:
    if reply.body is None:
        return Response(status_code=reply.status)
    return Response(exact_json_text(reply.body), reply.status, media_type="application/json")


def main(arguments: list[str]) -> None:
    """Serve a small firm until somebody ends the process."""
    environment = Environment()
    furnish(environment)
    app = simulated_business_central(environment)
    serve_one("connectors.business_central.simulator", app, arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
