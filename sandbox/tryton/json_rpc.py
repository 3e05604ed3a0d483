"""A session with Tryton over JSON-RPC, for the sandbox's own hands only.

It serves the seed and the drills. Nothing of it is shared with connectors, so that drills look at
the ERP independently of the code they test.
"""

import base64
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx

from connectors.base.tls import trusted_authorities

REQUEST_SECONDS_MAX = 60
MICROSECONDS = 1_000_000

# What Tryton answers has no type before somebody looked at it; only this package handles it.
Values = Mapping[str, object]
Domain = Sequence[object]


class ErpError(Exception):
    """The ERP did not do it. `kind` is Tryton's own word, such as UserError, or the HTTP status.

    `detail` is its message, and for a UserWarning the name under which it can be acknowledged.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.detail = message


class JsonRpcSession:
    """One user's session with one database; every call carries the company it is made for."""

    def __init__(self, url: str, database: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, verify=trusted_authorities(), timeout=REQUEST_SECONDS_MAX
        )
        self._path = f"/{database}/rpc/"
        self._numbers = itertools.count(1)
        # Tryton hides people from every search as soon as they have left; here they are wanted.
        self._context: dict[str, object] = {"language": "en", "active_test": False}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def log_in(self, user: str, password: str) -> None:
        """Open the session; ErpError with kind 401 if the password is wrong."""
        user_id, key, *_ = await self.call(
            "common.db.login", user, {"password": password}, "en", context=False
        )
        token = base64.b64encode(f"{user}:{user_id}:{key}".encode()).decode()
        self._http.headers["Authorization"] = f"Session {token}"

    @property
    def headers(self) -> dict[str, str]:
        """What proves the session to the server."""
        return {"Authorization": self._http.headers["Authorization"]}

    def work_for(self, company: int) -> None:
        """Make later calls for one company: many of Tryton's defaults come from it."""
        self._context["company"] = company

    async def call(self, method: str, *parameters: object, context: bool = True) -> Any:
        """Call one method and return its result, decoded."""
        body = {
            "id": next(self._numbers),
            "method": method,
            "params": [*parameters, self._context] if context else list(parameters),
        }
        answer = await self._http.post(
            self._path, content=encode(body), headers={"Content-Type": "application/json"}
        )
        if answer.status_code != httpx.codes.OK:
            raise ErpError(str(answer.status_code), f"{method} was answered by HTTP alone")
        content = decode(answer.text)
        if "error" in content:
            kind, *details = content["error"]
            text = details[0] if details else ""
            raise ErpError(kind, text if isinstance(text, str) else str(text[0]))
        return content["result"]

    async def create(self, model: str, records: Iterable[Values]) -> list[int]:
        """Create records in one call and return their ids, in the order given."""
        ids: list[int] = await self.call(f"model.{model}.create", list(records))
        return ids

    async def write(self, model: str, ids: Sequence[int], values: Values) -> None:
        """Set the same values on some records."""
        await self.call(f"model.{model}.write", list(ids), values)

    async def press(self, model: str, button: str, ids: Sequence[int]) -> None:
        """Press a button on some records."""
        await self.call(f"model.{model}.{button}", list(ids))

    async def find(self, model: str, domain: Domain, *fields: str) -> list[dict[str, Any]]:
        """Read some fields of every record of a domain, in the order of their ids."""
        rows: list[dict[str, Any]] = await self.call(
            f"model.{model}.search_read", domain, 0, None, [["id", "ASC"]], list(fields)
        )
        return rows

    async def find_one(self, model: str, domain: Domain) -> int:
        """Return the id of the only record of a domain; ErpError if there is none, or several."""
        rows = await self.find(model, domain, "id")
        if len(rows) != 1:
            raise ErpError("Lookup", f"{len(rows)} records of {model} where one was expected")
        found: int = rows[0]["id"]
        return found

    async def run_wizard(
        self,
        wizard: str,
        *steps: tuple[str, Values],
        on: tuple[str, *tuple[int, ...]] | None = None,
    ) -> None:
        """Walk through a wizard: each step names a state, with the forms filled in so far.

        `on` is what it was called for, as model and ids.
        """
        name = f"wizard.{wizard}"
        before = self._context
        if on is not None:
            model, *records = on
            active = {"active_model": model, "active_id": records[0], "active_ids": records}
            self._context = {**before, **active}
        try:
            await self._walk(name, steps)
        finally:
            self._context = before

    async def _walk(self, name: str, steps: Sequence[tuple[str, Values]]) -> None:
        session, *_ = await self.call(f"{name}.create")
        for state, forms in steps:
            await self.call(f"{name}.execute", session, forms, state)
        await self.call(f"{name}.delete", session)


def encode(value: object) -> str:
    """Write Tryton's JSON: dates, decimals and durations are objects that name their class."""
    return json.dumps(value, default=_encode_one)


def decode(text: str) -> Any:
    """Read Tryton's JSON."""
    return json.loads(text, object_hook=_decode_one, parse_float=Decimal)


def _encode_one(value: object) -> dict[str, object]:
    match value:
        case date():
            return {
                "__class__": "date",
                "year": value.year,
                "month": value.month,
                "day": value.day,
            }
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case timedelta():
            return {"__class__": "timedelta", "seconds": value // timedelta(seconds=1)}
        case _:
            raise TypeError(f"{type(value).__name__} has no form in Tryton's JSON")


def _decode_one(value: dict[str, Any]) -> Any:
    match value.get("__class__"):
        case "date":
            return date(value["year"], value["month"], value["day"])
        case "Decimal":
            return Decimal(value["decimal"])
        case "timedelta":
            return timedelta(microseconds=int(value["seconds"] * MICROSECONDS))
        case _:
            return value
