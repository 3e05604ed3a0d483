"""Fills an empty ERP with the firm's master data, over JSON-RPC as any client would.

No line of Tryton is imported: the ERP is a separate program under another licence, and everything
here goes through its public interface.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sandbox.firm import Firm, LegalEntity, Month
from sandbox.tryton.accounting_seed import AccountingSeed
from sandbox.tryton.billing_seed import BillingSeed
from sandbox.tryton.currency_seed import CurrencySeed
from sandbox.tryton.delivery_seed import DeliverySeed
from sandbox.tryton.expense_seed import ExpenseSeed
from sandbox.tryton.intercompany_seed import IntercompanySeed
from sandbox.tryton.json_rpc import JsonRpcSession

ADMIN = "admin"
CONNECTOR = "connector"
# No administrator: what an integration user of a careful firm is allowed to do.
CONNECTOR_GROUPS = (
    "Accounting",
    "Accounting Administration",
    "Analytic Administration",
    "Company Administration",
    "Employee Administration",
    "Party Administration",
    "Payment",
    "Payment Approval",
    "Project Administration",
    "Project Disbursement",
    "Project Invoice",
    "Timesheet Administration",
)


@dataclass(frozen=True)
class Calendar:
    """The fiscal years that the ERP has, and up to when their periods are closed."""

    years: tuple[int, ...]
    closed_before: date

    @classmethod
    def around(cls, month: Month, today: date) -> "Calendar":
        """Cover the month before one month until today; what ended earlier is closed."""
        opening = month.before()
        last = max(today.year, month.year)
        return cls(tuple(range(opening.year, last + 1)), opening.first_day)


async def seed(
    session: JsonRpcSession, firm: Firm, calendar: Calendar, connector_password: str
) -> None:
    """Create everything; the session is an administrator's, on a database without a company."""
    await _finish_configuration_wizards(session)
    accounting, delivery = AccountingSeed(session), DeliverySeed(session)
    expenses, billing = ExpenseSeed(session), BillingSeed(session)
    intercompany = IntercompanySeed(session)
    start = date(calendar.years[0], 1, 1)
    currencies = await CurrencySeed(session).create_currencies(start, firm.month)
    companies = await _create_companies(session, firm, currencies)
    ledgers = {}
    catalogue = None
    for entity in firm.legal_entities:
        company = companies[entity.code]
        ledger = await accounting.open_books(company, entity, currencies[entity.currency])
        ledgers[entity.code] = ledger
        await accounting.open_calendar(company, entity, calendar.years, calendar.closed_before)
        taxes = await accounting.create_taxes(ledger, entity)
        await accounting.create_cost_centres(company, firm.cost_centres)
        await expenses.open_expense_books(ledger, entity)
        await billing.open_billing_books(ledger, entity)
        await intercompany.open_intercompany_books(ledger)
        if catalogue is None:
            catalogue = await accounting.create_catalogue(ledger, taxes)
        else:
            await accounting.share_catalogue(catalogue, ledger)
        await delivery.create_employees(ledger, firm.employees_of(entity))
    assert catalogue is not None, "a firm has at least one legal entity"
    customers = await delivery.create_customers(firm.customers, catalogue)
    await delivery.create_projects(firm.projects, ledgers, customers, catalogue)
    await _create_connector(session, list(companies.values()), connector_password)


async def _finish_configuration_wizards(session: JsonRpcSession) -> None:
    """Mark as done what a person would be asked at the first log-in."""
    model = "ir.module.config_wizard.item"
    rows = await session.find(model, [["state", "=", "open"]], "id")
    await session.write(model, [row["id"] for row in rows], {"state": "done"})


async def _create_companies(
    session: JsonRpcSession, firm: Firm, currencies: dict[str, int]
) -> dict[str, int]:
    entities: Sequence[LegalEntity] = firm.legal_entities
    parties = await session.create(
        "party.party",
        [
            {"name": entity.name, "code": entity.code, "addresses": _one_address()}
            for entity in entities
        ],
    )
    companies = await session.create(
        "company.company",
        [
            {"party": party, "currency": currencies[entity.currency]}
            for entity, party in zip(entities, parties, strict=True)
        ],
    )
    # Else record rules hide every company but the user's current one.
    await session.write(
        "res.user",
        [await session.find_one("res.user", [["login", "=", ADMIN]])],
        {"companies": [["add", companies]], "company": companies[0], "company_filter": "all"},
    )
    return {entity.code: company for entity, company in zip(entities, companies, strict=True)}


async def _create_connector(
    session: JsonRpcSession, companies: Sequence[int], password: str
) -> None:
    groups = await session.find("res.group", [["name", "in", CONNECTOR_GROUPS]], "id")
    await session.create(
        "res.user",
        [
            {
                "name": "Connector",
                "login": CONNECTOR,
                "password": password,
                "companies": [["add", companies]],
                "company": companies[0],
                "company_filter": "all",
                "groups": [["add", [group["id"] for group in groups]]],
            }
        ],
    )


def _one_address() -> list[object]:
    return [["create", [{}]]]
