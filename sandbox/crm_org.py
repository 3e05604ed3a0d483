"""The firm's Salesforce org: an Account for each customer, as everybody else has it, too."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

from connectors.salesforce.simulated_state import (
    OrgState,
    SimulatedField,
    SimulatedRecord,
    Value,
    record_id,
)
from sandbox.contract_month import COUNTRIES
from sandbox.firm import Customer, Firm

CODE_FIELD: Final = "AccountNumber"
CURRENCY_FIELD: Final = "CurrencyIsoCode"
# By it an Account is made once; the firm's own were made by its people, and have none.
EXTERNAL_ID: Final = SimulatedField(
    kind="Account",
    name="Ledgerway_Code__c",
    length=80,
    external_id=True,
    unique=True,
    case_sensitive=True,
)
# An org with several currencies has this field.
_CURRENCY: Final = SimulatedField(kind="Account", name=CURRENCY_FIELD, type="picklist", length=3)


@dataclass(frozen=True)
class CrmOrg:
    """The org; ids count the firm's own customers, so they never change."""

    firm: Firm

    def state(self) -> OrgState:
        """The whole org, as it has been for long."""
        made = datetime.combine(self.firm.month.before().first_day, time(8), tzinfo=UTC)
        return OrgState(
            client_secret="the-secret-of-a-made-up-org",  # noqa: S106  Of a simulator.
            fields=(EXTERNAL_ID, _CURRENCY),
            records=tuple(
                SimulatedRecord(
                    kind="Account",
                    id=self.account_id(customer.code),
                    fields=self._fields(customer),
                    created_at=made,
                    changed_at=made,
                )
                for customer in self.firm.customers
            ),
        )

    def account_id(self, code: str) -> str:
        """Salesforce's id of a customer that the firm has had for long."""
        codes = [customer.code for customer in self.firm.customers]
        return record_id("Account", codes.index(code) + 1)

    def _fields(self, customer: Customer) -> dict[str, Value]:
        return account_fields(
            customer.code,
            customer.name,
            country=COUNTRIES[customer.code],
            currency=self.firm.currency_of(customer),
        )


def account_fields(code: str, name: str, *, country: str, currency: str) -> dict[str, Value]:
    """An Account as the firm's people fill it in."""
    return {
        "Name": name,
        CODE_FIELD: code,
        "BillingCountryCode": country,
        CURRENCY_FIELD: currency,
    }
