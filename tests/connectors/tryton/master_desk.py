"""A way into a Tryton, real or simulated, that waits for each answer: JSON-RPC without a loop."""

import base64
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from connectors.tryton.simulator import SimulatedTryton
from sandbox.tryton.json_rpc import decode, encode


class Driven(httpx.BaseTransport):
    """Carries requests to an app in this process, which never waits for anything."""

    def __init__(self, app: SimulatedTryton) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": request.read()}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(name.lower(), value) for name, value in request.headers.raw]
        scope = {"type": "http", "path": request.url.path, "headers": headers}
        try:
            self._app(scope, receive, send).send(None)
        except StopIteration:
            body = b"".join(each.get("body", b"") for each in sent)
            return httpx.Response(sent[0]["status"], content=body)
        raise AssertionError("the app waited")


class MasterDesk:
    """One session of somebody who works at the ERP."""

    def __init__(
        self, url: str, database: str, login: tuple[str, str], transport: httpx.BaseTransport
    ) -> None:
        self._http = httpx.Client(base_url=url, transport=transport, timeout=60)
        self._path = f"/{database}/rpc/"
        self._numbers = itertools.count(1)
        # Not from the cache of translations, which another process of the server does not clear.
        as_it_is = {"active_test": False, "fuzzy_translation": True}
        self._context: dict[str, Any] = {"language": "en", **as_it_is}
        user, password = login
        found = self._asked("common.db.login", [user, {"password": password}, "en"])
        token = base64.b64encode(f"{user}:{found[0]}:{found[1]}".encode()).decode()
        self._http.headers["Authorization"] = f"Session {token}"

    def close(self) -> None:
        self._http.close()

    def work_for(self, company: int) -> None:
        self._context["company"] = company

    def call(self, method: str, *params: object) -> Any:
        return self._asked(f"model.{method}", [*params, self._context])

    def create(self, model: str, **values: object) -> int:
        (number,) = self.call(f"{model}.create", [values])
        return int(number)

    def write(self, model: str, number: int, **values: object) -> None:
        self.call(f"{model}.write", [number], values)

    def delete(self, model: str, numbers: Sequence[int]) -> None:
        self.call(f"{model}.delete", list(numbers))

    def find(
        self, model: str, domain: Sequence[object], *fields: str
    ) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.call(
            f"{model}.search_read", domain, 0, None, [["id", "ASC"]], list(fields)
        )
        return found

    def _asked(self, method: str, params: list[Any]) -> Any:
        body = {"id": next(self._numbers), "method": method, "params": params}
        answer = self._http.post(
            self._path, content=encode(body), headers={"Content-Type": "application/json"}
        )
        answer.raise_for_status()
        content = decode(answer.text)
        assert "error" not in content, content["error"]
        return content["result"]
