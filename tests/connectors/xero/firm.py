"""The made-up organisation of Xero's tests: people, customers, accounts, projects."""

from decimal import Decimal

from canonical.billing import InvoiceRole
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


def uid(kind: str, number: int) -> str:
    """An id that says what it is of."""
    return f"{kind}000000-0000-4000-8000-{number:012}"


PEOPLE = tuple(uid("aa", n) for n in range(3))
PERSON = uid("bb", 1)
CUSTOMER, OTHER_CUSTOMER = uid("cc", 1), uid("cc", 2)
PROJECTS = tuple(uid("dd", n) for n in range(3))
TASKS = tuple(uid("ee", n) for n in range(3))
TRAVEL, MEALS, CARD, TAX_ACCOUNT, SALES = "493", "420", "877", "820", "200"
REVENUE = dict.fromkeys(InvoiceRole, SALES)
CENTRES = ("CC-100", "CC-200")


def _account(number: int, code: str, name: str, **given: object) -> SimulatedAccount:
    return SimulatedAccount.model_validate(
        {"id": uid("ac", number), "code": code, "name": name, **given}
    )


STATE = OrganisationState(
    client_secret="the-client-secret",
    currencies=("EUR", "USD", "JPY"),
    contacts=(
        SimulatedContact(
            id=PEOPLE[0],
            name="Kim Allen",
            account_number="E-1001",
            email="kim@firm.example",
            groups=("Employees",),
        ),
        SimulatedContact(
            id=PEOPLE[1], name="Lee Park", account_number="E-1002", groups=("Employees",)
        ),
        SimulatedContact(
            id=PEOPLE[2],
            name="Ada 'Countess' Byron",
            account_number="E-1003",
            active=False,
            groups=("Employees",),
        ),
        SimulatedContact(id=CUSTOMER, name="Acme", account_number="C-1", is_customer=True),
        SimulatedContact(id=OTHER_CUSTOMER, name="Globex", account_number="C-2"),
    ),
    users=(
        SimulatedUser(id=PERSON, name="Kim Allen", email="Kim@Firm.example"),
        SimulatedUser(id=uid("bb", 2), name="Bo Ross", email="bo@firm.example"),
    ),
    accounts=(
        _account(1, TRAVEL, "Travel"),
        _account(2, MEALS, "Meals"),
        _account(3, CARD, "Card clearing", type="CURRLIAB"),
        _account(4, TAX_ACCOUNT, "VAT", type="CURRLIAB", system="GST"),
        _account(5, SALES, "Sales", type="REVENUE", tax_type="OUTPUT2"),
        _account(6, "850", "Due to other companies", type="CURRLIAB"),
        _account(7, "090", "Bank", type="BANK"),
        _account(8, "499", "Old costs", active=False),
    ),
    tax_rates=(
        SimulatedTaxRate(type="NONE", name="No tax", rate=Decimal(0)),
        SimulatedTaxRate(type="INPUT2", name="19% on expenses", rate=Decimal(19)),
        SimulatedTaxRate(type="OUTPUT2", name="19% on income", rate=Decimal(19)),
        SimulatedTaxRate(type="OLD", name="16%", rate=Decimal(16), active=False),
    ),
    categories=(
        SimulatedCategory(
            id=uid("ca", 1),
            name="Cost Centre",
            options=(
                *(SimulatedOption(id=uid("cb", n), name=name) for n, name in enumerate(CENTRES)),
                SimulatedOption(id=uid("cb", 9), name="CC-900", active=False),
            ),
        ),
        SimulatedCategory(
            id=uid("ca", 2),
            name="Region",
            options=(SimulatedOption(id=uid("cb", 5), name="North"),),
        ),
    ),
    projects=(
        SimulatedProject(
            id=PROJECTS[0],
            name="P-100 Website",
            contact_id=CUSTOMER,
            tasks=(SimulatedTask(id=TASKS[0], name="Consulting"),),
        ),
        SimulatedProject(
            id=PROJECTS[1],
            name="P-200 - Shop",
            contact_id=OTHER_CUSTOMER,
            tasks=(SimulatedTask(id=TASKS[1], name="DEV: Development"),),
        ),
        SimulatedProject(
            id=PROJECTS[2],
            name="P-300",
            contact_id=CUSTOMER,
            tasks=(SimulatedTask(id=TASKS[2], name="Testing"),),
        ),
        SimulatedProject(id=uid("dd", 9), name="P-900 Done", contact_id=CUSTOMER, closed=True),
    ),
)
