"""Webhooks in: a vendor says that something changed, and the synchronisation of masters looks.

A webhook is a hint. Nothing of its body is used, kept or logged beyond proving who sent it: what
changed is read again from the system itself.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from connectors.base.capabilities import WebhookSource
from gateway import metrics
from gateway.bodies import BODY_BYTES_MAX, BODY_SECONDS_MAX, TooLargeError, body_of
from gateway.telling import NotToldError, Telling

# Temporal is back, or has chosen another host, within less.
RETRY_AFTER_SECONDS: Final = 30


class Webhooks:
    """Takes webhooks of the connections that send some, and answers when they were passed on."""

    def __init__(
        self,
        sources: Mapping[str, WebhookSource],
        telling: Telling,
        clock: Callable[[], datetime],
        body_seconds_max: float = BODY_SECONDS_MAX,
    ) -> None:
        self._sources = sources
        self._telling = telling
        self._clock = clock
        self._body_seconds_max = body_seconds_max

    def app(self) -> Starlette:
        """The HTTP application."""
        return Starlette(
            routes=[
                Route("/webhooks/{connection}", self._take, methods=["POST"]),
                Route("/healthz", self._healthz),
            ]
        )

    async def _healthz(self, _: Request) -> Response:
        """For load balancers. Without Temporal we are well, too, and say who has to send again."""
        return PlainTextResponse("well\n")

    async def _take(self, request: Request) -> Response:
        name: str = request.path_params["connection"]
        source = self._sources.get(name)
        if source is None:
            # The same for a connection without webhooks: strangers do not learn what there is.
            metrics.WEBHOOKS.labels("", "unknown").inc()
            return _refused(404, "unknown", "no connection of this name takes webhooks")
        answer, response = await self._answer(name, source, request)
        metrics.WEBHOOKS.labels(name, answer).inc()
        return response

    async def _answer(
        self, name: str, source: WebhookSource, request: Request
    ) -> tuple[str, Response]:
        try:
            body = await body_of(request, self._body_seconds_max)
        except TooLargeError:
            message = f"a webhook has at most {BODY_BYTES_MAX} bytes"
            return "too_large", _refused(413, "too_large", message)
        except (TimeoutError, ClientDisconnect):
            return "too_slow", _refused(408, "too_slow", "the body did not come in time")
        if not source.is_genuine(dict(request.headers), body, self._clock()):
            message = "this is not signed with the key of the connection's webhook, or not lately"
            return "not_genuine", _refused(401, "not_genuine", message)
        try:
            await self._telling.tell(name)
        except NotToldError:
            refused = _refused(503, "not_told", "nobody can be told now; send it again")
            refused.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
            return "not_told", refused
        return "told", JSONResponse({"told": True}, 202)


def _refused(status: int, code: str, message: str) -> Response:
    # What was not read of a body is not waited for.
    return JSONResponse(
        {"error": code, "message": message}, status, headers={"connection": "close"}
    )
