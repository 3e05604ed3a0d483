"""The Temporal client, the same for workers, the command line and tests."""

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig


def sdk_runtime(metrics_address: str | None) -> Runtime:
    """The SDK's runtime; with an address it serves the SDK's own metrics there."""
    metrics = (
        PrometheusConfig(bind_address=metrics_address, durations_as_seconds=True)
        if metrics_address
        else None
    )
    return Runtime(telemetry=TelemetryConfig(metrics=metrics))


async def connect(address: str, namespace: str, runtime: Runtime | None = None) -> Client:
    """Connect; raises RuntimeError if the server is not there."""
    return await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter, runtime=runtime
    )
