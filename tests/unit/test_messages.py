"""The small models that cross Temporal: tolerant, small, and without payloads of people."""

import json
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from canonical.exception_case import (
    Amend,
    CaseState,
    Cause,
    ExceptionCase,
    PostToPeriod,
    Reject,
    Retry,
    RootCause,
    Waive,
)
from canonical.messages import (
    MESSAGE_ITEMS_MAX,
    CaseNews,
    CaseView,
    DocumentRef,
    Posted,
    Prepared,
    ResolutionRequest,
    SweepOutcome,
    posting_queue,
)
from canonical.money import Money
from tests.unit.building import NOON, number
from tests.unit.test_canonical_contracts import MESSAGES

# What a message must carry, fixed with its first version: ids and what it is about. A worker of
# the version before never sends more than this, so that a new member always needs a default.
REQUIRED = {
    "AcknowledgementOutcome": set[str](),
    "BackfillWindow": {"connection", "target", "first", "last"},
    "Canary": {"case_id"},
    "CanaryOutcome": set[str](),
    "CaseNews": {"case_ids"},
    "CaseRef": {"case_id"},
    "CaseResolution": {"case_id", "request"},
    "CaseView": {
        *("case_id", "cause", "legal_entity", "subject", "sentence", "state", "owner"),
        *("connection", "target", "deadline_at"),
    },
    "DispatchOutcome": set[str](),
    "MasterDataRef": {"connection", "target"},
    "PollOutcome": set[str](),
    "Posted": set[str](),
    "Prepared": set[str](),
    "ResolutionOutcome": {"state"},
    "ResolutionRequest": set[str](),
    "SourceRef": {"connection"},
    "SweepOutcome": set[str](),
    "SweepRequest": {"target"},
    "TimesheetOutcome": set[str](),
    "DocumentRef": {"connection", "document", "target"},
}
# Far below the 2 MB at which a payload hangs a workflow for ever (POSTING.md section 5).
BYTES_MAX = 256 * 1024
LINES_OF_A_TIMESHEET_MAX = 2000


@pytest.mark.parametrize("model", MESSAGES)
def test_only_what_the_first_version_required_is_required(model: type[BaseModel]) -> None:
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    # A message that is new belongs into the list; a new member of an old one needs a default.
    assert required == REQUIRED.get(model.__name__, required)


@pytest.mark.parametrize("model", MESSAGES)
def test_a_message_of_a_newer_worker_is_understood(model: type[BaseModel]) -> None:
    assert model.model_config.get("extra") == "ignore"
    assert model.model_config.get("frozen") is True
    assert model.model_config.get("hide_input_in_errors") is True


def test_unknown_members_are_dropped_and_missing_ones_have_defaults() -> None:
    ref = DocumentRef.model_validate_json(
        '{"connection": "harvest", "document": "u1-2026-09-28", "target": "tryton", "mood": "new"}'
    )
    assert (ref.starts_on, "mood" in ref.model_dump()) == (None, False)
    assert Posted.model_validate_json("{}") == Posted()


@pytest.mark.parametrize("model", MESSAGES)
def test_a_message_has_no_member_for_what_people_write_or_are_called(
    model: type[BaseModel],
) -> None:
    private = {"name", "email", "note", "notes", "employee", "payload", "body", "entry", "raw"}
    assert set(model.model_fields) & private == set()


def _size(message: BaseModel) -> int:
    return len(message.model_dump_json().encode())


def _ids(count: int) -> tuple[UUID, ...]:
    return tuple(number(one) for one in range(count))


@pytest.mark.parametrize(
    "message",
    [
        CaseNews(case_ids=_ids(MESSAGE_ITEMS_MAX)),
        # Every line of the longest timesheet stopped by a cause of its own.
        Prepared(
            cases=_ids(LINES_OF_A_TIMESHEET_MAX), touched_cases=_ids(LINES_OF_A_TIMESHEET_MAX)
        ),
        Posted(cases=_ids(LINES_OF_A_TIMESHEET_MAX)),
        ResolutionRequest(kind="waive", by="b" * 80, reason="\u20ac" * 1000),
    ],
    ids=lambda message: type(message).__name__,
)
def test_the_largest_message_stays_far_below_what_hangs_a_workflow(message: BaseModel) -> None:
    assert _size(message) < BYTES_MAX


def test_news_of_more_cases_than_a_message_takes_is_refused() -> None:
    with pytest.raises(ValidationError):
        CaseNews(case_ids=_ids(MESSAGE_ITEMS_MAX + 1))


def _case(**changes: Any) -> ExceptionCase:
    values: dict[str, Any] = {
        "id": str(number("case")),
        "root_cause": RootCause(
            legal_entity="DE01",
            cause=Cause.CLOSED_PROJECT,
            subject="P-1",
            sentence="Project P-1 is closed in the ERP. Reopen it there and retry.",
        ),
        "state": CaseState.OPEN,
        "connection": "harvest",
        "target": "tryton",
        "period": None,
        "owner": "finance-operations",
        "opened_at": NOON,
        "deadline_at": NOON,
        "lines": 2,
        "seconds": 7200,
    }
    return ExceptionCase(**values | changes)


def test_a_case_is_shown_with_its_amounts_in_every_currency() -> None:
    amounts = (
        Money.model_validate_json('{"amount": "240.00", "currency": "EUR"}'),
        Money.model_validate_json('{"amount": "900", "currency": "JPY"}'),
    )
    view = CaseView.of(_case(amounts=amounts))
    assert view.amounts == ("240.00 EUR", "900 JPY")
    assert view.amount_minor == 24_000
    assert CaseView.of(_case()).amount_minor == 0


def test_the_largest_case_fits_a_message() -> None:
    root_cause = RootCause(
        legal_entity="\u00e4" * 80,
        cause=Cause.CLOSED_PROJECT,
        subject="\u20ac" * 80,
        sentence="\u20ac" * 1000,
    )
    amounts = tuple(Money.zero(f"X{a}{b}") for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJ")
    assert _size(CaseView.of(_case(root_cause=root_cause, amounts=amounts))) < BYTES_MAX


@pytest.mark.parametrize(
    ("request_of", "resolution"),
    [
        ({"kind": "retry"}, Retry()),
        (
            {"kind": "amend", "changes": {"task": "T-1"}, "reason": "moved"},
            Amend(changes={"task": "T-1"}, reason="moved"),
        ),
        ({"kind": "post_to_period", "period": "2026-11"}, PostToPeriod(period="2026-11")),
        ({"kind": "reject", "reason": "wrong week"}, Reject(reason="wrong week")),
        (
            {"kind": "waive", "reason": "agreed with the client"},
            Waive(reason="agreed with the client"),
        ),
    ],
)
def test_a_request_becomes_a_resolution(request_of: dict[str, Any], resolution: object) -> None:
    assert ResolutionRequest(by="ana", **request_of).resolution() == resolution


@pytest.mark.parametrize(
    ("request_of", "says"),
    [
        ({"kind": "ignore"}, "use retry, amend"),
        ({"kind": "amend"}, "amend takes changes to"),
        ({"kind": "amend", "changes": {"amount": "5"}}, "'amount' is none of them"),
        ({"kind": "post_to_period"}, "needs a period"),
        ({"kind": "reject", "reason": "  a "}, "needs a reason"),
        ({"kind": "waive"}, "needs a reason"),
    ],
)
def test_a_request_that_is_not_complete_says_what_is_missing(
    request_of: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        ResolutionRequest(by="ana", **request_of).resolution()


@pytest.mark.parametrize("by", ["", " ", "b" * 81])
def test_a_request_says_who_makes_it(by: str) -> None:
    with pytest.raises(ValueError, match="say who decides"):
        ResolutionRequest(kind="retry", by=by).resolution()


@pytest.mark.parametrize("typed", ["retry", [], None, 7, {"by": 7, "changes": "x", "kind": {}}])
def test_whatever_is_typed_as_a_request_is_answered_in_words(typed: object) -> None:
    with pytest.raises(ValueError, match="is no resolution; use retry, amend"):
        ResolutionRequest.model_validate(typed).resolution()


@pytest.mark.parametrize("typed", ["\x00", "\ud800"])
def test_nothing_is_typed_that_the_database_refuses_to_keep(typed: str) -> None:
    """It would be tried for ever, and nobody else could resolve the case meanwhile."""
    request = ResolutionRequest(
        kind="amend", by=f"ana{typed}", reason=f"so{typed}", changes={"task": f"T-1{typed}"}
    )
    assert (request.by, request.reason) == ("ana\ufffd", "so\ufffd")
    assert request.changes == {"task": "T-1\ufffd"}


def test_lines_that_share_a_root_cause_share_a_case() -> None:
    one = RootCause(legal_entity="DE01", cause=Cause.LEAVER, subject="E-7", sentence="Once.")
    other = RootCause(legal_entity="DE01", cause=Cause.LEAVER, subject="E-7", sentence="Again.")
    assert hash(one) == hash(other)


def test_an_outcome_survives_temporals_json() -> None:
    outcome = SweepOutcome(documents=7, cases=_ids(3))
    assert SweepOutcome.model_validate(json.loads(outcome.model_dump_json())) == outcome


def test_each_erp_has_a_task_queue_of_its_own() -> None:
    assert posting_queue("tryton-de") == "post.tryton-de"
