"""The systems around a platform that bills: simulated Harvest, a drop of contracts, real Tryton."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from canonical.contracts import (
    Acceptance,
    BillingModel,
    BillRate,
    Cap,
    ContractLine,
    Engagement,
    ErpScheduleLine,
    PurchaseOrder,
    RateCard,
    RateScope,
    ScheduleLine,
    TaxParty,
)
from canonical.money import HourlyRate, Money
from connectors.base.capabilities import Connected
from connectors.base.rate_budget import Unlimited
from connectors.flatfile import FlatFileOptions
from connectors.flatfile import connect as connect_files
from connectors.flatfile.writing import (
    engagements_as_json,
    milestones_as_tables,
    purchase_orders_as_table,
    rate_cards_as_table,
)
from connectors.harvest import HarvestOptions
from connectors.harvest import connect as connect_harvest
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulator import simulated_harvest
from sandbox.firm import Firm, Project, firm_of
from sandbox.tryton.customer_desk import CustomerBill, CustomerDesk
from tests.e2e.staff import Staff, empty_account
from tests.erp_fixtures import last_month
from tests.expenses.systems import ErpSide

CONTRACTS = "contracts"


class Agreements:
    """What was agreed with customers, as files of a drop; each change is written at once."""

    def __init__(self, folder: Path, firm: Firm) -> None:
        self.folder = folder
        self.firm = firm
        self.engagements: dict[str, Engagement] = {}
        self.rate_cards: dict[str, RateCard] = {}
        self.purchase_orders: dict[str, PurchaseOrder] = {}
        self.acceptances: list[Acceptance] = []
        self.erp_schedule: list[ErpScheduleLine] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.write()

    @property
    def since(self) -> date:
        """Since when everything counts."""
        return self.firm.month.before().first_day

    def agree(
        self, project: str = "PRJ-1001", *, name: str = "", rate: str | None = "150.00", **line: Any
    ) -> Engagement:
        """Agree on an engagement about one project, with one line and one price for everybody."""
        number = name or project.removeprefix("PRJ-")
        of_project = self.project(project)
        currency = line.pop("currency", of_project.legal_entity.currency)
        contract_line = ContractLine(
            **{
                "id": f"CL-{number}",
                "label": of_project.name,
                "model": BillingModel.TIME_AND_MATERIALS,
                "currency": currency,
                "projects": (project,),
                "service": "consulting",
                "expenses_billed": True,
                "valid_from": self.since,
                **line,
            }
        )
        country = {"CUST-002": "GB"}.get(
            of_project.customer.code, {"DE01": "DE", "US01": "US"}[of_project.legal_entity.code]
        )
        engagement = Engagement(
            connection=CONTRACTS,
            id=f"ENG-{number}",
            code=f"ENG-{number}",
            name=of_project.name,
            legal_entity=of_project.legal_entity.code,
            customer=of_project.customer.code,
            customer_tax=TaxParty(country=country, registered=True),
            lines=(contract_line,),
        )
        self.engagements[engagement.id] = engagement
        if rate is not None:
            self.price(engagement.id, rate, currency)
        self.write()
        return engagement

    def price(self, engagement: str, rate: str, currency: str = "EUR") -> None:
        """Agree on one price for an engagement's work."""
        customer = self.engagements[engagement].customer
        row = BillRate(
            scope=RateScope.CUSTOMER,
            engagement=engagement,
            customer=customer,
            rate=HourlyRate(amount=Decimal(rate), currency=currency),
            valid_from=self.since,
        )
        self.rate_cards[engagement] = RateCard(
            connection=CONTRACTS, id=f"RC-{engagement}", version="1", rates=(row,)
        )
        self.write()

    def change(self, engagement: str, change: Callable[[Engagement], Engagement]) -> None:
        """Agree on something else."""
        self.engagements[engagement] = change(self.engagements[engagement])
        self.write()

    def project(self, code: str) -> Project:
        """A project of the firm."""
        return next(one for one in self.firm.projects if one.code == code)

    def write(self) -> None:
        """Write all files, each at once."""
        files = {
            **engagements_as_json(list(self.engagements.values())),
            **rate_cards_as_table(list(self.rate_cards.values())),
            **purchase_orders_as_table(list(self.purchase_orders.values())),
            **milestones_as_tables(self.acceptances, self.erp_schedule),
        }
        for name, text in files.items():
            unfinished = self.folder / f".{name}"
            unfinished.write_bytes(text.encode())
            unfinished.replace(self.folder / name)


def euros(amount: str) -> Money:
    """An amount in euros."""
    return Money(amount=Decimal(amount), currency="EUR")


def hard_cap(amount: str) -> Cap:
    """A hard cap in euros on hours alone."""
    return Cap(kind="hard", amount=euros(amount), expenses_included=False)


def due(name: str, amount: str, day: date, **more: Any) -> ScheduleLine:
    """One amount in euros that falls due."""
    return ScheduleLine(
        **{"id": name, "label": f"Part {name}", "due_date": day, "amount": euros(amount), **more}
    )


class BillingSystems:
    """A Harvest without an entry, a drop without a contract, and the ERP."""

    def __init__(self, erp: ErpSide, folder: Path, first_entry: int) -> None:
        self.firm = firm_of(last_month())
        self.account = HarvestAccount(empty_account(last_month()))
        self.staff = Staff(self.firm, self.account, first_entry)
        self.agreements = Agreements(folder, self.firm)
        self.erp = erp
        self.desk = CustomerDesk(erp.session)

    @contextmanager
    def connected(self) -> Iterator[dict[str, Connected]]:
        """Connect all; the ERP with a session that nobody else uses."""
        harvest = connect_harvest(
            HarvestOptions(
                connection="harvest",
                account_id=self.account.account_id,
                token=SecretStr(self.account.token),
                user_agent="Ledgerway tests (tests@ledgerway.example)",
                base_url="http://harvest.test/v2",
            ),
            Unlimited(),
            httpx.ASGITransport(simulated_harvest(self.account)),
        )
        files = connect_files(
            FlatFileOptions(connection=CONTRACTS, folder=str(self.agreements.folder)), Unlimited()
        )
        with self.erp.connectors.one() as tryton:
            yield {"harvest": harvest, CONTRACTS: files, "tryton": tryton}

    async def bills(self, engagement: str, since: int = 0) -> tuple[CustomerBill, ...]:
        """All customer invoices of an engagement in the ERP, drafts too, from an id on."""
        return await self.desk.customer_invoices(
            [["reference", "like", f"% {engagement}"], ["id", ">", since]]
        )
