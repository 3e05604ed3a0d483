"""The systems around a platform whose only source is Fyle: one simulated, and the real Tryton."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any, Final

import httpx
from pydantic import SecretStr

from connectors.base.capabilities import Connected
from connectors.base.rate_budget import Unlimited
from connectors.fyle import FyleOptions
from connectors.fyle import connect as connect_fyle
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
from connectors.fyle.wire import Fund, ReportState
from sandbox.expense_month import PER_DIEM_TYPE
from sandbox.firm import Employee, Firm, Project, firm_of
from sandbox.tryton.expense_desk import ExpenseDesk, SupplierInvoice
from sandbox.tryton.expense_seed import CARD_CLEARING, EMPLOYEE_ADVANCES
from tests.erp_fixtures import last_month
from tests.expenses.faulty_wire import FaultyWire
from tests.expenses.systems import ErpSide

URL: Final = "http://fyle.test"
WHY: Final = "https://ledgerway.northwind.example/why/{reference}"
# One organisation is one legal entity.
ENTITY: Final = "DE01"
KINDS: Final = ("TAXIX", "TRAIN", "AIRFR", "LODNG", "DINNR", "MILEG", PER_DIEM_TYPE, "ENTOT")
RECOVERED: Final = {"VAT19": Decimal(19), "VAT7": Decimal(7)}
# What is asked of Fyle.
LOOK = "GET reports by id"
PAY = "reimbursements/mark_paid/bulk"
EXPORT = "accounting_export_lineitems/bulk"
_ADMIN: Final = "/platform/v1/admin/"
# Who pays for an expense, where it is not the employee.
_CLEARED_BY: Final = {
    Fund.CARD: CARD_CLEARING,
    Fund.COMPANY_CARD: CARD_CLEARING,
    Fund.ADVANCE: EMPLOYEE_ADVANCES,
}

# Reports of one session have ids of their own: all its tests share one ERP.
_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True)
class Totals:
    """What a report comes to: owed to the employee, and by tax, cost centre and who else paid."""

    owed: Decimal
    taxes: Mapping[str, Decimal]
    cost_centres: Mapping[str, Decimal]
    cleared: Mapping[str, Decimal]


class FyleSystems:
    """Fyle with the people of one legal entity and not one report, and the ERP."""

    def __init__(self, erp: ErpSide) -> None:
        self.firm: Firm = firm_of(last_month())
        self.erp = erp
        self.desk: ExpenseDesk = erp.desk
        self.people = [
            one
            for one in self.firm.employees
            if one.legal_entity.code == ENTITY and one.ended_on is None
        ]
        self.organisation = SimulatedFyle(self._state())
        # Tests are faster than ten calls in a second; that limit has tests of its own.
        self.organisation.quirks = self.organisation.quirks.model_copy(
            update={"rate_limit_calls": 1_000_000}
        )
        self.wire = FaultyWire(httpx.ASGITransport(simulated_fyle(self.organisation)), _asked)

    def _state(self) -> OrganisationState:
        boss = SimulatedPerson(
            id="ouBoss", user_id="usBoss", full_name="Bo Ross", email="boss@northwind.example"
        )
        return OrganisationState(
            people=(boss, *(_person(n, one) for n, one in enumerate(self.people))),
            categories=tuple(
                SimulatedCategory(id=n, name=code.title(), code=code)
                for n, code in enumerate(KINDS, start=1)
            ),
            projects=tuple(
                SimulatedProject(id=n, name=one.name, code=one.code)
                for n, one in enumerate(self.firm.projects, start=1)
            ),
            cost_centres=tuple(
                SimulatedCostCentre(id=n, name=one.name, code=one.code)
                for n, one in enumerate(self.firm.cost_centres, start=1)
            ),
            tax_groups=tuple(
                SimulatedTaxGroup(id=f"tg{code}", name=code, percentage=percent)
                for code, percent in RECOVERED.items()
            ),
        )

    @contextmanager
    def connected(self) -> Iterator[dict[str, Connected]]:
        """Connect both; Fyle anew, the ERP with a session that nobody else uses."""
        facts = self.organisation.facts
        fyle = connect_fyle(
            FyleOptions(
                connection="fyle",
                client_id=facts.client_id,
                client_secret=SecretStr(facts.client_secret),
                refresh_token=SecretStr(facts.refresh_token),
                accounts_url=URL,
                cluster_pattern=r"http://fyle\.test",
                status_url=WHY,
                legal_entity=ENTITY,
                home_country="DE",
                receipts_prove_tax=True,
            ),
            Unlimited(),
            self.wire,
        )
        with self.erp.connectors.one() as tryton:
            yield {"fyle": fyle, "tryton": tryton}

    # People in Fyle.

    def project(self) -> Project:
        """A project that expenses may be passed on to."""
        return next(
            one
            for one in self.firm.projects
            if one.legal_entity.code == ENTITY and one.known_to_erp and not one.done_in_erp
        )

    def spent(self, amount: str, kind: str = "TAXIX", **facts: Any) -> SimulatedExpense:
        """An expense that is in no report yet; its facts are Fyle's, and `tax` a group's name."""
        days = self.firm.month.working_days()
        number = next(_NUMBERS)
        given: dict[str, Any] = {
            "id": f"tx{number:06}",
            "category_id": KINDS.index(kind) + 1,
            "spent_on": days[number % len(days)],
            "amount": Decimal(amount),
            "cost_center_id": 1,
        }
        if tax := facts.pop("tax", None):
            facts |= {"tax_group_id": f"tg{tax}", "files": (f"fi{number:06}",)}
        if facts.get("is_billable") and "project_id" not in facts:
            facts["project_id"] = self.firm.projects.index(self.project()) + 1
        return SimulatedExpense(**{**given, **facts})

    def release(self, *expenses: SimulatedExpense, who: int = 0, **facts: Any) -> str:
        """Let a report be released for payment; gives its id."""
        number = next(_NUMBERS)
        last = datetime.combine(self.firm.month.working_days()[-1], time(17, 30), UTC)
        given: dict[str, Any] = {
            "id": f"rp{number:06}",
            "seq_num": f"C/{self.firm.month.year}/R/{number:06}",
            "employee_id": f"ou{who:03}",
            "approver_id": "ouBoss",
            "submitted_at": last,
            "approved_at": last,
            "expenses": expenses,
        }
        report = SimulatedReport(**{**given, **facts})
        self.organisation.add([report])
        return report.id

    def taxi(self, amount: str = "23.50", **facts: Any) -> str:
        """Release a report of one cash cost."""
        return self.release(self.spent(amount, **facts))

    def send_back(self, *reports: str) -> None:
        """Return reports to who submitted them."""
        self.organisation.move(reports, ReportState.APPROVER_INQUIRY)

    def release_again(self, *reports: str) -> None:
        """Approve and release reports that had been sent back."""
        self.organisation.move(reports, ReportState.PAYMENT_PROCESSING)

    def change(self, report: str, **facts: Any) -> None:
        """Change the only expense of a report."""
        (expense,) = self.report(report).expenses
        self.organisation.change([ExpenseChange(id=expense.id, **facts)])

    # What both systems show.

    def report(self, report: str) -> SimulatedReport:
        """A report as Fyle has it."""
        return self.organisation.reports[report]

    def told(self, report: str) -> list[str]:
        """The steps that took effect on a report in Fyle, in order."""
        return self.organisation.told.get(report, [])

    def exported(self, report: str) -> list[str]:
        """What the lines of accounting exports say of a report, in order."""
        return [
            one.reference or ""
            for one in self.organisation.lines.values()
            if one.object_id == report
        ]

    def reasons(self, report: str) -> list[str]:
        """Why Fyle was told that a report was not posted."""
        number = self.report(report).seq_num
        return [
            f"{one.name}: {one.description}"
            for one in self.organisation.exports.values()
            if one.name.startswith(f"Not posted: {number} ")
        ]

    async def invoices(self, *reports: str) -> tuple[SupplierInvoice, ...]:
        """What the ERP holds of these reports, or of all of this test: drafts too."""
        numbers = [self.report(one).seq_num for one in reports or self.organisation.reports]
        like = [["reference", "like", f"% {number}%"] for number in numbers]
        return await self.desk.supplier_invoices([["OR", *like]]) if like else ()

    async def invoice(self, report: str) -> SupplierInvoice:
        """The only invoice of a report; anything beside it is a failure."""
        (one,) = await self.invoices(report)
        assert one.posted, one
        return one

    def approved(self, report: str) -> Totals:
        """What Fyle says a report comes to, added up without a connector and without our rules."""
        taxes: dict[str, Decimal] = defaultdict(Decimal)
        centres: dict[str, Decimal] = defaultdict(Decimal)
        cleared: dict[str, Decimal] = defaultdict(Decimal)
        owed = -sum((one.amount for one in self.report(report).wallets), Decimal(0))
        for one in self.report(report).expenses:
            if one.fund is Fund.CASH and not one.is_reimbursable:
                continue
            if one.fund is Fund.CASH:
                owed += one.amount
            else:
                cleared[_CLEARED_BY[one.fund]] -= one.amount
            tax = one.tax_amount or Decimal(0)
            if tax:
                assert one.tax_group_id is not None
                taxes[f"{one.tax_group_id.removeprefix('tg')}-IN"] += tax
            assert one.cost_center_id is not None
            centres[self.firm.cost_centres[one.cost_center_id - 1].code] += one.amount - tax
        return Totals(owed, dict(taxes), dict(centres), dict(cleared))


def booked(*invoices: SupplierInvoice) -> Totals:
    """What invoices come to together, in the words in which Fyle's reports are added up."""
    taxes: dict[str, Decimal] = defaultdict(Decimal)
    centres: dict[str, Decimal] = defaultdict(Decimal)
    cleared: dict[str, Decimal] = defaultdict(Decimal)
    for one in invoices:
        for tax in one.taxes:
            taxes[tax.code] += tax.amount
        for centre, amount in one.cost_centres.items():
            centres[centre] += amount
        for account in {*_CLEARED_BY.values()}:
            cleared[account] = cleared[account] + one.accounts.get(account, Decimal(0))
    owed = sum((one.total for one in invoices), Decimal(0))
    return Totals(owed, _something(taxes), _something(centres), _something(cleared))


def _something(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {code: amount for code, amount in amounts.items() if amount}


def _person(number: int, employee: Employee) -> SimulatedPerson:
    return SimulatedPerson(
        id=f"ou{number:03}",
        user_id=f"us{number:03}",
        full_name=employee.name,
        email=employee.email,
        code=employee.code,
        joined_on=employee.started_on,
    )


def _asked(request: httpx.Request) -> str:
    path = request.url.path.removeprefix(_ADMIN)
    named = " by id" if request.url.params.get("id", "").startswith("in.") else ""
    return path if request.method == "POST" else f"GET {path}{named}"
