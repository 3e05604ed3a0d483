"""Health: /metrics for Prometheus, /ready for Kubernetes, /live for both."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import httpx
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from activities import metrics
from runtime.bootstrap import Platform
from store import reports
from store.database import UNAVAILABLE


class Health:
    """What a process says about itself; not ready until told so, nor while it drains."""

    def __init__(self, platform: Platform, sdk_metrics_address: str | None) -> None:
        self._platform = platform
        self._sdk_metrics_address = sdk_metrics_address
        self.ready = False

    def app(self) -> Starlette:
        """The HTTP application."""
        return Starlette(
            routes=[
                Route("/metrics", self._metrics),
                Route("/ready", self._ready),
                Route("/live", self._live),
            ]
        )

    async def _live(self, _: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def _ready(self, _: Request) -> Response:
        if not self.ready:
            return PlainTextResponse("starting or draining\n", status_code=503)
        try:
            await self._platform.database.fetch_row("SELECT 1")
            await self._platform.client.service_client.check_health()
        except Exception as error:
            return PlainTextResponse(f"not ready: {type(error).__name__}\n", status_code=503)
        return PlainTextResponse("ready\n")

    async def _metrics(self, _: Request) -> Response:
        try:
            await self._refresh()
            metrics.LEDGER_READABLE.set(1)
        except UNAVAILABLE:
            # What else there is to say is worth saying all the more.
            metrics.LEDGER_READABLE.set(0)
        body = generate_latest()
        if self._sdk_metrics_address is not None:
            body += await self._sdk_metrics()
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    async def _refresh(self) -> None:
        async with self._platform.database.transaction() as connection:
            backlog = await reports.backlog(connection)
        metrics.LINES_IN_CASES.clear()
        for cause, legal_entity, lines in backlog.in_cases:
            metrics.LINES_IN_CASES.labels(cause, legal_entity).set(lines)
        for target in self._platform.configuration.targets():
            metrics.UNCERTAIN_LINES.labels(target).set(0)
            metrics.UNCERTAIN_AGE.labels(target).set(0)
            metrics.UNPAID_REPORTS.labels(target).set(0)
            metrics.UNPAID_AGE.labels(target).set(0)
        for target, lines, age_seconds in backlog.uncertain:
            metrics.UNCERTAIN_LINES.labels(target).set(lines)
            metrics.UNCERTAIN_AGE.labels(target).set(float(age_seconds))
        for target, unpaid, age_seconds in backlog.unpaid:
            metrics.UNPAID_REPORTS.labels(target).set(unpaid)
            metrics.UNPAID_AGE.labels(target).set(float(age_seconds))
        for connection_name, waiting, refused in backlog.news:
            metrics.NEWS_WAITING.labels(connection_name).set(waiting)
            metrics.NEWS_REFUSED.labels(connection_name).set(refused)

    async def _sdk_metrics(self) -> bytes:
        """The Temporal SDK serves its own; people scrape one address."""
        async with httpx.AsyncClient() as http:
            try:
                answer = await http.get(f"http://{self._sdk_metrics_address}/metrics")
            except httpx.HTTPError:
                return b"# the Temporal SDK's metrics are not available\n"
            return answer.content


class _Server(uvicorn.Server):
    """A server that leaves signals to the worker around it."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def served(health: Health, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the block ends; gives the port, which is a free one if 0 was asked for.

    Raises OSError if the address cannot be had.
    """
    listener = socket.create_server((host, port))
    config = uvicorn.Config(health.app(), log_level="warning", access_log=False, lifespan="off")
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
