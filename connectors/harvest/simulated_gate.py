"""The door of the simulated Harvest: what every request meets before it is answered."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.harvest.simulated_account import HarvestAccount

Answering = Callable[[HarvestAccount, Request], Response]


class Dated:
    """Says in each answer what time it is at Harvest, as every HTTP server does."""

    def __init__(self, app: ASGIApp, account: HarvestAccount) -> None:
        self._app = app
        self._account = account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and the date with the head of the answer."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = format_datetime(self._account.clock().astimezone(UTC), usegmt=True)
                message["headers"] = [*message["headers"], (b"date", told.encode())]
            await send(message)

        await self._app(scope, receive, dated)


async def turned_away(account: HarvestAccount, request: Request) -> Response | None:
    """What every request meets first: who are you, how often, and is Harvest well today."""
    account.served[request.method] += 1
    if account.quirks.slow_seconds:
        await asyncio.sleep(account.quirks.slow_seconds)
    if not request.headers.get("user-agent"):
        return error(400, "A User-Agent header with a contact is required")
    if request.headers.get("authorization") != f"Bearer {account.token}":
        told = {"error": "invalid_token", "error_description": "The access token is not valid."}
        return JSONResponse(told, 401)
    if request.headers.get("harvest-account-id") != account.account_id:
        return error(403, "This token has no access to the account")
    wait_seconds = account.admit(time.monotonic())
    if wait_seconds:
        later = format_datetime(account.clock() + timedelta(seconds=wait_seconds), usegmt=True)
        when = later if account.quirks.retry_after_as_date else str(wait_seconds)
        return JSONResponse({"message": "Too many requests"}, 429, {"Retry-After": when})
    if account.use_up("failures"):
        return error(500, "Internal server error")
    return None


def error(status: int, message: str) -> Response:
    """An error in one of the forms that Harvest has for it."""
    return JSONResponse({"message": message}, status)


def not_found() -> Response:
    """What Harvest says of a record that is not there."""
    return JSONResponse({"status": 404, "error": "Not Found"}, 404)


def guarded(account: HarvestAccount, answer: Answering) -> Callable[[Request], Any]:
    """Answer only who gets through the door."""

    async def endpoint(request: Request) -> Response:
        return await turned_away(account, request) or answer(account, request)

    return endpoint
