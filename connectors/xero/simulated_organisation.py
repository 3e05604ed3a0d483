"""The simulated organisation: its masters, its documents, and what everybody shares."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from connectors.xero.simulated_json import Record, new_id
from connectors.xero.simulated_state import (
    OrganisationState,
    Quirks,
    SimulatedAccount,
    SimulatedContact,
    SimulatedMasters,
    SimulatedProject,
    SimulatedTaxRate,
    SimulatedUser,
)
from connectors.xero.simulated_where import Predicate

DOCUMENTS: Final = ("Invoices", "CreditNotes", "ManualJournals")


def _now() -> datetime:
    return datetime.now(UTC)


class SimulatedXero:
    """One organisation. Times are its own clock's, so that keys and lags pass as a test says."""

    def __init__(
        self, state: OrganisationState | None = None, clock: Callable[[], datetime] = _now
    ) -> None:
        self.facts: Final = state or OrganisationState()
        self.clock: Final = clock
        self.quirks = Quirks()
        self.period_lock_date = self.facts.period_lock_date
        self.end_of_year_lock_date = self.facts.end_of_year_lock_date
        self.contacts: Final[dict[str, SimulatedContact]] = {}
        self.users: Final[dict[str, SimulatedUser]] = {}
        self.accounts: Final[dict[str, SimulatedAccount]] = {}
        self.tax_rates: Final[dict[str, SimulatedTaxRate]] = {}
        self.categories: Final[dict[str, Any]] = {}
        self.projects: Final[dict[str, SimulatedProject]] = {}
        # By list and id, in the order in which they were made.
        self.documents: Final[dict[str, dict[str, Record]]] = {name: {} for name in DOCUMENTS}
        self.entries: Final[dict[str, Record]] = {}
        self.served: Final[Counter[str]] = Counter()
        self._numbers: Final[Counter[str]] = Counter()
        self.put(self.facts)

    def put(self, masters: SimulatedMasters) -> None:
        """Add masters, or replace them."""
        self.contacts.update({each.id: each for each in masters.contacts})
        self.users.update({each.id: each for each in masters.users})
        self.accounts.update({each.code: each for each in masters.accounts})
        self.tax_rates.update({each.type: each for each in masters.tax_rates})
        self.categories.update({each.id: each for each in masters.categories})
        self.projects.update({each.id: each for each in masters.projects})

    @property
    def locked_until(self) -> date | None:
        """The last day that takes no documents."""
        return max(filter(None, (self.period_lock_date, self.end_of_year_lock_date)), default=None)

    def issue(self, what: str) -> str:
        """Make an id."""
        self._numbers[what] += 1
        return new_id(what, self._numbers[what])

    def number(self, prefix: str) -> str:
        """Give the next number of a sequence."""
        self._numbers[prefix] += 1
        return f"{prefix}-{self._numbers[prefix]:04}"

    def use_up(self, quirk: str) -> bool:
        """Whether a counted quirk strikes now."""
        left: int = getattr(self.quirks, quirk)
        if left > 0:
            self.quirks = self.quirks.model_copy(update={quirk: left - 1})
        return left > 0

    def keep(self, name: str, record: Record) -> Record:
        """Keep a document; lists show it once its lag has passed."""
        now = self.clock()
        record["UpdatedDateUTC"] = now
        record.setdefault("_created", now)
        self.documents[name][record["_id"]] = record
        return record

    def listed(self, name: str, fits: Iterable[Predicate], since: datetime | None) -> list[Record]:
        """What a list shows now."""
        seen_before = self.clock() - timedelta(seconds=self.quirks.lag_seconds)
        predicates = list(fits)
        return [
            record
            for record in self.documents[name].values()
            if (record["_created"] <= seen_before or not self.quirks.lag_seconds)
            and (since is None or record["UpdatedDateUTC"] >= since)
            and all(fit(record) for fit in predicates)
        ]

    def minutes_on(self, project: str) -> int:
        """All minutes that were logged on a project."""
        return sum(
            each["duration"] for each in self.entries.values() if each["projectId"] == project
        )

    def summary(self) -> Record:
        """How much of what there is, and what was asked for."""
        counts = {name: len(records) for name, records in self.documents.items()}
        return {**counts, "TimeEntries": len(self.entries), "served": dict(self.served)}
