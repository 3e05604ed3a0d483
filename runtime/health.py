"""Health: /metrics for Prometheus, /ready for Kubernetes, /live for both."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Final, Protocol

import httpx
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from activities import metrics
from connectors.base.tls import trusted_authorities
from runtime.bootstrap import Platform
from store import billing_backlog, reports
from store.billing_backlog import BillingBacklog
from store.database import UNAVAILABLE
from store.reports import Backlog

# WIP is summed over all there ever was: 6 s for a million lines, so not at every scrape.
WIP_EVERY_SECONDS: Final = 300


class Pages(Protocol):
    """What is served over HTTP."""

    def app(self) -> Starlette:
        """The HTTP application."""
        ...


class Health:
    """What a process says about itself; not ready until told so, nor while it drains."""

    def __init__(self, platform: Platform, sdk_metrics_address: str | None) -> None:
        self._platform = platform
        self._sdk_metrics_address = sdk_metrics_address
        self._wip_due = 0.0
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
            self._show(await reports.backlog(connection))
            today = datetime.now(UTC).date()
            self._show_billing(await billing_backlog.billing_backlog(connection, today))
            if time.monotonic() >= self._wip_due:
                for currency, amount in await billing_backlog.wip_values(connection):
                    metrics.WIP_AMOUNT.labels(currency).set(float(amount))
                self._wip_due = time.monotonic() + WIP_EVERY_SECONDS

    def _show(self, backlog: Backlog) -> None:
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

    def _show_billing(self, backlog: BillingBacklog) -> None:
        for gauge in (
            *(metrics.READINESS_LAG, metrics.UNRELEASED_AMOUNT),
            *(metrics.HELD_UP_MONTHS, metrics.UNRELEASED_MONTHS),
        ):
            gauge.clear()
        for legal_entity, months in backlog.held_up:
            metrics.HELD_UP_MONTHS.labels(legal_entity).set(months)
        for legal_entity, months in backlog.unreleased:
            metrics.UNRELEASED_MONTHS.labels(legal_entity).set(months)
        for legal_entity, currency, amount in backlog.unreleased_amounts:
            metrics.UNRELEASED_AMOUNT.labels(legal_entity, currency).set(float(amount))
        for legal_entity, median, most in backlog.lags:
            metrics.READINESS_LAG.labels(legal_entity, "0.5").set(float(median))
            metrics.READINESS_LAG.labels(legal_entity, "0.95").set(float(most))
        for target in self._platform.configuration.targets():
            metrics.UNPAID_INVOICES.labels(target).set(0)
            metrics.OVERDUE_INVOICES.labels(target).set(0)
        for target, unpaid, overdue in backlog.unpaid:
            metrics.UNPAID_INVOICES.labels(target).set(unpaid)
            metrics.OVERDUE_INVOICES.labels(target).set(overdue)

    async def _sdk_metrics(self) -> bytes:
        """The Temporal SDK serves its own; people scrape one address."""
        async with httpx.AsyncClient(verify=trusted_authorities()) as http:
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
async def served(
    pages: Pages,
    host: str,
    port: int,
    *,
    connections_max: int | None = None,
    drain_seconds: int | None = None,
) -> AsyncIterator[int]:
    """Serve until the block ends; gives the port, which is a free one if 0 was asked for.

    Beyond `connections_max` callers get 503. At the end, requests that are under way are answered
    first, for at most `drain_seconds`. Raises OSError if the address cannot be had.
    """
    listener = socket.create_server((host, port))
    config = uvicorn.Config(
        pages.app(),
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        limit_concurrency=connections_max,
        timeout_graceful_shutdown=drain_seconds,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
