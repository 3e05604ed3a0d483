"""Settings of one process, from the environment (`LEDGERWAY_…`)."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProcessSettings(BaseSettings):
    """Where Temporal and the configuration are, and what a process says about itself."""

    model_config = SettingsConfigDict(env_prefix="LEDGERWAY_", extra="ignore", frozen=True)

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "ledgerway"
    # Temporal Cloud, or a cluster behind TLS; an API key needs TLS.
    temporal_tls: bool = False
    temporal_api_key: SecretStr | None = None
    # The folder with connections.yaml and policies.yaml.
    config: Path = Path("config")
    # Address of /metrics, /ready and /live; port 0 takes a free one, no address serves none.
    health_host: str = "127.0.0.1"
    health_port: int | None = Field(default=None, ge=0, le=65535)
    # A process that was told to stop finishes what it is doing, for at most so long.
    drain_seconds: int = Field(default=30, ge=1, le=600)


class Settings(ProcessSettings):
    """Where the ledger is as well, and what a worker serves."""

    # A plain postgresql:// address; secret because it carries the password.
    database_url: SecretStr
    # Task queues to serve, such as post.tryton or time.emea; empty: all that the configuration has.
    queues: tuple[str, ...] = ()
    build_id: str = "dev"
    # In Kubernetes: this build gets work once its version was made current.
    versioned: bool = False


class GatewaySettings(ProcessSettings):
    """Where webhooks come in; no ledger, because whoever faces the Internet needs no key to it."""

    # Port 0 takes a free one.
    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(default=0, ge=0, le=65535)
