"""A simulated org: its records, its clock, and what people and programs do to them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from connectors.salesforce.simulated_fields import STANDARD_FIELDS
from connectors.salesforce.simulated_state import (
    PREFIX,
    Kind,
    OrgState,
    Quirks,
    SimulatedField,
    SimulatedRecord,
    Value,
    record_id,
)

_WON: Final = "Closed Won"


def _now() -> datetime:
    return datetime.now(UTC)


class RefusedError(Exception):
    """Salesforce's own code and words for what it does not do."""

    def __init__(self, code: str, message: str, *fields: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields
        self.status = status


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is left of a query, as it was when it was asked."""

    records: tuple[Any, ...]
    total: int


class SimulatedOrg:
    """All of one org's state. Each change moves SystemModstamp, which has whole seconds."""

    def __init__(
        self, state: OrgState | None = None, *, clock: Callable[[], datetime] = _now
    ) -> None:
        state = state or OrgState()
        self.client_id: Final = state.client_id
        self.client_secret: Final = state.client_secret
        self.clock = clock
        self.quirks = Quirks()
        self.served: Counter[str] = Counter()
        self.cursors: Final[dict[str, Cursor]] = {}
        self._own_fields: Final = state.fields
        self._fields: Final = {
            (each.kind, each.name): each for each in (*STANDARD_FIELDS, *state.fields)
        }
        self._records: Final = {each.id: each for each in state.records}
        self._ids = len(state.records)
        self._sessions = 0
        self._good: set[str] = set()

    # Sessions.

    def open_session(self) -> str:
        """Hand out a token."""
        self._sessions += 1
        token = f"00D5e000000simulated!{self._sessions}"
        self._good.add(token)
        return token

    def lets_in(self, token: str) -> bool:
        """Whether a token is good."""
        return token in self._good

    def end_sessions(self) -> int:
        """Let every token expire."""
        ended = len(self._good)
        self._good.clear()
        return ended

    def use_up(self, quirk: str) -> bool:
        """Whether a counted quirk strikes now; it then has one less to go."""
        left = int(getattr(self.quirks, quirk))
        if left > 0:
            self.quirks = self.quirks.model_copy(update={quirk: left - 1})
            self.served[quirk] += 1
        return left > 0

    # Fields.

    def field(self, kind: str, name: str) -> SimulatedField:
        """A field that the integration user sees, however it spells it; RefusedError if none."""
        for (of, known), found in self._fields.items():
            if of == kind and known.lower() == name.lower() and not self._is_hidden(found):
                return found
        words = f"No such column '{name}' on entity '{kind}'."
        raise RefusedError("INVALID_FIELD", words)

    def fields(self, kind: str) -> Iterator[SimulatedField]:
        """The fields that the integration user sees."""
        return (
            each
            for (of, _), each in self._fields.items()
            if of == kind and not self._is_hidden(each)
        )

    def _is_hidden(self, field: SimulatedField) -> bool:
        return f"{field.kind}.{field.name}" in self.quirks.hidden

    # Records.

    def records(self, kind: str, *, deleted_too: bool = False) -> Iterator[SimulatedRecord]:
        """The records of an object, those in the recycle bin only if asked for."""
        return (
            each
            for each in self._records.values()
            if each.kind == kind and (deleted_too or each.deleted_at is None)
        )

    def live(self, record: str) -> SimulatedRecord | None:
        """A record that is not in the recycle bin."""
        found = self._records.get(record)
        return found if found is not None and found.deleted_at is None else None

    def value(self, record: SimulatedRecord, name: str) -> Value:
        """What a field of a record shows."""
        match name:
            case "Id":
                return record.id
            case "IsDeleted":
                return record.deleted_at is not None
            case "CreatedDate":
                return stamp(record.created_at)
            case "SystemModstamp":
                return stamp(record.changed_at)
            case "MasterRecordId":
                return record.merged_into
            case "IsWon":
                return record.fields.get("StageName") == _WON
            case _:
                held = record.fields.get(name)
                if held is None and self._fields[record.kind, name].type == "boolean":
                    return False
                return held

    def add(
        self, kind: Kind, fields: Mapping[str, Value], *, at: datetime | None = None
    ) -> SimulatedRecord:
        """Make a record; `at` is a stamp older than the moment in which it appears."""
        self._ids += 1
        moment = whole_seconds(at or self.clock())
        held: dict[str, Value] = {
            name: value for name, value in fields.items() if value not in (None, "")
        }
        record = SimulatedRecord(
            kind=kind,
            id=record_id(kind, self._ids),
            fields=held,
            created_at=moment,
            changed_at=moment,
        )
        self._records[record.id] = record
        return record

    def change(self, record: str, fields: Mapping[str, Value]) -> SimulatedRecord:
        """Change fields; null and "" empty one. KeyError if there is no such record."""
        found = self._records[record]
        held = {**found.fields, **fields}
        kept = {name: value for name, value in held.items() if value not in (None, "")}
        return self._put(found, fields=kept)

    def delete(self, records: Iterable[str]) -> int:
        """Move records to the recycle bin; an Account takes its contacts and deals along."""
        gone = 0
        for record in records:
            found = self._records[record]
            if found.deleted_at is None:
                self._put(found, deleted_at=whole_seconds(self.clock()))
                gone += 1 + self.delete(each.id for each in list(self._of(record)))
        return gone

    def restore(self, records: Iterable[str]) -> int:
        """Take records out of the recycle bin."""
        restored = 0
        for record in records:
            self._put(self._records[record], deleted_at=None, merged_into=None)
            restored += 1
        return restored

    def merge(self, main: str, losers: Iterable[str]) -> int:
        """Merge Accounts into one: the others are deleted, and what hung on them moves over.

        Nothing is said about the stamps of what moves; here they stay, which is the harder case.
        """
        merged = 0
        for loser in losers:
            for each in list(self._of(loser)):
                moved = {**each.fields, "AccountId": main}
                self._records[each.id] = each.model_copy(update={"fields": moved})
            self._put(
                self._records[loser], deleted_at=whole_seconds(self.clock()), merged_into=main
            )
            merged += 1
        self._put(self._records[main])
        return merged

    def _of(self, account: str) -> Iterator[SimulatedRecord]:
        return (
            each
            for each in self._records.values()
            if each.fields.get("AccountId") == account and each.deleted_at is None
        )

    def _put(self, record: SimulatedRecord, **news: Any) -> SimulatedRecord:
        changed = record.model_copy(update={**news, "changed_at": whole_seconds(self.clock())})
        self._records[record.id] = changed
        return changed

    # All of it.

    def state(self) -> OrgState:
        """Everything, as a file that another simulator can start from."""
        return OrgState(
            client_id=self.client_id,
            client_secret=self.client_secret,
            fields=self._own_fields,
            records=tuple(self._records.values()),
        )

    def summary(self) -> dict[str, Any]:
        """How things stand, in counts."""
        live = Counter[str](each.kind for each in self._records.values() if each.deleted_at is None)
        return {
            **{kind: live[kind] for kind in PREFIX},
            "served": dict(self.served),
            "quirks": self.quirks.model_dump(mode="json"),
        }


def whole_seconds(moment: datetime) -> datetime:
    """An instant as Salesforce keeps it."""
    return moment.astimezone(UTC).replace(microsecond=0)


def stamp(moment: datetime) -> str:
    """An instant as Salesforce writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
