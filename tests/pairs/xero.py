"""Xero as the ERP of a pair: the firm's German masters in its simulator, and its books."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import httpx
from pydantic import SecretStr

from canonical.billing import InvoiceRole
from connectors.base.capabilities import Connected
from connectors.base.rate_budget import Unlimited
from connectors.xero import XeroOptions, connect
from connectors.xero.simulated_json import Record
from connectors.xero.simulated_organisation import SimulatedXero
from connectors.xero.simulated_state import (
    OrganisationState,
    SimulatedAccount,
    SimulatedCategory,
    SimulatedContact,
    SimulatedOption,
    SimulatedProject,
    SimulatedTask,
    SimulatedTaxRate,
    SimulatedUser,
)
from connectors.xero.simulator import simulated_xero
from sandbox.firm import DE01, Firm
from sandbox.tryton.billing_seed import ACCOUNT_OF_ROLE, REVENUE_ACCOUNTS
from sandbox.tryton.expense_seed import CLEARING_ACCOUNTS, EXPENSE_ACCOUNTS, INPUT_TAX_ACCOUNT
from tests.pairs.books import Bill, Books, Claim, Work, amounts
from tests.pairs.storm import Storm

TIME, REMOVE, DOCUMENT, ALLOCATION, READ, TOKEN = (
    *("time", "removal", "document", "allocation"),
    *("read", "token"),
)
_ZONE: Final = "Europe/Berlin"
_RATES: Final = {
    "NONE": Decimal(0),
    "TAX001": Decimal(19),
    "TAX002": Decimal(7),
    "TAX003": Decimal(19),
    "TAX004": Decimal(0),
}
_CREDITS: Final = frozenset({"ACCPAYCREDIT", "ACCRECCREDIT"})
_COUNTED: Final = frozenset({"AUTHORISED", "PAID"})
_FACTS: Final = re.compile(r"\[([^\[\]]*)\]\s*$")
# For so long what was created is not shown in lists.
_LAG_SECONDS: Final = 2


class XeroSide:
    """A simulated organisation with the firm's German company, and the wire to it."""

    system = "xero"
    entities = (DE01.code,)
    tax_codes: Mapping[str, str] = {
        "VAT19-IN": "TAX001",
        "VAT7-IN": "TAX002",
        "VAT19-OUT": "TAX003",
        "VAT0-OUT": "TAX004",
        "EXEMPT-OUT": "NONE",
    }

    def __init__(self, firm: Firm) -> None:
        self.xero: Final = SimulatedXero(_state_of(firm))
        # A month in a minute: the limits have tests of their own.
        self.misbehave(minute_limit=1_000_000, day_limit=1_000_000)
        self.wire: Final = Storm(
            httpx.ASGITransport(simulated_xero(self.xero)), _asked, _same, self._hide_news
        )
        self._options: Final = XeroOptions(
            connection="erp",
            tenant_id=self.xero.facts.tenant_id,
            client_id=self.xero.facts.client_id,
            client_secret=SecretStr(self.xero.facts.client_secret),
            legal_entity=DE01.code,
            tax_account=INPUT_TAX_ACCOUNT,
            revenue_accounts={InvoiceRole(role): code for role, code in ACCOUNT_OF_ROLE.items()},
            timezone=_ZONE,
            api_url="https://api.xero.test",
            identity_url="https://identity.xero.test",
        )

    def connect(self) -> Connected:
        """Connect anew."""
        return connect(self._options, Unlimited(), self.wire)

    def misbehave(self, **quirks: Any) -> None:
        """Let the organisation have quirks."""
        self.xero.quirks = self.xero.quirks.model_copy(update=quirks)

    def books(self) -> Books:
        """Everything of ours that the organisation holds."""
        books = Books(work=[self._work(one) for one in self.xero.entries.values()])
        for name in ("Invoices", "CreditNotes"):
            for record in self.xero.documents[name].values():
                if record["Status"] not in _COUNTED:
                    books.troubles.append(f"{name} {record['_id']} is {record['Status']}")
                elif record["Type"].startswith("ACCPAY"):
                    books.claims.append(self._claim(record))
                else:
                    books.bills.append(self._bill(record))
        return books

    def let_news_be_shown(self) -> None:
        """End the time in which lists do not show what was created."""
        self.misbehave(lag_seconds=0)

    def _hide_news(self) -> None:
        self.misbehave(lag_seconds=_LAG_SECONDS)

    def _work(self, entry: Record) -> Work:
        project = self.xero.projects[entry["projectId"]]
        (task,) = (one.name for one in project.tasks if one.id == entry["taskId"])
        return Work(
            person=self._person(self.xero.users[entry["userId"]].email),
            project=project.name.split()[0],
            task=task,
            day=entry["dateUtc"].astimezone(ZoneInfo(_ZONE)).date(),
            seconds=entry["duration"] * 60,
            note=entry["description"].split(" ", 1)[1],
        )

    def _person(self, email: str) -> str:
        (found,) = (one for one in self.xero.contacts.values() if one.email == email)
        return str(found.account_number)

    def _party(self, record: Record) -> str:
        return str(self.xero.contacts[record["Contact"]["ContactID"]].account_number)

    def _claim(self, record: Record) -> Claim:
        sign = -1 if record["Type"] in _CREDITS else 1
        costs: dict[str, Decimal] = defaultdict(Decimal)
        taxes: dict[str, Decimal] = defaultdict(Decimal)
        header, *lines = record["LineItems"]
        for line in lines:
            if line["TaxType"] != "NONE":
                rate = {"TAX001": "VAT19", "TAX002": "VAT7"}[line["TaxType"]]
                taxes[rate] += sign * line["TaxAmount"]
            for one in line["Tracking"]:
                costs[one["Option"]] += sign * line["LineAmount"]
        told = _facts(header)
        return Claim(
            report=told["report"],
            person=self._party(record),
            legal_entity=DE01.code,
            currency=record["CurrencyCode"],
            owed=sign * record["Total"],
            costs=amounts(costs),
            taxes=amounts(taxes),
            passed_on=_passed_on(told),
            day=date.fromisoformat(told["document_date"]),
        )

    def _bill(self, record: Record) -> Bill:
        sign = -1 if record["Type"] in _CREDITS else 1
        reference, engagement = record["Reference"].split()
        assert reference.startswith("L")
        return Bill(
            engagement=engagement,
            customer=self._party(record),
            net=sign * record["SubTotal"],
            total=sign * record["Total"],
            currency=record["CurrencyCode"],
            day=record["Date"],
        )


def _asked(request: httpx.Request) -> str:
    path = request.url.path
    if path == "/connect/token":
        return TOKEN
    match request.method:
        case "GET":
            return READ
        case "DELETE":
            return REMOVE
        case "PUT" if path.endswith("/Allocations"):
            return ALLOCATION
        case _:
            return TIME if path.endswith("/Time") else DOCUMENT


def _same(request: httpx.Request) -> str:
    """By its key; what has none is repeated by its address alone."""
    key = request.headers.get("idempotency-key", "")
    return f"{request.method} {request.url.path} {key}"


def _facts(line: Mapping[str, Any]) -> dict[str, str]:
    """What stands in brackets at the end of a description."""
    found = _FACTS.search(line["Description"])
    assert found is not None, json.dumps(line["Description"])
    pairs = (one.partition("=") for one in found[1].split("; "))
    return {name: unquote(value) for name, _, value in pairs}


def _passed_on(told: Mapping[str, str]) -> frozenset[tuple[str, Decimal]]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for name, value in told.items():
        if name.startswith("passes_on."):
            project, _, _, amount = value.split("|")
            found[project] += Decimal(amount)
    return amounts(found)


def _id(kind: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"xero/{kind}/{name}"))


def user_id(person: str) -> str:
    """Xero's id of somebody who logs time."""
    return _id("user", person)


def contact_id(code: str) -> str:
    """Xero's id of a person or a customer, by their code."""
    return _id("contact", code)


def task_id(project: str, task: str) -> str:
    """Xero's id of a task."""
    return _id("task", f"{project}/{task}")


def _state_of(firm: Firm) -> OrganisationState:
    people = firm.employees_of(DE01)
    return OrganisationState(
        name=DE01.name,
        currencies=("EUR",),
        contacts=(
            *(
                SimulatedContact(
                    id=contact_id(one.code),
                    name=one.name,
                    account_number=one.code,
                    email=one.email,
                    groups=("Employees",),
                )
                for one in people
            ),
            *(
                SimulatedContact(
                    id=contact_id(one.code),
                    name=one.name,
                    account_number=one.code,
                    is_customer=True,
                )
                for one in firm.customers
            ),
        ),
        users=tuple(
            SimulatedUser(id=user_id(one.code), name=one.name, email=one.email) for one in people
        ),
        accounts=tuple(_accounts()),
        tax_rates=tuple(
            SimulatedTaxRate(type=code, name=code, rate=rate) for code, rate in _RATES.items()
        ),
        categories=(
            SimulatedCategory(
                id=_id("category", "Cost Centre"),
                name="Cost Centre",
                options=tuple(
                    SimulatedOption(
                        id=_id("option", one.code), name=one.code, active=not one.closed
                    )
                    for one in firm.cost_centres
                ),
            ),
        ),
        projects=tuple(
            SimulatedProject(
                id=_id("project", one.code),
                name=f"{one.code} {one.name}",
                contact_id=contact_id(one.customer.code),
                closed=one.done_in_erp,
                tasks=tuple(
                    SimulatedTask(id=task_id(one.code, task), name=task) for task in one.tasks
                ),
            )
            for one in firm.projects_of(DE01)
            if one.known_to_erp
        ),
    )


def _accounts() -> list[SimulatedAccount]:
    kinds = {
        "EXPENSE": EXPENSE_ACCOUNTS,
        "CURRLIAB": CLEARING_ACCOUNTS,
        "REVENUE": REVENUE_ACCOUNTS,
    }
    found = [
        SimulatedAccount(id=_id("account", code), code=code, name=name, type=kind)
        for kind, accounts in kinds.items()
        for code, name in accounts.items()
    ]
    tax = SimulatedAccount(
        id=_id("account", INPUT_TAX_ACCOUNT),
        code=INPUT_TAX_ACCOUNT,
        name="VAT",
        type="CURRLIAB",
        system="GST",
    )
    return [*found, tax]
