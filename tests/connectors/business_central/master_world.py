"""A simulated Business Central in the words of the suites for masters, one kind at a time."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from canonical.cross_reference import MasterKind
from connectors.base.master_writes import MasterWrite
from connectors.base.rate_budget import RateBudget
from connectors.business_central import BusinessCentral
from connectors.business_central.master_bodies import NO_DAY
from connectors.business_central.simulated_firm import COMPANY
from connectors.business_central.simulated_master_writes import create_dimension
from connectors.business_central.simulated_query import Record
from connectors.conformance.master_world import NO, YES, HeldMaster
from tests.connectors.business_central.world import BusinessCentralWorld

KINDS: Final = (MasterKind.CUSTOMER, MasterKind.EMPLOYEE, MasterKind.PROJECT)
_ENTITIES: Final[Mapping[MasterKind, str]] = {
    MasterKind.CUSTOMER: "customers",
    MasterKind.EMPLOYEE: "employees",
    MasterKind.PROJECT: "projects",
}
_CLEARABLE: Final[Mapping[MasterKind, frozenset[str]]] = {
    MasterKind.CUSTOMER: frozenset({"country", "tax_number", "email"}),
    MasterKind.EMPLOYEE: frozenset({"active_from", "active_until", "email", "role", "cost_centre"}),
    MasterKind.PROJECT: frozenset(),
}
# The member of each field; names of people and whether something is active are said otherwise.
_MEMBERS: Final = {
    "currency": "currencyCode",
    "country": "country",
    "tax_number": "taxRegistrationNumber",
    "email": "email",
    "role": "jobTitle",
    "active_from": "employmentDate",
    "active_until": "terminationDate",
}
_CURRENCIES: Final = ("EUR", "USD", "CHF")
_COUNTRIES: Final = ("DE", "CH", "FR")


class BusinessCentralMasterWorld(BusinessCentralWorld):
    """A world of the suites for masters, which begins without a record of its kind."""

    page_size = 3
    removes = True

    def __init__(self, kind: MasterKind) -> None:
        super().__init__()
        self.kind = kind
        self.entity = _ENTITIES[kind]
        self.clearable = _CLEARABLE[kind]
        self.now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        self.environment.clock = lambda: self.now
        for row in self.company.rows(self.entity):
            self.company.delete(self.entity, row["id"])
        self.company.insert("currencies", {"code": "CHF", "displayName": "Swiss franc"})

    def _is_write(self, request: httpx.Request) -> bool:
        return request.method != "GET" and "/api/v2.0/" in request.url.path

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None, **given: Any
    ) -> BusinessCentral:
        return super().connect(budget, secret=secret, page_size=self.page_size, **given)

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def sample(self, number: int) -> MasterWrite:
        values = {"name": f"Ännchen O'Neill {number}"}
        match self.kind:
            case MasterKind.CUSTOMER:
                values |= {
                    "active": YES,
                    "currency": _CURRENCIES[number % 3],
                    "country": _COUNTRIES[number % 3],
                    "tax_number": f"DE{811_907_980 + number}",
                    "email": f"billing{number}@customer.example",
                }
            case MasterKind.EMPLOYEE:
                values |= {
                    "active": YES,
                    "active_from": f"2026-01-{number % 28 + 1:02d}",
                    "active_until": f"2030-12-{number % 28 + 1:02d}",
                    "email": f"person{number}@firm.example",
                    "role": f"Consultant {number}",
                    "cost_centre": ("CC-100", "CC-200")[number % 2],
                }
            case _:
                pass
        return MasterWrite(self.kind, f"N-{number}", values, legal_entity=COMPANY)

    def refused(self) -> MasterWrite:
        sample = self.sample(99)
        values = {**sample.values, "name": 120 * "x"}
        if self.kind is MasterKind.CUSTOMER:
            values = {**sample.values, "currency": "XXX"}
        return replace(sample, values=values)

    def look_alikes(self, write: MasterWrite) -> Sequence[MasterWrite]:
        others = [replace(write, code=code) for code in (f"{write.code}0", "Ñ-1", "N 1")]
        if "email" not in write.values:
            return others
        addresses = [f"{place}{write.values['email']}" for place in ("x", "é", "1")]
        pairs = zip(others, addresses, strict=True)
        return [replace(one, values={**one.values, "email": each}) for one, each in pairs]

    def make(self, write: MasterWrite, *, seconds_ago: int = 0) -> str:
        members = {"number": write.code, "phoneNumber": "+49 30 1", **self._members(write.values)}
        made = str(self.company.insert(self.entity, members)["id"])
        self._give(made, write.values.get("cost_centre", ""))
        return made

    def change(self, record: str, values: Mapping[str, str]) -> None:
        known = self.company.get(self.entity, record)
        assert known is not None
        known |= self._members(values)
        self.company.touch(self.entity, known)
        if "cost_centre" in values:
            self._give(record, values["cost_centre"])

    def _give(self, record: str, centre: str) -> None:
        """Let an employee have a cost centre, or none."""
        for row in self.company.rows("defaultDimensions", parentId=record):
            self.company.delete("defaultDimensions", row["id"])
        if centre:
            [value] = self.company.rows("dimensionValues", code=centre)
            given = {"dimensionId": value["dimensionId"], "dimensionValueId": value["id"]}
            create_dimension(self.company, {"id": record}, given)

    def remove(self, record: str) -> None:
        self.company.delete(self.entity, record)

    def held(self) -> Sequence[HeldMaster]:  # type: ignore[override]  # Masters, not documents.
        return [self._held(row) for row in self.company.rows(self.entity)]

    def make_unreadable(self, private: str) -> None:
        self.spec.tolerant = True
        self.company.insert(self.entity, {"number": [private], "displayName": private})

    def ignore(self, name: str) -> None:
        members: tuple[str, ...] = (_MEMBERS.get(name, ""),)
        if name == "name":
            members = ("displayName", "givenName", "middleName", "surname")
        if name == "active":
            members = ("blocked", "status")
        if name == "cost_centre":
            members = ("dimensionValueId",)
        self.network.alter_next_write(without(members))

    def _members(self, values: Mapping[str, str]) -> Record:
        members: Record = {}
        for name, value in values.items():
            if name == "active":
                active = value == YES
                members["status"] = "Active" if active else "Inactive"
                members["blocked"] = " " if active else "All"
            elif name == "cost_centre":
                continue
            elif name == "name":
                first, _, last = value.partition(" ")
                members |= {"displayName": value, "givenName": first, "surname": last}
            else:
                blank = NO_DAY if name.startswith("active_") else ""
                members[_MEMBERS[name]] = value or blank
        known = self.company.tables[self.entity].kind.members
        return {name: value for name, value in members.items() if name in known}

    def _held(self, row: Record) -> HeldMaster:
        active = row.get("status", "Active") == "Active" and row.get("blocked", " ") == " "
        values = {
            name: "" if row[member] == NO_DAY else str(row[member])
            for name, member in _MEMBERS.items()
            if member in row
        }
        values["name"] = row["displayName"]
        if self.kind is not MasterKind.PROJECT:
            values["active"] = YES if active else NO
        if self.kind is MasterKind.EMPLOYEE:
            centres = list(self.company.rows("defaultDimensions", parentId=row["id"]))
            values["cost_centre"] = centres[0]["dimensionValueCode"] if centres else ""
        others = {"phone": str(row.get("phoneNumber", ""))}
        return HeldMaster(row["id"], str(row["number"]), values, others)


def without(members: Sequence[str]) -> Callable[[bytes], bytes]:
    """An ERP that takes members of a write for nothing."""

    def altered(write: bytes) -> bytes:
        body = json.loads(write)
        return json.dumps({key: each for key, each in body.items() if key not in members}).encode()

    return altered
