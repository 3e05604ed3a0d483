"""The worker process: serves task queues until it is told to stop, then drains."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack

from runtime.bootstrap import Activities, platform_from
from runtime.configuration import ConfigurationError, load_configuration
from runtime.deprecations import warn
from runtime.health import Health, served
from runtime.settings import Settings
from runtime.temporal import connect_as, sdk_runtime
from runtime.topology import Queue, WorkerSettings, queues_of, worker_for


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    on_started: Callable[[int | None], None] = lambda _: None,
) -> None:
    """Serve until `stop` is set, then finish what is under way.

    `on_started` is told the port of /metrics once every queue is served. Raises
    ConfigurationError, or whatever says that the ledger or Temporal is not there.
    """
    configuration, policies = load_configuration(settings.config)
    sdk_metrics = f"127.0.0.1:{_free_port()}" if settings.health_port is not None else None
    client = await connect_as(settings, sdk_runtime(sdk_metrics))
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(
            platform_from(settings, configuration, policies, client)
        )
        await warn(platform.database, configuration, policies)
        health, port = Health(platform, sdk_metrics), None
        if settings.health_port is not None:
            port = await stack.enter_async_context(
                served(health, settings.health_host, settings.health_port)
            )
        how = WorkerSettings(settings.build_id, settings.versioned, settings.drain_seconds)
        queues = _wanted(list(queues_of(platform, Activities.of(platform))), settings.queues)
        workers = [
            await stack.enter_async_context(worker_for(client, queue, how)) for queue in queues
        ]
        health.ready = True
        on_started(port)
        await stop.wait()
        # Kubernetes stops sending before it kills: first say so, then drain all queues at once.
        health.ready = False
        await asyncio.gather(*(worker.shutdown() for worker in workers))


def _wanted(queues: list[Queue], names: tuple[str, ...]) -> list[Queue]:
    unknown = set(names) - {queue.name for queue in queues}
    if unknown:
        known = ", ".join(queue.name for queue in queues)
        raise ConfigurationError(f"no task queue '{min(unknown)}'; there are {known}")
    return [queue for queue in queues if not names or queue.name in names]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
