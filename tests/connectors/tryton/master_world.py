"""A Tryton, real or simulated, in the words of the suites for masters, one kind at a time."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import httpx

from canonical.cross_reference import MasterKind
from connectors.base.master_writes import MasterWrite
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.conformance.master_world import YES, HeldMaster
from connectors.conformance.posting_world import PostingNetwork
from connectors.tryton import Tryton, TrytonOptions, connect
from tests.connectors.tryton.master_desk import MasterDesk
from tests.connectors.tryton.master_shapes import dates_of, said, without

KINDS: Final = (
    MasterKind.CUSTOMER,
    MasterKind.EMPLOYEE,
    MasterKind.PROJECT,
    MasterKind.TASK,
    MasterKind.DIMENSION_VALUE,
)
PARTY, EMPLOYEE, WORK, ACCOUNT = (
    *("party.party", "company.employee", "project.work", "analytic_account.account"),
)
MODELS: Final[Mapping[MasterKind, str]] = dict(
    zip(KINDS, (PARTY, EMPLOYEE, WORK, WORK, ACCOUNT), strict=True)
)
# Making a person's party is no write that counts: it is used whatever became of its answer.
_WRITES: Final = (
    *(f"{PARTY}.write", "company.company.write", f"{EMPLOYEE}.write"),
    *(f"{WORK}.create", f"{WORK}.write", f"{ACCOUNT}.write"),
)
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "active": ("active", "status", "progress", "state"),
    "active_from": ("start_date",),
    "active_until": ("end_date",),
}
_DAY: Final = timedelta(days=1)


class TrytonMasterWorld:
    """A world of each suite for masters, with records of its own in whatever Tryton it is given."""

    page_size = 3
    now = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
    removes = True

    def __init__(
        self,
        kind: MasterKind,
        desk: MasterDesk,
        options: TrytonOptions,
        transport: httpx.AsyncBaseTransport,
    ) -> None:
        self.kind, self.desk, self.options = kind, desk, options
        self.secret = options.password.get_secret_value()
        created = (f"{PARTY}.create",) if kind is MasterKind.CUSTOMER else ()
        methods = [f'"method":"model.{each}"'.encode() for each in (*created, *_WRITES)]
        self.network = PostingNetwork(
            transport, lambda request: any(each in request.content for each in methods)
        )
        is_person = kind is MasterKind.EMPLOYEE
        self.clearable = frozenset({"active_from", "active_until"} if is_person else ())
        # Upper case, so that there is another one to mistake it for.
        self.prefix = f"K{uuid.uuid4().hex[:8].upper()}"  # noqa: TID251  A test's own.
        self._made: list[str] = []
        self._names: dict[str, str] = {}
        self._company, self._entity = 0, ""
        for row in self.desk.find("company.company", [], "party.code")[:1]:
            self._company, self._entity = row["id"], row["party."]["code"]
            desk.work_for(self._company)
        self._customer = self._project = 0
        if kind in (MasterKind.PROJECT, MasterKind.TASK):
            self._customer = desk.create(PARTY, name="Acme", code=f"C{self.prefix}")
        if kind is MasterKind.TASK:
            self._project = self._work("project", "Website", party=self._customer)

    def close(self) -> None:
        """Leave Tryton as it was found."""
        for record in {*self._made, *(each.id for each in self.held())}:
            self._delete(record)
        self.desk.delete(WORK, [self._project] if self._project else [])
        parties = self.desk.find(PARTY, [["code", "ilike", f"%{self.prefix}%"]], "id")
        self.desk.delete(PARTY, [each["id"] for each in parties])

    def connect(self, budget: RateBudget | None = None, *, secret: str | None = None) -> Tryton:
        assert secret is None
        return connect(self.options, budget or Unlimited(), self.network)

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def sample(self, number: int) -> MasterWrite:
        values = {"name": f"Ännchen O'Neill {number}", "active": YES}
        if self.kind is MasterKind.EMPLOYEE:
            del values["active"]
            starts = date(2026, 1, 1) + number * _DAY
            values["email"] = f"{self.prefix.lower()}.{number}@firm.example"
            values["active_from"] = starts.isoformat()
            values["active_until"] = (starts + 365 * _DAY).isoformat()
        code = f"{self.prefix}-{number}"
        if self.kind is MasterKind.TASK:
            values["name"] = code
        parents = {MasterKind.PROJECT: self._customer, MasterKind.TASK: self._project}
        parent = parents.get(self.kind)
        entity = self._entity if self.kind is not MasterKind.CUSTOMER else None
        return MasterWrite(
            self.kind, code, values, legal_entity=entity, parent=str(parent) if parent else None
        )

    def refused(self) -> MasterWrite:
        sample = self.sample(99)
        # Tryton takes no line breaks in names.
        return replace(sample, values={**sample.values, "name": "Ännchen\nO'Neill"})

    def look_alikes(self, write: MasterWrite) -> Sequence[MasterWrite]:
        spelled: Sequence[Callable[[str], str]] = (
            str.lower,
            lambda code: f"{code[:1]}́{code[1:]}",
            lambda code: f"{code}0",
        )
        others = [replace(write, code=each(write.code)) for each in spelled]
        if self.kind is MasterKind.TASK:
            return [replace(each, values={**each.values, "name": each.code}) for each in others]
        if self.kind is MasterKind.EMPLOYEE:
            address = write.values["email"]
            typed = (address.replace("@", "0@"), f"é{address}", address[:-1])
            pairs = zip(others, typed, strict=True)
            return [replace(one, values={**one.values, "email": each}) for one, each in pairs]
        return others

    def make(self, write: MasterWrite, *, seconds_ago: int = 0) -> str:
        assert seconds_ago == 0
        name = write.values["name"]
        match self.kind:
            case MasterKind.CUSTOMER:
                made = self.desk.create(PARTY, name=name, code=write.code)
            case MasterKind.EMPLOYEE:
                mechanism = {"type": "email", "value": write.values["email"]}
                party = self.desk.create(
                    PARTY,
                    name=name,
                    code=write.code,
                    contact_mechanisms=[["create", [mechanism]]],
                )
                dates = dates_of(write.values)
                made = self.desk.create(EMPLOYEE, party=party, company=self._company, **dates)
            case MasterKind.PROJECT:
                mark = f"As agreed. [ledgerway:{write.code}]"
                made = self._work("project", name, party=self._customer, comment=mark)
            case MasterKind.TASK:
                made = self._sheet(self._work("task", name, parent=self._project))
                self._names[str(made)] = write.code
            case _:
                made = self._cost_centre(write.code, name)
        self._made.append(str(made))
        return str(made)

    def change(self, record: str, values: Mapping[str, str]) -> None:
        number = self._record(record)
        given: dict[str, object] = {}
        if "active" in values:
            given |= self._activity(active=values["active"] == YES)
        if self.kind is MasterKind.EMPLOYEE:
            self._change_person(number, values)
            given |= dates_of(values)
        elif "name" in values:
            given["name"] = values["name"]
        self.desk.write(MODELS[self.kind], number, **given)

    def remove(self, record: str) -> None:
        self._made.remove(record)
        self._delete(record)

    def _delete(self, record: str) -> None:
        self.desk.delete(MODELS[self.kind], [self._record(record)])

    def held(self) -> Sequence[HeldMaster]:
        beginning = f"{self.prefix}-%"
        match self.kind:
            case MasterKind.CUSTOMER:
                rows = self.desk.find(PARTY, [["code", "like", beginning]], *_ACTIVE)
            case MasterKind.EMPLOYEE:
                domain = [["party.code", "like", beginning]]
                rows = self.desk.find(EMPLOYEE, domain, *_PERSON)
            case MasterKind.PROJECT:
                domain = [["comment", "like", f"%[ledgerway:{beginning}"]]
                rows = self.desk.find(WORK, domain, *_PLANNED)
            case MasterKind.TASK:
                rows = self.desk.find(WORK, [["parent", "=", self._project]], *_PLANNED)
            case _:
                rows = self.desk.find(ACCOUNT, [["code", "like", beginning]], *_AXIS)
        if self.kind is MasterKind.TASK:
            # One call for all of them: some tests have hundreds.
            origins = [f"{WORK},{row['id']}" for row in rows]
            sheets = self.desk.find("timesheet.work", [["origin", "in", origins]], "origin")
            numbers = {each["origin"]: each["id"] for each in sheets}
            rows = [{**row, "sheet": numbers[f"{WORK},{row['id']}"]} for row in rows]
        return [self._held(row) for row in rows]

    def ignore(self, name: str) -> None:
        self.network.alter_next_write(without(_MEMBERS.get(name, (name,))))

    def _held(self, row: Mapping[str, Any]) -> HeldMaster:
        number = str(row["id"])
        match self.kind:
            case MasterKind.CUSTOMER:
                return HeldMaster(number, row["code"], said(row["name"], active=row["active"]))
            case MasterKind.EMPLOYEE:
                party = row["party."]
                dates = {"active_from": row["start_date"], "active_until": row["end_date"]}
                texts = {name: day.isoformat() if day else "" for name, day in dates.items()}
                values = {"name": party["name"], "email": party["email"] or "", **texts}
                return HeldMaster(number, party["code"], values, {"company": str(row["company"])})
            case MasterKind.PROJECT:
                code = row["comment"].partition("[ledgerway:")[2].partition("]")[0]
                others = {name: str(row[name]) for name in ("number", "comment", "party")}
                values = said(row["name"], active=row["progress"] != 1)
                return HeldMaster(number, code, values, others)
            case MasterKind.TASK:
                sheet = str(row["sheet"])
                # It has no code: it is known by the name that it was made with.
                code = self._names.setdefault(sheet, row["name"])
                values = said(row["name"], active=row["progress"] != 1)
                return HeldMaster(sheet, code, values, {"number": row["number"]})
            case _:
                values = said(row["name"], active=row["state"] == "opened")
                return HeldMaster(number, row["code"], values, {"root": str(row["root"])})

    def _change_person(self, employee: int, values: Mapping[str, str]) -> None:
        (row,) = self.desk.find(EMPLOYEE, [["id", "=", employee]], "party")
        if "name" in values:
            self.desk.write(PARTY, row["party"], name=values["name"])
        if "email" in values:
            (party,) = self.desk.find(PARTY, [["id", "=", row["party"]]], "contact_mechanisms")
            written = ["write", party["contact_mechanisms"], {"value": values["email"]}]
            self.desk.write(PARTY, row["party"], contact_mechanisms=[written])

    def _activity(self, *, active: bool) -> Mapping[str, object]:
        match self.kind:
            case MasterKind.CUSTOMER:
                return {"active": active}
            case MasterKind.DIMENSION_VALUE:
                return {"state": "opened" if active else "closed"}
            case _:
                statuses = self.desk.find("project.work.status", [], "progress")
                done = [each["id"] for each in statuses if each["progress"] == 1]
                open_ = [each["id"] for each in statuses if each["progress"] is None]
                return {
                    "status": (open_ if active else done)[0],
                    "progress": None if active else 1,
                }

    def _work(self, kind: str, name: str, **values: object) -> int:
        return self.desk.create(
            WORK, type=kind, name=name, company=self._company, timesheet_available=True, **values
        )

    def _sheet(self, work: int) -> int:
        """What time is booked on; tasks are known by its id."""
        origin = f"{WORK},{work}"
        (row,) = self.desk.find("timesheet.work", [["origin", "=", origin]], "id")
        return int(row["id"])

    def _record(self, record: str) -> int:
        """The record that the ERP's people work with."""
        if self.kind is not MasterKind.TASK:
            return int(record)
        (row,) = self.desk.find("timesheet.work", [["id", "=", int(record)]], "origin")
        return int(row["origin"].split(",")[1])

    def _cost_centre(self, code: str, name: str) -> int:
        domain = [["type", "=", "root"], ["name", "=", "Cost centre"]]
        roots = self.desk.find(ACCOUNT, [*domain, ["company", "=", self._company]], "id")
        return self.desk.create(
            ACCOUNT,
            code=code,
            name=name,
            type="normal",
            company=self._company,
            root=roots[0]["id"],
            parent=roots[0]["id"],
            state="opened",
        )


_ACTIVE: Final = ("code", "name", "active")
_PERSON: Final = (
    *("company", "start_date", "end_date"),
    *("party.code", "party.name", "party.email"),
)
_PLANNED: Final = ("name", "number", "comment", "party", "progress")
_AXIS: Final = ("code", "name", "state", "root")
