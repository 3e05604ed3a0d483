"""The posting suite is no decoration: a target that breaks a rule fails the rule's test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.base.errors import ConnectorError
from connectors.base.rate_budget import RateBudget
from connectors.conformance.posting_guard import CompareAndSetContract
from connectors.conformance.posting_target import PostingTargetContract
from connectors.conformance.posting_undo import UndoContract
from tests.connectors.tryton import sabotage as bad
from tests.connectors.tryton.sabotage import Sabotaged
from tests.connectors.tryton.world import Desk, TrytonWorld


class SabotagedWorld(TrytonWorld):
    """A world whose connectors are spoiled."""

    sabotage: type[Sabotaged] = Sabotaged

    def connect(self, budget: RateBudget | None = None, *, secret: str | None = None) -> Any:
        return self.sabotage(super().connect(budget, secret=secret))


@pytest.fixture
async def world(simulated_desk: Desk) -> AsyncIterator[SabotagedWorld]:
    world = SabotagedWorld(simulated_desk)
    yield world
    await world.close()


POST, GUARD, UNDO = PostingTargetContract, CompareAndSetContract, UndoContract
LOST = "test_a_lost_answer_is_unknown_after_one_write_and_found_by_reference"
PROVES_NOTHING = "test_an_answer_that_proves_nothing_is_unknown"
REPLAY = "test_a_replay_with_the_same_evidence_is_refused"
TWICE = "test_a_write_that_was_delivered_twice_is_not_said_to_have_done_nothing"
UNCLEAR = "test_a_conflict_that_cannot_be_looked_into_is_unknown"
RACE = "test_of_racing_replays_one_wins"
EACH_PARENT = "test_each_parent_is_guarded_on_its_own"
SLOW = "test_a_slow_commit_cannot_land_once_the_lines_were_sent_again"
SLOW_FIRST = "test_a_slow_commit_that_lands_first_refuses_the_second_sending"
ONE_WRITE = "test_a_post_is_one_write_and_shows_what_the_erp_holds"
WHOLE = "test_a_refused_line_refuses_the_whole_call_and_leaves_nothing"
CODE = "test_a_refusal_has_a_stable_code_and_names_nobody"
ALTERED = "test_what_the_erp_alters_silently_is_shown_as_it_is"
UNSEEN = "test_what_was_written_and_not_seen_since_is_never_called_undone"
FIND = "test_find_shows_all_documents_of_a_reference_and_none_of_others"
EDITED = "test_find_still_sees_a_document_whose_note_a_person_changed"
BULK = "test_looking_up_and_evidence_are_bulk"
TOO_LONG = "test_a_reference_beyond_the_promised_length_is_refused_and_not_cut"
SWEEP = "test_the_sweep_lists_every_document_of_ours_and_no_other"
EXACTLY = "test_an_undo_removes_exactly_the_one_document_it_names"
DONE = "test_an_undo_that_was_done_is_done"
STALE = "test_stale_evidence_removes_nothing"
INVOICED = "test_what_is_invoiced_is_refused_and_stands"
ANOTHER = "test_a_document_that_carries_another_reference_is_never_removed"
LOST_UNDO = "test_a_lost_answer_to_an_undo_is_unknown_and_settled_by_looking"
NO_EVIDENCE = "test_without_evidence_for_each_parent_nothing_leaves"
DELETION = "test_the_manifest_says_that_time_is_undone_by_deletion"
STANDING = "test_find_shows_what_still_stands"
SEVERAL = "test_several_are_undone_in_one_write_some_of_them_gone_already"
HELD_UP = "test_an_undo_that_was_held_up_takes_nothing_later"
RACING_UNDOS = "test_racing_undos_end_with_the_document_gone_and_nothing_else"

BITES: list[tuple[type[Sabotaged], type, str, dict[str, Any]]] = [
    (bad.RetriesBlindly, POST, LOST, {}),
    (bad.RetriesBlindly, POST, PROVES_NOTHING, {"status": 500}),
    (bad.RetriesBlindly, GUARD, SLOW, {}),
    (bad.RetriesBlindly, UNDO, LOST_UNDO, {}),
    (bad.RepeatsTheVerySameWrite, POST, LOST, {}),
    (bad.ForgetsTheStampOfAllButTheFirstParent, GUARD, EACH_PARENT, {"moved": 1}),
    (bad.ForgetsTheStampOfAllButTheFirstParent, GUARD, EACH_PARENT, {"moved": 2}),
    (bad.ReadsStampsOnlyWhenItWrites, GUARD, REPLAY, {}),
    (bad.ReadsStampsOnlyWhenItWrites, GUARD, EACH_PARENT, {"moved": 0}),
    (bad.ReadsStampsOnlyWhenItWrites, GUARD, SLOW_FIRST, {}),
    (bad.ReadsStampsOnlyWhenItWrites, UNDO, STALE, {}),
    (bad.LooksFirstAndStampsAfterwards, GUARD, REPLAY, {}),
    (bad.LooksFirstAndStampsAfterwards, GUARD, EACH_PARENT, {"moved": 0}),
    (bad.TakesAConflictForDone, GUARD, REPLAY, {}),
    (bad.TakesAConflictForDone, GUARD, RACE, {}),
    (bad.TakesAnyConflictForNothingDone, GUARD, TWICE, {}),
    (bad.TakesAnyConflictForNothingDone, GUARD, UNCLEAR, {}),
    (bad.SwallowsADuplicate, POST, FIND, {}),
    (bad.FindsWhatWasNotAskedFor, POST, FIND, {}),
    (bad.FindsByTheWholeText, POST, EDITED, {}),
    (bad.LooksUpLineByLine, POST, BULK, {}),
    (bad.EchoesWhatItSent, POST, ALTERED, {}),
    (bad.CallsTheUnansweredUndone, POST, LOST, {}),
    (bad.CallsTheUnansweredUndone, UNDO, LOST_UNDO, {}),
    (bad.TakesServiceUnavailableForNothingDone, POST, PROVES_NOTHING, {"status": 503}),
    (bad.ForgetsWhatItWroteIfItCannotSeeIt, POST, UNSEEN, {}),
    (bad.SendsLineByLine, POST, ONE_WRITE, {}),
    (bad.SendsLineByLine, POST, WHOLE, {}),
    (bad.LeavesABadLineOut, POST, WHOLE, {}),
    (bad.MakesUpACodeEachTime, POST, CODE, {}),
    (bad.NamesPeople, POST, CODE, {}),
    (bad.CutsReferences, POST, TOO_LONG, {}),
    (bad.SweepsOnlyTheFirstPage, POST, SWEEP, {}),
    (bad.SweepsWhatIsNotOurs, POST, SWEEP, {}),
    (bad.RemovesAllThatCarryTheReference, UNDO, EXACTLY, {}),
    (bad.MindsThatTheDocumentIsGone, UNDO, DONE, {}),
    (bad.RemovesWhateverHasTheNumber, UNDO, ANOTHER, {}),
    (bad.CallsAnInvoicedLineDone, UNDO, INVOICED, {}),
    (bad.ReadsStampsOnlyWhenItWrites, GUARD, NO_EVIDENCE, {}),
    (bad.DeniesThatItRemoves, UNDO, DELETION, {}),
    (bad.SaysThatNothingStands, UNDO, STANDING, {}),
    (bad.MindsThatTheDocumentIsGone, UNDO, SEVERAL, {}),
    (bad.CallsTheUnansweredUndone, UNDO, HELD_UP, {}),
    (bad.CallsAConflictARefusal, UNDO, RACING_UNDOS, {}),
]


@pytest.mark.parametrize(
    ("sabotage", "contract", "rule", "given"),
    BITES,
    ids=[f"{bite[0].__name__}-{bite[2][5:]}-{n}" for n, bite in enumerate(BITES)],
)
async def test_a_sabotaged_target_fails_the_suite(
    world: SabotagedWorld,
    sabotage: type[Sabotaged],
    contract: type,
    rule: str,
    given: dict[str, Any],
) -> None:
    world.sabotage = sabotage
    with pytest.raises((AssertionError, ConnectorError, pytest.fail.Exception, KeyError)):
        await getattr(contract(), rule)(world, **given)


@pytest.mark.parametrize(
    ("contract", "rule", "given"),
    list({(bite[1], bite[2]): bite[1:] for bite in BITES}.values()),
    ids=[rule[5:] for rule in dict.fromkeys(bite[2] for bite in BITES)],
)
async def test_the_unspoiled_target_passes_where_the_spoiled_ones_fail(
    world: SabotagedWorld, contract: type, rule: str, given: dict[str, Any]
) -> None:
    await getattr(contract(), rule)(world, **given)
