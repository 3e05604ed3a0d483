"""A simulated Harvest account: its records, its clock, and the orders that change them."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import ceil
from typing import Any, Final

from connectors.harvest.simulated_invoices import InvoiceBook
from connectors.harvest.simulated_json import entry_json
from connectors.harvest.simulated_masters import MasterBook
from connectors.harvest.simulated_state import (
    AccountState,
    Change,
    Quirks,
    Selection,
    SimulatedEntry,
    SimulatedMasters,
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Entry:
    """A time entry as the account keeps it; `text` is its JSON, made when first asked for."""

    facts: SimulatedEntry
    updated_at: datetime
    reference: dict[str, str] | None = None
    text: bytes | None = None

    @property
    def place(self) -> tuple[date, int]:
        """Where it stands in a list, which Harvest sorts by work date, the latest first."""
        return self.facts.spent_date, self.facts.id


class HarvestAccount:
    """All of one account's state. Each change moves `updated_at`, our own write-back too."""

    def __init__(
        self, state: AccountState | None = None, *, clock: Callable[[], datetime] = _now
    ) -> None:
        state = state or AccountState()
        self.account_id: Final = state.account_id
        self.token: Final = state.token
        self.company: Final = state.company
        self.approval_feature = state.approval_feature
        self.clock = clock
        self.quirks = Quirks()
        self.served: Counter[str] = Counter()
        self._calls: deque[float] = deque()
        self._entries: dict[int, Entry] = {}
        self._sorted: list[Entry] | None = None
        self.book: Final = MasterBook(state, clock, self._forget_names)
        self.add(state.time_entries)
        self.invoices: Final = InvoiceBook(state.invoices, self.book.clients, clock)

    # Orders.

    def put(self, masters: SimulatedMasters) -> None:
        """Add master records, or replace those with the same id."""
        self.book.put(masters)

    def _forget_names(self) -> None:
        for entry in self._entries.values():
            entry.text = None  # It spells out the names of its masters.

    def add(self, entries: Iterable[SimulatedEntry]) -> int:
        """Add time entries; raises KeyError if one names a master that is not there."""
        added = 0
        for facts in entries:
            changed = _whole_seconds(facts.updated_at or self.clock())
            entry = Entry(facts, changed, facts.reference)
            self.json_of(entry)  # Finds out whether all of its masters are there.
            self._entries[facts.id] = entry
            added += 1
        self._sorted = None
        return added

    def approve(self, chosen: Selection) -> int:
        """Close entries, as an approval of their week does."""
        return self._flag(chosen, moves=self.quirks.approval_moves_updated_at, is_closed=True)

    def withdraw(self, chosen: Selection) -> int:
        """Open entries again: their approval is withdrawn."""
        return self._flag(chosen, moves=self.quirks.approval_moves_updated_at, is_closed=False)

    def lock(self, chosen: Selection, *, locked: bool = True) -> int:
        """Lock entries without approving them, as archiving a project does."""
        return self._flag(chosen, is_locked=locked)

    def run_timer(self, chosen: Selection, *, running: bool = True) -> int:
        """Start or stop timers."""
        return self._flag(chosen, is_running=running)

    def change(self, changes: Iterable[Change]) -> int:
        """Change what entries say; raises KeyError for one that is not there."""
        changed = 0
        for each in changes:
            entry = self._entries[each.id]
            self._update(entry, each.model_dump(exclude={"id"}, exclude_none=True))
            changed += 1
        self._sorted = None
        return changed

    def delete(self, chosen: Selection) -> int:
        """Remove entries without a trace, as Harvest does."""
        gone = list(self._chosen(chosen))
        for entry in gone:
            del self._entries[entry.facts.id]
        self._sorted = None
        return len(gone)

    def refer(self, entry_id: int, reference: Mapping[str, str]) -> Entry:
        """Write an external reference; KeyError if there is no such entry."""
        entry = self._entries[entry_id]
        if not self.quirks.drops_reference:
            entry.reference = dict(reference)
        self._update(entry, {})
        return entry

    def _chosen(self, chosen: Selection) -> Iterator[Entry]:
        given = chosen.model_dump(exclude_none=True, exclude={"everything"})
        if not given and not chosen.everything:
            return
        for entry in self._entries.values():
            facts = entry.facts
            if (
                (chosen.ids is None or facts.id in chosen.ids)
                and (chosen.users is None or facts.user_id in chosen.users)
                and (chosen.first is None or chosen.first <= facts.spent_date)
                and (chosen.last is None or facts.spent_date <= chosen.last)
            ):
                yield entry

    def _flag(self, chosen: Selection, *, moves: bool = True, **flags: bool) -> int:
        changed = 0
        for entry in list(self._chosen(chosen)):
            if any(getattr(entry.facts, name) is not value for name, value in flags.items()):
                self._update(entry, flags, moves=moves)
                changed += 1
        return changed

    def _update(self, entry: Entry, news: Mapping[str, Any], *, moves: bool = True) -> None:
        entry.facts = entry.facts.model_copy(update=dict(news))
        entry.text = None
        if moves:
            entry.updated_at = _whole_seconds(self.clock())

    # What it answers with.

    def admit(self, at: float) -> int:
        """Count a call at a monotonic time; 0 if it may pass, else the seconds to wait."""
        window = self.quirks.rate_limit_seconds
        while self._calls and self._calls[0] <= at - window:
            self._calls.popleft()
        if len(self._calls) >= self.quirks.rate_limit_calls:
            self.served["throttled"] += 1
            return max(1, ceil(self._calls[0] + window - at))
        self._calls.append(at)
        return 0

    def use_up(self, quirk: str) -> bool:
        """Whether a counted quirk strikes now; it then has one less to go."""
        left = int(getattr(self.quirks, quirk))
        if left > 0:
            self.quirks = self.quirks.model_copy(update={quirk: left - 1})
            self.served[quirk] += 1
        return left > 0

    def entry(self, entry_id: int) -> Entry:
        """Find one entry; KeyError if there is none."""
        return self._entries[entry_id]

    def entries(
        self, fits: Callable[[Entry], bool], after: tuple[date, int] | None = None
    ) -> tuple[list[Entry], int]:
        """All entries that fit behind a place in the list, and how many fit altogether."""
        if self._sorted is None:
            self._sorted = sorted(self._entries.values(), key=lambda each: each.place, reverse=True)
        fitting = [entry for entry in self._sorted if fits(entry)]
        if after is None:
            return fitting, len(fitting)
        return [entry for entry in fitting if entry.place < after], len(fitting)

    def json_of(self, entry: Entry) -> bytes:
        """Give an entry as Harvest writes it, numbers digit by digit."""
        if entry.text is None:
            entry.text = self._written(entry).encode()
        return entry.text

    def _written(self, entry: Entry) -> str:
        facts = entry.facts
        project = self.book.projects[facts.project_id]
        return entry_json(
            facts,
            user=self.book.users[facts.user_id],
            client=self.book.clients[project.client_id],
            project=project,
            task=self.book.tasks[facts.task_id],
            updated_at=entry.updated_at,
            reference=entry.reference,
        )

    def references(self) -> dict[str, dict[str, str]]:
        """What we were told became of which entry."""
        return {
            str(entry.facts.id): entry.reference
            for entry in self._entries.values()
            if entry.reference is not None
        }

    def state(self) -> AccountState:
        """Everything, as a file that another simulator can start from."""
        return AccountState(
            account_id=self.account_id,
            token=self.token,
            company=self.company,
            approval_feature=self.approval_feature,
            users=tuple(self.book.users.values()),
            clients=tuple(self.book.clients.values()),
            projects=tuple(self.book.projects.values()),
            tasks=tuple(self.book.tasks.values()),
            assignments=tuple(self.book.assignments.values()),
            time_entries=tuple(
                entry.facts.model_copy(
                    update={"updated_at": entry.updated_at, "reference": entry.reference}
                )
                for entry in self._entries.values()
            ),
            invoices=self.invoices.invoices,
        )

    def summary(self) -> dict[str, Any]:
        """How things stand, in counts."""
        entries = self._entries.values()
        return {
            "time_entries": len(entries),
            "approved": sum(1 for entry in entries if entry.facts.is_closed),
            "referred": len(self.references()),
            "invoices": len(self.invoices.invoices),
            "mails": self.invoices.mails,
            "served": dict(self.served),
            "quirks": self.quirks.model_dump(mode="json"),
        }


def _whole_seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
