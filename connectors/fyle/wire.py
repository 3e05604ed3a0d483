"""Fyle's JSON, as far as we read it: strict in type, indifferent to members we do not know."""

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connectors.base.dates import day_in, moment_of
from connectors.base.numbers import number_of

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)


def id_of(value: Any) -> str:
    """Take an id that is safe to put into a filter; raises ValueError, never with the value."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError("not an id of Fyle")
    return value


Id = Annotated[str, BeforeValidator(id_of)]
# The day of an instant as it is written, in whatever zone: a day is never converted.
Day = Annotated[date, BeforeValidator(day_in)]
Moment = Annotated[datetime, BeforeValidator(moment_of)]
Number = Annotated[Decimal, BeforeValidator(number_of)]
Count = Annotated[int, Field(ge=0, lt=10**9)]
Serial = Annotated[int, Field(gt=0, lt=10**18)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class ReportState(StrEnum):
    """Where a report stands."""

    DRAFT = "DRAFT"
    APPROVER_PENDING = "APPROVER_PENDING"
    APPROVER_INQUIRY = "APPROVER_INQUIRY"
    APPROVED = "APPROVED"
    PAYMENT_PROCESSING = "PAYMENT_PROCESSING"
    PAYMENT_PENDING = "PAYMENT_PENDING"
    PAID = "PAID"


class Fund(StrEnum):
    """Whose money paid: the type of an expense's source account."""

    CASH = "PERSONAL_CASH_ACCOUNT"
    CARD = "PERSONAL_CORPORATE_CREDIT_CARD_ACCOUNT"
    COMPANY_CARD = "COMPANY_CORPORATE_CREDIT_CARD_ACCOUNT"
    ADVANCE = "PERSONAL_ADVANCE_ACCOUNT"


class Wire(BaseModel):
    """What all records share. The vendor may add members at any time."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


State = Annotated[ReportState, Field(strict=False)]


class User(Wire):
    """A person, as records name one."""

    id: Id
    email: str | None = None
    full_name: str | None = None


class ReportEmployee(Wire):
    """Whose report it is; `code` is what HR and the ERP know the person by."""

    id: Id
    code: str | None


class ReportApproval(Wire):
    """One approver's word on a report; nobody's if the system approved by itself."""

    approver_user_id: Id | None
    approver_type: str | None = None
    state: str
    approver_order: int | None = None


class AppliedWallet(Wire):
    """An advance that was applied to a report, as far as it was."""

    id: Id
    amount: Number


class Report(Wire):
    """An expense report; its expenses are a list of their own."""

    id: Id
    org_id: str
    seq_num: str
    purpose: str | None
    currency: Currency
    amount: Number
    state: State
    num_expenses: Count
    user_id: Id
    employee: ReportEmployee
    approvals: list[ReportApproval]
    applied_advance_wallets: list[AppliedWallet] | None = None
    reimbursement_id: Id | None
    created_at: Day
    last_submitted_at: Moment | None
    last_approved_at: Moment | None
    updated_at: Moment

    @property
    def submitted_on(self) -> date:
        """The day it was handed in, in UTC; the day it was begun if Fyle names none."""
        return self.last_submitted_at.date() if self.last_submitted_at else self.created_at


class SourceAccount(Wire):
    """The account that an expense was paid from."""

    type: Annotated[Fund, Field(strict=False)]


class Category(Wire):
    """What the money was spent on."""

    id: Serial
    name: str
    sub_category: str | None = None
    code: str | None = None
    system_category: str | None = None
    display_name: str | None = None


class CostCentre(Wire):
    """A cost centre as an expense names it."""

    id: Serial
    name: str
    code: str | None = None


class Project(Wire):
    """A project as an expense names it."""

    id: Serial
    name: str
    sub_project: str | None = None
    code: str | None = None
    display_name: str | None = None


class TaxGroup(Wire):
    """A tax group as an expense names it; its code stands in the list of tax groups only."""

    name: str | None = None


class MileageRate(Wire):
    """The rate that a distance was paid at."""

    vehicle_type: str
    code: str | None = None


class PerDiemRate(Wire):
    """The rate that days were paid at; it is named after its place."""

    name: str
    code: str | None = None


class CardTransaction(Wire):
    """What the card's feed says was charged."""

    id: Id | None = None
    amount: Number | None = None
    currency: Currency | None = None


class File(Wire):
    """A file that hangs on an expense."""

    id: Id
    name: str = ""
    type: str | None = None


class Expense(Wire):
    """One expense. Amounts are in the organisation's currency, those named foreign are not.

    Members that money, tax or dimensions hang on must be there, if only as null: were one
    renamed, it would vanish unnoticed.
    """

    id: Id
    report_id: Id
    seq_num: str | None = None
    spent_at: Day
    currency: Currency
    amount: Number
    foreign_currency: Currency | None
    foreign_amount: Number | None
    source_account: SourceAccount
    is_reimbursable: bool
    is_billable: bool | None
    category: Category | None
    cost_center: CostCentre | None
    project: Project | None
    tax_amount: Number | None
    tax_group_id: Id | None
    tax_group: TaxGroup | None = None
    distance: Number | None
    distance_unit: Literal["KM", "MILES"] | None
    mileage_rate: MileageRate | None = None
    per_diem_rate: PerDiemRate | None
    per_diem_num_days: Number | None
    split_group_id: Id | None = None
    matched_corporate_card_transactions: list[CardTransaction] = []
    matched_corporate_card_transaction: CardTransaction | None = None
    file_ids: list[Id] = []
    files: list[File] = []
    merchant: str | None = None
    purpose: str | None = None
    updated_at: Moment


class Envelope(Wire):
    """What a page says beside its records."""

    count: Count
    offset: Count


class Token(Wire):
    """What a refresh token is exchanged for."""

    access_token: Annotated[str, Field(min_length=1)]
    expires_in: Annotated[int, Field(gt=0)] = 3600


class Cluster(Wire):
    """Which cluster holds the organisation's data."""

    cluster_domain: str
