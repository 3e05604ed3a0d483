"""Customers of an ERP that keeps them company by company: an invoice goes to its entity's own."""

import pytest

from activities.facts import facts_of
from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause
from canonical.masters import Customer, Masters
from rules.invoice_checks import Ready, Stopped, check_invoice
from rules.policies import Policies
from tests.unit.billing_building import decided, hours
from tests.unit.building import legal_entity, period


def _customer(record: str, entity: str | None) -> Customer:
    return Customer(connection="erp", id=record, code="C-1", name="Halden", legal_entity=entity)


def _checked(*customers: Customer) -> Ready | Stopped:
    (event,) = decided(hours("1", 5, "2")).events
    masters = Masters(legal_entities=(legal_entity(),), customers=customers)
    facts = facts_of(
        ("contracts", Masters()),
        ("erp", masters),
        {kind: {} for kind in MasterKind},
        [period("2026-10"), period("2026-11")],
    )
    return check_invoice(event, {}, facts, Policies())


@pytest.mark.parametrize("last", ["DE01", "US01"])
def test_of_two_companies_customers_with_one_code_the_invoice_is_for_the_entitys_own(
    last: str,
) -> None:
    of_both = sorted(("DE01", "US01"), key=lambda one: one == last)
    ready = _checked(*(_customer(f"of {entity}", entity) for entity in of_both))
    assert isinstance(ready, Ready)
    assert ready.body.customer == "of DE01"


def test_a_customer_that_all_companies_share_is_found() -> None:
    ready = _checked(_customer("shared", None))
    assert isinstance(ready, Ready)
    assert ready.body.customer == "shared"


def test_a_customer_of_another_company_alone_is_not_known() -> None:
    stopped = _checked(_customer("of US01", "US01"))
    assert isinstance(stopped, Stopped)
    assert stopped.root_cause.cause is Cause.UNKNOWN_CUSTOMER
