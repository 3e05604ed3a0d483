"""The state file of the simulated organisation: what a generator writes, and tests say.

Amounts are text ("7.25"), instants are UTC, dates are plain. `OrganisationState.model_dump_json()`
writes a file that `python -m connectors.fyle.simulator --state FILE` reads.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from canonical.exact import ExactDecimal
from connectors.fyle.wire import Fund, ReportState

TextId = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,15}$")]
NumberId = Annotated[int, Field(gt=0, lt=10**9)]


class State(BaseModel):
    """What all parts share: closed, so that a misspelt member is noticed at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedPerson(State):
    """An employee, and the user that he is; `code` is what HR and the ERP know him by."""

    id: TextId
    user_id: TextId
    full_name: str
    email: str
    code: str | None = None
    is_enabled: bool = True
    joined_on: date | None = None


class SimulatedCategory(State):
    """A kind of expense."""

    id: NumberId
    name: str
    sub_category: str | None = None
    code: str | None = None
    system_category: str | None = None


class SimulatedProject(State):
    """A project; `code` is the ERP's number for it."""

    id: NumberId
    name: str
    sub_project: str | None = None
    code: str | None = None
    is_enabled: bool = True


class SimulatedCostCentre(State):
    """A cost centre."""

    id: NumberId
    name: str
    code: str | None = None
    is_enabled: bool = True


class SimulatedTaxGroup(State):
    """A tax that expenses are entered with."""

    id: TextId
    name: str
    percentage: ExactDecimal
    is_enabled: bool = True


class SimulatedSummary(State):
    """What Fyle shows of the export of an expense."""

    state: Literal["COMPLETE", "ERROR", "IN_PROGRESS", "SKIPPED", "INITIATED"]
    error_type: str | None = None
    url: str = ""


class SimulatedExpense(State):
    """One expense; `amount` is in the organisation's currency and is what was approved."""

    id: TextId
    category_id: NumberId
    spent_on: date
    amount: ExactDecimal
    claim_amount: ExactDecimal | None = None
    fund: Fund = Fund.CASH
    is_reimbursable: bool = True
    is_billable: bool | None = None
    foreign_currency: str | None = None
    foreign_amount: ExactDecimal | None = None
    project_id: NumberId | None = None
    cost_center_id: NumberId | None = None
    tax_group_id: TextId | None = None
    tax_amount: ExactDecimal | None = None
    distance: ExactDecimal | None = None
    distance_unit: Literal["KM", "MILES"] | None = None
    mileage_rate: ExactDecimal | None = None
    vehicle: str = "Car"
    per_diem_place: str | None = None
    per_diem_days: ExactDecimal | None = None
    split_group_id: TextId | None = None
    card_amount: ExactDecimal | None = None
    card_currency: str | None = None
    files: tuple[TextId, ...] = ()
    merchant: str | None = None
    purpose: str | None = None
    updated_at: datetime | None = None
    summary: SimulatedSummary | None = None


class SimulatedWallet(State):
    """An advance that was applied to a report."""

    id: TextId
    amount: ExactDecimal


class SimulatedReport(State):
    """A report with its expenses. Without `updated_at` it changed just now.

    Nobody as approver: the system approved by itself.
    """

    id: TextId
    seq_num: str
    employee_id: TextId
    approver_id: TextId | None = None
    purpose: str | None = None
    state: ReportState = ReportState.PAYMENT_PROCESSING
    submitted_at: datetime
    approved_at: datetime | None = None
    paid_at: datetime | None = None
    expenses: tuple[SimulatedExpense, ...] = ()
    wallets: tuple[SimulatedWallet, ...] = ()
    updated_at: datetime | None = None


class SimulatedExport(State):
    """An accounting export."""

    id: TextId
    name: str
    description: str | None = None
    exported_at: str
    file_ids: tuple[str | None, ...]
    url: str | None = None


class SimulatedLine(State):
    """That a report or expense is part of an accounting export."""

    id: TextId
    object_id: TextId
    object_type: str
    reference: str | None
    accounting_export_id: TextId


class SimulatedMasters(State):
    """Master records; given again under the same id, they replace what was there."""

    people: tuple[SimulatedPerson, ...] = ()
    categories: tuple[SimulatedCategory, ...] = ()
    projects: tuple[SimulatedProject, ...] = ()
    cost_centres: tuple[SimulatedCostCentre, ...] = ()
    tax_groups: tuple[SimulatedTaxGroup, ...] = ()


class OrganisationState(SimulatedMasters):
    """A whole organisation, and what opens it."""

    org_id: TextId = "orSimulated01"
    currency: str = "EUR"
    client_id: str = "simulated-client"
    client_secret: str = "simulated-client-secret"  # noqa: S105  It opens only the simulator.
    refresh_token: str = "simulated-refresh-token"  # noqa: S105
    # None: the server that tells it.
    cluster_domain: str | None = None
    reports: tuple[SimulatedReport, ...] = ()
    exports: tuple[SimulatedExport, ...] = ()
    lines: tuple[SimulatedLine, ...] = ()
    # The steps that took effect on reports, by report, in order.
    told: dict[str, tuple[str, ...]] = {}


class ExpenseChange(State):
    """What becomes of one expense; members that are not given stay as they are."""

    id: TextId
    amount: ExactDecimal | None = None
    tax_amount: ExactDecimal | None = None
    category_id: NumberId | None = None
    cost_center_id: NumberId | None = None
    project_id: NumberId | None = None
    purpose: str | None = None


class Quirks(State):
    """How the simulated Fyle behaves, and misbehaves. Counted quirks are used up."""

    rate_limit_calls: int = 10
    rate_limit_seconds: int = 1
    retry_after_as_date: bool = False
    token_seconds: int = 3600
    # Whether a changed expense moves its report's stamp: not documented.
    expense_moves_report: bool = True
    # Whether an export without a file is taken: the specification allows it, nobody promises it.
    refuses_empty_file: bool = False
    # Names no rows when it refuses a bulk call.
    unnamed_bulk_errors: bool = False
    # The list of reports leads back to its start, whatever is asked for.
    circular_pages: bool = False
    # JSON texts instead of members of the record with this id: "" stands for the whole record,
    # and an empty text takes the member away.
    spoilt: dict[str, dict[str, str]] = {}
    slow_seconds: float = 0
    # How many of the next answers are broken, and how.
    broken_pages: int = 0
    failures: int = 0
    failures_after_write: int = 0
