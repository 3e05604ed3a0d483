"""Financial documents as Concur fills them, for tests and for a made-up firm's month.

Amounts are in the employee's currency, tax included. A document has the members that real ones
have where they matter, and leaves out the hundred custom fields that nobody uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

_Payer = Literal["CASH", "IBIP", "IBCP", "CBCP"]


@dataclass(frozen=True, slots=True)
class CostObjects:
    """Whom a cost is booked for, in the company's own fields: SAP's set-up for its ERPs."""

    legal_entity: str = "FIRM-DE"
    cost_centre: str = "CC-100"
    project: str | None = None

    def fields(self, stem: str) -> dict[str, str]:
        """The members of an allocation, an entry or a report that name them."""
        named = {2: self.legal_entity, 4: self.cost_centre, 5: self.project}
        return {f"{stem}{number}Code": code for number, code in named.items() if code}


@dataclass(frozen=True, slots=True)
class EntryTax:
    """A tax that is within an entry's amount."""

    code: str
    amount: Decimal
    reclaimed: Decimal
    country: str = "DE"


def entry(
    entry_id: str,
    amount: Decimal,
    day: date,
    *,
    kind: tuple[str, str] = ("TAXIX", "Taxi"),
    account: str = "474230",
    paid_with: _Payer = "CASH",
    personal: bool = False,
    billable: bool = False,
    currency: str = "EUR",
    country: str = "DE",
    tax: EntryTax | None = None,
    receipt: Literal["N", "R", "T"] = "R",
    cost: CostObjects = CostObjects(),
    note: str = "",
) -> dict[str, Any]:
    """One entry, all of it on one allocation."""
    payee = {"CASH": "EMPL", "IBIP": "EMPL"}.get(paid_with, paid_with)
    rows = [_journal("COMP", payee, account, amount, tax)]
    if personal:
        # What the company pays the card's issuer, the employee owes it; of cash it owes nothing.
        own = _journal("EMPL", "COMP", account, -amount, None)
        rows = [] if payee == "EMPL" else [*rows, own]
    return {
        "entryId": entry_id,
        "expenseTypeCode": kind[0],
        "expenseTypeName": kind[1],
        "entryDate": f"{day.isoformat()}T00:00:00.000Z",
        "entryApprovedAmount": Decimal(0) if personal else amount,
        "reportEntryTransactionAmount": amount,
        "entryCurrAlphaCode": currency,
        "entryExchangeRate": 1,
        "entryExchangeRateDirection": "M",
        "entryIsPersonal": "Y" if personal else "N",
        "entryIsBillable": "Y" if billable else "N",
        "entryReceiptType": receipt,
        "entryReceiptId": None if receipt == "N" else f"R{entry_id}",
        "entryCountryCode": country,
        "entryDescription": note,
        "reportEntryPatKey": paid_with,
        "allocation": [
            {
                "allocationId": f"A{entry_id}",
                "allocationPercentage": 100,
                **cost.fields("allocationCustom"),
                "journal": rows,
                "tax": [] if tax is None else [_tax(tax)],
            }
        ],
    }


def report(
    report_id: str,
    employee_id: str,
    entries: Sequence[dict[str, Any]],
    submitted_at: datetime,
    *,
    currency: str = "EUR",
    country: str = "DE",
    name: str = "",
    approver: str = "E-9001",
    cost: CostObjects = CostObjects(),
    advances: Sequence[tuple[str, Decimal]] = (),
    returned: Decimal = Decimal(0),
) -> dict[str, Any]:
    """An expense report; `advances` says how much of which cash advance it uses up."""
    stamp = submitted_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {
        "employee": {"employeeId": employee_id},
        "report": {
            "reportId": report_id,
            "reportNumber": report_id[:6],
            "reportName": name,
            "employeeCurrencyAlphaCode": currency,
            "homeCountryCode": country,
            "totalApprovedAmount": sum(
                (each["entryApprovedAmount"] for each in entries), Decimal(0)
            ),
            "cashAdvanceReturnsAmount": returned,
            "revisionNumber": "1",
            "isTest": "N",
            "lastApproverId": approver,
            "reportSubmitDate": stamp,
            "reportPaymentProcessingDate": stamp,
            "reportUserDefinedDate": f"{submitted_at.date().isoformat()}T00:00:00.000Z",
            **cost.fields("reportOrgUnit"),
        },
        "expenseEntry": list(entries),
        "cashAdvanceApplication": [
            {
                "cashAdvanceId": advance,
                "cashAdvanceApplicationAmount": -amount,
                "cashAdvanceTransactionType": 2,
            }
            for advance, amount in advances
        ],
    }


def cash_advance(
    advance_id: str,
    employee_id: str,
    amount: Decimal,
    issued_at: datetime,
    *,
    currency: str = "EUR",
    name: str = "",
) -> dict[str, Any]:
    """A cash advance that is paid out to an employee."""
    stamp = issued_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {
        "employeeData": {"employeeId": employee_id},
        "cashAdvanceData": {
            "cashAdvanceId": advance_id,
            "name": name,
            "requestAmount": amount,
            "currencyAlphaCode": currency,
            "employeeCurrencyAlphaCode": currency,
            "exchangeRate": 1,
            "transactionType": 1,
            "requestDate": stamp,
            "issuedDate": stamp,
        },
        "journalData": [
            {
                "amount": amount,
                "payer": "COMP",
                "payee": "EMPL",
                "accountCode": "CADV",
                "debitOrCredit": "DR",
            }
        ],
    }


def _journal(
    payer: str, payee: str, account: str, gross: Decimal, tax: EntryTax | None
) -> dict[str, Any]:
    return {
        "journalPayer": payer,
        "journalPayee": payee,
        "journalAccountCode": account,
        "amountGross": gross,
        "amountNetOfTax": gross - (tax.amount if tax else 0),
        "amountNetOfReclaim": gross - (tax.reclaimed if tax else 0),
        "taxGuid": [],
    }


def _tax(tax: EntryTax) -> dict[str, Any]:
    return {
        "taxAuthorityLabel": f"{tax.country}VAT",
        "taxReclaimCode": tax.code,
        "locationCountryCode": tax.country,
        "amountTax": tax.amount,
        "amountReclaim": tax.reclaimed,
    }
