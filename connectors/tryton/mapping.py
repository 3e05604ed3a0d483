"""Lines of time: our intents as Tryton's calls, and Tryton's lines as our documents."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from canonical.identity import REFERENCE_LENGTH, REFERENCE_PREFIX, reference_of
from canonical.posting import PostedDocument, PostingIntent, TimeLine
from connectors.base.errors import RejectedError
from connectors.tryton.manifest import DESCRIPTION_LENGTH_MAX
from connectors.tryton.wire import LineRow, date_on_wire, duration_on_wire, row_from

_REFERENCE: Final = re.compile(rf"[A-Za-z0-9-]{{1,{REFERENCE_LENGTH}}}", re.ASCII)
# What we write ourselves; the sweep takes nothing else for ours.
_OURS: Final = re.compile(rf"{REFERENCE_PREFIX}[A-Z2-7]{{{REFERENCE_LENGTH - 1}}}", re.ASCII)
_ID: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_NOTE_MAX: Final = 4000  # A person may have written more than a canonical note holds.
# One underscore of LIKE stands for one character.
LIKE_OURS: Final = REFERENCE_PREFIX + "_" * (REFERENCE_LENGTH - 1) + "%"

NO_REFERENCE: Final = "(none)"

Params = tuple[Any, ...]


def stamp_key(task: str) -> str:
    """Name a task's stamp, in evidence and in the context of a write."""
    return f"timesheet.work,{task}"


@lru_cache(maxsize=16_384)
def id_of(text: str, what: str) -> int:
    """Read one of Tryton's ids back. Raises RejectedError if it cannot be one."""
    if not _ID.fullmatch(text):
        raise RejectedError("not_an_id", f"the {what} is not an id of this system")
    return int(text)


def one_line(note: str) -> str:
    """Bring a note to the form that Tryton keeps: it refuses line breaks and trims the ends."""
    return " ".join(_CONTROL.sub(" ", note).split())


def description_of(intent: PostingIntent) -> str:
    """Give the description of a line: the reference first, then as much of the note as fits.

    Raises RejectedError for a reference that could not be found again.
    """
    if not _REFERENCE.fullmatch(intent.reference):
        raise RejectedError("reference_unfit", "the reference would not be found again")
    return f"{intent.reference} {one_line(intent.time_line.note)}"[:DESCRIPTION_LENGTH_MAX].strip()


def creation(intents: Sequence[PostingIntent]) -> Params:
    """Make the arguments of one write that creates all lines through their tasks."""
    lines: dict[int, list[Mapping[str, Any]]] = {}
    for intent in intents:
        body = intent.time_line
        lines.setdefault(id_of(body.task, "task"), []).append(
            {
                "company": id_of(body.legal_entity, "legal entity"),
                "employee": id_of(body.employee, "employee"),
                "date": date_on_wire(body.work_date),
                "duration": duration_on_wire(body.seconds),
                "description": description_of(intent),
            }
        )
    return _through_tasks("create", lines)


def removal(intents: Sequence[PostingIntent]) -> Params:
    """Make the arguments of one write that deletes the lines that are taken back."""
    lines: dict[int, list[int]] = {}
    for intent in intents:
        lines.setdefault(id_of(intent.time_line.task, "task"), []).append(document_of(intent))
    return _through_tasks("delete", lines)


def _through_tasks(action: str, lines: Mapping[int, Sequence[Any]]) -> Params:
    params: list[Any] = []
    for task, values in lines.items():
        params += ([task], {"timesheet_lines": [[action, values]]})
    return tuple(params)


def document_of(intent: PostingIntent) -> int:
    """Give the line that a posting takes back; RejectedError if it names none."""
    return id_of(intent.corrects_document or "", "document to take back")


def reference_taken_back(intent: PostingIntent) -> str | None:
    """Give the reference that the line to take back must carry, where that is known."""
    return reference_of(intent.corrects) if intent.corrects else None


def on_their_tasks(intents: Sequence[PostingIntent]) -> list[Any]:
    """Make the domain of the lines that carry these references and are where we put them.

    Tasks have an index: this costs the same however large the ERP is.
    """
    return [["work", "in", tasks_of(intents)], _begin_with(intents)]


def anywhere(intents: Sequence[PostingIntent]) -> list[Any]:
    """Make the domain of all lines that carry one of these references.

    Descriptions have no index, and one comparison per reference and line of the whole ERP would
    cost seconds. So: the very text that we write, anywhere (one hash look-up per line); and the
    reference with any text behind it on these tasks or on these dates. A line that a person moved
    to another task AND another date AND whose text they changed is found by the sweep only.
    """
    dates = [intent.time_line.work_date for intent in intents]
    near = [
        "OR",
        ["work", "in", tasks_of(intents)],
        [["date", ">=", date_on_wire(min(dates))], ["date", "<=", date_on_wire(max(dates))]],
    ]
    texts = [description_of(intent) for intent in intents]
    return ["OR", ["description", "in", texts], [near, _begin_with(intents)]]


def tasks_of(intents: Sequence[PostingIntent]) -> list[int]:
    """Give the ids of the tasks of these lines, each once."""
    return sorted(id_of(task, "task") for task in {intent.time_line.task for intent in intents})


def _begin_with(intents: Sequence[PostingIntent]) -> list[Any]:
    return ["OR", *(["description", "like", f"{intent.reference}%"] for intent in intents)]


def reference_in(description: str | None) -> str:
    """Give the first word of a description, if it can be a reference at all."""
    word = (description or "").split(" ", 1)[0]
    return word if _REFERENCE.fullmatch(word) else NO_REFERENCE


def is_ours(reference: str) -> bool:
    """Whether a reference has the form that only we write."""
    return _OURS.fullmatch(reference) is not None


def document_from(value: Any) -> PostedDocument:
    """Read a line as a document, ours or not; `NO_REFERENCE` stands for none.

    Raises ValueError if it cannot be read exactly, such as a duration with parts of a second.
    """
    row = row_from(LineRow, value)
    reference = reference_in(row.description)
    text = row.description or ""
    return PostedDocument(
        document_id=str(row.id),
        reference=reference,
        body=TimeLine(
            legal_entity=str(row.company),
            employee=str(row.employee),
            task=str(row.work),
            work_date=row.date,
            seconds=row.duration,
            note=text.removeprefix(reference).lstrip()[:_NOTE_MAX],
        ),
        locked=row.invoice_line is not None,
    )


def by_reference(documents: Iterable[PostedDocument]) -> dict[str, tuple[PostedDocument, ...]]:
    """Collect documents under their references; several under one are duplicates."""
    found: dict[str, tuple[PostedDocument, ...]] = {}
    for document in documents:
        found[document.reference] = (*found.get(document.reference, ()), document)
    return found
