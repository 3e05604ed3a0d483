"""A small firm for the simulated ERP: what it has when nobody says otherwise."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any, Final

from connectors.business_central.simulated_books import Company
from connectors.business_central.simulated_documents import FULL_VAT
from connectors.business_central.simulated_service import Environment

COMPANY: Final = "Firm GmbH"
REGISTER: Final = "LEDGERWAY"
TASKS: Final = ("1000", "1100")


def id_for(name: str) -> str:
    """An id that is the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"business-central/{name}"))


def furnish(environment: Environment, name: str = COMPANY, currency: str = "EUR") -> Company:
    """Open a company with people, projects, accounts and an open year."""
    company = environment.add_company(id_for(name), name)

    def add(entity_set: str, key: str, **values: Any) -> None:
        company.insert(entity_set, values, id_for(f"{name}/{entity_set}/{key}"))

    add("generalLedgerSetup", "", localCurrencyCode=currency)
    for year in (2025, 2026, 2027):
        for month in range(1, 13):
            start = date(year, month, 1)
            add(
                "accountingPeriods",
                start.isoformat(),
                startingDate=start.isoformat(),
                name=start.strftime("%B"),
                newFiscalYear=month == 1,
                closed=year == 2025,  # noqa: PLR2004  Last year is closed.
                dateLocked=year == 2025,  # noqa: PLR2004
            )
    add("currencies", "USD", code="USD", displayName="US dollar")
    add(
        "currencyExchangeRates",
        "USD",
        currencyCode="USD",
        startingDate="2026-01-01",
        exchangeRateAmount=Decimal(100),
        relationalExchangeRateAmount=Decimal("92.5"),
    )
    for code, title in _TAX_GROUPS:
        add("taxGroups", code, code=code, displayName=title, taxType="VAT")
    for number, title in (("C-100", "Adatum"), ("C-200", "Trey Research")):
        add("customers", number, number=number, displayName=title)
    for number, title in _PEOPLE:
        add(
            "employees",
            number,
            number=number,
            displayName=title,
            email=f"{number.lower()}@firm.example",
            jobTitle="Consultant",
            employmentDate="2020-01-01",
            status="Active",
        )
        add("vendors", number, number=number, displayName=title)
    for number, title in (("P-100", "Website"), ("P-200", "Shop"), ("P-300", "Audit")):
        add("projects", number, number=number, displayName=title)
    company.facts["tasks"] = {f"P-{n}00": TASKS for n in (1, 2, 3)}
    company.facts["tax_rates"] = {
        "VAT19": Decimal(19),
        "VAT7": Decimal(7),
        "VAT19-IN": FULL_VAT,
        "NO VAT": Decimal(0),
    }
    company.facts["default_tax"] = "VAT19"
    company.facts["currency"] = currency
    for number, title in _ACCOUNTS:
        add(
            "accounts",
            number,
            number=number,
            displayName=title,
            accountType="Posting",
            blocked=False,
            directPosting=True,
        )
    for axis, values in (("DEPARTMENT", ("CC-100", "CC-200")), ("PROJECT", ("P-100", "P-200"))):
        add("dimensions", axis, code=axis, displayName=axis.title())
        for code in values:
            add(
                "dimensionValues",
                f"{axis}/{code}",
                code=code,
                displayName=code,
                dimensionId=id_for(f"{name}/dimensions/{axis}"),
            )
    add("journals", REGISTER, code=REGISTER, displayName="Ledgerway, do not post")
    return company


_TAX_GROUPS: Final = (
    ("VAT19", "19 percent"),
    ("VAT7", "7 percent"),
    ("VAT19-IN", "Input tax, to the cent"),
    ("NO VAT", "None"),
)
_PEOPLE: Final = (("E-1001", "Kim Allen"), ("E-1002", "Lee Park"))
_ACCOUNTS: Final = (
    ("1570", "Input VAT"),
    ("1590", "Card clearing"),
    ("1530", "Employee receivables"),
    ("1540", "Advances"),
    ("3300", "Vendor clearing"),
    ("1780", "Prepayments received"),
    ("6600", "Travel"),
    ("6610", "Lodging"),
    ("6695", "Tax not recovered"),
    ("6699", "Rounding"),
    ("8400", "Consulting revenue"),
    ("8410", "Recharged expenses"),
    ("8420", "Fees"),
)
