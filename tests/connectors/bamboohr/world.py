"""A simulated BambooHR company in the words of the suites for master data."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from canonical.cross_reference import MasterKind
from connectors.bamboohr import BambooHr, BambooHrOptions, connect
from connectors.bamboohr.simulated_company import BambooCompany
from connectors.bamboohr.simulated_state import (
    CompanyState,
    SimulatedEmployee,
    SimulatedJob,
    SimulatedStatus,
)
from connectors.bamboohr.simulator import simulated_bamboohr
from connectors.base.master_writes import MasterWrite
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import Tokens
from connectors.conformance.master_world import NO, YES, HeldMaster
from connectors.conformance.posting_world import PostingNetwork
from tests.connectors.bamboohr.spec_check import HOST, SpecChecked

AT = "bamboohr"
KEY = "0123456789abcdef-the-private-key"
# Options of a company whose places are legal entities.
ENTITIES: Mapping[str, Any] = {
    "legal_entity_field": "location",
    "legal_entities": {"Berlin": "DE01"},
}
STATE = CompanyState(company="example", api_key="the-secret-api-key", webhook_key=KEY)


def is_write(request: httpx.Request) -> bool:
    """Which requests make or change something: a dataset is asked by POST, too."""
    return request.method != "GET" and "/datasets/" not in request.url.path


class BambooWorld:
    """A world of employees; its clock stands still."""

    kind = MasterKind.EMPLOYEE
    page_size = 4
    removes = True
    feed_seconds: int | None = None
    deletions_within_seconds = 0
    secret = STATE.api_key
    clearable = frozenset({"email", "role"})

    def __init__(self, state: CompanyState = STATE) -> None:
        self.now = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
        self.company = BambooCompany(state, clock=lambda: self.now)
        self.spec = SpecChecked(httpx.ASGITransport(simulated_bamboohr(self.company)))
        self.network = PostingNetwork(self.spec, is_write)

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None, **options: object
    ) -> BambooHr:
        given: dict[str, object] = {
            "connection": AT,
            "company": self.company.company,
            "api_key": SecretStr(secret or self.secret),
            "base_url": HOST,
            "webhook_key": SecretStr(KEY),
            "page_size": self.page_size,
            **options,
        }
        return connect(BambooHrOptions(**given), budget or Tokens(), self.network)  # type: ignore[arg-type]  # As tests say.

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def misbehave(self, **quirks: object) -> None:
        """Let BambooHR do something that it may do."""
        self.company.quirks = self.company.quirks.model_copy(update=quirks)

    def hide(self, *fields: str) -> None:
        """Take the right to see fields away from the key."""
        self.misbehave(hidden=self.company.quirks.hidden | set(fields))

    def hire(self, number: str | None = "E-1", **fields: object) -> str:
        """Let HR hire somebody; gives the id."""
        person = {
            "id": self.company.next_id(),
            "first_name": "Kim",
            "last_name": "Allen",
            "email": f"{number}@firm.example",
            "hire_date": date(2024, 3, 1),
            "statuses": (SimulatedStatus(day=date(2024, 3, 1), status="Full-Time"),),
            "jobs": (
                SimulatedJob(
                    day=date(2024, 3, 1),
                    department="CC-100 Delivery",
                    division="Services",
                    location="Berlin",
                    title="Consultant",
                ),
            ),
            "number": number,
            **fields,
        }
        return str(self.company.hire(SimulatedEmployee.model_validate(person)).id)

    # What follows is what the suites ask of a world.

    def sample(self, number: int) -> MasterWrite:
        """A new employee."""
        return MasterWrite(
            MasterKind.EMPLOYEE,
            f"E-{100 + number}",
            {
                "name": f"Kim Allen{number}",
                "email": f"kim{number}@firm.example",
                "active_from": (date(2024, 1, 1) + timedelta(days=number)).isoformat(),
                "role": f"Consultant {number}",
                "active": YES,
            },
        )

    def make(self, write: MasterWrite, *, seconds_ago: int = 0) -> str:
        stamp = self.now - timedelta(seconds=seconds_ago)
        own = self.company.hire(
            SimulatedEmployee(
                id=self.company.next_id(),
                first_name="-",
                last_name="-",
                number=write.code,
                statuses=(SimulatedStatus(day=date(2024, 1, 1), status="Full-Time"),),
                others={"mobilePhone": "+49 30 1"},
            )
        ).id
        self.change(str(own), write.values)
        self.company.change(own, inserted_at=stamp, last_changed=stamp)
        return str(own)

    def change(self, record: str, values: Mapping[str, str]) -> None:
        own, fields = int(record), dict[str, object]()
        for name, value in values.items():
            match name:
                case "name":
                    fields["first_name"], _, fields["last_name"] = value.rpartition(" ")
                case "email":
                    fields["email"] = value or None
                case "active_from":
                    fields["hire_date"] = date.fromisoformat(value) if value else None
                case "role":
                    fields["jobs"] = (SimulatedJob(day=date(2024, 1, 1), title=value),)
                case "active":
                    self._activate(own, active=value == YES)
                case _:
                    raise AssertionError(f"nobody here knows {name}")
        self.company.change(own, **fields)

    def _activate(self, own: int, *, active: bool) -> None:
        today = self.now.date()
        if active is self.company.is_active(self.company.person(own), today):
            return
        if active:
            self.company.rehire(own, today)
        else:
            self.company.terminate(own, today)

    def remove(self, record: str) -> None:
        self.company.delete(int(record))

    def held(self) -> Sequence[HeldMaster]:
        return [self._held(one) for one in self.company.people]

    def _held(self, person: SimulatedEmployee) -> HeldMaster:
        today = self.now.date()
        job = self.company.job_on(person, today)
        return HeldMaster(
            str(person.id),
            person.number or "",
            {
                "name": f"{person.first_name} {person.last_name}",
                "email": person.email or "",
                "active_from": person.hire_date.isoformat() if person.hire_date else "",
                "role": job.title if job else "",
                "active": YES if self.company.is_active(person, today) else NO,
            },
            person.others,
        )

    def refused(self) -> MasterWrite:
        """An employee whose e-mail is none."""
        sample = self.sample(90)
        return MasterWrite(sample.kind, sample.code, {**sample.values, "email": "not an address"})

    def look_alikes(self, write: MasterWrite) -> Sequence[MasterWrite]:
        codes = (write.code.lower(), f"{write.code}0", write.code.replace("-", " "))
        return [
            MasterWrite(write.kind, code, {**write.values, "email": f"other{at}@firm.example"})
            for at, code in enumerate(codes)
        ]

    def ignore(self, name: str) -> None:
        fields = {
            "name": {"firstName", "lastName"},
            "email": {"workEmail"},
            "active_from": {"hireDate"},
            "role": {"jobTitle"},
        }
        self.misbehave(ignored=frozenset(fields[name]))

    def make_unreadable(self, private: str) -> None:
        """Show somebody of the wrong shape."""
        self.spec.tolerant = True
        wrong = (
            '{"employeeId":"%s","firstName":["%s"],"lastName":"%s","status":1,'
            '"jobTitleName":"x","workEmail":"x","hireDate":"%s","departmentName":"x",'
            '"_restrictedFields":[]}'
        )
        self.misbehave(poison=(wrong % ((private,) * 4),))
