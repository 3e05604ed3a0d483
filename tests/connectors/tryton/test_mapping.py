"""Lines of time on Tryton's wire: exact, grouped by task, found again by their references."""

import string
import uuid
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.identity import reference_of
from canonical.money import Money
from canonical.posting import PostingIntent, PostingKind, SourceLine, TimeLine
from canonical.posting_period import PeriodDecision
from connectors.base.errors import RejectedError
from connectors.tryton.mapping import (
    NO_REFERENCE,
    anywhere,
    creation,
    description_of,
    document_from,
    is_ours,
    on_their_tasks,
    one_line,
    reference_in,
    removal,
)
from connectors.tryton.wire import date_on_wire, duration_on_wire

DAY = date(2026, 10, 5)
KEY = uuid.UUID("11111111-2222-3333-4444-555555555555")
REFERENCE = reference_of(KEY)
LINE: dict[str, Any] = {
    "id": 7,
    "company": 1,
    "employee": 3,
    "work": 12,
    "date": date_on_wire(DAY),
    "duration": {"__class__": "timedelta", "seconds": 3600},
    "description": f"{REFERENCE} Kick-off",
    "invoice_line": None,
}


def intent(*, reference: str = REFERENCE, **body: Any) -> PostingIntent:
    content: dict[str, Any] = {
        "legal_entity": "1",
        "employee": "3",
        "task": "12",
        "work_date": DAY,
        "seconds": 3600,
    }
    return PostingIntent(
        key=KEY,
        reference=reference,
        target="erp",
        source=SourceLine(connection="psa", object="time_entry", id="9", revision=1),
        kind=PostingKind.TIME,
        legal_entity="DE01",
        period=PeriodDecision(posting_date=DAY, period="2026-10", original_date=DAY),
        value=Money.zero("EUR"),
        body=TimeLine(**(content | body)),
        corrects_document=body.get("corrects_document"),
    )


def test_lines_of_one_task_go_together_and_keep_their_order() -> None:
    intents = [intent(task="12", seconds=1), intent(task="5"), intent(task="12", seconds=2)]
    first_task, first, second_task, second = creation(intents)
    assert (first_task, second_task) == ([12], [5])
    ((action, lines),) = first["timesheet_lines"]
    assert action == "create"
    assert [line["duration"] for line in lines] == [duration_on_wire(1), duration_on_wire(2)]
    assert len(second["timesheet_lines"][0][1]) == 1


def test_a_line_carries_exactly_what_was_meant() -> None:
    ((_, (line,)),) = creation([intent(note="Kick-off")])[1]["timesheet_lines"]
    assert line == {
        "company": 1,
        "employee": 3,
        "date": {"__class__": "date", "year": 2026, "month": 10, "day": 5},
        "duration": {"__class__": "timedelta", "seconds": 3600},
        "description": f"{REFERENCE} Kick-off",
    }


def test_a_removal_names_the_line_and_goes_through_its_task() -> None:
    undo = intent().model_copy(update={"corrects_document": "77"})
    assert removal([undo]) == ([12], {"timesheet_lines": [["delete", [77]]]})


@pytest.mark.parametrize("task", ["", "x", "-1", "0", "1.5", "\uff11\uff12", "1" * 30, "12 or 1"])
def test_what_cannot_be_an_id_is_refused_before_anything_leaves(task: str) -> None:
    with pytest.raises(RejectedError) as told:
        creation(
            [intent().model_copy(update={"body": intent().body.model_copy(update={"task": task})})]
        )
    assert told.value.code == "not_an_id"


@pytest.mark.parametrize("reference", ["", "two words", "L%", "L_X", "é", "L" * 22, "L\n"])
def test_a_reference_that_would_not_be_found_again_is_refused(reference: str) -> None:
    unfit = intent().model_copy(update={"reference": reference})
    with pytest.raises(RejectedError) as told:
        description_of(unfit)
    assert told.value.code == "reference_unfit"


@given(st.text(max_size=400))
def test_a_note_takes_a_form_that_tryton_keeps_as_it_is(note: str) -> None:
    kept = one_line(note)
    assert one_line(kept) == kept
    assert kept == kept.strip()
    assert not set(kept) & set("\t\n\r\x0b\x0c\x00")
    assert "".join(kept.split()) == "".join(
        "".join(" " if c < " " or "\x7f" <= c <= "\x9f" else c for c in note).split()
    )


@given(st.text(alphabet=string.printable, max_size=4000))
def test_the_reference_survives_any_note(note: str) -> None:
    description = description_of(intent(note=note))
    assert reference_in(description) == REFERENCE
    assert len(description) <= 1000
    document = document_from(LINE | {"description": description})
    assert document.reference == REFERENCE
    assert one_line(note).startswith(document.time_line.note)


def test_a_line_is_read_as_it_stands() -> None:
    document = document_from(LINE)
    assert document.document_id == "7"
    assert document.reference == REFERENCE
    assert document.body == intent(note="Kick-off").body
    assert not document.locked
    assert document_from(LINE | {"invoice_line": 4}).locked


@pytest.mark.parametrize(
    "description", [None, "", "Kick-off: day 1", "two_words x", f"{REFERENCE}x"]
)
def test_a_line_without_our_reference_is_nobodys(description: str | None) -> None:
    document = document_from(LINE | {"description": description})
    assert not is_ours(document.reference)


def test_a_line_without_any_reference_is_read_all_the_same() -> None:
    assert document_from(LINE | {"description": None}).reference == NO_REFERENCE


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": {"__class__": "timedelta", "seconds": 0.5}},
        {"duration": None},
        {"duration": 3600},
        {"duration": {"__class__": "timedelta", "seconds": True}},
        {"duration": {"__class__": "timedelta", "seconds": -60}},
        {"date": None},
        {"date": "2026-10-05"},
        {"date": {"__class__": "date", "year": 2026, "month": 13, "day": 1}},
        {"date": {"__class__": "date", "year": 2026, "month": 1}},
        {"employee": None},
        {"company": "1"},
        {"id": True},
    ],
)
def test_what_is_not_exact_is_not_read(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"record|validation"):
        document_from(LINE | wrong)


def test_trouble_names_the_record_and_no_value() -> None:
    with pytest.raises(ValueError) as told:  # noqa: PT011  The text is looked at below.
        document_from(LINE | {"employee": "Zebedee"})
    assert "record 7: employee" in str(told.value)
    assert "Zebedee" not in str(told.value)


def test_a_search_does_not_depend_on_what_a_person_changed() -> None:
    domain = anywhere([intent(note="a"), intent(task="5", note="b")])
    assert domain[0] == "OR"
    assert domain[1] == ["description", "in", [f"{REFERENCE} a", f"{REFERENCE} b"]]
    near, begins = domain[2]
    assert near[1] == ["work", "in", [5, 12]]
    assert begins[1] == ["description", "like", f"{REFERENCE}%"]
    assert on_their_tasks([intent()])[0] == ["work", "in", [12]]
