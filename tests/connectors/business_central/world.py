"""A simulated Business Central in the words of the contract suites."""

import itertools
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from canonical.identity import reference_of
from canonical.money import Money
from canonical.posting import PostingIntent, PostingKind, SourceLine, TimeLine
from canonical.posting_period import PeriodDecision
from connectors.base.http import Timeouts
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.business_central import BusinessCentral, BusinessCentralOptions, connect
from connectors.business_central.simulated_books import Company
from connectors.business_central.simulated_firm import COMPANY, REGISTER, TASKS, furnish, id_for
from connectors.business_central.simulated_query import Record
from connectors.business_central.simulated_service import Environment
from connectors.business_central.simulator import (
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    simulated_business_central,
)
from connectors.business_central.time_register import entry_values, register_values
from connectors.conformance.posting_world import PostingNetwork
from tests.connectors.business_central.spec_check import API_URL, LOGIN_URL, SpecChecked

_FIRST_DAY = date(2026, 3, 1)
_DAYS = 60


class BusinessCentralWorld:
    """A `PostingTargetWorld` and an `HttpWorld` at once."""

    secret = CLIENT_SECRET

    def __init__(self) -> None:
        self.environment = Environment()
        self.company = furnish(self.environment)
        self.app = simulated_business_central(self.environment)
        self.spec = SpecChecked(httpx.ASGITransport(self.app))
        self.network = PostingNetwork(self.spec, self._is_write)
        self._numbers = itertools.count()

    def _is_write(self, request: httpx.Request) -> bool:
        return request.url.path.endswith("/$batch")

    def id_of(self, entity_set: str, key: str) -> str:
        """The id of one of the firm's records."""
        return id_for(f"{COMPANY}/{entity_set}/{key}")

    def options(self, secret: str | None = None, **given: Any) -> BusinessCentralOptions:
        """Options to connect with."""
        return BusinessCentralOptions(
            **{
                "connection": "erp",
                "tenant_id": TENANT,
                "environment": "production",
                "client_id": CLIENT_ID,
                "client_secret": SecretStr(secret or self.secret),
                "api_url": API_URL,
                "login_url": LOGIN_URL,
                "project_tasks": TASKS,
                "timeouts": Timeouts(),
                **given,
            }
        )

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None, **given: Any
    ) -> BusinessCentral:
        return connect(self.options(secret, **given), budget or Unlimited(), self.network)

    def intent(
        self, *, parent: int = 0, seconds: int = 3600, note: str = "", **body: Any
    ) -> PostingIntent:
        content = {
            "legal_entity": self.company.id,
            "employee": self.id_of("employees", "E-1001"),
            "task": f"{self.id_of('projects', f'P-{parent + 1}00')}/{TASKS[0]}",
            "work_date": _FIRST_DAY + timedelta(days=next(self._numbers) % _DAYS),
            "seconds": seconds,
            "note": note,
        }
        line = TimeLine(**{**content, **body})
        key = uuid.uuid4()  # noqa: TID251  A test's own; nothing is ever sent again.
        return PostingIntent(
            key=key,
            reference=reference_of(key),
            target="erp",
            source=SourceLine(connection="psa", object="time_entry", id="1", revision=1),
            kind=PostingKind.TIME,
            legal_entity=COMPANY,
            period=PeriodDecision(
                posting_date=line.work_date, period="any", original_date=line.work_date
            ),
            value=Money.zero("EUR"),
            body=line,
        )

    def refused_intent(self) -> PostingIntent:
        """Work on a task that the project does not have."""
        return self.intent(task=f"{self.id_of('projects', 'P-100')}/9999")

    @property
    def private(self) -> tuple[str, ...]:
        return tuple(row["displayName"] for row in self.company.rows("employees"))

    def altered(self, write: bytes) -> bytes:
        told = json.loads(write)
        for part in told["requests"]:
            if "quantity" in part.get("body", {}):
                part["body"]["quantity"] = 0.25
        return json.dumps(told).encode()

    async def book(self, intent: PostingIntent) -> str:
        """As a second run would that knows nothing of the first."""
        from connectors.business_central import simulated_time as times

        entry = times.create_time_entry(self.company, dict(entry_values(intent)))
        times.create_journal_line(self.company, self.register, dict(register_values(intent)))
        return self._document_id(entry)

    async def book_for_somebody_else(self) -> str:
        """As a person does who fills in a time sheet."""
        from connectors.business_central import simulated_time as times

        values = dict(entry_values(self.intent(seconds=7_200)))
        return self._document_id(times.create_time_entry(self.company, values))

    def _document_id(self, entry: Record) -> str:
        return f"{self.company.id}/timeRegistrationEntries/{entry['id']}"

    @property
    def register(self) -> Record:
        """The journal batch that our lines are in."""
        (found,) = self.company.rows("journals", code=REGISTER)
        return found

    def entry(self, document_id: str) -> Record:
        """The time entry behind a document."""
        found = self.company.get("timeRegistrationEntries", document_id.rpartition("/")[2])
        assert found is not None
        return found

    async def edit_note(self, document_id: str, note: str) -> None:
        day = self.entry(document_id)["date"]
        (line,) = self.company.rows("journalLines", postingDate=day)
        line["description"] = note
        self.company.touch("journalLines", line)

    async def lock(self, document_id: str) -> None:
        self.entry(document_id)["status"] = "Approved"

    async def held(self, reference: str) -> list[str]:
        """Entries that agree with what the register says of a reference."""
        taken: list[str] = []
        for line in self.company.rows("journalLines", externalDocumentNumber=reference):
            employee, seconds, task = line["comment"].split(" ", 2)
            fitting = [
                self._document_id(row)
                for row in self.company.rows(
                    "timeRegistrationEntries", date=line["postingDate"], employeeId=employee
                )
                if f"{row['jobId']}/{row['jobTaskNumber']}" == task
                and abs(row["quantity"] * 3600 - Decimal(seconds)) < 1
            ]
            taken += [one for one in fitting if one not in taken][:1]
        return taken

    def company_named(self, name: str) -> Company:
        """Open a second company."""
        return furnish(self.environment, name)

    def pass_time(self, seconds: int) -> None:
        """Let the ERP's clock go on."""
        later = datetime.now(UTC) + timedelta(seconds=seconds)
        self.environment.clock = lambda: later
