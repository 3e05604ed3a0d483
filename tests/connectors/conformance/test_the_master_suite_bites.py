"""The suites for masters are no decoration: who breaks a rule fails the rule's test."""

from collections.abc import Awaitable, Callable
from functools import partial
from inspect import signature

import pytest

from connectors.base.errors import ConnectorError
from connectors.conformance.master_changes import MasterChangesContract
from connectors.conformance.master_once import MasterOnceContract
from connectors.conformance.master_source import MasterSourceContract
from connectors.conformance.master_target import MasterTargetContract
from tests.connectors.conformance import master_saboteurs as bad
from tests.connectors.conformance.made_up_master_world import MadeUpMasterWorld
from tests.connectors.conformance.made_up_masters import MadeUpMasters
from tests.connectors.conformance.made_up_register import Way

reads, news = MasterSourceContract(), MasterChangesContract()
writes, once = MasterTargetContract(), MasterOnceContract()
U, C, L = Way
Rule = Callable[..., Awaitable[None]]
BITES: list[tuple[Way, type[MadeUpMasters], Rule]] = [
    (U, bad.ReadsTheFirstPage, reads.test_all_masters_come_without_loss_or_duplicate),
    (U, bad.ReadsNamesCarelessly, reads.test_the_values_of_a_master_are_exact),
    (U, bad.LeavesArchivedOnesOut, reads.test_an_archived_master_is_shown_as_inactive),
    (U, bad.LetsOneBadRecordSinkAll, reads.test_an_unreadable_master_costs_no_other),
    (U, bad.LogsWhatItCannotRead, reads.test_an_unreadable_master_is_logged_without_its_values),
    (
        U,
        bad.TakesABrokenPageForTheLast,
        reads.test_a_broken_page_of_masters_is_transient_and_shows_nothing,
    ),
    (U, bad.TakesABrokenPageForTheLast, reads.test_a_lost_page_of_masters_is_transient),
    (U, bad.AsksAgainForALostPage, reads.test_a_lost_page_of_masters_is_transient),
    (U, bad.RoundsInstantsUp, news.test_a_master_changed_at_the_very_instant_is_shown),
    (
        U,
        bad.ReadsTheFirstPage,
        news.test_masters_changed_together_at_the_edge_of_a_page_are_all_shown,
    ),
    (
        U,
        bad.RemembersWhatItReadFirst,
        news.test_a_change_of_a_master_is_news_with_its_new_values,
    ),
    (U, bad.IgnoresWhenItChanged, news.test_a_master_that_did_not_change_is_no_news),
    (U, bad.CallsArchivedOnesGone, news.test_an_archived_master_is_news_and_not_gone),
    (U, bad.HidesDeletions, news.test_a_deleted_master_is_gone_and_no_other_is),
    (U, bad.HidesDeletions, news.test_a_master_made_again_is_another_one),
    (U, bad.ShowsNewsOnce, news.test_asking_again_for_the_same_shows_the_same),
    (
        U,
        bad.TakesTheNextSecondForTheCursor,
        news.test_what_appears_after_a_reading_is_shown_by_the_next,
    ),
    (
        U,
        bad.TakesTheClockForTheCursor,
        news.test_a_master_that_appears_behind_the_clock_is_not_skipped,
    ),
    (U, bad.TakesTheNextSecondForTheCursor, news.test_an_instant_is_in_utc),
    (U, bad.CallsTheNewsAll, news.test_beyond_the_reach_of_the_feed_everything_is_read),
    (U, bad.CutsNames, writes.test_a_new_master_arrives_whole_and_once),
    (
        U,
        bad.MindsUnknownFields,
        writes.test_what_the_system_does_not_keep_of_a_new_master_costs_nothing,
    ),
    (
        U,
        bad.NeedsEveryField,
        writes.test_a_new_master_with_as_little_as_its_owner_knows_is_made,
    ),
    (U, bad.MakesWhatItIsNotToMake, writes.test_a_kind_that_is_not_made_here_is_refused),
    (
        U,
        bad.MakesInsteadOfChanging,
        writes.test_a_change_arrives_whole_and_makes_no_new_master,
    ),
    (U, bad.SendsEveryFieldOfAChange, writes.test_a_change_touches_only_what_it_names),
    (U, bad.SkipsEmptyValues, writes.test_an_empty_value_takes_the_value_away),
    (
        U,
        bad.LooksAmongTheActive,
        writes.test_an_archived_master_can_be_found_and_brought_back,
    ),
    (
        U,
        bad.LetsARefusalSinkTheRest,
        writes.test_a_refusal_is_honest_and_costs_no_neighbour,
    ),
    (
        U,
        bad.CallsADeletedOneDone,
        writes.test_a_change_of_what_was_deleted_is_no_success_and_makes_nothing,
    ),
    (U, bad.AnswersOutOfOrder, writes.test_more_masters_than_one_call_takes_arrive_in_order),
    (
        U,
        bad.AnswersForTheRestToo,
        writes.test_answers_are_only_for_what_the_budget_let_be_tried,
    ),
    (U, bad.TakesNoTokenForUnsettled, writes.test_without_a_token_no_master_is_sent),
    (U, bad.LooksOneByOne, writes.test_a_look_finds_masters_by_id_and_by_exact_key),
    (U, bad.ReadsTheFirstPage, writes.test_a_look_finds_masters_by_id_and_by_exact_key),
    (U, bad.FindsSomethingAlways, writes.test_a_look_finds_nothing_where_nothing_is),
    (U, bad.LooksWithHalfAnEye, writes.test_a_look_alike_is_not_what_was_looked_for),
    (U, bad.LooksIntoItsMemory, writes.test_a_look_shows_what_the_system_holds),
    (
        U,
        bad.RemembersWhatItWrote,
        writes.test_a_field_that_was_silently_not_kept_is_seen_by_a_look,
    ),
    (
        U,
        bad.CallsTheUnknownMade,
        once.test_a_lost_answer_is_settled_by_a_look_and_never_by_a_twin,
    ),
    (U, bad.SendsAgainBlindly, once.test_a_lost_answer_is_settled_by_a_look_and_never_by_a_twin),
    (
        U,
        bad.CallsTheUnknownRefused,
        partial(once.test_an_answer_that_proves_nothing_leaves_a_master_unsettled, status=502),
    ),
    (
        U,
        bad.CallsTheUnknownMade,
        partial(
            once.test_a_good_status_with_an_unreadable_answer_leaves_a_master_unsettled, body=b"{}"
        ),
    ),
    (
        U,
        bad.CallsTheUnknownRefused,
        once.test_a_failure_that_does_not_go_away_never_refuses_a_master,
    ),
    (
        U,
        bad.CallsAnEndedLoginDone,
        once.test_a_login_that_ended_at_a_write_makes_a_master_once_or_not_at_all,
    ),
    (
        U,
        bad.TakesThrottlingForUnsettled,
        once.test_throttled_means_that_no_master_was_made_and_says_how_long_to_wait,
    ),
    (U, bad.TakesThrottlingForUnsettled, once.test_a_master_that_never_left_was_not_made),
    *(
        (
            U,
            bad.StopsAtTroubleWithoutAWord,
            partial(
                once.test_trouble_after_the_first_write_hides_no_answer_and_invents_none,
                trouble=trouble,
            ),
        )
        for trouble in ("throttled", "lost", "never left")
    ),
    (
        U,
        bad.TakesALostChangeForNone,
        once.test_a_lost_answer_to_a_change_is_unsettled_and_can_be_sent_again,
    ),
    (
        C,
        bad.LooksJustBeforeItWrites,
        once.test_a_change_that_is_late_takes_no_newer_one_back_where_stamps_are_compared,
    ),
    (
        C,
        bad.LooksJustBeforeItWrites,
        once.test_a_slow_master_that_lands_first_leaves_nothing_to_the_second,
    ),
    (U, bad.CallsTakenARefusal, once.test_a_master_that_is_sent_again_is_no_twin_and_no_refusal),
    (L, bad.PromisesUniqueness, once.test_a_master_that_is_sent_again_is_no_twin_and_no_refusal),
    (L, bad.PromisesUniqueness, once.test_a_slow_master_cannot_land_once_it_was_sent_again),
    (L, bad.PromisesUniqueness, once.test_of_racing_writes_one_makes_the_master),
    (U, bad.CallsTakenARefusal, once.test_a_master_that_was_delivered_twice_is_made_once),
    (
        L,
        bad.PromisesLessLagThanThereIs,
        once.test_a_slow_master_is_there_and_seen_once_the_quiet_time_is_over,
    ),
    (L, bad.ShowsOneOfTwo, once.test_a_twin_is_shown_and_not_hidden),
]
BROKEN = (AssertionError, ConnectorError, pytest.fail.Exception, KeyError, ValueError)


@pytest.mark.parametrize(
    ("way", "sabotage", "rule"),
    [pytest.param(*bite, id=f"{bite[1].__name__}-{n}") for n, bite in enumerate(BITES)],
)
async def test_a_sabotaged_connector_fails_the_rule(
    way: Way, sabotage: type[MadeUpMasters], rule: Rule, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BROKEN):
        await _kept(rule, MadeUpMasterWorld(way, sabotage), caplog)


@pytest.mark.parametrize(
    ("way", "rule"),
    [
        (way, rule)
        for way, sabotage, rule in BITES
        if sabotage not in {bad.MakesWhatItIsNotToMake, bad.PromisesUniqueness}
    ],
)
async def test_the_good_connector_keeps_the_rule(
    way: Way, rule: Rule, caplog: pytest.LogCaptureFixture
) -> None:
    await _kept(rule, MadeUpMasterWorld(way), caplog)


async def test_a_register_that_makes_none_and_says_so_keeps_the_rule() -> None:
    world = MadeUpMasterWorld(U, bad.MakesNoneAsItSays)
    await writes.test_a_kind_that_is_not_made_here_is_refused(world)


async def _kept(rule: Rule, world: MadeUpMasterWorld, caplog: pytest.LogCaptureFixture) -> None:
    if "caplog" in signature(rule).parameters:
        await rule(world, caplog)
    else:
        await rule(world)
