"""Master synchronisation: who is told what, and what is left to people."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.cross_reference import MasterKind
from canonical.masters import Customer, Employee, Master
from rules.master_sync import (
    Action,
    Agree,
    Conflict,
    Create,
    Gone,
    Identity,
    Link,
    Twin,
    Update,
    in_order,
    plan,
    text_of,
)
from rules.ownership import FIELDS_OF, KindOwnership, Ownership

CRM, ERP, PSA = "crm", "erp", "psa"
HELD = {one: frozenset(FIELDS_OF[MasterKind.CUSTOMER]) for one in (CRM, ERP, PSA)}
CUSTOMERS = KindOwnership(owner=CRM, receivers=(ERP, PSA), fields={"currency": ERP})


def customer(connection: str, record: str = "1", **given_: Any) -> Customer:
    """A customer as one system shows it."""
    values = {"code": "CUST-1", "name": "Halden AG", "currency": "EUR"}
    return Customer(**{"connection": connection, "id": record, **values, **given_})


def planned(
    records: dict[str, Master],
    unlinked: dict[str, list[Master]] | None = None,
    ownership: KindOwnership = CUSTOMERS,
    **more: Any,
) -> list[Action]:
    """Plan one customer."""
    identity = Identity(MasterKind.CUSTOMER, records, **more)
    return plan(identity, unlinked or {}, ownership, HELD)


def agreed(connection: str, record: Master) -> dict[tuple[str, str], str]:
    """All values of a record, as known to be the same."""
    return {(connection, name): text_of(record, name) for name in FIELDS_OF[MasterKind.CUSTOMER]}


def test_a_record_is_created_where_it_is_received_and_missing() -> None:
    actions = planned({CRM: customer(CRM)})

    assert [type(one) for one in actions] == [Create, Create]
    assert actions[0] == Create(
        ERP, "CUST-1", {"name": "Halden AG", "active": "yes", "currency": "EUR"}
    )


def test_what_its_owner_does_not_have_is_neither_created_nor_changed() -> None:
    assert planned({ERP: customer(ERP)}) == []


def test_an_inactive_record_is_not_created_anywhere() -> None:
    assert planned({CRM: customer(CRM, active=False)}) == []


def test_an_inactive_record_is_linked_where_it_is() -> None:
    actions = planned({CRM: customer(CRM, active=False)}, {ERP: [customer(ERP, "77")]})

    assert actions == [Link(ERP, "77")]


def test_the_very_same_key_links_and_creates_nothing() -> None:
    there = customer(ERP, "77", code=" CUST-1 ")
    actions = planned({CRM: customer(CRM)}, {ERP: [there]})

    assert actions[0] == Link(ERP, "77")


@pytest.mark.parametrize(
    "twin",
    [
        {"code": "cust-1", "name": "Other"},
        {"code": "X", "name": "HALDEN  AG"},
        {"code": "X", "name": "Hálden A.G."},
        {"code": "CUST 1", "name": ""},
    ],
)
def test_another_spelling_waits_for_a_person_and_is_never_created_beside(
    twin: dict[str, str],
) -> None:
    actions = planned({CRM: customer(CRM)}, {ERP: [customer(ERP, "77", **twin)]})

    assert actions[0] == Twin(ERP, ("77",))


def test_two_of_the_same_key_are_no_link() -> None:
    both: list[Master] = [customer(ERP, "77"), customer(ERP, "78")]

    assert planned({CRM: customer(CRM)}, {ERP: both})[0] == Twin(ERP, ("77", "78"))


def test_an_owners_change_reaches_whoever_still_has_the_value_as_it_was() -> None:
    before = customer(ERP, "77")
    records: dict[str, Master] = {
        CRM: customer(CRM, name="Halden SE"),
        ERP: before,
        PSA: customer(PSA, "9"),
    }
    known = agreed(ERP, before) | agreed(PSA, before) | agreed(CRM, before)

    actions = planned(records, agreed=known)

    assert actions == [
        Update(ERP, "77", {"name": "Halden SE"}),
        Update(PSA, "9", {"name": "Halden SE"}),
    ]


def test_a_field_that_another_system_owns_flows_the_other_way() -> None:
    before = customer(CRM)
    records: dict[str, Master] = {CRM: before, ERP: customer(ERP, "77", currency="CHF")}
    known = agreed(CRM, before) | agreed(ERP, before)

    actions = planned(records, agreed=known, ownership=CUSTOMERS)

    assert Update(CRM, "1", {"currency": "CHF"}) in actions


def test_a_change_by_somebody_who_does_not_own_the_value_is_a_conflict_with_both() -> None:
    before = customer(ERP, "77")
    records: dict[str, Master] = {
        CRM: customer(CRM),
        ERP: customer(ERP, "77", name="Halden GmbH"),
        PSA: customer(PSA, "9"),
    }
    known = agreed(ERP, before) | agreed(PSA, before) | agreed(CRM, before)

    assert planned(records, agreed=known) == [
        Conflict(ERP, "name", CRM, "Halden AG", "Halden GmbH")
    ]


def test_values_that_differ_and_never_agreed_are_not_overwritten() -> None:
    records: dict[str, Master] = {CRM: customer(CRM), ERP: customer(ERP, "77", name="Halden")}

    conflicts = [one for one in planned(records) if isinstance(one, Conflict)]

    assert conflicts == [Conflict(ERP, "name", CRM, "Halden AG", "Halden")]


def test_a_record_that_a_receiver_no_longer_shows_is_told_and_not_made_again() -> None:
    records: dict[str, Master] = {CRM: customer(CRM), PSA: customer(PSA, "9")}

    actions = planned(records, expected=frozenset({ERP, PSA}))

    assert Gone(ERP) in actions
    assert not [one for one in actions if isinstance(one, Create)]


def carried_out(
    identity: Identity, actions: list[Action], unlinked: dict[str, list[Master]]
) -> Identity:
    """What systems and our record show after a plan was carried out."""
    records, known = dict(identity.records), dict(identity.agreed)
    for one in actions:
        match one:
            case Create(connection, code, values):
                made: dict[str, Any] = {k: v for k, v in values.items() if k != "active"}
                records[connection] = Customer(
                    connection=connection, id=f"new-{connection}", code=code, **made
                )
            case Link(connection, record):
                (records[connection],) = [o for o in unlinked[connection] if o.id == record]
            case Update(connection, _, values):
                told: dict[str, Any] = {
                    name: value == "yes" if name == "active" else value or None
                    for name, value in values.items()
                }
                records[connection] = records[connection].model_copy(update=told)
                known |= {(connection, name): value for name, value in values.items()}
            case Agree(connection, values):
                known |= {(connection, name): value for name, value in values.items()}
            case _:
                pass
    return Identity(identity.kind, records, frozenset(records), known)


names = st.sampled_from(["Halden AG", "Halden SE", "Halden"])
customers = st.builds(
    lambda name, currency, active: {"name": name, "currency": currency, "active": active},
    names,
    st.sampled_from(["EUR", "CHF", None]),
    st.booleans(),
)


@given(customers, st.one_of(st.none(), customers), st.one_of(st.none(), customers), customers)
def test_the_second_sync_writes_nothing_whatever_was_there(
    crm: dict[str, Any], erp: dict[str, Any] | None, psa: dict[str, Any] | None, was: dict[str, Any]
) -> None:
    records: dict[str, Master] = {CRM: customer(CRM, **crm)}
    records |= {ERP: customer(ERP, "77", **erp)} if erp else {}
    records |= {PSA: customer(PSA, "9", **psa)} if psa else {}
    before = customer(CRM, **was)
    known = {key: value for one in records for key, value in agreed(one, before).items()}
    identity = Identity(MasterKind.CUSTOMER, records, frozenset(records), known)

    seen = identity
    for _ in range(3):
        seen = carried_out(seen, plan(seen, {}, CUSTOMERS, HELD), {})
    last = plan(seen, {}, CUSTOMERS, HELD)

    assert not [one for one in last if isinstance(one, Create | Link | Update | Agree)]
    # Nobody's own value was ever written over by somebody who does not own it.
    assert text_of(seen.records[CRM], "name") == text_of(records[CRM], "name")
    if ERP in records:
        assert text_of(seen.records[ERP], "currency") == text_of(records[ERP], "currency")


def test_people_have_fields_of_their_own() -> None:
    people = KindOwnership(owner="hr", receivers=(ERP,))
    one = Employee(connection="hr", id="1", code="E-1", name="A", cost_centre="CC-2")
    other = Employee(connection=ERP, id="5", code="E-1", name="A", cost_centre="CC-1")
    identity = Identity(
        MasterKind.EMPLOYEE, {"hr": one, ERP: other}, agreed={(ERP, "cost_centre"): "CC-1"}
    )

    assert Update(ERP, "5", {"cost_centre": "CC-2"}) in plan(
        identity, {}, people, {ERP: frozenset({"cost_centre"})}
    )


def test_what_others_depend_on_comes_first() -> None:
    wanted = [MasterKind.TASK, MasterKind.EMPLOYEE, MasterKind.PROJECT, MasterKind.CUSTOMER]

    assert in_order(wanted) == [
        MasterKind.CUSTOMER,
        MasterKind.EMPLOYEE,
        MasterKind.PROJECT,
        MasterKind.TASK,
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"customer": {"owner": "crm", "receivers": ["crm"]}}, "owns the record"),
        ({"customer": {"owner": "crm", "receivers": ["erp", "erp"]}}, "named once"),
        ({"customer": {"owner": "crm", "fields": {"name": "erp"}}}, "neither owner nor receiver"),
        ({"customer": {"owner": "crm", "fields": {"colour": "crm"}}}, "has no field colour"),
        ({"account": {"owner": "erp"}}, "not synchronised"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Ownership.model_validate({"kinds": table})
