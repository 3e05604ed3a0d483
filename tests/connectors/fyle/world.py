"""A simulated Fyle organisation in the words of the contract suites."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from canonical.expense import ExpenseReport
from connectors.base.capabilities import ReportStep, SourceRecord
from connectors.base.rate_budget import RateBudget
from connectors.conformance.expense_source import records
from connectors.conformance.http_contract import FaultyNetwork, Tokens
from connectors.fyle import Fyle, FyleOptions, connect
from connectors.fyle.simulated_organisation import SimulatedFyle
from connectors.fyle.simulated_state import (
    ExpenseChange,
    OrganisationState,
    SimulatedCategory,
    SimulatedCostCentre,
    SimulatedExpense,
    SimulatedPerson,
    SimulatedProject,
    SimulatedReport,
    SimulatedTaxGroup,
)
from connectors.fyle.simulator import simulated_fyle
from connectors.fyle.wire import ReportState
from tests.connectors.fyle.spec_check import ACCOUNTS_URL, CLUSTER_URL, SpecChecked

KIM, LEE, BOSS = "ouKim", "ouLee", "ouBoss"
TAXI, MILEAGE, PER_DIEM, HOTEL = 101, 102, 103, 104
DAY = date(2026, 1, 5)

STATE = OrganisationState(
    client_secret="the-client-secret",
    refresh_token="the-refresh-token",
    cluster_domain=CLUSTER_URL,
    people=(
        SimulatedPerson(
            id=KIM, user_id="usKim", full_name="Kim Allen", email="kim@firm.example", code="E-1001"
        ),
        SimulatedPerson(id=LEE, user_id="usLee", full_name="Lee Park", email="lee@firm.example"),
        SimulatedPerson(
            id=BOSS, user_id="usBoss", full_name="Bo Ross", email="bo@firm.example", code="E-9000"
        ),
    ),
    categories=(
        SimulatedCategory(id=TAXI, name="Travel", sub_category="Taxi", code="TAXI"),
        SimulatedCategory(id=MILEAGE, name="Mileage", system_category="Mileage"),
        SimulatedCategory(id=PER_DIEM, name="Per Diem", system_category="Per Diem"),
        SimulatedCategory(id=HOTEL, name="Hotel", code="HOTEL", system_category="Hotel"),
    ),
    projects=(
        SimulatedProject(id=201, name="Website", code="P-1001"),
        SimulatedProject(id=202, name="Shop", sub_project="Phase 2"),
    ),
    cost_centres=(
        SimulatedCostCentre(id=301, name="Delivery", code="CC-100"),
        SimulatedCostCentre(id=302, name="Sales", is_enabled=False),
    ),
    tax_groups=(SimulatedTaxGroup(id="tgVat19", name="VAT 19%", percentage=Decimal("19.0")),),
)


class FyleWorld:
    """An `ExpenseWorld` and an `HttpWorld` at once; its clocks stand still."""

    page_size = 3
    secret = STATE.refresh_token
    knows_claims = False
    shows = frozenset(
        {ReportStep.POSTED, ReportStep.FAILED, ReportStep.PAID, ReportStep.PAYMENT_REVERSED}
    )

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
        self.monotonic = 1000.0
        self.fyle = SimulatedFyle(STATE, clock=lambda: self.now)
        # Tests are faster than ten calls in a second; that limit has tests of its own.
        self.misbehave(rate_limit_calls=1_000_000)
        self.spec = SpecChecked(httpx.ASGITransport(simulated_fyle(self.fyle)))
        self.network = FaultyNetwork(self.spec)
        self._reports = 0
        self._expenses = 0

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None, **options: Any
    ) -> Fyle:
        given: dict[str, Any] = {
            "connection": "fyle-emea",
            "client_id": STATE.client_id,
            "client_secret": SecretStr(STATE.client_secret),
            "refresh_token": SecretStr(secret or self.secret),
            "accounts_url": ACCOUNTS_URL,
            "cluster_pattern": r"http://[a-z0-9]+\.fyle\.test",
            "page_size": self.page_size,
        }
        return connect(
            FyleOptions(**given | options),
            budget or Tokens(),
            self.network,
            clock=lambda: self.monotonic,
            now=lambda: self.now,
        )

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds

    def expense(self, amount: str, **facts: Any) -> SimulatedExpense:
        """An expense that is in no report yet; its facts are Fyle's."""
        self._expenses += 1
        given = {"id": f"tx{self._expenses:09}", "category_id": TAXI, "spent_on": DAY}
        return SimulatedExpense(**{**given, "amount": Decimal(amount), **facts})

    def report(self, *expenses: SimulatedExpense, **facts: Any) -> str:
        """Release a report with these expenses; gives its id."""
        self._reports += 1
        given = {
            "id": f"rp{self._reports:09}",
            "seq_num": f"C/2026/01/R/{self._reports}",
            "employee_id": KIM,
            "approver_id": BOSS,
            "submitted_at": self.now - timedelta(days=2),
            "approved_at": self.now - timedelta(days=1),
        }
        report = SimulatedReport(**{**given, "expenses": expenses, **facts})
        self.fyle.add([report])
        return report.id

    def release(self, amount: str, *, note: str = "") -> str:
        return self.report(self.expense(amount, purpose=note, merchant=note), purpose=note)

    def recall(self, report: str) -> bool:
        if self.fyle.reports[report].state is ReportState.PAID:
            return False
        self.fyle.move([report], ReportState.APPROVER_INQUIRY)
        return True

    def resubmit(self, report: str, amount: str) -> str:
        self.recall(report)
        [expense] = self.fyle.reports[report].expenses
        self.fyle.change([ExpenseChange(id=expense.id, amount=Decimal(amount))])
        self.fyle.move([report], ReportState.PAYMENT_PROCESSING)
        return report

    def add_unreadable(self, private: str) -> None:
        text = f'"{private}"'
        members = {"amount": text, "num_expenses": text, "purpose": text, "employee": text}
        self.spoil(self.release("10.00", note=private), **members)

    def spoil(self, record: str, **members: str) -> None:
        """Let JSON texts stand instead of members of a record; `whole` is all of it."""
        self.spec.tolerant = True
        texts = {"" if name == "whole" else name: text for name, text in members.items()}
        self.misbehave(spoilt={**self.fyle.quirks.spoilt, record: texts})

    def misbehave(self, **quirks: Any) -> None:
        self.fyle.quirks = self.fyle.quirks.model_copy(update=quirks)

    def before_next(self, action: Callable[[], object]) -> None:
        """Let something happen in Fyle just before the next planned request gets there."""

        async def fault(request: httpx.Request) -> httpx.Response:
            action()
            return await self.spec.handle_async_request(request)

        self.network._planned.append(fault)

    def send_pages_in_a_circle(self) -> None:
        self.misbehave(circular_pages=True)

    def break_next_page(self) -> None:
        self.spec.tolerant = True
        self.misbehave(broken_pages=1)

    def told(self, report: str) -> Sequence[ReportStep]:
        return [ReportStep(step) for step in self.fyle.told.get(report, ())]

    def reason(self, report: str) -> str:
        number = self.fyle.reports[report].seq_num
        found = (each for each in self.fyle.exports.values() if f" {number} " in each.name)
        return " ".join(f"{each.name}: {each.description}" for each in found)

    def paths(self) -> list[str]:
        """What was asked for so far, without where."""
        return [
            f"{request.method} {request.url.path.removeprefix('/platform/v1/admin')}"
            for request in self.network.requests
        ]


async def read(world: FyleWorld, report: str) -> SourceRecord[ExpenseReport]:
    """Read all reports, and give this one."""
    return {each.source_id: each for each in await records(world)}[report]
