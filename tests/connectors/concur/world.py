"""A simulated Concur company in the words of the contract suite."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from connectors.base.capabilities import ReportStep
from connectors.base.http import exact_json
from connectors.base.rate_budget import RateBudget
from connectors.concur import Concur, ConcurOptions
from connectors.concur.client import ConcurClient
from connectors.concur.simulated_company import SimulatedConcur
from connectors.concur.simulated_documents import cash_advance, entry, report
from connectors.concur.simulated_state import CompanyState, SimulatedUser
from connectors.concur.simulator import simulated_concur
from connectors.conformance.http_contract import FaultyNetwork, Tokens
from tests.connectors.concur.spec_check import BASE_URL, SpecChecked

KIM = SimulatedUser(
    login="kim@firm.example",
    given_name="Kim",
    family_name="Allen",
    email="kim@firm.example",
    employee_number="E-1001",
    cost_centre="CC-100",
    legal_entity="FIRM-DE",
    start_date=date(1998, 3, 1),
)
LEE = SimulatedUser(
    login="lee@firm.example",
    given_name="Lee",
    family_name="Park",
    email="lee@firm.example",
    employee_number="E-1002",
    active=False,
    termination_date=date(2025, 12, 31),
)
STATE = CompanyState(
    client_secret="the-secret-of-the-app",
    refresh_token="the-refresh-token",
    users=(KIM, LEE),
)
STEPS = {
    "success": ReportStep.POSTED,
    "error": ReportStep.FAILED,
    "PP": ReportStep.PARTLY_PAID,
    "CP": ReportStep.PAID,
    "RE": ReportStep.PAYMENT_REVERSED,
    "OB": ReportStep.OBSOLETE,
}


class ConcurWorld:
    """An `ExpenseWorld`; its clock stands still, and tokens live by it."""

    page_size = 3
    secret = STATE.client_secret
    knows_claims = True
    shows = frozenset(ReportStep)

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 2, 9, 30, tzinfo=UTC)
        self.company = SimulatedConcur(STATE, clock=lambda: self.now)
        self.spec = SpecChecked(httpx.ASGITransport(simulated_concur(self.company)))
        self.network = FaultyNetwork(self.spec)
        self._reports = 0

    def connect(
        self,
        budget: RateBudget | None = None,
        *,
        secret: str | None = None,
        **options: Any,
    ) -> Concur:
        start = self.now

        def clock() -> float:
            return (self.now - start).total_seconds()

        given = ConcurOptions(
            connection="concur-emea",
            client_id=STATE.client_id,
            client_secret=SecretStr(secret or STATE.client_secret),
            refresh_token=SecretStr(STATE.refresh_token),
            base_url=BASE_URL,
            **{"page_size": self.page_size, **options},
        )
        return Concur(given, ConcurClient(given, budget or Tokens(), self.network, clock))

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def release(self, amount: str, *, note: str = "", delayed: bool = False) -> str:
        self._reports += 1
        content = self.content(f"{self._reports:020X}", amount, note)
        return self.company.release(content, delayed=delayed)

    def advance(self, amount: str) -> str:
        """Release a cash advance that is paid out."""
        self._reports += 1
        content = cash_advance(f"{self._reports:032X}", "E-1001", Decimal(amount), self.now)
        return self.company.release(content)

    def content(self, report_id: str, amount: str, note: str = "") -> dict[str, Any]:
        """A report of one taxi ride."""
        ride = entry("E1", Decimal(amount), date(2026, 1, 28), note=note)
        return report(report_id, "E-1001", [ride], self.now, name=note)

    def recall(self, report: str) -> bool:
        return self.company.recall(report)

    def resubmit(self, report: str, amount: str) -> str:
        report_id = exact_json(self.company.document(report).content)["report"]["reportId"]
        return self.company.resubmit(report, self.content(report_id, amount))

    def add_unreadable(self, private: str) -> None:
        self.poison(
            json.dumps(
                {
                    "id": "f00d" * 8,
                    "docType": "expense",
                    "docStatus": "READY",
                    "document": {
                        "employee": {"employeeId": "E-1001", "employeeLastName": private},
                        "report": {
                            "reportId": "R1",
                            "reportName": private,
                            "employeeCurrencyAlphaCode": private,
                            "totalApprovedAmount": private,
                        },
                        "expenseEntry": [{"entryId": "E1", "entryDescription": private}],
                    },
                }
            )
        )

    def poison(self, *records: str) -> None:
        self.spec.tolerant = True
        self.misbehave(poison=records)

    def misbehave(self, **quirks: object) -> None:
        self.company.quirks = self.company.quirks.model_copy(update=quirks)

    def send_pages_in_a_circle(self) -> None:
        self.misbehave(circular_pages=True)

    def break_next_page(self) -> None:
        self.spec.tolerant = True
        self.misbehave(broken_pages=1)

    def told(self, report: str) -> Sequence[ReportStep]:
        found = self.company.found(report)
        return [STEPS[each.status] for each in found.told] if found else []

    def reason(self, report: str) -> str:
        return self.company.document(report).told[-1].message

    def body_of(self, report: str) -> Mapping[str, Any]:
        """The last confirmation of a document as it came, digit by digit."""
        return exact_json(self.company.document(report).told[-1].body)

    @property
    def asked(self) -> list[str]:
        """What was asked so far, by the last part of its address."""
        return [request.url.path.rsplit("/", 1)[-1] for request in self.network.requests]
