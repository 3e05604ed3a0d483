"""Business Central as the ERP of a pair: the firm's masters in its simulator, and its books."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import httpx
from pydantic import SecretStr

from canonical.billing import InvoiceRole
from connectors.base.capabilities import Connected
from connectors.base.rate_budget import Unlimited
from connectors.business_central import BusinessCentralOptions, connect
from connectors.business_central.simulated_books import Company
from connectors.business_central.simulated_documents import FULL_VAT, PAPERS, Papers
from connectors.business_central.simulated_firm import REGISTER, id_for
from connectors.business_central.simulated_query import Record
from connectors.business_central.simulated_service import Environment
from connectors.business_central.simulator import (
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    simulated_business_central,
)
from sandbox.firm import ADVISE, BUILD, RUN, Firm, LegalEntity, Month
from sandbox.tryton.billing_seed import ACCOUNT_OF_ROLE, REVENUE_ACCOUNTS
from sandbox.tryton.expense_seed import CLEARING_ACCOUNTS, EXPENSE_ACCOUNTS, INPUT_TAX_ACCOUNT
from tests.pairs.books import Bill, Books, Claim, Work, amounts
from tests.pairs.storm import Storm

BATCH, DRAFT, DIMENSIONS, DELETE, POST = "time", "draft", "dimensions", "delete", "post"
READ, TOKEN = "read", "token"
_TAXES: Final = {
    "VAT19-IN": FULL_VAT,
    "VAT7-IN": FULL_VAT,
    "VAT19-OUT": Decimal(19),
    "VAT0-OUT": Decimal(0),
    "EXEMPT-OUT": Decimal(0),
    "NO VAT": Decimal(0),
}
_OPEN: Final = {"accountType": "Posting", "blocked": False, "directPosting": True}
# The firm's tasks by the numbers that its Business Central has for them.
_TASK_NUMBERS: Final = {
    name: f"{number}00" for number, name in enumerate((*BUILD, *ADVISE, *RUN), start=10)
}
_TASK_NAMES: Final = {number: name for name, number in _TASK_NUMBERS.items()}
# So many lists in a row show what was there before the last write.
_STALE_LOOKS: Final = 3
_SECONDS: Final = 3600


class BusinessCentralSide:
    """A simulated environment with the firm's companies, and the wire to it."""

    system = "business_central"
    entities = ("DE01", "US01")
    tax_codes: Mapping[str, str] = {code: code for code in _TAXES}

    def __init__(self, firm: Firm) -> None:
        self.firm: Final = firm
        self.environment: Final = Environment()
        self.companies: Final = {
            one.code: _furnished(self.environment, firm, one) for one in firm.legal_entities
        }
        self.wire: Final = Storm(
            httpx.ASGITransport(simulated_business_central(self.environment)),
            _asked,
            _same,
            self._hide_news,
        )

    def connect(self) -> Connected:
        """Connect anew."""
        options = BusinessCentralOptions(
            connection="erp",
            tenant_id=TENANT,
            environment="production",
            client_id=CLIENT_ID,
            client_secret=SecretStr(CLIENT_SECRET),
            api_url="https://api.erp.test",
            login_url="https://login.erp.test",
            project_tasks=tuple(_TASK_NUMBERS.values()),
            task_names={number: name for name, number in _TASK_NUMBERS.items()},
            revenue_accounts={InvoiceRole(role): code for role, code in ACCOUNT_OF_ROLE.items()},
        )
        return connect(options, Unlimited(), self.wire)

    def books(self) -> Books:
        """Everything of ours that the companies hold."""
        books = Books()
        for company in self.companies.values():
            books.work += _work(company, books.troubles)
            for entity, papers in PAPERS.items():
                for header in company.rows(entity):
                    if header["status"] == "Draft":
                        books.troubles.append(f"{entity} has a draft {header[papers.number]}")
                    elif papers.buys:
                        books.claims.append(_claim(company, papers, header))
                    else:
                        books.bills.append(_bill(company, papers, header))
        return books

    def let_drafts_age(self) -> None:
        """Let all drafts have been made long ago."""
        for company in self.companies.values():
            for entity in PAPERS:
                for header in company.rows(entity, status="Draft"):
                    header["lastModifiedDateTime"] = "2020-01-01T00:00:00.000000Z"

    def _hide_news(self) -> None:
        self.environment.quirks.stale_reads += _STALE_LOOKS


def task_number(name: str) -> str:
    """The number of a task."""
    return _TASK_NUMBERS[name]


def _asked(request: httpx.Request) -> str:
    path = request.url.path
    if path.endswith("/token"):
        return TOKEN
    if request.method == "GET":
        return READ
    if path.endswith("/$batch"):
        return DIMENSIONS if b"dimensionSetLines" in request.content else BATCH
    if request.method == "DELETE":
        return DELETE
    return POST if path.endswith("Microsoft.NAV.post") else DRAFT


def _same(request: httpx.Request) -> str:
    """By what it is about: the lines of time, the document's number, the draft."""
    if _asked(request) == BATCH:
        parts = [one.get("body", {}) for one in json.loads(request.content)["requests"]]
        named = [one["externalDocumentNumber"] for one in parts if "externalDocumentNumber" in one]
        return ",".join(sorted(named)) or request.content.decode()
    if _asked(request) == DRAFT:
        body = json.loads(request.content)
        return next(str(body[one.number]) for one in PAPERS.values() if one.number in body)
    return f"{request.method} {request.url.path}"


def _furnished(environment: Environment, firm: Firm, entity: LegalEntity) -> Company:
    company = environment.add_company(id_for(entity.code), entity.code)

    def add(entity_set: str, key: str, **values: Any) -> Record:
        return company.insert(entity_set, values, id_for(f"{entity.code}/{entity_set}/{key}"))

    add("generalLedgerSetup", "", localCurrencyCode=entity.currency)
    month = Month(firm.month.before().year, 1)
    while month <= firm.month.next().next():
        add(
            "accountingPeriods",
            month.name,
            startingDate=month.first_day.isoformat(),
            name=month.name,
            newFiscalYear=month.month == 1,
            closed=month < firm.month,
            dateLocked=month < firm.month,
        )
        month = month.next()
    for code in _TAXES:
        add("taxGroups", code, code=code, displayName=code, taxType="VAT")
    for account, title in _accounts().items():
        add("accounts", account, number=account, displayName=title, **_OPEN)
    company.facts |= {
        "tax_rates": dict(_TAXES),
        "default_tax": "NO VAT",
        "currency": entity.currency,
        # "Ext. Doc. No. Mandatory", as the connector's documentation asks for.
        "external_number_mandatory": True,
        "tasks": {
            one.code: tuple(_TASK_NUMBERS[task] for task in one.tasks)
            for one in firm.projects_of(entity)
            if one.known_to_erp
        },
    }
    _add_people_and_projects(firm, entity, add)
    axis = add("dimensions", "DEPARTMENT", code="DEPARTMENT", displayName="Department")
    for centre in firm.cost_centres:
        add(
            "dimensionValues",
            centre.code,
            code=centre.code,
            displayName=centre.name,
            dimensionId=axis["id"],
        )
    add("journals", REGISTER, code=REGISTER, displayName="Ledgerway, do not post")
    return company


def _add_people_and_projects(firm: Firm, entity: LegalEntity, add: Any) -> None:
    for person in firm.employees_of(entity):
        add("vendors", person.code, number=person.code, displayName=person.name)
        add(
            "employees",
            person.code,
            number=person.code,
            displayName=person.name,
            email=person.email,
            employmentDate=person.started_on.isoformat(),
            terminationDate=person.ended_on.isoformat() if person.ended_on else None,
            status="Active",
        )
    for customer in firm.customers:
        add("customers", customer.code, number=customer.code, displayName=customer.name)
    for project in firm.projects_of(entity):
        if project.known_to_erp:
            add("projects", project.code, number=project.code, displayName=project.name)


def _accounts() -> Mapping[str, str]:
    named = {INPUT_TAX_ACCOUNT: "Input VAT"}
    return {**EXPENSE_ACCOUNTS, **CLEARING_ACCOUNTS, **REVENUE_ACCOUNTS, **named}


# Reading the books, in Business Central's own words.


def _work(company: Company, troubles: list[str]) -> Iterator[Work]:
    """Each time entry with the register's line that speaks for it; neither may be alone."""
    notes: dict[tuple[str, str, str, int], list[str]] = defaultdict(list)
    for line in company.rows("journalLines"):
        employee, seconds, task = line["comment"].split(" ", 2)
        notes[employee, line["postingDate"], task, int(seconds)].append(line["description"])
    for entry in company.rows("timeRegistrationEntries"):
        seconds_worked = int(entry["quantity"] * _SECONDS)
        task = f"{entry['jobId']}/{entry['jobTaskNumber']}"
        said = notes[entry["employeeId"], entry["date"], task, seconds_worked]
        if not said:
            troubles.append(f"time entry {entry['id']} is on no line of the register")
        yield Work(
            person=entry["employeeNumber"],
            project=entry["jobNumber"],
            task=_TASK_NAMES[entry["jobTaskNumber"]],
            day=date.fromisoformat(entry["date"]),
            seconds=seconds_worked,
            note=said.pop(0) if said else "",
        )
    for said in notes.values():
        troubles += [f"the register's line '{one}' stands for no time entry" for one in said]


def _lines(company: Company, papers: Papers, header: Record) -> list[Record]:
    return list(company.rows(papers.lines, documentId=header["id"], lineType="Account"))


def _sum(company: Company, papers: Papers, header: Record, member: str) -> Decimal:
    """What the lines come to, which is what is booked."""
    return sum((one[member] for one in _lines(company, papers, header)), Decimal(0))


def _told(company: Company, papers: Papers, header: Record) -> dict[str, Any]:
    """What the comments say after their tildes."""
    rows = company.rows(papers.lines, documentId=header["id"], lineType="Comment")
    ordered = sorted(rows, key=lambda one: int(one["sequence"]))
    text = "".join(one["description"][1:] for one in ordered if one["description"].startswith("~"))
    told: dict[str, Any] = json.loads(text)
    return told


def _claim(company: Company, papers: Papers, header: Record) -> Claim:
    sign = -1 if papers.credits else 1
    costs: dict[str, Decimal] = defaultdict(Decimal)
    taxes: dict[str, Decimal] = defaultdict(Decimal)
    for line in _lines(company, papers, header):
        amount = sign * line["amountIncludingTax"]
        if line["taxCode"] != "NO VAT":
            taxes[line["taxCode"].removesuffix("-IN")] += amount
            continue
        for axis in company.rows("dimensionSetLines", parentId=line["id"], code="DEPARTMENT"):
            costs[axis["valueCode"]] += amount
    told = _told(company, papers, header)
    passed_on: dict[str, Decimal] = defaultdict(Decimal)
    for one in told.get("passed_on", ()):
        passed_on[one["project"]] += Decimal(one["amount"])
    return Claim(
        report=told["report"],
        person=header["vendorNumber"],
        legal_entity=company.name,
        currency=header["currencyCode"],
        owed=sign * _sum(company, papers, header, "amountIncludingTax"),
        costs=amounts(costs),
        taxes=amounts(taxes),
        passed_on=amounts(passed_on),
        day=date.fromisoformat(header[papers.day]),
    )


def _bill(company: Company, papers: Papers, header: Record) -> Bill:
    sign = -1 if papers.credits else 1
    return Bill(
        engagement=_told(company, papers, header)["engagement"],
        customer=header["customerNumber"],
        net=sign * _sum(company, papers, header, "amountExcludingTax"),
        total=sign * _sum(company, papers, header, "amountIncludingTax"),
        currency=header["currencyCode"],
        day=date.fromisoformat(header[papers.day]),
    )
