"""Between our postings and Tidemark's entries: pure functions, no request and no clock."""

from datetime import date
from typing import Any

from canonical.posting import PostedDocument, PostingIntent, TimeLine
from connectors.base.errors import RejectedError

from tidemark.manifest import REFERENCE_LENGTH_MAX, TEXT_LENGTH_MAX
from tidemark.wire import Entry


def reference_of(intent: PostingIntent) -> str:
    """Our reference; raises RejectedError for one that would not fit, and cuts none."""
    if len(intent.reference) > REFERENCE_LENGTH_MAX:
        raise RejectedError("reference_too_long", f"at most {REFERENCE_LENGTH_MAX} characters")
    return intent.reference


def entry_body(intent: PostingIntent) -> dict[str, Any]:
    """What is sent for one line of time; its reference is in the address."""
    line = intent.time_line
    return {
        "company": line.legal_entity,
        "person": line.employee,
        "job": line.task,
        "worked_on": line.work_date.isoformat(),
        "duration": f"PT{line.seconds}S",
        "text": _text(line.note),
    }


def document_from(entry: Entry, legal_entity: str) -> PostedDocument:
    """What Tidemark shows, as it is and not as it was meant. It has one company."""
    return PostedDocument(
        document_id=str(entry.id),
        reference=entry.reference,
        body=TimeLine(
            legal_entity=legal_entity,
            employee=entry.person,
            task=entry.job,
            work_date=date.fromisoformat(entry.worked_on),
            seconds=int(entry.duration[2:-1]),
            note=entry.text,
        ),
    )


def _text(note: str) -> str:
    """A note as Tidemark can keep it: it refuses what is not printable, and cuts the rest."""
    printable = "".join(each if each.isprintable() else " " for each in note)
    return " ".join(printable.split())[:TEXT_LENGTH_MAX]
