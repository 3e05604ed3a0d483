"""The lists of the Accounting API, as the simulated Xero shows them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.xero.simulated_json import Record, envelope
from connectors.xero.simulated_organisation import SimulatedXero
from connectors.xero.simulated_projects import BadRequestError
from connectors.xero.simulated_state import (
    SimulatedAccount,
    SimulatedContact,
    SimulatedTaxRate,
)
from connectors.xero.simulated_where import Predicate, where

_PAGE_SIZE_MAX: Final = 1_000
_PAGE_SIZE: Final = 100
_ID: Final = {
    "Invoices": "InvoiceID",
    "CreditNotes": "CreditNoteID",
    "ManualJournals": "ManualJournalID",
}
_LINES: Final = {"Invoices": "LineItems", "CreditNotes": "LineItems"}
Query = Mapping[str, str]


def documents(xero: SimulatedXero, name: str, query: Query, since: datetime | None) -> Record:
    """A page of documents; without a page, a list of everything and no lines in it."""
    found = xero.listed(name, _predicates(name, query), since)
    if "page" not in query:
        lines = _LINES.get(name, "JournalLines")
        return envelope(name, [{**each, lines: []} for each in found], xero.clock(), None)
    number, size = int(query["page"]), int(query.get("pageSize", str(_PAGE_SIZE)))
    if number < 1 or not 1 <= size <= _PAGE_SIZE_MAX:
        raise BadRequestError("page and pageSize must be within their limits")
    paging = {
        "page": number,
        "pageSize": size,
        "pageCount": max(1, -(-len(found) // size)),
        "itemCount": len(found),
    }
    page = found[(number - 1) * size : number * size]
    return envelope(name, page, xero.clock(), paging)


def document(xero: SimulatedXero, name: str, record: str) -> Record | None:
    """One document by its id, however new it is."""
    found = xero.documents[name].get(record)
    return None if found is None else envelope(name, [found], xero.clock(), None)


def _predicates(name: str, query: Query) -> list[Predicate]:
    found: list[Predicate] = []
    if "where" in query:
        found.append(where(query["where"]))
    for parameter, member in (
        ("IDs", _ID[name]),
        ("Statuses", "Status"),
        ("InvoiceNumbers", "InvoiceNumber"),
    ):
        if parameter in query:
            found.append(_one_of(member, frozenset(query[parameter].split(","))))
    return found


def _one_of(member: str, wanted: frozenset[str]) -> Predicate:
    return lambda record: record.get(member) in wanted


def organisation(xero: SimulatedXero) -> list[Record]:
    """The organisation; a lock that nobody has set is not shown."""
    facts = xero.facts
    locks = {
        "PeriodLockDate": xero.period_lock_date,
        "EndOfYearLockDate": xero.end_of_year_lock_date,
    }
    return [
        {
            "Name": facts.name,
            "LegalName": facts.name,
            "OrganisationID": facts.tenant_id,
            "ShortCode": facts.short_code,
            "BaseCurrency": facts.base_currency,
            "CountryCode": "DE",
            "OrganisationType": "COMPANY",
            "OrganisationStatus": "ACTIVE",
            "FinancialYearEndDay": facts.year_end_day,
            "FinancialYearEndMonth": facts.year_end_month,
            "Timezone": "UTC",
            **{name: day for name, day in locks.items() if day is not None},
        }
    ]


def contacts(xero: SimulatedXero) -> list[Record]:
    """Everybody, archived or not."""
    return [_contact(each) for each in xero.contacts.values()]


def _contact(each: SimulatedContact) -> Record:
    optional = {"AccountNumber": each.account_number, "EmailAddress": each.email}
    return {
        "ContactID": each.id,
        "Name": each.name,
        "ContactStatus": "ACTIVE" if each.active else "ARCHIVED",
        "IsCustomer": each.is_customer,
        "IsSupplier": False,
        "ContactGroups": [{"Name": name, "Status": "ACTIVE"} for name in each.groups],
        **{name: value for name, value in optional.items() if value is not None},
        "HasValidationErrors": False,
    }


def accounts(xero: SimulatedXero) -> list[Record]:
    """The chart of accounts."""
    return [_account(each) for each in xero.accounts.values()]


def _account(each: SimulatedAccount) -> Record:
    return {
        "AccountID": each.id,
        "Code": each.code,
        "Name": each.name,
        "Type": each.type,
        "TaxType": each.tax_type,
        "Status": "ACTIVE" if each.active else "ARCHIVED",
        **({"SystemAccount": each.system} if each.system else {}),
    }


def tax_rates(xero: SimulatedXero) -> list[Record]:
    """All taxes."""
    return [_tax_rate(each) for each in xero.tax_rates.values()]


def _tax_rate(each: SimulatedTaxRate) -> Record:
    return {
        "TaxType": each.type,
        "Name": each.name,
        "Status": "ACTIVE" if each.active else "DELETED",
        "DisplayTaxRate": each.rate,
        "EffectiveRate": each.rate,
    }


def categories(xero: SimulatedXero) -> list[Record]:
    """The tracking categories with their options."""
    return [
        {
            "TrackingCategoryID": category.id,
            "Name": category.name,
            "Status": "ACTIVE",
            "Options": [
                {
                    "TrackingOptionID": option.id,
                    "Name": option.name,
                    "Status": "ACTIVE" if option.active else "ARCHIVED",
                }
                for option in category.options
            ],
        }
        for category in xero.categories.values()
    ]


def currencies(xero: SimulatedXero) -> list[Record]:
    """The currencies that are set up."""
    return [{"Code": code, "Description": code} for code in xero.facts.currencies]


# By path: the member of the answer, and what is in it.
WHOLE: Final[Mapping[str, tuple[str, Callable[[SimulatedXero], list[Any]]]]] = {
    "Organisation": ("Organisations", organisation),
    "Accounts": ("Accounts", accounts),
    "TaxRates": ("TaxRates", tax_rates),
    "TrackingCategories": ("TrackingCategories", categories),
    "Currencies": ("Currencies", currencies),
}


def contact_page(xero: SimulatedXero, query: Query) -> Record:
    """A page of contacts."""
    found = contacts(xero)
    if query.get("includeArchived") != "true":
        found = [each for each in found if each["ContactStatus"] == "ACTIVE"]
    number, size = int(query.get("page", "1")), int(query.get("pageSize", str(_PAGE_SIZE)))
    paging = {
        "page": number,
        "pageSize": size,
        "pageCount": max(1, -(-len(found) // size)),
        "itemCount": len(found),
    }
    page = found[(number - 1) * size : number * size]
    return envelope("Contacts", page, xero.clock(), paging)
