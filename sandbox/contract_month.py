"""The firm's contracts as they stand in its month: files of a drop, every kind of contract in them.

Each engagement is about one project, and its number is the project's. Not all is in order, as in
any real firm: a cap is passed, another one nearly, a milestone waits for its signature, and two
projects are where the ERP does not follow.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from canonical.contracts import (
    Acceptance,
    BillingModel,
    Cap,
    ChangeOrder,
    ContractLine,
    Engagement,
    ErpScheduleLine,
    PurchaseOrder,
    RateCard,
    ScheduleLine,
    TaxParty,
)
from canonical.money import Money
from connectors.flatfile.writing import (
    engagements_as_json,
    engagements_as_tables,
    milestones_as_tables,
    purchase_orders_as_table,
    rate_cards_as_table,
)
from sandbox.contract_rates import AgreedRates
from sandbox.firm import Firm, Project

CONNECTION: Final = "contracts"
CONSULTING: Final = "consulting"
# Where each customer is taxed; all are registered there.
COUNTRIES: Final = {
    **dict.fromkeys(("CUST-001", "CUST-003"), "DE"),
    "CUST-002": "GB",
    **dict.fromkeys(("CUST-004", "CUST-005", "CUST-006"), "US"),
}


def write_contracts(firm: Firm, folder: Path) -> None:
    """Write the contracts of a firm's month into a folder, which is made if it is not there.

    Those with a schedule are lines of JSON, all others tables.
    """
    month = ContractMonth(firm)
    by_schedule = [one for one in month.engagements if any(line.schedule for line in one.lines)]
    by_time = [one for one in month.engagements if one not in by_schedule]
    files = {
        **engagements_as_json(by_schedule),
        **engagements_as_tables(by_time),
        **rate_cards_as_table(month.rate_cards),
        **purchase_orders_as_table([month.purchase_order]),
        **milestones_as_tables(month.acceptances, month.erp_schedule),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        # As whoever fills a drop should: under another name, and then all at once.
        unfinished = folder / f".{name}"
        unfinished.write_bytes(text.encode())
        unfinished.replace(folder / name)


@dataclass(frozen=True)
class ContractMonth:
    """The contracts of a firm in its month; deterministic."""

    firm: Firm

    @property
    def since(self) -> date:
        """Since when all contracts and prices count: late work of the month before is billed."""
        return self.firm.month.before().first_day

    def _day(self, day: int) -> date:
        return self.firm.month.first_day.replace(day=day)

    @cached_property
    def engagements(self) -> tuple[Engagement, ...]:
        """One for each project of the firm."""
        return tuple(self._engagement(project) for project in self.firm.projects)

    def _engagement(self, project: Project) -> Engagement:
        number = project.code.removeprefix("PRJ-")
        return Engagement(
            connection=CONNECTION,
            id=f"ENG-{number}",
            code=f"ENG-{number}",
            name=project.name,
            legal_entity=project.legal_entity.code,
            customer=project.customer.code,
            customer_tax=TaxParty(country=COUNTRIES[project.customer.code], registered=True),
            lines=(self._line(project, number),),
        )

    def _line(self, project: Project, number: str) -> ContractLine:
        currency = project.legal_entity.currency
        values: dict[str, Any] = {
            "id": f"CL-{number}",
            "label": f"{project.name}: time and materials",
            "model": BillingModel.TIME_AND_MATERIALS,
            "currency": currency,
            "projects": (project.code,),
            "service": CONSULTING,
            "expenses_billed": True,
            "valid_from": self.since,
        }
        return ContractLine(**{**values, **self._agreed(number, project.name)})

    def _agreed(self, number: str, name: str) -> dict[str, Any]:
        """What is special about a project's contract; most are plain time and materials."""
        match number:
            case "1002":
                # Less than the month is worth.
                return {"cap": _cap("hard", "25000.00", "EUR")}
            case "1003":
                return {"currency": "GBP"}
            case "1004":
                return {
                    "label": f"{name}: retainer",
                    "model": BillingModel.RETAINER,
                    "schedule": self._retainer(),
                }
            case "1005":
                return {
                    "label": f"{name}: fixed fee",
                    "model": BillingModel.FIXED_FEE,
                    "expenses_billed": False,
                    "schedule": self._instalments(),
                    "performance_obligation": "OB-1005",
                }
            case "1007":
                design = self._milestone("1007-1", "Target model signed off", "28000.00", "EUR")
                return self._by_milestones(name, design)
            case "1008":
                intake = self._milestone("1008-1", "Intake form live", "42500.00", "USD")
                training = self._milestone("1008-2", "Clinics trained", "18000.00", "USD", 0)
                return self._by_milestones(name, intake, training)
            case "1009":
                order = ChangeOrder(
                    id="CO-1009-1", agreed_date=self._day(12), amount=_money("6000.00", "USD")
                )
                # With its change order the month uses between 80 and 100 % of it.
                return {"cap": _cap("soft", "40000.00", "USD", order)}
            case "1010":
                return {"purchase_order_required": True, "purchase_order": "LL-4500017734"}
            case _:
                return {}

    def _by_milestones(self, name: str, *schedule: ScheduleLine) -> dict[str, Any]:
        return {
            "label": f"{name}: by milestones",
            "model": BillingModel.MILESTONE,
            "expenses_billed": False,
            "schedule": schedule,
        }

    def _milestone(
        self, number: str, label: str, amount: str, currency: str, day: int = 20
    ) -> ScheduleLine:
        """A milestone of this month, or of the next one where no day is given."""
        return ScheduleLine(
            id=f"MS-{number}",
            label=label,
            due_date=self._day(day) if day else self.firm.month.next().last_day,
            amount=_money(amount, currency),
            erp_key=f"BS-{number}",
        )

    def _retainer(self) -> tuple[ScheduleLine, ...]:
        """A prepayment of this month's work, of which what is left goes on into the next."""
        month = self.firm.month
        return (
            ScheduleLine(
                id="PP-1004-1",
                label="Prepayment of the month",
                due_date=month.first_day,
                amount=_money("30000.00", "EUR"),
                draw_from=month.first_day,
                draw_until=month.next().last_day,
            ),
        )

    def _instalments(self) -> tuple[ScheduleLine, ...]:
        """What is left of a fee in three parts: one is due this month, the last in the next."""
        due = {2: self._day(15), 3: self.firm.month.next().last_day}
        return tuple(
            ScheduleLine(
                id=f"FF-1005-{number}",
                label=f"Instalment {number} of 3",
                due_date=day,
                amount=_money("24500.00", "EUR"),
                erp_key=f"BS-1005-{number}",
            )
            for number, day in due.items()
        )

    @property
    def rate_cards(self) -> tuple[RateCard, ...]:
        """The prices of the firm."""
        return AgreedRates(self.firm.month, CONNECTION).cards

    @property
    def purchase_order(self) -> PurchaseOrder:
        """The order that invoices for ENG-1010 have to name."""
        return PurchaseOrder(
            id="LL-4500017734",
            number="4500017734",
            amount=_money("60000.00", "USD"),
            valid_from=self.since,
            valid_until=self.firm.month.next().last_day,
        )

    @property
    def acceptances(self) -> tuple[Acceptance, ...]:
        """The one milestone that its customer has signed."""
        return (
            Acceptance(
                engagement="ENG-1008",
                contract_line="CL-1008",
                schedule_line="MS-1008-1",
                accepted_date=self._day(22),
                evidence="sign-off/CRH-0815",
            ),
        )

    @property
    def erp_schedule(self) -> tuple[ErpScheduleLine, ...]:
        """What the ERP's own schedule says, as it was exported: the same."""
        return tuple(
            ErpScheduleLine(key=one.erp_key, amount=one.amount)
            for engagement in self.engagements
            for line in engagement.lines
            for one in line.schedule
            if one.erp_key
        )


def _money(amount: str, currency: str) -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def _cap(kind: str, amount: str, currency: str, *orders: ChangeOrder) -> Cap:
    return Cap.model_validate(
        {
            "kind": kind,
            "amount": _money(amount, currency),
            "expenses_included": False,
            "change_orders": orders,
        }
    )
