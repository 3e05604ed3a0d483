"""The Temporal client, the same for workers, the command line and tests."""

from typing import Final

from pydantic import SecretStr
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from runtime.settings import ProcessSettings

# How everything that crosses Temporal is written; replays read recorded histories with it.
DATA_CONVERTER: Final = pydantic_data_converter


def sdk_runtime(metrics_address: str | None) -> Runtime:
    """The SDK's runtime; with an address it serves the SDK's own metrics there."""
    metrics = (
        PrometheusConfig(bind_address=metrics_address, durations_as_seconds=True)
        if metrics_address
        else None
    )
    return Runtime(telemetry=TelemetryConfig(metrics=metrics))


async def connect(
    address: str,
    namespace: str,
    runtime: Runtime | None = None,
    *,
    tls: bool = False,
    api_key: SecretStr | None = None,
) -> Client:
    """Connect; raises RuntimeError if the server is not there."""
    return await Client.connect(
        address,
        namespace=namespace,
        tls=tls,
        api_key=api_key.get_secret_value() if api_key else None,
        data_converter=DATA_CONVERTER,
        runtime=runtime,
    )


async def connect_as(settings: ProcessSettings, runtime: Runtime | None = None) -> Client:
    """Connect as a process is configured."""
    return await connect(
        settings.temporal_address,
        settings.temporal_namespace,
        runtime,
        tls=settings.temporal_tls,
        api_key=settings.temporal_api_key,
    )
