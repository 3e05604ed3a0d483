"""The checker of books is no decoration: it finds whatever a test puts into an ERP's books."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.business_central import simulated_documents as documents
from connectors.business_central import simulated_ledger as ledger
from connectors.business_central import simulated_time as times
from connectors.xero.simulated_ledger import create_document
from connectors.xero.simulated_projects import log_time
from tests.pairs.books import Bill, Books, Claim, Work, findings
from tests.pairs.business_central import BusinessCentralSide
from tests.pairs.sources import Sources
from tests.pairs.xero import XeroSide, contact_id, task_id, user_id

DAY = date(2026, 10, 5)
WORK = Work("DE01-EMP-001", "PRJ-1001", "Analysis", DAY, 7200, "private 1")
CLAIM = Claim(
    report="DE0001",
    person="DE01-EMP-001",
    legal_entity="DE01",
    currency="EUR",
    owed=Decimal("10.00"),
    costs=frozenset({("CC-100", Decimal("10.00"))}),
    taxes=frozenset(),
    passed_on=frozenset(),
    day=DAY,
)
BILL = Bill("ENG-1001", "CUST-001", Decimal(100), Decimal(119), "EUR", DAY)
EXPECTED = Books(work=[WORK], claims=[CLAIM], bills=[BILL])


def test_books_that_hold_what_was_approved_are_in_order() -> None:
    assert findings(EXPECTED, Books(work=[WORK], claims=[CLAIM], bills=[BILL])) == []


@pytest.mark.parametrize(
    "booked",
    [
        replace(EXPECTED, work=[]),
        replace(EXPECTED, work=[WORK, WORK]),
        replace(EXPECTED, work=[replace(WORK, person="DE01-EMP-002")]),
        replace(EXPECTED, work=[replace(WORK, project="PRJ-1002")]),
        replace(EXPECTED, work=[replace(WORK, task="Workshops")]),
        replace(EXPECTED, work=[replace(WORK, day=date(2026, 10, 6))]),
        replace(EXPECTED, work=[replace(WORK, seconds=7199)]),
        replace(EXPECTED, work=[replace(WORK, note="private 2")]),
        replace(EXPECTED, claims=[]),
        replace(EXPECTED, claims=[CLAIM, CLAIM]),
        replace(EXPECTED, claims=[replace(CLAIM, person="DE01-EMP-002")]),
        replace(EXPECTED, claims=[replace(CLAIM, owed=Decimal("10.01"))]),
        replace(EXPECTED, claims=[replace(CLAIM, costs=frozenset())]),
        replace(EXPECTED, claims=[replace(CLAIM, taxes=frozenset({("VAT7", Decimal(1))}))]),
        replace(EXPECTED, claims=[replace(CLAIM, passed_on=CLAIM.costs)]),
        replace(EXPECTED, bills=[]),
        replace(EXPECTED, bills=[BILL, BILL]),
        replace(EXPECTED, bills=[replace(BILL, customer="CUST-002")]),
        replace(EXPECTED, bills=[replace(BILL, total=Decimal(100))]),
        replace(EXPECTED, troubles=["a draft is left"]),
    ],
)
def test_whatever_is_missing_doubled_or_different_is_found(booked: Books) -> None:
    assert findings(EXPECTED, booked) != []


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """Sources, for the firm that they are of."""
    return Sources(tmp_path / "contracts", ("DE01",))


# What somebody, or a defect, may leave in Business Central.


def _entry(erp: BusinessCentralSide) -> None:
    """An entry that no line of the register speaks for: a second one, or a half."""
    company = erp.companies["DE01"]
    values = {
        "employeeNumber": "DE01-EMP-001",
        "jobNumber": "PRJ-1001",
        "jobTaskNumber": company.facts["tasks"]["PRJ-1001"][0],
        "date": DAY.isoformat(),
        "quantity": Decimal(2),
    }
    times.create_time_entry(company, values)


def _line(erp: BusinessCentralSide) -> None:
    company = erp.companies["DE01"]
    (register,) = company.rows("journals")
    said = {"postingDate": DAY.isoformat(), "comment": "somebody 7200 project/1000"}
    times.create_journal_line(company, register, {**said, "externalDocumentNumber": "L1"})


def _purchase(erp: BusinessCentralSide, *, posted: bool) -> None:
    company = erp.companies["DE01"]
    comment = '~{"report":"DE0001"}'
    values: dict[str, Any] = {
        "vendorInvoiceNumber": "LSOMETHING",
        "vendorNumber": "DE01-EMP-001",
        "invoiceDate": DAY.isoformat(),
        "purchaseInvoiceLines": [
            {
                "lineType": "Account",
                "lineObjectNumber": "6600",
                "quantity": Decimal(1),
                "unitCost": Decimal(10),
                "taxCode": "NO VAT",
            },
            {"lineType": "Comment", "description": comment},
        ],
    }
    header = documents.create(company, "purchaseInvoices", values)
    if posted:
        header["postingDate"] = erp.firm.month.first_day.isoformat()
        ledger.post(company, "purchaseInvoices", header)


@pytest.mark.parametrize(
    "leave",
    [
        _entry,
        _line,
        lambda erp: _purchase(erp, posted=False),
        lambda erp: _purchase(erp, posted=True),
    ],
    ids=["an entry", "a line of the register", "a draft", "a posted invoice"],
)
def test_what_is_left_in_business_central_is_found(
    sources: Sources, leave: Callable[[BusinessCentralSide], None]
) -> None:
    erp = BusinessCentralSide(sources.firm)
    assert findings(Books(), erp.books()) == []
    leave(erp)
    assert len(findings(Books(), erp.books())) >= 1


def _logged(erp: XeroSide) -> None:
    project = next(one.id for one in erp.xero.projects.values() if "PRJ-1001" in one.name)
    log_time(
        erp.xero,
        project,
        {
            "userId": user_id("DE01-EMP-001"),
            "taskId": task_id("PRJ-1001", "Analysis"),
            "dateUtc": "2026-10-05T10:00:00Z",
            "duration": 120,
            "description": "LSOMETHING private 1",
        },
    )


def _bill(erp: XeroSide, status: str) -> None:
    line = {
        "Description": "Consulting",
        "Quantity": 1,
        "UnitAmount": Decimal(100),
        "AccountCode": "4400",
        "TaxType": "TAX003",
    }
    sale = {
        "Type": "ACCREC",
        "Status": status,
        "Contact": {"ContactID": contact_id("CUST-001")},
        "Date": "2026-10-05",
        "DueDate": "2026-11-05",
        "Reference": "LSOMETHING ENG-1001",
        "LineItems": [line],
    }
    create_document(erp.xero, "Invoices", sale)


@pytest.mark.parametrize(
    "leave",
    [_logged, lambda erp: _bill(erp, "DRAFT"), lambda erp: _bill(erp, "AUTHORISED")],
    ids=["an entry", "a draft", "an invoice"],
)
def test_what_is_left_in_xero_is_found(sources: Sources, leave: Callable[[XeroSide], None]) -> None:
    erp = XeroSide(sources.firm)
    assert findings(Books(), erp.books()) == []
    leave(erp)
    assert len(findings(Books(), erp.books())) == 1
