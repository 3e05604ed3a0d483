"""A connector's error as Temporal hears it: a closed set of types, and when to try again."""

from datetime import timedelta
from typing import Final

from temporalio.exceptions import ApplicationError

from connectors.base.errors import (
    ConnectionConfigError,
    ConnectorError,
    RejectedError,
    TransientError,
)

OPERATOR_MENDS_WITHIN: Final = timedelta(minutes=1)


def as_application_error(error: ConnectorError) -> ApplicationError:
    """Say what happens next; the message carries the code only, never the vendor's words."""
    if isinstance(error, ConnectionConfigError):
        return ApplicationError(
            f"an operator must mend the connection: {error.code}",
            type="connection_config",
            next_retry_delay=OPERATOR_MENDS_WITHIN,
        )
    if isinstance(error, RejectedError):
        return ApplicationError(f"refused: {error.code}", type="rejected", non_retryable=True)
    delay = error.retry_after_seconds if isinstance(error, TransientError) else None
    return ApplicationError(
        f"not available: {error.code}",
        type="transient",
        next_retry_delay=timedelta(seconds=delay) if delay else None,
    )
