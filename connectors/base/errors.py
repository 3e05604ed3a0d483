"""The five errors that leave a connector; each says who acts next."""

from typing import Final

# Codes of refusals that the platform acts on; all others it only shows to people.
# What is to be taken back is on a customer's invoice and can no longer be removed.
INVOICED: Final = "invoiced"
# How the code of a warning begins that a person may accept; the warning's own name follows.
WARNING: Final = "user_warning:"


class ConnectorError(Exception):
    """Trouble with a whole call. `code` is a stable, closed word; the message is for people."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class TransientError(ConnectorError):
    """Nothing left, or a read failed, or the system proved that it did nothing: try again."""

    def __init__(
        self, code: str, message: str = "", *, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(code, message)
        self.retry_after_seconds = retry_after_seconds


class RejectedError(ConnectorError):
    """The system of record looked at the content and refused it: a person decides."""


class ConflictError(ConnectorError):
    """An optimistic lock refused, this attempt did nothing: read again, bounded."""


class OutcomeUnknownError(ConnectorError):
    """It was sent and no clear answer came: look it up, never send it again blindly."""


class ConnectionConfigError(ConnectorError):
    """Credentials or permissions: an operator acts, and the connection is marked."""
