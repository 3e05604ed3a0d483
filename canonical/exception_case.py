"""Exception cases: what a person must decide, and what was decided."""

from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from canonical.base import Canonical, Instant
from canonical.money import Money
from canonical.text import Code, ExternalId, Label, Sentence


class Cause(StrEnum):
    """Root causes; one case per legal entity and root cause, however many lines it blocks."""

    UNKNOWN_EMPLOYEE = "unknown_employee"
    UNKNOWN_PROJECT = "unknown_project"
    UNKNOWN_TASK = "unknown_task"
    CLOSED_PROJECT = "closed_project"
    CLOSED_TASK = "closed_task"
    LEAVER = "leaver"
    NOT_YET_EMPLOYED = "not_yet_employed"
    OTHER_LEGAL_ENTITY = "other_legal_entity"
    MISSING_COST_RATE = "missing_cost_rate"
    MISSING_EXCHANGE_RATE = "missing_exchange_rate"
    MISSING_DIMENSION = "missing_dimension"
    INACTIVE_DIMENSION = "inactive_dimension"
    CLOSED_PERIOD = "closed_period"
    NO_POSTING_PERIOD = "no_posting_period"
    FISCAL_YEAR_CROSSED = "fiscal_year_crossed"
    OVER_24_HOURS = "over_24_hours"
    NEGATIVE_HOURS = "negative_hours"
    DUPLICATE_IN_SOURCE = "duplicate_in_source"
    UNREADABLE_LINE = "unreadable_line"
    REFUSED_BY_ERP = "refused_by_erp"
    ALTERED_IN_ERP = "altered_in_erp"
    DUPLICATE_IN_ERP = "duplicate_in_erp"
    MISSING_IN_ERP = "missing_in_erp"
    IN_DOUBT = "in_doubt"
    INVOICED = "invoiced"
    MISSING_TAX_CODE = "missing_tax_code"
    MISSING_PROJECT = "missing_project"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_CURRENCY = "unknown_currency"
    INACTIVE_PAYEE = "inactive_payee"
    EXPENSE_BEFORE_HIRE = "expense_before_hire"
    DUPLICATE_REPORT = "duplicate_report"
    SELF_APPROVED = "self_approved"
    PER_DIEM_MEAL_CONFLICT = "per_diem_meal_conflict"
    OVER_RATE = "over_rate"
    TOTAL_DISAGREES = "total_disagrees"
    AMOUNT_DISAGREES = "amount_disagrees"
    TAX_DISAGREES = "tax_disagrees"
    FOREIGN_TAX = "foreign_tax"
    NOTHING_TO_POST = "nothing_to_post"
    CLAIMED_ELSEWHERE = "claimed_elsewhere"
    ERP_WARNING = "erp_warning"
    UNKNOWN_CUSTOMER = "unknown_customer"
    MASTER_CONFLICT = "master_conflict"
    MASTER_INCOMPLETE = "master_incomplete"
    MASTER_REFUSED = "master_refused"
    MASTER_WRITE_IGNORED = "master_write_ignored"
    MASTER_GONE = "master_gone"
    POSSIBLE_TWIN = "possible_twin"
    RETROACTIVE_CHANGE = "retroactive_change"


class CaseState(StrEnum):
    """OPEN waits for a person; TRYING posts its canary line; WAITING waits for the source."""

    OPEN = "OPEN"
    TRYING = "TRYING"
    WAITING_FOR_SOURCE = "WAITING_FOR_SOURCE"
    RESOLVED = "RESOLVED"


class RootCause(Canonical):
    """Why lines cannot be posted, in a form that is equal for all lines that share it."""

    CONTRACT: ClassVar[str] = "root_cause/v1"

    legal_entity: Code
    cause: Cause
    # What it is about: a project code, an employee's code, a period. Never a person's name.
    subject: Label
    # For a finance person: what is wrong, with what, and what to do next.
    sentence: Sentence

    def __hash__(self) -> int:
        return hash((self.legal_entity, self.cause, self.subject))


class Retry(Canonical):
    """The cause was mended elsewhere: check again and post."""

    CONTRACT: ClassVar[str] = "resolution_retry/v1"
    kind: Literal["retry"] = "retry"


class Amend(Canonical):
    """Post with other values than the source's; the source stays as it is.

    `changes` maps a field to its new value: `task`, `project`, `employee`, `cost_centre`,
    `account` (of costs) and `tax_code` (of recovered tax) take a code of the ERP; `accept` takes
    the cause that a person vouches for.
    """

    CONTRACT: ClassVar[str] = "resolution_amend/v1"
    kind: Literal["amend"] = "amend"

    changes: Annotated[dict[Code, Code], Field(min_length=1, max_length=10)]
    reason: Sentence


class PostToPeriod(Canonical):
    """Count the lines in another open period."""

    CONTRACT: ClassVar[str] = "resolution_post_to_period/v1"
    kind: Literal["post_to_period"] = "post_to_period"

    period: Code


class Reject(Canonical):
    """Send the lines back: the source corrects or withdraws them."""

    CONTRACT: ClassVar[str] = "resolution_reject/v1"
    kind: Literal["reject"] = "reject"

    reason: Annotated[Sentence, Field(min_length=3)]


class Waive(Canonical):
    """Never post these lines, for a reason that an auditor will read."""

    CONTRACT: ClassVar[str] = "resolution_waive/v1"
    kind: Literal["waive"] = "waive"

    reason: Annotated[Sentence, Field(min_length=3)]


class SettleMaster(Canonical):
    """What is to become of a master record that systems do not agree about.

    restore: the owner's value counts, and is written over the other. accept: the other value counts
    this once, and is written to the owner. change_owner: whose value it is owns the field of this
    record from now on. link: `record`, an id in that system, is the same thing. apart: no candidate
    is. recreate: what is gone is made anew. apply: what was posted before HR said otherwise is
    taken back and posted anew.
    """

    CONTRACT: ClassVar[str] = "resolution_settle_master/v1"
    kind: Literal["restore", "accept", "change_owner", "link", "apart", "recreate", "apply"]

    record: ExternalId | None = None
    reason: Sentence = ""


Resolution = Annotated[
    Retry | Amend | PostToPeriod | Reject | Waive | SettleMaster, Field(discriminator="kind")
]

# Causes that are about a master record: what people decide there goes to its synchronisation.
MASTER_CAUSES: Final = frozenset(
    {
        Cause.MASTER_CONFLICT,
        Cause.MASTER_INCOMPLETE,
        Cause.MASTER_REFUSED,
        Cause.MASTER_WRITE_IGNORED,
        Cause.MASTER_GONE,
        Cause.POSSIBLE_TWIN,
        Cause.RETROACTIVE_CHANGE,
    }
)

AMENDABLE: Final = frozenset(
    {"task", "project", "employee", "cost_centre", "account", "tax_code", "accept"}
)
# What a person may vouch for; everything else must be mended where it is wrong.
ACCEPTABLE: Final = frozenset(
    {
        Cause.DUPLICATE_IN_SOURCE,
        Cause.OVER_24_HOURS,
        Cause.DUPLICATE_REPORT,
        Cause.EXPENSE_BEFORE_HIRE,
        Cause.PER_DIEM_MEAL_CONFLICT,
        Cause.OVER_RATE,
        Cause.ERP_WARNING,
    }
)


class ExceptionCase(Canonical):
    """One root cause with everything that it blocks."""

    CONTRACT: ClassVar[str] = "exception_case/v1"

    id: ExternalId
    root_cause: RootCause
    state: CaseState
    connection: Code
    target: Code
    period: Code | None
    owner: Code
    opened_at: Instant
    deadline_at: Instant
    lines: Annotated[int, Field(ge=0)]
    seconds: int
    # What the blocked lines are worth, one amount per currency.
    amounts: tuple[Money, ...] = ()
