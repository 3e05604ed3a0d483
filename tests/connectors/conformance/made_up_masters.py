"""The connector to the made-up register, as short as its three ways of writing allow."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from canonical.cross_reference import MasterKind
from canonical.masters import Customer, Masters
from connectors.base.capabilities import MasterChangeSource, MasterDataTarget
from connectors.base.errors import (
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.guard import CompareAndSet, Guard, Lookup, UniqueReference
from connectors.base.http import Answer, OneAttempt, verdict_by_status
from connectors.base.manifest import Manifest, MasterOperation
from connectors.base.master_writes import (
    GoneMaster,
    MasterAnswer,
    MasterChanges,
    MasterLook,
    MasterQuery,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from connectors.base.rate_budget import RateBudget
from tests.connectors.conformance.made_up_register import (
    BEHIND_SECONDS,
    LAG_SECONDS,
    Way,
)

_GUARDS: Final[Mapping[Way, Guard]] = {
    Way.UNIQUE: UniqueReference(),
    Way.COMPARED: CompareAndSet(),
    Way.LOOKED_UP: Lookup(),
}
FIELDS: Final = frozenset({"name", "active", "currency"})
_LOG: Final = logging.getLogger(__name__)


def manifest_of(way: Way) -> Manifest:
    """What is true of a register of this way."""
    return Manifest(
        system="made-up",
        title=f"A made-up register ({way})",
        capabilities=frozenset({MasterChangeSource, MasterDataTarget}),
        verified_against="itself",
        documented_at="its own module",
        overlap_seconds=BEHIND_SECONDS,
        master_operations=(
            MasterOperation(
                kind=MasterKind.CUSTOMER,
                fields=FIELDS,
                guard=_GUARDS[way],
                lag_max_seconds=LAG_SECONDS if way is Way.LOOKED_UP else 0,
            ),
        ),
    )


class MadeUpMasters:
    """MasterChangeSource and MasterDataTarget for a register of one way."""

    def __init__(
        self, way: Way, secret: str, budget: RateBudget, network: httpx.AsyncBaseTransport
    ) -> None:
        self.way = way
        self.manifest = manifest_of(way)
        self.http = OneAttempt(
            base_url="https://register.example",
            headers={"Authorization": f"Bearer {secret}"},
            budget=budget,
            verdict=verdict,
            transport=network,
        )

    async def check(self) -> str:
        return str((await self.page("/me"))["name"])

    async def close(self) -> None:
        await self.http.close()

    async def masters(self) -> Masters:
        return (await self.listed())[0]

    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        asked = self.asked_since(since)
        try:
            masters, first, gone = await self.listed(since=asked.isoformat())
        except RejectedError as error:
            if error.code != "http_410":
                raise
            masters, first, gone = await self.listed()
            return MasterChanges(masters, self.until(first), whole=True)
        return MasterChanges(masters, self.until(first), gone)

    def asked_since(self, since: datetime) -> datetime:
        return since.astimezone(UTC).replace(microsecond=0)

    def until(self, page: Mapping[str, Any]) -> datetime:
        # What is seen late carries a stamp from before the clock's.
        return datetime.fromisoformat(page["now"]) - timedelta(seconds=BEHIND_SECONDS)

    async def listed(
        self, **asked: str
    ) -> tuple[Masters, Mapping[str, Any], tuple[GoneMaster, ...]]:
        """All pages of a list, as records; the first page, which was read before the others."""
        first = page = await self.page("/customers", **asked)
        rows = list(page["customers"])
        while page["next"] is not None:
            page = await self.page("/customers", **asked, **{"from": str(page["next"])})
            rows += page["customers"]
        gone = tuple(GoneMaster(MasterKind.CUSTOMER, each) for each in first["gone"])
        return Masters(customers=self.customers(rows)), first, gone

    async def page(self, path: str, **asked: str) -> Any:
        answer = await self.http.read("GET", path, params=asked)
        try:
            return answer.json()
        except ValueError:
            raise TransientError("unreadable") from None

    def customers(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Customer, ...]:
        read = []
        for row in rows:
            try:
                read.append(self.customer(row))
            except ValueError:
                _LOG.warning("customer %s left out", row["id"])
        return tuple(read)

    def customer(self, row: Mapping[str, Any]) -> Customer:
        return Customer(
            connection="made-up",
            id=row["id"],
            code=row["code"],
            name=row["name"],
            active=row["active"],
            currency=row["currency"],
        )

    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        asked = {
            "ids": ",".join(each for query in queries for each in query.ids),
            "codes": ",".join(each for query in queries for each in query.keys),
        }
        masters, first, _ = await self.listed(**asked)
        return MasterLook(masters, {"stamp": first["stamp"]})

    async def write_masters(
        self, writes: Sequence[MasterWrite], evidence: Mapping[str, str]
    ) -> Sequence[MasterAnswer]:
        answers: list[MasterAnswer] = []
        stamp = evidence.get("stamp", "")
        for write in writes:
            try:
                row = await self.sent(write, stamp)
            except OutcomeUnknownError as error:
                return [*answers, self.unsettled(error)]
            except RejectedError as error:
                answers.append(MasterRefused(error.code, "not acceptable"))
            except ConnectorError:
                if not answers:
                    raise
                break
            else:
                answers.append(MasterWritten(row["id"]))
                stamp = row["stamp"]
        return answers

    def unsettled(self, error: OutcomeUnknownError) -> MasterAnswer:
        return MasterUnsettled(error.code)

    async def sent(self, write: MasterWrite, stamp: str) -> Mapping[str, Any]:
        method, path = ("PATCH", f"/customers/{write.id}") if write.id else ("POST", "/customers")
        body = self.body(write)
        answer = await self.http.write(method, path, headers={"If-Match": stamp}, json=body)
        try:
            row = answer.json()
            assert row["id"]
            assert row["stamp"]
        except (ValueError, KeyError, TypeError, AssertionError):
            raise OutcomeUnknownError("unreadable") from None
        return dict(row)

    def body(self, write: MasterWrite) -> dict[str, Any]:
        body: dict[str, Any] = {} if write.id else {"code": write.code, "phone": "1"}
        for name in write.values.keys() & FIELDS:
            value = write.values[name]
            body[name] = value == "yes" if name == "active" else value or None
        return body


def verdict(answer: Answer, write: bool) -> ConnectorError | None:
    return verdict_by_status(answer, write, {409: ConflictError, 410: RejectedError})
