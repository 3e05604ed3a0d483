"""The suites are no decoration: a connector spoiled in one place fails the rule of that place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from canonical.posting import PostingIntent, PostingOutcome
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import (
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
)
from connectors.business_central import client as http
from connectors.business_central import connector, draft_then_post, papers, time_lines
from connectors.business_central.session import Session
from connectors.conformance.posting_guard import CompareAndSetContract
from connectors.conformance.posting_repeats import DraftThenPostContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from tests.connectors.business_central.document_world import ExpenseWorld, InvoiceWorld
from tests.connectors.business_central.world import BusinessCentralWorld

Spoil = Callable[[pytest.MonkeyPatch], None]
Attempt, Lines = draft_then_post.Attempt, time_lines.TimeLines


def _looks_into_no_register_first(patch: pytest.MonkeyPatch) -> None:
    """A race passes that look; without one it would hide what else is spoiled."""

    async def believe(self: Any, *_: Any) -> None:
        return None

    patch.setattr(Lines, "_prove_unwritten", believe)


def writes_to_whatever_version_there_is(patch: pytest.MonkeyPatch) -> None:
    _looks_into_no_register_first(patch)
    good = Lines._moved

    async def moved(self: Any, *given: Any) -> http.Part:
        return replace(await good(self, *given), etag="*")

    patch.setattr(Lines, "_moved", moved)


def leaves_the_register_as_it_was(patch: pytest.MonkeyPatch) -> None:
    _looks_into_no_register_first(patch)
    good = Lines._moved

    async def moved(self: Any, *given: Any) -> http.Part:
        return replace(await good(self, *given), body={"displayName": "Ledgerway, do not post"})

    patch.setattr(Lines, "_moved", moved)


def forgets_that_a_batch_is_one_transaction(patch: pytest.MonkeyPatch) -> None:
    good = Session.write

    async def write(self: Any, method: str, path: str, **given: Any) -> Any:
        given["headers"] = {k: v for k, v in given["headers"].items() if k != "Isolation"}
        return await good(self, method, path, **given)

    patch.setattr(Session, "write", write)


def takes_any_conflict_for_nothing_done(patch: pytest.MonkeyPatch) -> None:
    async def believe(self: Any, *_: Any) -> None:
        return None

    patch.setattr(Lines, "_prove_absent", believe)


def sends_without_a_stamp_for_each_task(patch: pytest.MonkeyPatch) -> None:
    good = Lines._moved

    async def moved(self: Any, company: str, intents: Any, evidence: GuardEvidence) -> http.Part:
        stamp = next(iter(evidence.values()))
        return await good(
            self, company, intents, {time_lines._stamp_key(one): stamp for one in intents}
        )

    patch.setattr(Lines, "_moved", moved)


def believes_a_batch_without_reading_it(patch: pytest.MonkeyPatch) -> None:
    _looks_into_no_register_first(patch)
    patch.setattr(http, "_bodies", lambda _, expected: [None] * expected)


def retries_blindly(patch: pytest.MonkeyPatch) -> None:
    good = connector.BusinessCentral.post

    async def post(
        self: Any, intents: Sequence[PostingIntent], evidence: GuardEvidence, **given: Any
    ) -> Sequence[PostingOutcome]:
        try:
            return await good(self, intents, evidence, **given)
        except OutcomeUnknownError:
            return await good(self, intents, await self.guard_evidence(intents), **given)

    patch.setattr(connector.BusinessCentral, "post", post)


def removes_what_is_not_ours(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(time_lines, "_may_be_taken_back", lambda *_: None)


def takes_what_it_does_not_find_for_gone(patch: pytest.MonkeyPatch) -> None:
    async def believe(self: Any, *_: Any) -> None:
        return None

    patch.setattr(Lines, "_prove_gone", believe)


def looks_for_drafts_only(patch: pytest.MonkeyPatch) -> None:
    good, post = Attempt._seen, Attempt._post
    posted: set[int] = set()

    async def seen(self: Any) -> list[papers.Paper]:
        return [one for one in await good(self) if not one.booked or id(self) in posted]

    async def then_post(self: Any, draft: papers.Paper, others: Any) -> Any:
        refusal = await post(self, draft, others)
        if refusal is None:
            posted.add(id(self))
        return refusal

    patch.setattr(Attempt, "_seen", seen)
    patch.setattr(Attempt, "_post", then_post)


def takes_a_draft_for_a_document(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(papers.Paper, "booked", property(lambda _: True))


def posts_again_what_was_not_answered(patch: pytest.MonkeyPatch) -> None:
    good = Attempt._post

    async def post(self: Any, draft: papers.Paper, others: Any) -> Any:
        try:
            return await good(self, draft, others)
        except OutcomeUnknownError:
            await self._shelf.create(
                self._case.company, self._case.family, self._case.values, self._not_after
            )
            return draft_then_post._Refusal(ConflictError("moved"), posting=draft.id)

    patch.setattr(Attempt, "_post", post)


def takes_a_refusal_for_the_truth(patch: pytest.MonkeyPatch) -> None:
    good = Attempt._post

    async def post(self: Any, draft: papers.Paper, others: Any) -> Any:
        refusal = await good(self, draft, others)
        if refusal is not None:
            raise refusal.error
        return refusal

    patch.setattr(Attempt, "_post", post)


TARGET, GUARD, UNDO, DRAFTS = (
    PostingTargetContract,
    CompareAndSetContract,
    UndoContract,
    DraftThenPostContract,
)
TIME = BusinessCentralWorld
Bite = tuple[Spoil, type[BusinessCentralWorld], type, str, dict[str, Any]]
BITES: list[Bite] = [
    (writes_to_whatever_version_there_is, TIME, GUARD, "a_replay_with_the_same_evidence", {}),
    (writes_to_whatever_version_there_is, TIME, GUARD, "of_racing_replays_one_wins", {}),
    (writes_to_whatever_version_there_is, TIME, GUARD, "a_slow_commit_cannot_land", {}),
    (writes_to_whatever_version_there_is, TIME, GUARD, "each_parent_is_guarded", {"moved": 1}),
    (writes_to_whatever_version_there_is, TIME, UNDO, "stale_evidence_removes_nothing", {}),
    (leaves_the_register_as_it_was, TIME, GUARD, "a_slow_commit_that_lands_first", {}),
    (leaves_the_register_as_it_was, TIME, GUARD, "a_replay_with_the_same_evidence", {}),
    (forgets_that_a_batch_is_one_transaction, TIME, TARGET, "a_refused_line_refuses_the", {}),
    (takes_any_conflict_for_nothing_done, TIME, GUARD, "a_write_that_was_delivered_twice", {}),
    (takes_any_conflict_for_nothing_done, TIME, GUARD, "a_conflict_that_cannot_be_looked", {}),
    (sends_without_a_stamp_for_each_task, TIME, GUARD, "without_evidence_for_each_parent", {}),
    (believes_a_batch_without_reading_it, TIME, GUARD, "a_replay_with_the_same_evidence", {}),
    (believes_a_batch_without_reading_it, TIME, TARGET, "a_refused_line_refuses_the", {}),
    (retries_blindly, TIME, TARGET, "a_lost_answer_is_unknown", {}),
    (retries_blindly, TIME, GUARD, "a_slow_commit_cannot_land", {}),
    (removes_what_is_not_ours, TIME, UNDO, "what_is_invoiced_is_refused", {}),
    (takes_what_it_does_not_find_for_gone, TIME, UNDO, "a_document_that_carries_another", {}),
    (looks_for_drafts_only, ExpenseWorld, DRAFTS, "a_write_that_is_sent_again", {}),
    (looks_for_drafts_only, InvoiceWorld, DRAFTS, "a_write_that_is_sent_again", {}),
    (takes_a_draft_for_a_document, ExpenseWorld, DRAFTS, "a_draft_is_nothing", {}),
    (takes_a_draft_for_a_document, InvoiceWorld, DRAFTS, "a_draft_that_was_left_behind", {}),
    (posts_again_what_was_not_answered, InvoiceWorld, DRAFTS, "a_slow_write_cannot_land", {}),
    (takes_a_refusal_for_the_truth, InvoiceWorld, DRAFTS, "a_write_that_was_delivered", {}),
]


def rule_of(contract: type, begins: str) -> str:
    """The one rule whose name begins so."""
    [rule] = [name for name in dir(contract) if name.startswith(f"test_{begins}")]
    return rule


@pytest.mark.parametrize(
    "bite",
    BITES,
    ids=[f"{spoil.__name__}-{begins}" for spoil, _, _, begins, _ in BITES],
)
async def test_a_spoiled_connector_fails_the_suite(
    monkeypatch: pytest.MonkeyPatch, bite: Bite
) -> None:
    spoil, world, contract, begins, given = bite
    spoil(monkeypatch)
    with pytest.raises((AssertionError, ConnectorError, KeyError, pytest.fail.Exception)):
        await getattr(contract(), rule_of(contract, begins))(world(), **given)


def _rules() -> Iterator[tuple[type, type, str, dict[str, Any]]]:
    yield from {bite[1:4]: bite[1:] for bite in BITES}.values()


@pytest.mark.parametrize(
    ("world", "contract", "begins", "given"),
    list(_rules()),
    ids=[f"{world.__name__}-{begins}" for world, _, begins, _ in _rules()],
)
async def test_the_unspoiled_one_passes_where_the_spoiled_ones_fail(
    world: type[BusinessCentralWorld], contract: type, begins: str, given: dict[str, Any]
) -> None:
    await getattr(contract(), rule_of(contract, begins))(world(), **given)


async def test_what_the_expense_suite_alone_would_miss_is_caught_by_the_erp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A vendor's number is refused a second time, so even a blind creation books nothing twice."""
    looks_for_drafts_only(monkeypatch)
    world = ExpenseWorld()
    intent = world.intent()
    await world.book(intent)
    with pytest.raises(RejectedError) as told:
        await world.connect().post([intent], {})
    assert told.value.code == "posted_before"
    assert len(await world.held(intent.reference)) == 1
