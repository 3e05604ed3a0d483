"""The made-up register in the words of the suites for master data."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from canonical.cross_reference import MasterKind
from connectors.base.master_writes import MasterWrite
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.conformance.master_world import NO, YES, HeldMaster
from connectors.conformance.posting_world import PostingNetwork
from tests.connectors.conformance.made_up_masters import FIELDS, MadeUpMasters
from tests.connectors.conformance.made_up_register import (
    BLOCKED,
    FEED_SECONDS,
    PAGE_SIZE,
    MadeUpRegister,
    Way,
)

CURRENCIES = ("EUR", "CHF", "USD")


class MadeUpMasterWorld:
    """A world of each suite for masters, and an `HttpWorld`, of one way of writing."""

    kind = MasterKind.CUSTOMER
    page_size = PAGE_SIZE
    removes = True
    feed_seconds = FEED_SECONDS
    deletions_within_seconds = 0
    clearable = frozenset({"currency"})

    def __init__(self, way: Way, connector: type[MadeUpMasters] = MadeUpMasters) -> None:
        self.register = MadeUpRegister(way)
        self.secret = self.register.secret
        self.network = PostingNetwork(self.register, is_write)
        self._connector = connector

    @property
    def now(self) -> datetime:
        return self.register.now

    def pass_time(self, seconds: int) -> None:
        self.register.now += timedelta(seconds=seconds)

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None
    ) -> MadeUpMasters:
        return self._connector(
            self.register.way, secret or self.secret, budget or Unlimited(), self.network
        )

    def sample(self, number: int) -> MasterWrite:
        values = {
            "name": f"Ännchen & Co {number}",
            "active": YES,
            "currency": CURRENCIES[number % 3],
        }
        return MasterWrite(self.kind, f"C-{number}", values)

    def refused(self) -> MasterWrite:
        sample = self.sample(99)
        return replace(sample, values={**sample.values, "currency": BLOCKED})

    def look_alikes(self, write: MasterWrite) -> Sequence[MasterWrite]:
        codes = (write.code.lower(), write.code.replace("C", "Ç"), f"{write.code}0")
        return [replace(write, code=code) for code in codes]

    def make(self, write: MasterWrite, *, seconds_ago: int = 0) -> str:
        return self.register.put(
            {"code": write.code, **_kept(write.values)}, seconds_ago=seconds_ago
        )

    def change(self, record: str, values: Mapping[str, str]) -> None:
        self.register.alter(record, _kept(values))

    def remove(self, record: str) -> None:
        self.register.remove(record)

    def held(self) -> Sequence[HeldMaster]:
        return [
            HeldMaster(
                each["id"],
                each["code"],
                {
                    "name": each["name"],
                    "active": YES if each["active"] else NO,
                    "currency": each["currency"] or "",
                },
                {"phone": each["phone"]},
            )
            for each in self.register.records.values()
        ]

    def make_unreadable(self, private: str) -> None:
        self.register.put({"code": "", "name": private, "currency": private})

    def ignore(self, name: str) -> None:
        self.network.alter_next_write(without(name))


def without(name: str) -> Callable[[bytes], bytes]:
    """A system that takes a member of a write for nothing."""

    def altered(write: bytes) -> bytes:
        return json.dumps(
            {key: each for key, each in json.loads(write).items() if key != name}
        ).encode()

    return altered


def _kept(values: Mapping[str, str]) -> dict[str, Any]:
    kept: dict[str, Any] = {name: each or None for name, each in values.items() if name in FIELDS}
    return kept | ({"active": values["active"] == YES} if "active" in values else {})


def is_write(request: httpx.Request) -> bool:
    return request.method in {"POST", "PATCH"}
