"""The door of the simulated company, and the forms in which it says no."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.bamboohr.simulated_company import BambooCompany

Answering = Callable[[BambooCompany, Request, bytes], Response]


def refused(status: int, message: str = "") -> Response:
    """The older form: no body, and sometimes a header with the reason."""
    return Response(
        status_code=status, headers={"X-BambooHR-Error-Message": message} if message else None
    )


def error(status: int, code: str, message: str) -> Response:
    """How the list of employees says no."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def problem(status: int, code: str, detail: str) -> Response:
    """How the newest parts say no."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code}
    return JSONResponse(body, status)


async def turned_away(company: BambooCompany, request: Request) -> Response | None:
    """What every request meets first: who are you, how often, and is BambooHR well today."""
    company.served[request.method] += 1
    # Requests that come together are under way together.
    await asyncio.sleep(0)
    login = b64encode(f"{company.api_key}:x".encode()).decode()
    if request.headers.get("authorization") != f"Basic {login}":
        return refused(401, "Invalid API key")
    if company.use_up("throttled"):
        quirks = company.quirks
        wait = {"Retry-After": str(quirks.retry_after_seconds)}
        return Response(status_code=quirks.throttled_status, headers=wait)
    if company.use_up("failures"):
        return Response(status_code=500)
    return None


def guarded(company: BambooCompany, answer: Answering) -> Callable[[Request], Awaitable[Any]]:
    """Answer only who gets through the door."""

    async def endpoint(request: Request) -> Response:
        away = await turned_away(company, request)
        return away or answer(company, request, await request.body())

    return endpoint
