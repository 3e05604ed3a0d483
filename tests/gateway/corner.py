"""A gateway in front of simulated people, and whoever it tells."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
from temporalio.service import RPCError, RPCStatusCode

from canonical.messages import MasterSyncRef
from connectors.bamboohr.simulated_webhooks import webhook
from gateway.telling import Telling
from gateway.webhooks import Webhooks
from tests.connectors.bamboohr.world import BambooWorld

PEOPLE = "people"


class Listener:
    """Hears what is told, unless Temporal is away; a held one answers when it is let go."""

    def __init__(self) -> None:
        self.heard: list[MasterSyncRef] = []
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = 0
        self.called = asyncio.Event()

    async def tell(self, ref: MasterSyncRef) -> None:
        self.asked += 1
        self.called.set()
        await self.answers.wait()
        if self.away:
            raise RPCError("nobody is there", RPCStatusCode.UNAVAILABLE, b"")
        self.heard.append(ref)


class Corner:
    """The gateway of one company with BambooHR; its clock is the company's."""

    def __init__(self, *, tell_seconds_max: float = 10, body_seconds_max: float = 10) -> None:
        self.world = BambooWorld()
        self.listener = Listener()
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(
                Webhooks(
                    {PEOPLE: self.world.connect()},
                    Telling(self.listener.tell, tell_seconds_max),
                    lambda: self.world.now,
                    body_seconds_max,
                ).app()
            ),
            base_url="http://gateway",
        )

    def signed(self, employee: int = 101) -> tuple[Mapping[str, str], bytes]:
        """What BambooHR sends."""
        return webhook(self.world.company, "employee.updated", employee, ["department"])

    async def post(self, *, at: str = PEOPLE, **given: Any) -> httpx.Response:
        """Send a webhook, signed unless it is said what to send."""
        headers, body = self.signed()
        sent = {"headers": headers, "content": body, **given}
        return await self.http.post(f"/webhooks/{at}", **sent)
