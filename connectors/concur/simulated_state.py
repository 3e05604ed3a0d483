"""The state file of the simulated Concur company: what a generator writes, and tests say.

Instants are UTC, dates are plain, a document's content is JSON text, so that no digit of it is
lost. `CompanyState.model_dump_json()` writes a file that
`python -m connectors.concur.simulator --state FILE` reads.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

DocumentId = Annotated[str, Field(min_length=1, max_length=32)]
Kind = Literal["expense", "cashadvance"]
DocumentState = Literal[
    "DELAYED",
    "READY",
    "ACKNOWLEDGED",
    "RECALLED",
    "CANCEL",
    "POSTING_CONFIRMED_SUCCESS",
    "POSTING_CONFIRMED_FAILURE",
    "PAYMENT_CONFIRMED_SUCCESS",
    "PAYMENT_CONFIRMED_REVERSED",
    "PAYMENT_CONFIRMED_OBSOLETE",
]


class State(BaseModel):
    """What all parts share: closed, so that a misspelt member is noticed at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedUser(State):
    """A person who claims expenses; documents name them by `employee_number`, or by `login`."""

    login: str
    given_name: str
    family_name: str
    email: str
    employee_number: str | None = None
    active: bool = True
    start_date: date = date(2020, 1, 1)
    termination_date: date | None = None
    cost_centre: str | None = None
    legal_entity: str | None = None


class Told(State):
    """One confirmation that took effect on a document, as it came.

    `status` is the confirmation's own word: success, error, PP, CP, RE or OB.
    """

    status: str
    reference: str = ""
    message: str = ""
    body: str = Field(repr=False)


class SimulatedDocument(State):
    """A financial document and what became of it."""

    id: DocumentId
    kind: Kind = "expense"
    content: str = Field(repr=False)
    state: DocumentState = "READY"
    # The ERP that acknowledged it.
    system_id: str = ""
    told: tuple[Told, ...] = ()
    # The document that took its place after it was recalled or had failed.
    resubmitted_as: DocumentId | None = None


class CompanyState(State):
    """A whole company."""

    client_id: str = "simulated-client"
    # They open nothing but the simulator.
    client_secret: str = Field(default="simulated-client-secret", repr=False)
    refresh_token: str = Field(default="simulated-refresh-token", repr=False)
    company_id: str = "278515"
    entity_id: str = "p0085104gigw"
    company_uuid: str = "2fbfd79f-90e7-4f2a-b950-680a107c9f93"
    users: tuple[SimulatedUser, ...] = ()
    documents: tuple[SimulatedDocument, ...] = ()


class Quirks(State):
    """How the simulated Concur behaves, and misbehaves. Counted quirks are used up."""

    # Concur publishes no limit: none, unless a test sets one.
    rate_limit_calls: int | None = None
    rate_limit_seconds: int = 60
    retry_after_as_date: bool = False
    # How many of the next calls are throttled, and for how long.
    throttled: int = 0
    throttle_seconds: int = 2
    # For how long a token opens anything; a refresh token that changes with every use.
    token_seconds: int = 3600
    rotates_refresh_token: bool = False
    # Where the company says that it lives, if not here.
    geolocation: str | None = None
    # How many of the next calls answer 500: before anything is done, and after it was.
    failures: int = 0
    failures_after_write: int = 0
    # How many of the next writes are carried out and answered too late.
    hangs_after_write: int = 0
    hang_seconds: float = 60
    slow_seconds: float = 0
    # How many of the next calls answer 202, which SAP declares and does not explain.
    accepted: int = 0
    # How many of the next documents are judged "unknown error", and how many not at all.
    unknown_errors: int = 0
    unanswered: int = 0
    # Null where SAP's schema has text, as in its own examples.
    nulls: bool = False
    # A list that begins again at its first page; one that is cut off.
    circular_pages: bool = False
    broken_pages: int = 0
    # JSON texts that stand as documents on the first page of waiting reports, and as users.
    poison: tuple[str, ...] = ()
    poison_users: tuple[str, ...] = ()
