"""The gateway process: takes webhooks until it is told to stop, then answers what is under way."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import uvloop
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from activities.master_sync_workflows import MasterSyncWorkflows
from connectors.base.capabilities import WebhookSource
from connectors.base.connections import Connections
from connectors.base.rate_budget import Unlimited
from gateway.telling import Telling
from gateway.webhooks import Webhooks
from runtime.configuration import Configuration, load_configuration, options_for
from runtime.health import served
from runtime.registry import has_capability, system_named
from runtime.settings import GatewaySettings
from runtime.temporal import connect_as

# Each may hold a body in memory.
CONNECTIONS_MAX: Final = 200


class NoTemporalError(Exception):
    """Temporal does not answer, so that nobody could be told."""


@dataclass(frozen=True, slots=True)
class Started:
    """Where the gateway serves, and whose webhooks it takes."""

    host: str
    port: int
    health_port: int | None
    connections: tuple[str, ...]


class Health:
    """What the gateway says about itself, on a port that the Internet does not see."""

    def __init__(self) -> None:
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
        """Ready without Temporal, too: only we can say that a webhook is to be sent again."""
        if not self.ready:
            return PlainTextResponse("starting or draining\n", status_code=503)
        return PlainTextResponse("ready\n")

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def run(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT, and say where; raises what `serve` raises."""

    async def until_told() -> None:
        stop = asyncio.Event()
        for told in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(told, stop.set)
        await serve(settings, stop, _say)

    uvloop.run(until_told())


def _say(started: Started) -> None:
    where = f", metrics on port {started.health_port}" if started.health_port else ""
    sys.stdout.write(
        f"ledgerway gateway takes webhooks at http://{started.host}:{started.port}/webhooks/"
        f"CONNECTION of {', '.join(started.connections) or 'no connection'}{where}\n"
    )
    sys.stdout.flush()


async def serve(
    settings: GatewaySettings,
    stop: asyncio.Event,
    on_started: Callable[[Started], None],
) -> None:
    """Take webhooks until `stop` is set, then answer those that came.

    `on_started` is told once it serves. Raises ConfigurationError, NoTemporalError, or
    OSError if an address cannot be had.
    """
    configuration, _ = load_configuration(settings.config)
    sources = webhook_sources(settings, configuration)
    try:
        client = await connect_as(settings)
    except RuntimeError as error:
        raise NoTemporalError from error
    telling = Telling(MasterSyncWorkflows(client, configuration.tenant).tell)
    webhooks = Webhooks(sources, telling, lambda: datetime.now(UTC))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(Connections(sources).close)
        health, health_port = Health(), None
        if settings.health_port is not None:
            health_port = await stack.enter_async_context(
                served(health, settings.health_host, settings.health_port)
            )
        port = await stack.enter_async_context(
            served(
                webhooks,
                settings.gateway_host,
                settings.gateway_port,
                connections_max=CONNECTIONS_MAX,
                drain_seconds=settings.drain_seconds,
            )
        )
        health.ready = True
        on_started(Started(settings.gateway_host, port, health_port, tuple(sorted(sources))))
        await stop.wait()
        health.ready = False


def webhook_sources(
    settings: GatewaySettings, configuration: Configuration
) -> Mapping[str, WebhookSource]:
    """Make the connections that send webhooks, and no other: this process gets no other secrets.

    Nothing is asked of them but whether a webhook is theirs, so that none needs a budget.
    """
    found = {}
    for name, one in configuration.connections.items():
        if has_capability(one.system, WebhookSource):
            system = system_named(one.system)
            options = options_for(system, name, one, settings.config)
            connected = system.connect(options, Unlimited())
            assert isinstance(connected, WebhookSource)
            found[name] = connected
    return found
