"""A simulated org in the words of the suites for masters."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from pydantic import SecretStr

from canonical.cross_reference import MasterKind
from connectors.base.master_writes import MasterWrite
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.conformance.master_world import NO, YES, HeldMaster
from connectors.conformance.posting_world import PostingNetwork
from connectors.salesforce import Salesforce, SalesforceOptions, connect
from connectors.salesforce.manifest import FEED_SECONDS
from connectors.salesforce.simulated_org import SimulatedOrg
from connectors.salesforce.simulated_state import OrgState, SimulatedField, Value
from connectors.salesforce.simulator import simulated_salesforce
from tests.connectors.salesforce.spec_check import BASE_URL, TOKEN_PATH, SpecChecked

OWN: Final = "Ledgerway_Code__c"
CURRENCIES: Final = ("EUR", "CHF", "USD")
COUNTRIES: Final = ("DE", "CH", "US")
REFUSED: Final = "Nobody Ltd"
AT: Final = {
    "name": "Name",
    "active": "Active__c",
    "currency": "CurrencyIsoCode",
    "country": "BillingCountryCode",
    "tax_number": "VAT_Number__c",
}
STATE: Final = OrgState(
    client_secret="the-client-secret",
    fields=(
        SimulatedField(
            kind="Account",
            name=OWN,
            length=80,
            external_id=True,
            unique=True,
            case_sensitive=True,
        ),
        SimulatedField(kind="Account", name="VAT_Number__c", length=20),
        SimulatedField(kind="Account", name="Active__c", type="boolean"),
        SimulatedField(kind="Account", name="CurrencyIsoCode", type="picklist", length=3),
        SimulatedField(kind="Account", name="Phone", length=40),
        SimulatedField(kind="Opportunity", name=OWN, length=80),
    ),
)


class SalesforceWorld:
    """A world of each suite for masters, and an `HttpWorld`; its clock stands still."""

    kind = MasterKind.CUSTOMER
    page_size = 3
    secret = STATE.client_secret
    feed_seconds: int | None = FEED_SECONDS
    deletions_within_seconds = 0
    clearable = frozenset({"country", "tax_number"})
    removes = True

    def __init__(self, state: OrgState = STATE) -> None:
        self.now = datetime(2026, 1, 12, 9, 30, 20, 500_000, tzinfo=UTC)
        self.org = SimulatedOrg(state, clock=lambda: self.now)
        self.misbehave(page_size_max=self.page_size, refused_name=REFUSED)
        self.spec = SpecChecked(httpx.ASGITransport(simulated_salesforce(self.org)))
        self.network = PostingNetwork(self.spec, is_write)

    def options(self, **given: Any) -> SalesforceOptions:
        """The options of the world's org; `given` says what is different."""
        whole: dict[str, Any] = {
            "connection": "crm",
            "instance_url": BASE_URL,
            "client_id": self.org.client_id,
            "client_secret": SecretStr(self.secret),
            "currency_field": AT["currency"],
            "tax_number_field": AT["tax_number"],
            "active_field": AT["active"],
        }
        return SalesforceOptions(**(whole | given))

    def connect(
        self, budget: RateBudget | None = None, *, secret: str | None = None, **given: Any
    ) -> Salesforce:
        if secret is not None:
            given["client_secret"] = SecretStr(secret)
        return connect(
            self.options(**given), budget or Unlimited(), self.network, now=lambda: self.now
        )

    def misbehave(self, **quirks: object) -> None:
        self.org.quirks = self.org.quirks.model_copy(update=quirks)

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def sample(self, number: int) -> MasterWrite:
        values = {
            "name": f"Ännchen & Söhne {number}",
            "active": YES,
            "currency": CURRENCIES[number % 3],
            "country": COUNTRIES[number % 3],
            "tax_number": f"VAT{number:06d}",
        }
        return MasterWrite(self.kind, f"C-{number}/ä", values)

    def refused(self) -> MasterWrite:
        sample = self.sample(99)
        return replace(sample, values={**sample.values, "name": REFUSED})

    def look_alikes(self, write: MasterWrite) -> Sequence[MasterWrite]:
        codes = (write.code.lower(), write.code.replace("ä", "a"), f"{write.code}0")
        return [replace(write, code=code) for code in codes]

    def make(self, write: MasterWrite, *, seconds_ago: int = 0) -> str:
        at = self.now - timedelta(seconds=seconds_ago)
        return self.org.add("Account", fields_of(write.values, code=write.code), at=at).id

    def change(self, record: str, values: Mapping[str, str]) -> None:
        self.org.change(record, fields_of(values))

    def remove(self, record: str) -> None:
        self.org.delete([record])

    def held(self) -> Sequence[HeldMaster]:
        return [
            HeldMaster(
                each.id,
                str(each.fields.get("AccountNumber", "")),
                {name: text(self.org.value(each, field)) for name, field in AT.items()},
                {"phone": str(each.fields.get("Phone", "")), "own": str(each.fields.get(OWN))},
            )
            for each in self.org.records("Account")
        ]

    def make_unreadable(self, private: str) -> None:
        self.spec.tolerant = True
        self.misbehave(poison=(json.dumps({"Id": "001xx", "Name": [private]}),))

    def ignore(self, name: str) -> None:
        self.misbehave(ignored_once=frozenset({AT[name]}))

    def paths(self) -> list[str]:
        """What was asked for so far, without the version and without values."""
        root = "/services/data/v61.0"
        return [
            f"{each.method} {each.url.path.removeprefix(root)}" for each in self.network.requests
        ]


def fields_of(values: Mapping[str, str], **more: str) -> dict[str, Value]:
    """Fields of a write as people would fill them in."""
    fields: dict[str, Value] = {
        AT[name]: value == YES if name == "active" else value for name, value in values.items()
    }
    return fields | ({"AccountNumber": more["code"], "Phone": "+49 30 1"} if more else {})


def text(value: Value) -> str:
    """A field as a write says it."""
    if isinstance(value, bool):
        return YES if value else NO
    return value or ""


def is_write(request: httpx.Request) -> bool:
    return request.method in {"POST", "PATCH"} and request.url.path != TOKEN_PATH
