"""The state file of the simulated org: what a generator writes, and tests say.

Instants are UTC. `OrgState.model_dump_json()` writes a file that
`python -m connectors.salesforce.simulator --state FILE` reads.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["Account", "Contact", "Opportunity"]
Value = str | bool | None

PREFIX: Final[dict[str, str]] = {"Account": "001", "Contact": "003", "Opportunity": "006"}
_CASES: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# The part of an id that names the pod that the org lives on.
_POD: Final = "5e000"


class State(BaseModel):
    """What all parts share: closed, so that a misspelt member is noticed at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedField(State):
    """A field of an object, as an administrator has set it up."""

    kind: Kind
    name: str
    type: Literal["string", "boolean", "reference", "datetime", "email", "picklist"] = "string"
    length: int = 255
    required: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    # The system's own: nobody writes it.
    read_only: bool = False


class SimulatedRecord(State):
    """One record with the fields that are set; the system's own fields are members."""

    kind: Kind
    id: str
    fields: dict[str, Value]
    created_at: datetime
    changed_at: datetime
    deleted_at: datetime | None = None
    merged_into: str | None = None


class Quirks(State):
    """How the simulated org behaves, and misbehaves. Counted quirks are used up."""

    # Records of a page at most; an org may always send fewer than asked for.
    page_size_max: int = 2000
    # How many calls the day has left; None: more than anybody makes.
    calls_left: int | None = None
    # Fields that field-level security hides from the integration user, as Account.Name.
    hidden: frozenset[str] = frozenset()
    # Fields that a trigger of the org's own puts back: the answer is as ever.
    ignored: frozenset[str] = frozenset()
    # The same for the next write that has such a field, and no longer.
    ignored_once: frozenset[str] = frozenset()
    # Ids of records that something else holds.
    locked: frozenset[str] = frozenset()
    # A name that a validation rule of the org refuses.
    refused_name: str | None = None
    # An upsert of what is there answers 200 with a body, as later versions are said to do.
    tells_upserts: bool = False
    # Since when a transaction has been under way that may still change something.
    busy_since: datetime | None = None
    # Since when deletions are remembered.
    deletions_since: datetime | None = None
    # Records as raw JSON that stand at the end of each list of Accounts.
    poison: tuple[str, ...] = ()
    # How many of the next answers are broken, and how.
    broken_pages: int = 0
    failures: int = 0
    failures_after_write: int = 0
    throttled: int = 0


class Changed(State):
    """Fields of one record to change; a field that is null is emptied."""

    id: str
    fields: dict[str, Value]


class Merge(State):
    """Accounts that are merged into another one."""

    main: str
    losers: tuple[str, ...]


class OrgState(State):
    """Everything in the org."""

    client_id: str = "ledgerway"
    client_secret: str = "simulated-secret"  # noqa: S105  Of a made-up org.
    fields: tuple[SimulatedField, ...] = ()
    records: tuple[SimulatedRecord, ...] = ()


def record_id(kind: str, number: int) -> str:
    """The id of a record; its last three characters say which of the others are capitals."""
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return long_id(f"{PREFIX[kind]}{_POD}{digits.rjust(7, '0')}")


def long_id(short: str) -> str:
    """An id of 15 characters with the three that Salesforce adds."""
    return short + "".join(_case_of(short[at : at + 5]) for at in (0, 5, 10))


def _case_of(five: str) -> str:
    return _CASES[sum(1 << at for at, char in enumerate(five) if char.isupper())]
