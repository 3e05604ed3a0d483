"""The register of posted time: what a line of it says, and which time entry it speaks for.

A time entry of Business Central has no field that would carry a reference. So each is written in
one transaction with a line in a journal batch of ours, which has one. Nothing in an entry names
its line; what both say does. Entries of one person and day that say the same are interchangeable.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from canonical.exact import round_to
from canonical.hours import SECONDS_PER_HOUR
from canonical.identity import REFERENCE_LENGTH, REFERENCE_PREFIX
from canonical.posting import PostedDocument, PostingIntent, TimeLine
from connectors.base.errors import RejectedError
from connectors.business_central.ids import DocumentId, guid_of, task_of, task_parts
from connectors.business_central.wire import JournalLine, TimeRegistrationEntry, row_from

_NOTE_MAX: Final = 100  # Text[100]
_QUANTITY_PLACES: Final = 5
_ENTRIES: Final = "timeRegistrationEntries"
# From here on only an approver can give it back.
_FINAL: Final = frozenset({"Submitted", "Approved"})
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Registered:
    """One line of the register, and the work that it stands for."""

    id: str
    etag: str
    number: int
    reference: str
    body: TimeLine


@dataclass(frozen=True, slots=True)
class Entry:
    """One time entry; its body has no note."""

    id: str
    etag: str
    number: int
    final: bool
    body: TimeLine


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of the register with the entry that it speaks for."""

    registered: Registered
    entry: Entry

    @property
    def document(self) -> PostedDocument:
        """The entry as it stands in the ERP; only the note is the register's."""
        body = self.entry.body.model_copy(update={"note": self.registered.body.note})
        return PostedDocument(
            document_id=str(DocumentId(body.legal_entity, _ENTRIES, self.entry.id)),
            reference=self.registered.reference,
            body=body,
            locked=self.entry.final,
        )


def register_values(intent: PostingIntent) -> Values:
    """Make the register's line for one line of time."""
    body = intent.time_line
    employee = guid_of(body.employee, "employee")
    if len(intent.reference) > REFERENCE_LENGTH:
        raise RejectedError("reference_too_long", "the reference would not be found again")
    return {
        "postingDate": body.work_date.isoformat(),
        "externalDocumentNumber": intent.reference,
        "amount": Decimal(0),
        "description": one_line(body.note)[:_NOTE_MAX].strip(),
        "comment": f"{employee} {body.seconds} {body.task}",
    }


def entry_values(intent: PostingIntent) -> Values:
    """Make the time entry for one line of time."""
    body = intent.time_line
    job, task = task_parts(body.task)
    return {
        "employeeId": guid_of(body.employee, "employee"),
        "jobId": job,
        "jobTaskNumber": task,
        "date": body.work_date.isoformat(),
        "quantity": round_to(Decimal(body.seconds) / SECONDS_PER_HOUR, _QUANTITY_PLACES),
    }


def registered_from(company: str, value: Any) -> Registered | None:
    """Read a line of the register; None for a line that is none of ours, ValueError if unclear."""
    row = row_from(JournalLine, value)
    reference = row.external_document_number
    if not reference.startswith(REFERENCE_PREFIX) or len(reference) != REFERENCE_LENGTH:
        return None
    employee, _, rest = row.comment.partition(" ")
    seconds, _, task = rest.partition(" ")
    if row.posting_date is None or not seconds.isdigit() or not task:
        raise ValueError(f"line {row.id} of the register does not say what was posted")
    body = TimeLine(
        legal_entity=company,
        employee=employee,
        task=task,
        work_date=row.posting_date,
        seconds=int(seconds),
        note=row.description,
    )
    return Registered(row.id, row.etag, row.line_number, reference, body)


def entry_from(company: str, value: Any) -> Entry:
    """Read a time entry; raises ValueError."""
    row = row_from(TimeRegistrationEntry, value)
    if row.date is None or row.employee_id is None:
        raise ValueError(f"time entry {row.id} has no employee or no date")
    seconds = int(round_to(row.quantity * SECONDS_PER_HOUR, 0))
    if seconds < 0:
        raise ValueError(f"time entry {row.id} is of less than nothing")
    body = TimeLine(
        legal_entity=company,
        employee=row.employee_id,
        task=task_of(row.job_id, row.job_task_number),
        work_date=row.date,
        seconds=seconds,
    )
    return Entry(row.id, row.etag, row.line_number, row.status in _FINAL, body)


def paired(registered: Iterable[Registered], entries: Iterable[Entry]) -> list[Pair]:
    """Find the entry that each line speaks for; a line whose entry is gone has none.

    First what agrees in everything, in the order in which it was written; then, of one person and
    day, what is left on the same task: there somebody changed the hours.
    """
    lines, left = sorted(registered, key=lambda one: one.number), list(entries)
    left.sort(key=lambda one: one.number)
    pairs: list[Pair] = []
    for likeness in (_everything, _the_task):
        pairs += _drawn(lines, left, likeness)
    return sorted(pairs, key=lambda one: one.registered.number)


def _drawn(
    lines: list[Registered], entries: list[Entry], likeness: Callable[[TimeLine], Any]
) -> list[Pair]:
    """Take the pairs that are alike out of both lists."""
    waiting: dict[Any, list[Entry]] = defaultdict(list)
    for entry in entries:
        waiting[likeness(entry.body)].append(entry)
    drawn = [
        Pair(line, waiting[likeness(line.body)].pop(0))
        for line in lines
        if waiting[likeness(line.body)]
    ]
    taken = {id(half) for pair in drawn for half in (pair.registered, pair.entry)}
    lines[:] = [line for line in lines if id(line) not in taken]
    entries[:] = [entry for entry in entries if id(entry) not in taken]
    return drawn


def _everything(body: TimeLine) -> Any:
    return (*_the_task(body), body.seconds)


def _the_task(body: TimeLine) -> tuple[Any, ...]:
    return (body.employee, body.work_date, body.task)


def one_line(text: str) -> str:
    """Bring text to what one line of Business Central's can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def by_reference(documents: Iterable[PostedDocument]) -> Mapping[str, tuple[PostedDocument, ...]]:
    """Group documents by their reference."""
    found: dict[str, tuple[PostedDocument, ...]] = {}
    for document in documents:
        found[document.reference] = (*found.get(document.reference, ()), document)
    return found


def days_of(intents: Sequence[PostingIntent]) -> list[str]:
    """The work dates of these intents, each once, in order."""
    return sorted({intent.time_line.work_date.isoformat() for intent in intents})
