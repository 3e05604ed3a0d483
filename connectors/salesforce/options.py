"""One org's use of Salesforce, as configuration states it."""

import re
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from connectors.base.http import Timeouts

# Salesforce makes larger pages of larger numbers smaller, and smaller ones larger.
PAGE_SIZES: Final = range(200, 2001)
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccountFields:
    """Which fields of an Account are what; "" means that the org keeps no such thing.

    `external_id` is a custom field of our own, marked as external id and unique: by it an Account
    is made once, whatever becomes of the answer. Without it, none is made. `billing_title` finds
    the billing contact by its title; without it, it is the Account's first contact.
    """

    code: str = "AccountNumber"
    external_id: str = "Ledgerway_Code__c"
    currency: str = ""
    country: str = "BillingCountryCode"
    tax_number: str = ""
    active: str = ""
    billing_title: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """All fields that there have to be, each once."""
        own = (self.code, self.external_id, self.currency, self.country, self.tax_number)
        return tuple(dict.fromkeys(name for name in ("Name", *own, self.active) if name))


_DEFAULTS: Final = AccountFields()


@dataclass(frozen=True, slots=True)
class SalesforceOptions:
    """An application's credentials, the org's address, and which of its fields are what.

    `instance_url` is the org's My Domain. The `customer_…` members are fields of Account by their
    API names, "" where the org has none: `currency_field` is CurrencyIsoCode where the org has
    several currencies. With `projects_from_opportunities` a won Opportunity is a project, and its
    code is in `project_code_field`.
    """

    connection: str
    instance_url: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    customer_code_field: str = _DEFAULTS.code
    customer_external_id_field: str = _DEFAULTS.external_id
    currency_field: str = _DEFAULTS.currency
    country_field: str = _DEFAULTS.country
    tax_number_field: str = _DEFAULTS.tax_number
    active_field: str = _DEFAULTS.active
    billing_contact_title: str = _DEFAULTS.billing_title
    projects_from_opportunities: bool = False
    project_code_field: str = "Ledgerway_Code__c"
    api_version: str = "61.0"
    page_size: int = PAGE_SIZES[-1]
    timeouts: Timeouts = field(default=Timeouts())

    def __post_init__(self) -> None:
        if self.page_size not in PAGE_SIZES:
            raise ValueError("a page of Salesforce has 200 to 2000 records")
        if not re.fullmatch(r"[0-9]{2,3}\.0", self.api_version, re.ASCII):
            raise ValueError("api_version is like 61.0")
        if not self.customer_code_field:
            raise ValueError("customer_code_field names the field that holds a customer's code")
        # They become part of queries and addresses.
        for name in (*self.account.named, self.project_code_field):
            if not _FIELD.fullmatch(name):
                raise ValueError(f"'{name}' is not the API name of a field")

    @property
    def account(self) -> AccountFields:
        """Which fields of an Account are what."""
        return AccountFields(
            code=self.customer_code_field,
            external_id=self.customer_external_id_field,
            currency=self.currency_field,
            country=self.country_field,
            tax_number=self.tax_number_field,
            active=self.active_field,
            billing_title=self.billing_contact_title,
        )

    @property
    def project_code(self) -> str | None:
        """The field of an Opportunity that holds a project's code; None: there are no projects."""
        return self.project_code_field if self.projects_from_opportunities else None
