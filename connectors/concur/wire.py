"""Concur's financial documents (FIS v4), as far as we read them.

Strict in numbers and codes, indifferent to members that we do not know; null is absent. SAP says
that members come in any order and may be added at any time.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from connectors.base.dates import day_in, moment_of
from connectors.base.http import exact_json
from connectors.base.numbers import number_of


def _text(value: Any) -> Any:
    """Take text, or the whole number that some tenants' documents have in its place."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _flag(value: Any) -> bool:
    if not isinstance(value, str) or value not in {"Y", "N"}:
        raise ValueError("neither Y nor N")
    return value == "Y"


def _many(value: Any) -> Any:
    return [] if value is None else value


def _document(value: Any) -> Any:
    """Take the document as an object, or as the JSON text that `DocumentFormatAs: text` gives."""
    return exact_json(value) if isinstance(value, str) else value


W = TypeVar("W")
Number = Annotated[Decimal, BeforeValidator(number_of)]
Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(_flag)]
DayOf = Annotated[date, BeforeValidator(day_in)]
Moment = Annotated[datetime, BeforeValidator(moment_of)]
Many = Annotated[list[W], BeforeValidator(_many), Field(default_factory=list)]


class Wire(BaseModel):
    """What all records share."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        hide_input_in_errors=True,
        alias_generator=to_camel,
    )


class Coded(Wire):
    """A record with the tenant's own fields: `codes` has the code of each, by its number.

    What a field means is the tenant's configuration; its name is a stem with a number.
    """

    STEM: ClassVar[str]

    codes: dict[int, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _collect(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        name = re.compile(rf"{cls.STEM}([0-9]{{1,2}})Code", re.ASCII)
        found = ((name.fullmatch(key), _text(code)) for key, code in value.items())
        codes = {int(key[1]): code for key, code in found if key and code is not None}
        return {**value, "codes": codes}


class FinancialDocument(Wire):
    """One document of the queue; `document` is its content, of the kind that `doc_type` says."""

    id: Annotated[str, Field(min_length=1, max_length=120)]
    doc_type: str
    doc_status: str | None = None
    company_id: Text | None = None
    erp_system_id: Text | None = None
    document: Annotated[dict[str, Any], BeforeValidator(_document)]


class Employee(Wire):
    """Who claims; the id is also what payroll and the ERP know the person by."""

    employee_id: Text


class Journal(Wire):
    """What one party pays another for a part of an allocation, tax included in `amount_gross`."""

    journal_payer: str
    journal_payee: str
    journal_account_code: Text | None = None
    amount_gross: Number
    amount_net_of_tax: Number | None = None
    amount_net_of_reclaim: Number | None = None
    # What a card's issuer is due for this row, in the card's billing currency.
    amount_gross_card: Number | None = None
    tax_guid: Many[str]


class Tax(Wire):
    """One tax within an allocation; `amount_reclaim` is the part of it that can be recovered."""

    tax_guid: str | None = None
    tax_authority_label: Text | None = None
    tax_code: Text | None = None
    tax_reclaim_code: Text | None = None
    location_country_code: str | None = None
    amount_tax: Number
    amount_reclaim: Number | None = None


class Allocation(Coded):
    """The share of an entry that one set of cost objects carries."""

    STEM: ClassVar[str] = "allocationCustom"

    allocation_id: Text | None = None
    allocation_percentage: Number | None = None
    journal: Many[Journal]
    tax: Many[Tax]


class Mileage(Wire):
    """A distance; the document does not say of what unit."""

    total_distance: Number | None = None
    personal_distance: Number | None = None


class Entry(Coded):
    """One expense; an itemised one comes as its parts."""

    STEM: ClassVar[str] = "entryOrgUnit"

    entry_id: Text
    expense_type_code: Text
    expense_type_name: Text
    entry_date: DayOf
    entry_approved_amount: Number
    # Decides about money: were it renamed, personal costs would be posted as the firm's own.
    entry_is_personal: Flag
    entry_is_billable: Flag | None = None
    entry_receipt_type: str | None = None
    entry_country_code: str | None = None
    entry_curr_alpha_code: str | None = None
    report_entry_transaction_amount: Number | None = None
    entry_exchange_rate: Number | None = None
    entry_exchange_rate_direction: str | None = None
    report_entry_pat_key: Text | None = None
    card_transaction_amount: Number | None = None
    card_transaction_currency: str | None = None
    card_transaction_posted_currency: str | None = None
    entry_receipt_id: Text | None = None
    entry_electronic_receipt_id: Text | None = None
    entry_location_name: str | None = None
    entry_vendor_description: str | None = None
    entry_description: str | None = None
    mileage: Mileage | None = None
    allocation: Many[Allocation]


class Report(Coded):
    """The head of an expense report."""

    STEM: ClassVar[str] = "reportOrgUnit"

    report_id: Text
    report_number: Text | None = None
    report_name: str | None = None
    employee_currency_alpha_code: str
    home_country_code: str | None = None
    total_approved_amount: Number | None = None
    cash_advance_returns_amount: Number | None = None
    revision_number: Text | None = None
    last_approver_id: Text | None = None
    report_user_defined_date: DayOf | None = None
    report_submit_date: Moment | None = None
    report_creation_date: Moment | None = None
    # When all approvals were there and the report became ready for posting.
    report_payment_processing_date: Moment | None = None


class AdvanceApplication(Wire):
    """A cash advance as far as a report uses it up (below nothing) or issues one."""

    cash_advance_id: Text
    cash_advance_application_amount: Number
    cash_advance_transaction_type: int


class ExpenseDocument(Wire):
    """The content of a document of type `expense`."""

    employee: Employee
    report: Report
    expense_entry: Many[Entry]
    cash_advance_application: Many[AdvanceApplication]


class AdvanceData(Wire):
    """A cash advance that is paid out, or returned to the administrator."""

    cash_advance_id: Text
    name: str | None = None
    request_amount: Number | None = None
    currency_alpha_code: str | None = None
    employee_currency_alpha_code: str
    exchange_rate: Number | None = None
    transaction_type: int
    issued_date: Moment | None = None
    request_date: Moment | None = None


class AdvanceJournal(Wire):
    """What is booked for an advance, in the employee's currency."""

    amount: Number
    payee: str
    payer: str
    debit_or_credit: str | None = None


class AdvanceDocument(Wire):
    """The content of a document of type `cashadvance`."""

    employee_data: Employee
    cash_advance_data: AdvanceData
    journal_data: Many[AdvanceJournal]


EXPENSE: Final = "expense"
CASH_ADVANCE: Final = "cashadvance"
