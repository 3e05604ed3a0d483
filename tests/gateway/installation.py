"""An installation whose people come from a simulated BambooHR, for the gateway as a process."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import yaml

from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_webhooks import webhook
from sandbox.child_process import LOCALHOST
from tests.connectors.bamboohr.world import KEY, STATE
from tests.gateway.corner import PEOPLE

TENANT = "northwind"
WORKFLOW = f"master-data-sync/{TENANT}"
NOBODY = f"http://{LOCALHOST}:9"


def write_configuration(folder: Path) -> Path:
    """Write what the gateway reads; the secret of the ERP is not there, for it needs none."""
    folder.mkdir()
    (folder / "bamboohr.api-key").write_text(STATE.api_key)
    (folder / "bamboohr.webhook-key").write_text(KEY)
    people = {
        "company": STATE.company,
        "api_key": "file:bamboohr.api-key",
        "webhook_key": "file:bamboohr.webhook-key",
        "base_url": NOBODY,
    }
    erp = {"url": NOBODY, "database": "erp", "user": "us", "password": "file:not-here"}
    described = {
        "tenant": TENANT,
        "connections": {
            PEOPLE: {"system": "bamboohr", "options": people},
            "erp": {"system": "tryton", "options": erp},
        },
    }
    (folder / "connections.yaml").write_text(yaml.safe_dump(described))
    return folder


def signed_now() -> tuple[Mapping[str, str], bytes]:
    """A webhook of BambooHR, at this moment."""
    company = BambooCompany(STATE, clock=lambda: datetime.now(UTC))
    return webhook(company, "employee.updated", 101, ["department"])
