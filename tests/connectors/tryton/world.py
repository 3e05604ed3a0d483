"""A Tryton, real or simulated, in the words of the contract suite."""

import itertools
import json
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from canonical.identity import reference_of
from canonical.masters import Employee, Masters
from canonical.money import Money
from canonical.posting import PostingIntent, PostingKind, SourceLine, TimeLine
from canonical.posting_period import PeriodDecision
from connectors.base.http import Timeouts
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.base.tls import trusted_authorities
from connectors.conformance.posting_world import PostingNetwork
from connectors.tryton import Tryton, TrytonOptions, connect
from sandbox.tryton.json_rpc import JsonRpcSession

WRITE = b'"method":"model.timesheet.work.write"'
PARENTS = 3


@dataclass(frozen=True)
class Desk:
    """A way into a Tryton past the connector: its network never has trouble.

    Shared by all worlds of a test session, because Tryton takes its time over passwords.
    """

    url: str
    database: str
    user: str
    password: str
    session: JsonRpcSession
    masters: Masters


class TrytonWorld:
    """A `PostingTargetWorld`; leaves the ERP as it found it."""

    def __init__(self, desk: "Desk") -> None:
        self.url, self.database, self.user = desk.url, desk.database, desk.user
        self.secret, self.masters = desk.password, desk.masters
        self.network = PostingNetwork(
            httpx.AsyncHTTPTransport(
                verify=trusted_authorities(), limits=httpx.Limits(keepalive_expiry=1)
            ),
            lambda request: WRITE in request.content,
        )
        self.desk = desk.session
        self.desk.work_for(int(self.entity.id))
        self._numbers = itertools.count(1)
        self._references: list[str] = []
        self._foreign: list[int] = []

    async def close(self) -> None:
        """Take everything away that was booked in this world."""
        rows = []
        if self._references:
            begins = [["description", "like", f"{each}%"] for each in self._references]
            rows = await self.desk.find("timesheet.line", ["OR", *begins], "id")
        await self.clear([*(row["id"] for row in rows), *self._foreign])
        await self.network.aclose()

    async def clear(self, lines: list[int]) -> None:
        """Delete lines, as far as they can be deleted."""
        free = await self.desk.find(
            "timesheet.line", [["id", "in", lines], ["invoice_line", "=", None]], "id"
        )
        if free:
            await self.desk.call("model.timesheet.line.delete", [row["id"] for row in free])

    @property
    def entity(self) -> Any:
        """The company that books."""
        return self.masters.legal_entities[0]

    @property
    def private(self) -> tuple[str, ...]:
        return tuple(
            word for each in self.masters.employees for word in (each.name, each.email) if word
        )

    def people(self) -> list[Employee]:
        """Everybody employed by the company."""
        return [each for each in self.masters.employees if each.legal_entity == self.entity.code]

    def tasks(self) -> list[str]:
        """Open tasks of the company, each of another project."""
        projects = [
            each.id
            for each in self.masters.projects
            if each.legal_entity == self.entity.code and each.active
        ]
        by_project = {each.project: each.id for each in self.masters.tasks if each.active}
        return [by_project[project] for project in projects]

    def task_of(self, parent: int) -> str:
        """The task behind a parent's number."""
        return self.tasks()[parent]

    def options(self, secret: str | None = None, **given: Any) -> TrytonOptions:
        """Options to connect with."""
        return TrytonOptions(
            connection="erp",
            url=self.url,
            database=self.database,
            user=self.user,
            password=SecretStr(secret or self.secret),
            timeouts=Timeouts(connect_seconds=5, write_seconds=10, read_seconds=60, pool_seconds=5),
            **given,
        )

    def connect(self, budget: RateBudget | None = None, *, secret: str | None = None) -> Tryton:
        return connect(self.options(secret), budget or Unlimited(), self.network)

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        person = next(each for each in self.people() if each.active_until is None)
        starts = person.active_from or date(2020, 1, 1)
        day = starts + timedelta(days=400 + next(self._numbers))
        content = {
            "legal_entity": self.entity.id,
            "employee": person.id,
            "task": self.task_of(parent),
            "work_date": day,
            "seconds": seconds,
            "note": note,
        }
        line = TimeLine(**{**content, **body})
        key = uuid.uuid4()  # noqa: TID251  A test's own; nothing is ever sent again.
        intent = PostingIntent(
            key=key,
            reference=reference_of(key),
            target="erp",
            source=SourceLine(connection="psa", object="time_entry", id="1", revision=1),
            kind=PostingKind.TIME,
            legal_entity=self.entity.code,
            period=PeriodDecision(
                posting_date=line.work_date, period="any", original_date=line.work_date
            ),
            value=Money.zero(self.entity.currency),
            body=line,
        )
        self._references.append(intent.reference)
        return intent

    def refused_intent(self) -> PostingIntent:
        """Somebody's work of the day after the last."""
        leaver = next(each for each in self.people() if each.active_until is not None)
        assert leaver.active_until is not None
        return self.intent(employee=leaver.id, work_date=leaver.active_until + timedelta(days=1))

    def altered(self, write: bytes) -> bytes:
        call = json.loads(write)
        for values in call["params"][1:-1:2]:
            for _, lines in values["timesheet_lines"]:
                for line in lines:
                    line["duration"]["seconds"] = 900
        return json.dumps(call).encode()

    async def book(self, intent: PostingIntent) -> str:
        body = intent.time_line
        line = {
            "company": int(body.legal_entity),
            "employee": int(body.employee),
            "work": int(body.task),
            "date": body.work_date,
            "duration": timedelta(seconds=body.seconds),
            "description": f"{intent.reference} {body.note}",
        }
        (number,) = await self.desk.create("timesheet.line", [line])
        return str(number)

    async def book_for_somebody_else(self) -> str:
        body = self.intent().time_line
        line = {
            "employee": int(body.employee),
            "work": int(body.task),
            "date": body.work_date,
            "duration": timedelta(hours=1),
            "description": "Lunch with the customer",
        }
        (number,) = await self.desk.create("timesheet.line", [line])
        self._foreign.append(number)
        return str(number)

    async def edit_note(self, document_id: str, note: str) -> None:
        (line,) = await self.desk.find(
            "timesheet.line", [["id", "in", [int(document_id)]]], "description"
        )
        reference = line["description"].split()[0]
        await self.edit(document_id, description=f"{reference} {note}")

    async def edit(self, document_id: str, **values: object) -> None:
        """Change a line directly, as a person does on the screen."""
        await self.desk.write("timesheet.line", [int(document_id)], values)

    async def lock(self, document_id: str) -> None:
        """Invoice the project of parent 2, where the document is."""
        task = next(each for each in self.masters.tasks if each.id == self.task_of(2))
        await self.desk.press("project.work", "invoice", [int(task.project)])

    async def held(self, reference: str) -> list[str]:
        rows = await self.desk.find(
            "timesheet.line", [["description", "like", f"{reference}%"]], "id"
        )
        return [str(row["id"]) for row in rows]


class RealTrytonWorld(TrytonWorld):
    """A world in the real ERP, which other tests share: invoices made here are deleted again."""

    async def lock(self, document_id: str) -> None:
        # Its projects are billed from outside; Tryton's own billing needs to be asked for.
        await self._bill_by("timesheet")
        await super().lock(document_id)
        lines = await self.desk.find(
            "timesheet.line", [["id", "=", int(document_id)]], "invoice_line.invoice"
        )
        self._invoice = lines[0]["invoice_line."]["invoice"]

    _invoice: int | None = None

    async def _bill_by(self, method: str) -> None:
        project = next(each for each in self.masters.tasks if each.id == self.task_of(2)).project
        await self.desk.write("project.work", [int(project)], {"project_invoice_method": method})

    async def clear(self, lines: list[int]) -> None:
        if self._invoice is not None:
            await self.desk.call("model.account.invoice.delete", [self._invoice])
            # As long as something is invoiced, the method cannot be changed.
            await self._bill_by("manual")
        await super().clear(lines)
