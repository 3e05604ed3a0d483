"""The configuration of the local world: which system is where, and what the firm has decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from connectors.bamboohr.simulated_state import CompanyState as HrState
from connectors.concur.simulated_state import CompanyState as ExpenseState
from connectors.harvest.simulated_state import AccountState
from connectors.salesforce.simulated_state import OrgState
from sandbox.billing_policies import BILLING_POLICIES
from sandbox.contract_month import CONNECTION
from sandbox.crm_org import CURRENCY_FIELD
from sandbox.expense_month import PER_DIEM_TYPE
from sandbox.expense_policies import EXPENSE_POLICIES
from sandbox.firm import Firm
from sandbox.tryton.billing_seed import ACCOUNT_OF_ROLE

TENANT: Final = "northwind"
SOURCE_OF_TIME, TARGET = "harvest", "tryton"
# Who masters what. Projects are nobody's: one that Harvest has and Tryton has not is a case that
# people work. Neither are cost centres: each code stands in the charts of both companies.
OWNERSHIP: Final = {
    "kinds": {
        "customer": {"owner": "salesforce", "receivers": [SOURCE_OF_TIME, TARGET]},
        "employee": {"owner": "bamboohr", "receivers": [SOURCE_OF_TIME, TARGET]},
    }
}
_CLOSED_PERIODS: Final = {"DE01": "NEXT_OPEN", "US01": "HOLD"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where each system answers, and where contracts lie."""

    harvest: str
    concur: str
    salesforce: str
    bamboohr: str
    contracts: Path
    # The ERP's own, or that of a proxy in front of it.
    erp: str
    erp_database: str
    erp_user: str
    erp_password: str


@dataclass(frozen=True, slots=True)
class WorldConfiguration:
    """What a worker reads; each secret is in a file of its own."""

    firm: Firm
    account: AccountState
    company: ExpenseState
    org: OrgState
    people: HrState
    at: Address

    def write(self, folder: Path) -> None:
        """Write both files, and the secrets that they refer to."""
        folder.mkdir(exist_ok=True, mode=0o700)
        for name, secret in self._secrets().items():
            path = folder / f"{name}.secret"
            path.touch(mode=0o600)
            path.write_text(secret)
        connections = {"tenant": TENANT, "connections": self._connections()}
        (folder / "connections.yaml").write_text(yaml.safe_dump(connections))
        (folder / "policies.yaml").write_text(yaml.safe_dump(_policies()))

    def _secrets(self) -> Mapping[str, str]:
        return {
            "harvest": self.account.token,
            "concur-client": self.company.client_secret,
            "concur-refresh": self.company.refresh_token,
            "salesforce": self.org.client_secret,
            "bamboohr": self.people.api_key,
            "erp": self.at.erp_password,
        }

    def _connections(self) -> dict[str, Any]:
        return {
            **self._sources(),
            **self._owners_of_masters(),
            TARGET: {
                "system": "tryton",
                "options": {
                    "url": self.at.erp,
                    "database": self.at.erp_database,
                    "user": self.at.erp_user,
                    "password": "file:erp.secret",
                    "revenue_accounts": dict(ACCOUNT_OF_ROLE),
                },
            },
        }

    def _sources(self) -> dict[str, Any]:
        source = {"posts_to": TARGET, "region": "emea", "poll_every_seconds": 15}
        return {
            SOURCE_OF_TIME: {
                "system": "harvest",
                **source,
                "reread_every_seconds": 60,
                "options": {
                    "account_id": self.account.account_id,
                    "token": "file:harvest.secret",
                    "user_agent": "Ledgerway (https://github.com/ledgerway/ledgerway)",
                    "base_url": self.at.harvest,
                },
            },
            "concur": {
                "system": "concur",
                **source,
                "options": {
                    "client_id": self.company.client_id,
                    "client_secret": "file:concur-client.secret",
                    "refresh_token": "file:concur-refresh.secret",
                    "base_url": self.at.concur,
                    "per_diem_types": [PER_DIEM_TYPE],
                    "distance_unit": "km",
                },
            },
            CONNECTION: {
                "system": "flatfile",
                **source,
                "options": {"folder": str(self.at.contracts.resolve())},
            },
        }

    def _owners_of_masters(self) -> dict[str, Any]:
        return {
            "salesforce": {
                "system": "salesforce",
                "options": {
                    "instance_url": self.at.salesforce,
                    "client_id": self.org.client_id,
                    "client_secret": "file:salesforce.secret",
                    "currency_field": CURRENCY_FIELD,
                },
            },
            "bamboohr": {
                "system": "bamboohr",
                "options": {
                    "company": self.people.company,
                    "api_key": "file:bamboohr.secret",
                    "base_url": self.at.bamboohr,
                    "legal_entity_field": "division",
                    "legal_entities": {one.name: one.code for one in self.firm.legal_entities},
                },
            },
        }


def _policies() -> dict[str, Any]:
    return {
        "legal_entities": {
            code: {
                "closed_period": closed,
                "expense": EXPENSE_POLICIES[code],
                "billing": BILLING_POLICIES[code],
            }
            for code, closed in _CLOSED_PERIODS.items()
        },
        "ownership": OWNERSHIP,
    }
