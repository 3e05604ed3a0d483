"""The state file of the simulated organisation: what a generator writes, and tests say.

Amounts are text ("7.25"), dates are plain. `OrganisationState.model_dump_json()` writes a file
that `python -m connectors.xero.simulator --state FILE` reads.
"""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from canonical.exact import ExactDecimal
from canonical.money import CurrencyCode

_UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
Uuid = Annotated[str, Field(pattern=_UUID)]
KEY_SECONDS = 360


class State(BaseModel):
    """What all parts share: closed, so that a misspelt member is noticed at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedContact(State):
    """Anybody that documents are made for."""

    id: Uuid
    name: str
    account_number: str | None = None
    email: str | None = None
    active: bool = True
    is_customer: bool = False
    groups: tuple[str, ...] = ()


class SimulatedUser(State):
    """Somebody who may log time."""

    id: Uuid
    name: str
    email: str


class SimulatedAccount(State):
    """An account; a system account takes no lines of documents."""

    id: Uuid
    code: str
    name: str
    type: str = "EXPENSE"
    tax_type: str = "NONE"
    system: str | None = None
    active: bool = True


class SimulatedTaxRate(State):
    """A tax, and its rate in percent."""

    type: str
    name: str
    rate: ExactDecimal
    active: bool = True


class SimulatedOption(State):
    """One option of a tracking category."""

    id: Uuid
    name: str
    active: bool = True


class SimulatedCategory(State):
    """A tracking category."""

    id: Uuid
    name: str
    options: tuple[SimulatedOption, ...] = ()


class SimulatedTask(State):
    """A task of a project."""

    id: Uuid
    name: str
    charge_type: str = "TIME"


class SimulatedProject(State):
    """A project; what is called a number elsewhere begins its name here."""

    id: Uuid
    name: str
    contact_id: Uuid
    closed: bool = False
    tasks: tuple[SimulatedTask, ...] = ()


class SimulatedMasters(State):
    """Master records; given again under the same id, they replace what was there."""

    contacts: tuple[SimulatedContact, ...] = ()
    users: tuple[SimulatedUser, ...] = ()
    accounts: tuple[SimulatedAccount, ...] = ()
    tax_rates: tuple[SimulatedTaxRate, ...] = ()
    categories: tuple[SimulatedCategory, ...] = ()
    projects: tuple[SimulatedProject, ...] = ()


class OrganisationState(SimulatedMasters):
    """A whole organisation, and what opens it."""

    tenant_id: Uuid = "00000000-0000-4000-8000-00000000e001"
    name: str = "Simulated organisation"
    short_code: str = "!sim01"
    base_currency: CurrencyCode = "EUR"
    currencies: tuple[CurrencyCode, ...] = ("EUR",)
    year_end_day: int = 31
    year_end_month: int = 12
    period_lock_date: date | None = None
    end_of_year_lock_date: date | None = None
    client_id: str = "simulated-client"
    client_secret: str = "simulated-client-secret"  # noqa: S105  It opens only the simulator.


class Quirks(State):
    """How the simulated Xero behaves, and misbehaves. Counted quirks are used up."""

    minute_limit: int = 60
    day_limit: int = 5_000
    concurrent_limit: int = 5
    retry_after_as_date: bool = False
    token_seconds: int = 1_800
    # How long a key is remembered; Xero says so nowhere that a machine could read it.
    key_seconds: int = KEY_SECONDS
    # For how long what was created is not in lists yet; by its id it is there at once.
    lag_seconds: int = 0
    slow_seconds: float = 0
    # The connection may not approve: what should be approved stays a draft, without a word.
    keeps_drafts: bool = False
    # Cost centres are dropped from lines, though they exist.
    drops_tracking: bool = False
    # Minutes are rounded up to so many.
    rounds_minutes_to: int = 1
    # Any write that contains this text is answered 500, now and always.
    breaks_on: str = ""
    # A call with many items is broken off behind so many of them, and answered 500.
    breaks_after_items: int | None = None
    # A call with many items leaves the last one out of its answer.
    forgets_an_item: bool = False
    # A journal that was posted at once is shown under another id than the answer names.
    renames_posted_journals: bool = False
    # Errors of the server are pages of HTML.
    html_errors: bool = False
    # What members with a value (a JSON text) are shown with instead, by value and member.
    spoilt: dict[str, dict[str, str]] = {}
    # How many of the next answers are broken, and how.
    broken_pages: int = 0
    failures: int = 0
    failures_after_write: int = 0
