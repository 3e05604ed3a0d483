"""Bill, credit, credit in part, bill again, split at the cap, late entries and reversals.

Whatever the order, the rules bill what a separate small model says: no entry twice, none skipped,
and what is on an issued invoice never moves.
"""

from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from canonical.billing import Allocation, BillableLine, BillingEvent, WorkState
from canonical.money import Money
from rules.billing_credit import CreditRefusedError, CreditRequest, credit_event
from rules.billing_release import Released, decide_release
from rules.invoice_readiness import Readiness, readiness
from tests.unit.billing_building import (
    INVOICED_ON,
    POLICY,
    contract_line,
    engagement,
    facts,
    hard_cap,
    hourly,
    hours,
    key,
)
from tests.unit.billing_model import Book, Entry, Row

# 36.00 an hour is one cent a second.
RATE_MAX = 3
RATES = st.integers(1, RATE_MAX)
MOSTLY = st.sampled_from([True, True, True, False])
SECONDS = st.integers(1, 5000)
NAMES = [f"e{number}" for number in range(8)]


def cents(amount: Money) -> int:
    return amount.amount_minor


class Billing(RuleBasedStateMachine):
    """The rules on one side, the model on the other; after each step both say the same."""

    names: Bundle[str] = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(cap=0)
        self.events: list[tuple[BillingEvent, list[Allocation]]] = []
        self.ledger: list[Allocation] = []
        self.issued: list[str] = []
        self.invoices = 0

    @initialize(cap=st.integers(0, 30_000))
    def sign(self, cap: int) -> None:
        self.book.cap = cap

    @rule(target=names, day=st.integers(1, 31), seconds=SECONDS, rate=RATES, posted=MOSTLY)
    @precondition(lambda self: len(self.book.entries) < len(NAMES))
    def work_is_done_perhaps_late(self, day: int, seconds: int, rate: int, posted: bool) -> str:
        # Names come in another order than days, so that neither order is that of arrival.
        name = NAMES[(len(self.book.entries) * 5) % len(NAMES)]
        self.book.entries[name] = Entry(day, seconds, rate, posted)
        return name

    @rule()
    def all_is_posted(self) -> None:
        for entry in self.book.entries.values():
            entry.posted = True

    @rule(name=names, seconds=SECONDS)
    def is_corrected(self, name: str, seconds: int) -> None:
        entry = self.book.entries[name]
        if not entry.gone:
            entry.seconds, entry.revision = seconds, entry.revision + 1

    @rule(name=consumes(names))
    def is_reversed(self, name: str) -> None:
        self.book.entries[name].gone = True

    @rule()
    def the_invoice_goes(self) -> None:
        now = self.now()
        result = decide_release(now, now.snapshot.hash, ("E-1",), POLICY)
        expected = {} if self.book.blocks() else self.book.next_bill()
        if not expected:
            assert not isinstance(result, Released)
            return
        assert isinstance(result, Released)
        (event,) = result.events
        self.invoices += 1
        billed = {one.work.id: (cents(one.amount), one.seconds) for one in event.allocations}
        assert billed == expected
        self.book.rows += [
            Row(self.invoices, name, self.book.entries[name].revision, money, seconds)
            for name, (money, seconds) in billed.items()
        ]
        self.keep(event, [])

    @rule(data=st.data())
    @precondition(lambda self: self.events)
    def is_credited(self, data: st.DataObject) -> None:
        """All of one entry, or a part of its hours, on any invoice."""
        number = data.draw(st.integers(0, len(self.events) - 1))
        there = {one.work.id: one for one in self.events[number][0].allocations}
        own = there[data.draw(st.sampled_from(sorted(there)))]
        part = data.draw(st.none() | st.integers(1, own.seconds + 1))
        self.take_back(number, own, part)

    @rule()
    @precondition(lambda self: self.book.must_be_credited())
    def what_changed_is_credited(self) -> None:
        wanted = {(one.invoice_line, one.work) for one in self.now().credits_due}
        for number, (event, _) in enumerate(self.events):
            for own in event.allocations:
                if (own.invoice_line, own.work) in wanted:
                    self.take_back(number, own, None)
        assert not self.book.must_be_credited()

    def take_back(self, number: int, own: Allocation, part: int | None) -> None:
        event, notes = self.events[number]
        name = own.work.id
        rows = [row for row in self.book.rows if (row.invoice, row.entry) == (number + 1, name)]
        left, left_cents = sum(row.seconds for row in rows), sum(row.cents for row in rows)
        request = CreditRequest(own.invoice_line or "", key(name), seconds=part)
        if (part is None and (left, left_cents) == (0, 0)) or (part or 0) > left:
            self.refuses(event, notes, request)
            return
        note = self.credit(event, notes, request)
        (back,) = note.allocations
        taken = left if part is None else part
        assert -back.seconds == taken
        assert 0 <= -cents(back.amount) <= left_cents
        assert taken != left or -cents(back.amount) == left_cents
        # A split at the cap leaves less than the price of one second beside the whole ones.
        apart = abs(-cents(back.amount) * own.seconds - cents(own.amount) * taken)
        assert apart <= RATE_MAX * own.seconds
        self.book.rows.append(
            Row(number + 1, name, own.work.revision, cents(back.amount), back.seconds)
        )
        notes.extend(note.allocations)
        self.ledger.extend(note.allocations)

    def credit(
        self, event: BillingEvent, notes: list[Allocation], request: CreditRequest
    ) -> BillingEvent:
        return credit_event(
            event,
            notes,
            [request],
            credit_date=INVOICED_ON,
            reason="agreed with the customer",
            approver="E-1",
        )

    def refuses(self, event: BillingEvent, notes: list[Allocation], request: CreditRequest) -> None:
        try:
            self.credit(event, notes, request)
        except CreditRefusedError:
            return
        raise AssertionError("more was credited than was left")

    def keep(self, event: BillingEvent, notes: list[Allocation]) -> None:
        self.events.append((event, notes))
        self.issued.append(event.model_dump_json())
        self.ledger.extend(event.allocations)

    def lines(self) -> list[BillableLine]:
        return [
            hours(
                name,
                one.day,
                revision=one.revision,
                state=self.state(one),
                rate=hourly(Decimal(36 * one.rate)),
            ).model_copy(update={"seconds": one.seconds})
            for name, one in self.book.entries.items()
        ]

    @staticmethod
    def state(entry: Entry) -> WorkState:
        if entry.gone:
            return WorkState.WITHDRAWN
        return WorkState.POSTED if entry.posted else WorkState.UNPOSTED

    def now(self) -> Readiness:
        cap = hard_cap(Decimal(self.book.cap).scaleb(-2).to_eng_string())
        changes: dict[str, Any] = {
            "engagement": engagement(contract_line(cap=cap)),
            "allocations": tuple(self.ledger),
        }
        return readiness(facts(*self.lines(), **changes), POLICY)

    @invariant()
    def both_say_the_same(self) -> None:
        now = self.now()
        assert now.ready == (not self.book.blocks())
        proposed = {
            one.work.id: (cents(one.amount), one.seconds)
            for event in now.events
            for one in event.allocations
        }
        assert proposed == self.book.next_bill()
        assert {one.work.id for one in now.credits_due} == self.book.must_be_credited()

    @invariant()
    def nothing_is_billed_twice(self) -> None:
        for name, entry in self.book.entries.items():
            for revision in range(1, entry.revision + 1):
                own = [
                    one
                    for one in self.ledger
                    if (one.work.id, one.work.revision) == (name, revision)
                ]
                seconds, money = sum(one.seconds for one in own), sum(cents(o.amount) for o in own)
                assert seconds >= 0
                assert money >= 0
                if revision == entry.revision:
                    assert seconds <= entry.seconds
                    assert money <= entry.cents
        assert sum(cents(one.amount) for one in self.ledger) <= self.book.cap

    @invariant()
    def nothing_is_skipped(self) -> None:
        """Every cent of every standing entry is billed, proposed, waiting, or over the cap."""
        now = self.now()
        for name, entry in self.book.entries.items():
            billed = sum(
                cents(one.amount)
                for one in self.ledger
                if (one.work.id, one.work.revision) == (name, entry.revision)
            )
            pieces = sum(
                cents(one.amount)
                for one in now.pieces
                if (one.work.id, one.work.revision) == (name, entry.revision)
            )
            assert billed + pieces == (0 if entry.gone else entry.cents)

    @invariant()
    def issued_invoices_never_move(self) -> None:
        assert [event.model_dump_json() for event, _ in self.events] == self.issued


TestBilling = Billing.TestCase
TestBilling.settings = settings(max_examples=40, stateful_step_count=35)
