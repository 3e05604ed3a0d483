"""From an ERP's answer, or from what it shows, to what is recorded of a posting."""

from typing import Any
from uuid import UUID

import pytest

from activities.attestation import agrees
from activities.posting_results import (
    Tally,
    after,
    executed,
    in_doubt,
    missing,
    read_back,
    refusal,
    result_of,
    stray,
)
from canonical.exception_case import Cause
from canonical.posting import (
    Conflict,
    Executed,
    NotExecuted,
    PostedDocument,
    PostingKind,
    PostingState,
    Unknown,
)
from store.posting_attempts import Recorded
from store.postings import AttemptClass
from tests.unit.building import DAY, document, number, posting, posting_intent, time_line

INTENT = posting_intent()
REFERENCE = INTENT.reference
OTHER_BODY = time_line(seconds=60)


def shown(document_id: str = "501", **changes: Any) -> PostedDocument:
    return document(INTENT, document_id, **changes)


@pytest.mark.parametrize(
    "change",
    [
        {"legal_entity": "2"},
        {"employee": "8"},
        {"task": "14"},
        {"work_date": DAY.replace(day=2)},
        {"seconds": 3599},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_document_that_shows_something_else_does_not_agree(change: dict[str, Any]) -> None:
    assert not agrees(INTENT, shown(body=time_line(**change)))


def test_a_note_that_the_erp_cut_is_no_difference() -> None:
    assert agrees(INTENT, shown(body=time_line(note="de")))


def test_what_was_read_back_as_sent_is_attested() -> None:
    answer = Executed(reference=REFERENCE, document_id="501", document=shown())
    result = result_of(posting(INTENT), answer)
    assert (result.result.outcome, result.result.document_id) == (AttemptClass.EXECUTED, "501")
    assert (result.result.attested, result.cause, result.to_be_read_back) == (True, None, False)


def test_what_was_not_read_back_is_to_be_read_back() -> None:
    result = result_of(posting(INTENT), Executed(reference=REFERENCE, document_id="501"))
    assert (result.result.attested, result.cause, result.to_be_read_back) == (False, None, True)


def test_a_silent_change_is_a_case_on_day_zero() -> None:
    result = executed(posting(INTENT), "501", shown(body=OTHER_BODY))
    assert result.cause is not None
    assert (result.cause.cause, result.result.attested) == (Cause.ALTERED_IN_ERP, False)
    assert (result.result.code, result.to_be_read_back) == ("altered", False)


def test_an_undo_is_attested_by_what_is_no_longer_there() -> None:
    undo = posting_intent(kind=PostingKind.UNDO, corrects=number("first"), corrects_document="501")
    assert executed(posting(undo), "501", None).result.attested


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (Conflict(reference=REFERENCE), AttemptClass.CONFLICT, ""),
        (Unknown(reference=REFERENCE, code="not_seen"), AttemptClass.UNKNOWN, "not_seen"),
        (
            NotExecuted(reference=REFERENCE, refused=False, code="throttled"),
            AttemptClass.NOT_EXECUTED,
            "throttled",
        ),
        (
            NotExecuted(reference=REFERENCE, refused=True, code="closed", message="Task closed"),
            AttemptClass.REFUSED,
            "closed Task closed",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_answer_is_recorded_for_what_it_proves(
    answer: Any, outcome: AttemptClass, code: str
) -> None:
    result = result_of(posting(INTENT), answer)
    assert (result.result.outcome, result.result.code) == (outcome, code)
    assert (result.cause is not None) == (outcome is AttemptClass.REFUSED)


def test_a_refusal_while_an_earlier_attempt_is_unsettled_stops_nothing_yet() -> None:
    unsettled = posting(INTENT, state=PostingState.SENDING, fence=2)
    result = refusal(unsettled, "closed", "closed for good")
    assert (result.result.outcome, result.cause) == (AttemptClass.NOT_EXECUTED, None)


def test_a_refusal_of_an_invoiced_line_has_a_cause_of_its_own() -> None:
    cause = refusal(posting(INTENT), "invoiced", "it is on an invoice").cause
    assert cause is not None
    assert (cause.cause, cause.subject) == (Cause.INVOICED, REFERENCE)


def test_one_document_is_the_posting() -> None:
    (result,) = read_back(posting(INTENT, state=PostingState.SENDING), [shown()])
    assert (result.result.document_id, result.result.code) == ("501", "")
    assert result.result.attested


def test_of_several_documents_the_oldest_is_the_posting_and_the_rest_are_a_case() -> None:
    found = [shown("1001"), shown("501"), shown("777")]
    results = read_back(posting(INTENT, state=PostingState.SENDING), found)
    assert [one.result.document_id for one in results] == ["501", "777", "1001"]
    assert [one.result.code for one in results] == ["", "duplicate", "duplicate"]
    causes = [one.cause.cause if one.cause else None for one in results]
    assert causes == [None, Cause.DUPLICATE_IN_ERP, Cause.DUPLICATE_IN_ERP]


def test_the_document_that_the_ledger_knows_stays_the_posting() -> None:
    known = posting(INTENT, state=PostingState.POSTED, erp_document_id="777")
    results = read_back(known, [shown("501"), shown("777")])
    assert [one.result.document_id for one in results] == ["777", "501"]
    assert results[1].result.code == "duplicate"


def test_a_duplicate_that_is_alone_again_is_the_posting() -> None:
    twice = posting(INTENT, state=PostingState.DUPLICATE, erp_document_id="501")
    (result,) = read_back(twice, [shown("777")])
    assert (result.result.code, result.result.document_id) == ("single", "777")
    (altered,) = read_back(twice, [shown("777", body=OTHER_BODY)])
    assert altered.result.code == "altered"


def test_what_is_missing_calls_somebody_and_sends_nothing() -> None:
    lost = posting(INTENT, state=PostingState.POSTED, fence=3, erp_document_id="501")
    result = missing(lost)
    assert (result.result.outcome, result.result.code) == (AttemptClass.EXECUTED, "missing")
    assert result.cause is not None
    assert (result.cause.cause, result.result.attested) == (Cause.MISSING_IN_ERP, False)


@pytest.mark.parametrize(
    "made",
    [
        in_doubt(posting(INTENT)),
        stray(posting(INTENT, state=PostingState.CANCELLED), shown()),
        missing(posting(INTENT, erp_document_id="501")),
        executed(posting(INTENT), "501", shown(body=OTHER_BODY)),
        refusal(posting(INTENT), "closed", "closed"),
    ],
    ids=lambda made: made.result.code or made.result.outcome,
)
def test_every_sentence_for_a_person_says_what_to_do(made: Any) -> None:
    assert any(word in made.cause.sentence for word in ("retry", "waive", "Remove", "not posted"))
    assert made.cause.legal_entity == "DE01"


def test_a_result_hangs_on_the_case_of_its_cause() -> None:
    result = in_doubt(posting(INTENT))
    assert result.cause is not None
    assert result.with_case({result.cause: number("case")}).case_id == number("case")
    good = executed(posting(INTENT), "501", shown())
    assert good.with_case({}).case_id is None


def test_after_an_attempt_that_did_nothing_what_was_unsettled_still_is() -> None:
    assert after(posting(INTENT, state=PostingState.PENDING)).state is PostingState.PENDING
    assert after(posting(INTENT, state=PostingState.SENDING)).state is PostingState.SENDING


def test_a_run_comes_back_at_the_earliest_time_that_was_asked() -> None:
    tally = Tally()
    for seconds in (30, 5, 60):
        tally.again(seconds)
    assert tally.message().again_in_seconds == 5


def _counted(state: PostingState, before: PostingState, *, news: bool = False) -> Tally:
    tally = Tally()
    result = executed(posting(INTENT, state=before), "501", shown())
    tally.count(Recorded(UUID(int=1), state, has_news=news), result)
    return tally


def test_a_posting_is_counted_once_and_not_when_it_is_read_back() -> None:
    assert _counted(PostingState.POSTED, PostingState.SENDING).posted == 1
    assert _counted(PostingState.POSTED, PostingState.POSTED).posted == 0


def test_what_ended_for_news_has_the_timesheet_prepared_again() -> None:
    assert _counted(PostingState.CANCELLED, PostingState.SENDING).news
    assert _counted(PostingState.POSTED, PostingState.SENDING, news=True).news
    assert not _counted(PostingState.POSTED, PostingState.SENDING).news
