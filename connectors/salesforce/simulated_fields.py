"""The fields that every simulated org has: Salesforce's own, as far as we meet them."""

from typing import Any, Final

from connectors.salesforce.simulated_state import Kind, SimulatedField


def _own(kind: Kind) -> tuple[SimulatedField, ...]:
    """What the system keeps of every record."""
    return (
        SimulatedField(kind=kind, name="Id", read_only=True),
        SimulatedField(kind=kind, name="IsDeleted", type="boolean", read_only=True),
        SimulatedField(kind=kind, name="CreatedDate", type="datetime", read_only=True),
        SimulatedField(kind=kind, name="SystemModstamp", type="datetime", read_only=True),
    )


STANDARD_FIELDS: Final = (
    *_own("Account"),
    SimulatedField(kind="Account", name="Name", required=True),
    SimulatedField(kind="Account", name="AccountNumber", length=40),
    SimulatedField(kind="Account", name="BillingCountryCode", type="picklist", length=10),
    SimulatedField(kind="Account", name="MasterRecordId", type="reference", read_only=True),
    *_own("Contact"),
    SimulatedField(kind="Contact", name="AccountId", type="reference"),
    SimulatedField(kind="Contact", name="LastName", length=80, required=True),
    SimulatedField(kind="Contact", name="Title", length=128),
    SimulatedField(kind="Contact", name="Email", type="email", length=80),
    *_own("Opportunity"),
    SimulatedField(kind="Opportunity", name="Name", length=120, required=True),
    SimulatedField(kind="Opportunity", name="AccountId", type="reference"),
    SimulatedField(kind="Opportunity", name="StageName", length=255, required=True),
    SimulatedField(kind="Opportunity", name="IsWon", type="boolean", read_only=True),
)


def described(field: SimulatedField) -> dict[str, Any]:
    """A field as Salesforce describes it."""
    return {
        "name": field.name,
        "type": field.type,
        "length": field.length,
        "externalId": field.external_id,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
        "updateable": not field.read_only,
    }
