"""Work on another legal entity's project: its cost leg and its pair, decided without I/O."""

from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import Any

import pytest

from activities import posting_causes
from activities.draft import Draft
from canonical.exception_case import Cause
from canonical.masters import CostRate
from canonical.money import HourlyRate
from canonical.posting import PostingKind, PostingState
from canonical.posting_period import PeriodState
from canonical.source_line import LineVersion
from canonical.time_entry import TimeEntry
from rules.facts import Facts
from rules.policies import Policies
from rules.revisions import advance
from store.postings import NewPosting, Posting
from tests.unit.building import DAY, NOON, employee, task, time_entry
from tests.unit.intercompany_building import (
    OWN_TASK,
    calendars,
    draft,
    held,
    lent,
    policies,
)

S = PostingState
LATER = NOON.replace(hour=13)
DE_CLOSED = lent(calendars=calendars(de01=PeriodState.CLOSED))
US_CLOSED = lent(calendars=calendars(us01=PeriodState.CLOSED))


def line_after(*entries: TimeEntry) -> LineVersion:
    line = reduce(lambda line, entry: advance(line, entry, NOON), entries, None)
    assert line is not None
    return line


ONE = line_after(time_entry())
TWO = line_after(time_entry(), time_entry(seconds=7200, changed_at=LATER))
WITHDRAWN = line_after(time_entry(), time_entry(approval=None, changed_at=LATER))


def by_leg(news: list[NewPosting]) -> dict[str, NewPosting]:
    assert len({new.leg for new in news}) == len(news)
    return {new.leg: new for new in news}


def first() -> dict[str, NewPosting]:
    return by_leg(draft([ONE]).new)


def all_posted() -> list[Posting]:
    return [held(new, S.POSTED) for new in first().values()]


def half(**changes: Any) -> list[Posting]:
    """Hours and charge are posted, what is owed was refused by the ERP."""
    legs = first()
    refused = {"fence": 1, **changes}
    return [
        held(legs["main"], S.POSTED),
        held(legs["charge"], S.POSTED),
        held(legs["owe"], S.EXCEPTION, **refused),
    ]


def calls_for_nothing(made: Draft) -> bool:
    return made == Draft(moves=made.moves) and not any(
        (made.moves.cancel, made.moves.supersede, made.moves.note_revision)
    )


def test_work_for_another_company_is_a_cost_leg_and_a_pair_in_both_companies_books() -> None:
    legs = first()
    assert sorted(legs) == ["charge", "main", "owe"]
    main, charge, owe = legs["main"], legs["charge"], legs["owe"]
    assert (main.kind, main.legal_entity) == (PostingKind.TIME, "US01")
    assert main.intent is not None
    assert (main.intent.time_line.task, main.intent.time_line.legal_entity) == ("23", "2")
    for leg, entity, amount in ((charge, "US01", "55.00"), (owe, "DE01", "50.60")):
        assert (leg.kind, leg.legal_entity) == (PostingKind.JOURNAL, entity)
        assert (leg.amount, leg.seconds, leg.state) == (Decimal(amount), 0, S.PENDING)
        assert leg.waits_for is None
    assert (charge.currency, owe.currency) == ("USD", "EUR")
    assert charge.intent is not None
    assert owe.intent is not None
    debited = [
        (entry.legal_entity, entry.description, [(one.account, one.amount) for one in entry.lines])
        for entry in (charge.intent.journal_entry, owe.intent.journal_entry)
    ]
    assert debited == [
        ("2", main.reference, [("1480", Decimal("55.00")), ("4460", Decimal("-55.00"))]),
        ("1", main.reference, [("6460", Decimal("50.60")), ("1780", Decimal("-50.60"))]),
    ]
    assert len({leg.reference for leg in legs.values()}) == 3


def test_the_ledger_keeps_what_a_pair_was_decided_by() -> None:
    owe = first()["owe"].intent
    assert owe is not None
    (decision,) = owe.decisions
    assert (decision.rule, decision.version) == ("intercompany", "2026")
    assert "charge 55.00 USD in the books of US01 in 2026-10" in decision.why
    assert "owe 50.60 EUR in the books of DE01 in 2026-10" in decision.why
    assert "USD multiplied by 0.92, ECB 2026-10-01" in decision.why


def test_without_terms_between_the_two_it_is_a_case_as_ever() -> None:
    made = draft([ONE], by=Policies())
    ((stopped, cause),) = made.new_stopped
    assert (made.new, stopped.leg, cause.cause) == ([], "main", Cause.OTHER_LEGAL_ENTITY)


NO_RATE: dict[str, Any] = {"cost_rates": {}}
STOPS: dict[str, tuple[Facts, Policies, Cause, str]] = {
    "no task of that code": (lent(), policies(task="T-NO"), Cause.UNKNOWN_TASK, "T-NO for DE01"),
    "a task of the other company": (
        lent(),
        policies(task="T-Design"),
        Cause.UNKNOWN_TASK,
        "T-Design for DE01",
    ),
    "a closed task": (
        lent(tasks_by_code={OWN_TASK: task(code=OWN_TASK, legal_entity="US01", active=False)}),
        policies(),
        Cause.CLOSED_TASK,
        "T-LENT for DE01",
    ),
    "no cost rate": (lent(cost_rates={}), policies(), Cause.MISSING_COST_RATE, "E-7"),
    "no exchange rate": (
        lent(exchange_rates=()),
        policies(),
        Cause.MISSING_EXCHANGE_RATE,
        "USD to EUR, 2026-10",
    ),
}


@pytest.mark.parametrize(("known", "by", "cause", "subject"), STOPS.values(), ids=STOPS.keys())
def test_what_the_pair_lacks_stops_the_whole_line(
    known: Facts, by: Policies, cause: Cause, subject: str
) -> None:
    made = draft([ONE], known=known, by=by)
    ((stopped, why),) = made.new_stopped
    assert (made.new, stopped.leg) == ([], "main")
    assert (why.cause, why.subject, why.legal_entity) == (cause, subject, "US01")


def test_hours_that_cost_nothing_make_no_pair() -> None:
    free = CostRate(
        employee="7", valid_from=None, rate=HourlyRate(amount=Decimal(0), currency="USD")
    )
    assert [new.leg for new in draft([ONE], known=lent(cost_rates={"7": (free,)})).new] == ["main"]
    assert [new.leg for new in draft([line_after(time_entry(seconds=0))]).new] == ["main"]


def test_each_leg_counts_in_its_own_companys_calendar() -> None:
    by = policies(closed_period="NEXT_OPEN")
    legs = by_leg(draft([ONE], known=DE_CLOSED, by=by).new)
    assert [legs[leg].period for leg in ("main", "charge", "owe")] == [
        "2026-10",
        "2026-10",
        "2026-11",
    ]
    owe = legs["owe"].intent
    assert owe is not None
    assert owe.journal_entry.entry_date == DAY.replace(month=11)


def test_a_leg_whose_period_is_closed_is_held_and_its_case_shows_both_legs() -> None:
    made = draft([ONE], known=DE_CLOSED)
    assert sorted(by_leg(made.new)) == ["charge", "main"]
    ((owe, cause),) = made.new_stopped
    assert (owe.leg, owe.state, owe.amount, owe.currency) == (
        "owe",
        S.EXCEPTION,
        Decimal("50.60"),
        "EUR",
    )
    assert (cause.cause, cause.legal_entity, cause.subject) == (
        Cause.CLOSED_PERIOD,
        "DE01",
        "2026-10",
    )
    assert "charge 55.00 USD in the books of US01 in 2026-10" in cause.sentence
    assert "owe 50.60 EUR in the books of DE01 stopped for 2026-10" in cause.sentence


def test_no_leg_is_posted_alone_where_the_policy_would_take_it_back() -> None:
    made = draft([ONE], known=DE_CLOSED, by=policies("REVERSE"))
    assert [new.leg for new in made.new] == ["main"]
    assert sorted(new.leg for new, _ in made.new_stopped) == ["charge", "owe"]
    assert {cause.legal_entity for _, cause in made.new_stopped} == {"DE01"}


def test_hours_that_cannot_be_booked_yet_begin_no_pair() -> None:
    made = draft([ONE], known=US_CLOSED)
    assert made.new == []
    assert [new.leg for new, _ in made.new_stopped] == ["main"]


def test_a_held_leg_completes_the_pair_once_its_period_is_open() -> None:
    made = draft([ONE], known=DE_CLOSED)
    ((stopped, _),) = made.new_stopped
    postings = [*(held(new, S.POSTED) for new in made.new), held(stopped, released=True)]

    again = draft([ONE], postings, known=DE_CLOSED)
    ((key, cause),) = again.stopped_again
    assert key == stopped.key
    assert "charge 55.00 USD in the books of US01 in 2026-10, document doc of charge" in (
        cause.sentence
    )

    passed = draft([ONE], postings)
    (requeued,) = passed.requeue
    assert (requeued.key, requeued.amount, passed.new) == (stopped.key, Decimal("50.60"), [])
    assert requeued.intent.journal_entry.entry_date == DAY


def test_a_person_may_choose_a_period_for_the_leg_that_has_none() -> None:
    made = draft([ONE], known=DE_CLOSED)
    ((stopped, _),) = made.new_stopped
    postings = [*(held(new, S.POSTED) for new in made.new), held(stopped, released=True)]
    amended = {("100", 1): {"period": "2026-11"}}
    (requeued,) = draft([ONE], postings, known=DE_CLOSED, amended=amended).requeue
    assert requeued.intent.period.period == "2026-11"


def test_the_amounts_of_a_pair_do_not_change_between_its_legs() -> None:
    """A cost rate that changes afterwards is a correction of its own (DOMAIN rule 27)."""
    dearer = CostRate(
        employee="7", valid_from=None, rate=HourlyRate(amount=Decimal(80), currency="USD")
    )
    known = lent(cost_rates={"7": (dearer,)}, exchange_rates=lent().exchange_rates)
    (requeued,) = draft([ONE], half(released=True), known=known).requeue
    assert requeued.amount == Decimal("50.60")
    assert "charge 55.00 USD" in requeued.intent.decisions[0].why


def test_the_posting_of_a_held_leg_does_not_hang_on_the_calendar_of_the_other() -> None:
    (requeued,) = draft([ONE], half(released=True), known=US_CLOSED).requeue
    assert requeued.legal_entity == "DE01"


def test_a_key_that_was_sent_is_not_used_for_another_account() -> None:
    refused = half(released=True)
    made = draft([ONE], refused, by=policies(expense_account="6461"))
    assert made.moves.supersede == [refused[2].key]
    (new,) = made.new
    assert (new.leg, new.amendment, new.amount) == ("owe", 1, Decimal("50.60"))


def test_a_complete_pair_calls_for_nothing() -> None:
    assert calls_for_nothing(draft([ONE], all_posted()))


def test_a_posted_leg_stays_where_the_policy_is_to_hold() -> None:
    assert calls_for_nothing(draft([ONE], half()))


def test_a_posted_leg_is_taken_back_where_the_policy_is_to_reverse() -> None:
    postings = half()
    (back,) = draft([ONE], postings, by=policies("REVERSE")).new
    assert (back.kind, back.leg, back.corrects) == (
        PostingKind.REVERSAL,
        "charge",
        postings[1].key,
    )
    assert (back.amount, back.currency, back.legal_entity) == (Decimal("-55.00"), "USD", "US01")
    # While it is under way nothing more happens, and afterwards neither.
    going = [*postings, held(back)]
    assert calls_for_nothing(draft([ONE], going, by=policies("REVERSE")))
    done = [postings[0], replace(postings[1], state=S.REVERSED), postings[2], held(back, S.POSTED)]
    assert calls_for_nothing(draft([ONE], done, by=policies("REVERSE")))


def test_what_was_taken_back_is_posted_anew_behind_the_leg_that_failed() -> None:
    postings = half(released=True)
    (back,) = draft([ONE], half(), by=policies("REVERSE")).new
    reversed_charge = replace(postings[1], state=S.REVERSED)
    done = [postings[0], reversed_charge, postings[2], held(back, S.POSTED)]

    made = draft([ONE], done, by=policies("REVERSE"))
    (requeued,) = made.requeue
    (again,) = made.new
    assert (requeued.key, again.leg, again.amendment) == (postings[2].key, "charge", 1)
    assert (again.waits_for, again.amount) == (postings[2].key, Decimal("55.00"))

    closed = draft([ONE], done, by=policies("REVERSE"), known=DE_CLOSED)
    assert (closed.new, [key for key, _ in closed.stopped_again]) == ([], [postings[2].key])


def test_a_leg_whose_reversal_ends_late_is_posted_anew_all_the_same() -> None:
    """The failed leg was let go, and posted, while the other was still being taken back."""
    (back,) = draft([ONE], half(), by=policies("REVERSE")).new
    main, charge, owe = half()
    late = [main, replace(charge, state=S.REVERSED), replace(owe, state=S.POSTED)]
    (again,) = draft([ONE], [*late, held(back, S.POSTED)], by=policies("REVERSE")).new
    assert (again.leg, again.amendment, again.waits_for) == ("charge", 1, owe.key)


def test_a_leg_that_a_person_waived_takes_nothing_back() -> None:
    main, charge, owe = half()
    waived = [main, charge, replace(owe, state=S.WAIVED)]
    assert calls_for_nothing(draft([ONE], waived, by=policies("REVERSE")))


def test_a_withdrawn_line_takes_all_its_legs_back() -> None:
    backs = by_leg(draft([WITHDRAWN], all_posted()).new)
    assert {leg: back.kind for leg, back in backs.items()} == {
        "main": PostingKind.UNDO,
        "charge": PostingKind.REVERSAL,
        "owe": PostingKind.REVERSAL,
    }
    assert {leg: back.currency for leg, back in backs.items() if leg != "main"} == {
        "charge": "USD",
        "owe": "EUR",
    }


@pytest.mark.parametrize("policy", ["HOLD", "REVERSE"])
def test_a_withdrawn_line_takes_half_a_pair_back_and_cancels_the_other_half(policy: str) -> None:
    postings = half()
    made = draft([WITHDRAWN], postings, by=policies(policy))
    assert sorted(by_leg(made.new)) == ["charge", "main"]
    assert made.moves.cancel == [postings[2].key]


def test_what_a_customer_was_invoiced_for_keeps_its_legs_until_that_is_credited() -> None:
    made = draft([WITHDRAWN], all_posted(), billed={("100", 1)})
    assert made.new == []
    assert sorted(new.leg for new, _ in made.new_stopped) == ["charge", "main", "owe"]
    assert {cause.cause for _, cause in made.new_stopped} == {Cause.INVOICED}


def test_a_leg_is_taken_back_for_the_other_ones_sake_whatever_the_customer_was_invoiced() -> None:
    (back,) = draft([ONE], half(), by=policies("REVERSE"), billed={("100", 1)}).new
    assert (back.leg, back.kind) == ("charge", PostingKind.REVERSAL)


def test_a_changed_line_takes_all_its_legs_back_and_each_replacement_waits_for_its_own() -> None:
    news = draft([TWO], all_posted()).new
    backs = by_leg([new for new in news if new.kind.takes_back])
    replacements = by_leg([new for new in news if not new.kind.takes_back])
    assert sorted(backs) == sorted(replacements) == ["charge", "main", "owe"]
    for leg, new in replacements.items():
        assert (new.revision, new.waits_for) == (2, backs[leg].key)
    assert (replacements["charge"].amount, replacements["owe"].amount) == (
        Decimal("110.00"),
        Decimal("101.20"),
    )


def test_a_line_that_is_no_longer_for_another_company_takes_its_pair_back() -> None:
    known = lent(employees={"u1": employee()})
    news = draft([TWO], all_posted(), known=known).new
    assert sorted((new.leg, new.kind.takes_back) for new in news) == [
        ("charge", True),
        ("main", False),
        ("main", True),
        ("owe", True),
    ]


def test_hours_that_a_person_waived_leave_no_pair_behind() -> None:
    main, charge, owe = all_posted()
    made = draft([ONE], [replace(main, state=S.WAIVED), charge, owe])
    assert sorted(by_leg(made.new)) == ["charge", "owe"]
    assert all(new.kind is PostingKind.REVERSAL for new in made.new)


def test_a_posted_line_gets_no_pair_because_others_of_its_week_are_checked() -> None:
    """Its employee has moved to another legal entity since."""
    (mine,) = draft([ONE], known=lent(employees={"u1": employee()})).new
    other = line_after(time_entry("101", work_date=DAY.replace(day=2)))
    made = draft([ONE, other], [held(mine, S.POSTED)])
    assert {new.source_id for new in made.new} == {"101"}


def test_a_repeat_of_a_preparation_drafts_nothing_new() -> None:
    postings = [held(new) for new in first().values()]
    assert calls_for_nothing(draft([ONE], postings))
    assert draft([ONE]) == draft([ONE])


def test_a_refused_leg_shows_both_legs_in_its_case() -> None:
    cause = posting_causes.refused(half()[2], "period_closed")
    assert (cause.cause, cause.legal_entity) == (Cause.REFUSED_BY_ERP, "DE01")
    assert "refused journal entries" in cause.sentence
    assert "charge 55.00 USD in the books of US01 in 2026-10" in cause.sentence
    assert "owe 50.60 EUR in the books of DE01 in 2026-10" in cause.sentence
