"""Webhooks of the simulated company: made, listed, signed, and their log."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_state import SimulatedDelivery
from connectors.bamboohr.webhooks import signature_of

WEBHOOK_ID: Final = 4
_UPDATES: Final = frozenset({"employee.updated", "employee_with_fields.updated"})
_URL: Final = "https://ledgerway.example/webhooks/bamboohr"


def webhook(
    company: BambooCompany,
    event: str,
    employee_id: int,
    changed: Sequence[str] = (),
    *,
    answered: int = 200,
) -> tuple[Mapping[str, str], bytes]:
    """The headers and the body that BambooHR sends for an event; whoever calls delivers them."""
    sent_at = company.now
    data: dict[str, Any] = {"companyId": "12345", "employeeId": str(employee_id)}
    if event == "employee.updated":
        data["changedFields"] = list(changed)
    stamp = sent_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = json.dumps({"type": event, "timestamp": stamp, "data": data}).encode()
    seconds = str(int(sent_at.timestamp()))
    company.deliveries.append(
        SimulatedDelivery(at=sent_at, status=answered, employee_id=employee_id)
    )
    headers = {
        "content-type": "application/json",
        "user-agent": "BambooHR-WebHooks/1.0 (+https://www.bamboohr.com)",
        "x-bamboohr-timestamp": seconds,
        "x-bamboohr-signature": signature_of(body, seconds, company.webhook_key),
    }
    return headers, body


def create(company: BambooCompany, request: Request, body: bytes) -> Response:  # noqa: ARG001
    """Make the webhook; this answer alone shows its private key."""
    try:
        asked = json.loads(body)
    except ValueError:
        asked = {}
    events = set(asked.get("events") or _UPDATES)
    wrong = (
        not asked.get("name")
        or asked.get("format") not in ("json", "form-encoded")
        or not str(asked.get("url", "")).startswith("https://")
        or (events & _UPDATES and not asked.get("monitorFields"))
    )
    if wrong:
        return JSONResponse({"errors": {"error": "The webhook is malformed"}}, 400)
    company.webhook_key = secrets.token_hex(32)
    shown = {
        "id": str(WEBHOOK_ID),
        "name": asked["name"],
        "created": _written(company.now),
        "lastSent": None,
        "monitorFields": asked.get("monitorFields"),
        "postFields": asked.get("postFields") or {},
        "url": asked["url"],
        "format": asked["format"],
        "privateKey": company.webhook_key,
        "includeCompanyDomain": bool(asked.get("includeCompanyDomain")),
        "events": sorted(events),
    }
    return JSONResponse(shown, 201)


def log(company: BambooCompany, request: Request, _: bytes) -> Response:
    """What became of its requests, the newest first. Asked too often it says so, with 200."""
    if company.quirks.log_throttled:
        message = "Over rate limit, please try again in 60 seconds"
        return JSONResponse({"error": {"code": 429, "message": message}})
    if request.path_params["webhook_id"] != WEBHOOK_ID:
        return JSONResponse({"errors": {"error": "There is no such webhook"}}, 404)
    return JSONResponse(
        [
            {
                "webhookId": str(WEBHOOK_ID),
                "url": _URL,
                "lastAttempted": _written(one.at),
                "lastSuccess": _written(one.at),
                "statusCode": str(one.status),
                "format": "json",
                "employeeIds": [str(one.employee_id)],
            }
            for one in reversed(company.deliveries[-200:])
        ]
    )


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
