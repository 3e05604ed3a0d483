"""A simulated Harvest account in the words of the contract suite."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
from pydantic import SecretStr

from connectors.base.capabilities import InvoiceNews
from connectors.base.rate_budget import RateBudget
from connectors.conformance.http_contract import FaultyNetwork, Tokens
from connectors.conformance.invoice_status import ShownInvoice
from connectors.harvest import Harvest, HarvestOptions, connect
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulated_state import (
    AccountState,
    Change,
    Selection,
    SimulatedClient,
    SimulatedEntry,
    SimulatedInvoice,
    SimulatedProject,
    SimulatedTask,
    SimulatedUser,
)
from connectors.harvest.simulator import simulated_harvest
from tests.connectors.harvest.spec_check import BASE_URL, SpecChecked

KIM, LEE = 1782959, 1782974
ACME, STUDIO = 5735774, 5735776
WEBSITE, SHOP = 14307913, 14308069
DESIGN, CODE = 8083365, 8083366

STATE = AccountState(
    token="the-secret-token",
    users=(
        SimulatedUser(
            id=KIM,
            first_name="Kim",
            last_name="Allen",
            email="kim@firm.example",
            roles=("Consultant", "CC-100 Delivery", "CC-200 Sales"),
        ),
        SimulatedUser(
            id=LEE, first_name="Lee", last_name="Park", email="lee@firm.example", is_active=False
        ),
    ),
    clients=(
        SimulatedClient(id=ACME, name="Acme", currency="USD"),
        SimulatedClient(id=STUDIO, name="Studio", currency="EUR"),
    ),
    projects=(
        SimulatedProject(id=WEBSITE, client_id=ACME, name="Website", code="P-1001"),
        SimulatedProject(id=SHOP, client_id=STUDIO, name="Shop", code=None),
    ),
    tasks=(SimulatedTask(id=DESIGN, name="Design"), SimulatedTask(id=CODE, name="Programming")),
)


class HarvestWorld:
    """A world of time, acknowledgements and invoices at once; its clock stands still."""

    page_size = 3
    secret = STATE.token
    customer = "Studio"
    shows_credits = True

    def __init__(self, state: AccountState = STATE) -> None:
        self.now = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
        self.account = HarvestAccount(state, clock=lambda: self.now)
        self.spec = SpecChecked(httpx.ASGITransport(simulated_harvest(self.account)))
        self.network = FaultyNetwork(self.spec)
        self._entries = 0

    def connect(
        self,
        budget: RateBudget | None = None,
        *,
        secret: str | None = None,
        page_size: int | None = None,
        item_kind: str = "Service",
    ) -> Harvest:
        options = HarvestOptions(
            connection="harvest-emea",
            account_id=self.account.account_id,
            token=SecretStr(secret or self.secret),
            user_agent="Ledgerway (integration@firm.example)",
            base_url=BASE_URL,
            page_size=page_size or self.page_size,
            invoice_item_kind=item_kind,
        )
        return connect(options, budget or Tokens(), self.network)

    def sink(self, budget: RateBudget, *, secret: str | None = None) -> Harvest:
        return self.connect(budget, secret=secret)

    def invoice_sink(
        self, budget: RateBudget | None = None, *, secret: str | None = None
    ) -> Harvest:
        return self.connect(budget, secret=secret)

    def shown_invoices(self) -> list[ShownInvoice]:
        return [shown(one) for one in self.account.invoices.invoices]

    def unacceptable(self, news: InvoiceNews) -> InvoiceNews:
        return replace(news, customer="Nobody that Harvest knows")

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def add(self, day: date, hours: str, *, person: int = 1, note: str = "") -> str:
        self._entries += 1
        entry = SimulatedEntry(
            id=636700000 + self._entries,
            user_id={1: KIM, 2: LEE}[person],
            project_id=WEBSITE,
            task_id=DESIGN,
            spent_date=day,
            hours=Decimal(hours),
            notes=note,
            billable_rate=Decimal("100.0"),
        )
        self.account.add([entry])
        return str(entry.id)

    def approve(self, entry: str) -> None:
        self.account.approve(only(entry))

    def withdraw(self, entry: str) -> None:
        self.account.withdraw(only(entry))

    def lock(self, entry: str) -> None:
        self.account.lock(only(entry))

    def start_timer(self, entry: str) -> None:
        self.account.run_timer(only(entry))

    def change(self, entry: str, *, hours: str | None = None, note: str | None = None) -> None:
        exact = None if hours is None else Decimal(hours)
        self.account.change([Change(id=int(entry), hours=exact, notes=note)])

    def delete(self, entry: str) -> None:
        self.account.delete(only(entry))

    def add_unreadable(self, private: str) -> None:
        wrong = '{"id": 99, "hours": "%s", "spent_date": "%s", "user": {"id": "%s"}, "notes": "%s"}'
        self.poison(wrong % ((private,) * 4))

    def poison(self, *records: str) -> None:
        self.spec.tolerant = True
        self.misbehave(poison=records)

    def misbehave(self, **quirks: object) -> None:
        self.account.quirks = self.account.quirks.model_copy(update=quirks)

    def send_pages_in_a_circle(self) -> None:
        self.misbehave(circular_links=True)

    def break_next_page(self) -> None:
        self.spec.tolerant = True
        self.misbehave(broken_pages=1)

    def refuse_acknowledgements(self) -> None:
        self.misbehave(refuses_reference_on_closed=True)

    def drop_acknowledgements(self) -> None:
        self.misbehave(drops_reference=True)

    def references(self) -> Mapping[str, str]:
        return {entry: told["id"] for entry, told in self.account.references().items()}


def shown(invoice: SimulatedInvoice) -> ShownInvoice:
    """What people see of an invoice; a line below nothing is a credit."""
    credited = -sum((one.amount for one in invoice.line_items if one.amount < 0), Decimal(0))
    return ShownInvoice(
        invoice.number,
        issued=invoice.state != "draft",
        total=invoice.amount + credited,
        paid=invoice.paid,
        credited=credited,
    )


def only(entry: str) -> Selection:
    """Choose one entry."""
    return Selection(ids=frozenset({int(entry)}))
