"""The billing desk: what people decide about an engagement's month, written down in one step.

Nothing here sends anything: what is released or credited is posted by the month's own workflow.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.billing_facts import BillingFactsLoader, lines_of, open_day
from activities.billing_requests import (
    approver_of,
    authorise,
    credit_requests,
    day_of,
    exclusion_of,
    made,
    money_of,
    refuse,
    work_of,
)
from activities.facts import FactsCache
from canonical import billing_messages as words
from canonical.billing import BillingEvent, WriteDown
from canonical.billing_messages import BillingDecision, Credited, Decided
from canonical.billing_period import BillingPeriod
from canonical.contracts import Engagement
from rules.billing_credit import (
    CreditRefusedError,
    credit_event,
    refuse_what_is_drawn,
    write_off,
)
from rules.billing_release import DRIFTED, Released, ReleaseRefusal, decide_release
from rules.invoice_readiness import Readiness, readiness
from rules.policies import Policies, Policy
from store import billing, billing_decisions, work
from store.billing import StoredEvent
from store.billing_decisions import MadeDecision
from store.database import Connection, Database

# Who releases where no person has to.
POLICY: Final = "policy"


class BillingDeskActivities:
    """Checks authority, decides on facts of this moment, and writes down what follows."""

    def __init__(
        self,
        database: Database,
        loader: BillingFactsLoader,
        facts: FactsCache,
        policies: Policies,
    ) -> None:
        self._database = database
        self._loader = loader
        self._facts = facts
        self._policies = policies

    @activity.defn
    async def decide_billing(self, decision: BillingDecision) -> Decided:
        """Do what a person asks for, or say in words why not; safe to repeat.

        Raises ApplicationError, not retryable, for what makes no sense or is not allowed.
        """
        deal = self._deals.get(decision.request.kind)
        if deal is None:
            refuse(
                f"'{decision.request.kind}' is nothing that can be decided; use "
                + ", ".join(self._deals)
            )
        period = BillingPeriod.of_document(decision.ref.document)
        async with self._database.transaction() as connection:
            await billing.hold(connection, decision.ref.connection, period.engagement)
            before = await billing_decisions.answer_to(connection, decision.id)
            if before is not None:
                return Decided.model_validate_json(before)
            answer = await deal(connection, decision, period)
            await billing_decisions.keep_decision(
                connection,
                decision.ref.connection,
                period,
                MadeDecision(
                    id=decision.id,
                    kind=decision.request.kind,
                    made_by=decision.request.by or POLICY,
                    request=decision.request.model_dump_json(),
                    answer=answer.model_dump_json(),
                ),
            )
            return answer

    @property
    def _deals(
        self,
    ) -> Mapping[str, Callable[[Connection, BillingDecision, BillingPeriod], Awaitable[Decided]]]:
        return {
            words.RELEASE: self._release,
            words.CREDIT: self._credit,
            words.EXCLUDE: self._exclude,
            words.INCLUDE: self._include,
            words.WRITE_DOWN: self._write_down,
            words.WRITE_OFF: self._write_off,
        }

    async def _now(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> tuple[Readiness, Policy, Engagement]:
        ref = decision.ref
        loaded = await self._loader.load(
            connection, ref.connection, ref.target, period, datetime.now(UTC)
        )
        if loaded is None:
            raise ApplicationError("the ERP's calendar has to be read again first", type="stale")
        if loaded.facts is None:
            refuse(f"{ref.connection} shows no engagement {period.engagement}")
        now = await asyncio.to_thread(readiness, loaded.facts, loaded.policy.billing)
        return now, loaded.policy, loaded.facts.engagement

    async def _release(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> Decided:
        request, source = decision.request, decision.ref.connection
        now, policy, _ = await self._now(connection, decision, period)
        people: tuple[str, ...] = ()
        if request.by:
            authorise(request, policy)
            if request.snapshot == now.snapshot.hash and now.ready and now.events:
                people = await billing_decisions.note_release(
                    connection, source, period, request.snapshot, request.by
                )
            else:
                people = (request.by,)
        decided = decide_release(now, request.snapshot, people, policy.billing)
        if not isinstance(decided, Released):
            noted = decided.refusal is ReleaseRefusal.NEEDS_SECOND_PERSON and bool(people)
            more = f" {request.by} is noted as the first." if noted else ""
            return Decided(done=False, message=f"{decided.sentence}{more}")
        billed = [one for event in decided.events for one in event.allocations]
        if not await work.still_stands(connection, [*lines_of(billed)]):
            return Decided(done=False, message=DRIFTED)
        by = " and ".join(decided.by) or POLICY
        await billing.release(connection, source, period, decided.events, by)
        amounts = ", ".join(
            f"{one.invoice.total.amount:f} {one.invoice.currency}" for one in decided.events
        )
        return Decided(
            done=True,
            message=f"{len(decided.events)} invoices released: {amounts} without tax.",
            events=tuple(one.id for one in decided.events),
        )

    async def _credit(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> Decided:
        request, source = decision.request, decision.ref.connection
        found = await _invoice(connection, source, request.invoice, period)
        policy = self._policies.of(found.event.invoice.legal_entity)
        authorise(request, policy)
        approver = approver_of(request)
        if found.event.invoice.credits is not None:
            refuse(f"{request.invoice} is a credit note itself; credit its invoice further")
        if found.posting is None or found.erp_document_id is None:
            refuse(
                f"invoice {request.invoice} is not issued: it is {found.state}. Reject its case "
                "instead, and its work is open again."
            )
        credited = await billing.credits_of(connection, source, found.event)

        def on(day: date) -> BillingEvent:
            return credit_event(
                found.event,
                credited,
                [
                    one
                    for asked in request.credits or (Credited(),)
                    for one in credit_requests(asked, found.event, credited)
                ],
                credit_date=day,
                reason=request.reason,
                approver=approver,
                rounding=policy.billing.rounding,
            )

        try:
            asked_for = on(day_of(request.on_date) or datetime.now(UTC).date())
            event = on(await self._credit_date(connection, decision, found, policy, asked_for))
            standing = await billing.allocations_of(connection, source, period.engagement)
            refuse_what_is_drawn(event, standing)
        except CreditRefusedError as error:
            refuse(f"{request.invoice}: {error}")
        await billing.release(connection, source, found.period, [event], request.by)
        total = event.invoice.total
        return Decided(
            done=True,
            message=f"A credit note of {total.amount:f} {total.currency} without tax is released.",
            events=(event.id,),
        )

    async def _credit_date(
        self,
        connection: Connection,
        decision: BillingDecision,
        found: StoredEvent,
        policy: Policy,
        asked_for: BillingEvent,
    ) -> date:
        """The day that was asked for; no earlier than its invoice, nor than what is numbered last.

        What gives back a draw or a lower price bills beside it, and is numbered with the invoices.
        """
        invoice, credit = found.event.invoice, asked_for.invoice
        lines = [line.amount for line in credit.lines]
        of_credits = all(one <= 0 for one in lines) and sum(lines) < 0
        earliest = max(credit.invoice_date, invoice.invoice_date)
        newest = await billing.newest_date(
            connection, invoice.legal_entity, earliest, of_credits=of_credits
        )
        wanted = newest or earliest
        facts = await self._facts.current(
            connection, decision.ref.connection, decision.ref.target, datetime.now(UTC)
        )
        calendar = facts.calendars.get(invoice.legal_entity, ()) if facts else ()
        return open_day(wanted, calendar, policy)

    async def _exclude(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> Decided:
        request, source = decision.request, decision.ref.connection
        now, policy, _ = await self._now(connection, decision, period)
        authorise(request, policy)
        known = {one.work.key for one in now.pieces}
        for key in work_of(request):
            if key not in known:
                refuse(f"{key} is no open work of engagement {period.engagement}")
            await billing_decisions.exclude(connection, source, period, exclusion_of(request, key))
        await billing.tell(connection, source, [period])
        return Decided(
            done=True, message=f"{len(request.work)} left out of the invoice of {period.period}."
        )

    async def _include(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> Decided:
        request, source = decision.request, decision.ref.connection
        _, policy, _ = await self._now(connection, decision, period)
        authorise(request, policy)
        for key in work_of(request):
            if not await billing_decisions.include(connection, source, period, key, request.by):
                refuse(f"{key} is not left out of {period.period}")
        await billing.tell(connection, source, [period])
        return Decided(done=True, message=f"{len(request.work)} are billed again.")

    async def _write_down(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> Decided:
        request, source = decision.request, decision.ref.connection
        _, policy, _ = await self._now(connection, decision, period)
        authorise(request, policy)
        money = money_of(request.amount, request.currency)
        lower = made(
            lambda: WriteDown(
                id=decision.id,
                contract_line=request.contract_line,
                project=request.project or None,
                amount=money,
                requested_by=request.by,
                approver=approver_of(request),
                reason=request.reason,
            )
        )
        await billing_decisions.add_write_down(connection, source, period.engagement, lower)
        await billing.tell(connection, source, [period])
        return Decided(
            done=True,
            message=f"The price falls by {money.amount:f} {money.currency} on the next invoice.",
        )

    async def _write_off(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> Decided:
        request, source = decision.request, decision.ref.connection
        now, policy, engagement = await self._now(connection, decision, period)
        authorise(request, policy)
        wanted = set(work_of(request))
        pieces = [one for one in now.pieces if one.work.key in wanted]
        lacking = wanted - {one.work.key for one in pieces}
        if lacking:
            refuse(f"{min(lacking)} is no open work of engagement {period.engagement}")
        day = day_of(request.on_date) or period.cut_off_date
        try:
            given_up = [
                write_off(one, on=day, reason=request.reason, approver=approver_of(request))
                for one in pieces
            ]
        except CreditRefusedError as error:
            refuse(str(error))
        name = f"written_off/{decision.id}"
        await billing.write_off(connection, source, engagement, name, given_up)
        later = await billing.periods_since(connection, source, period.engagement, period.first_day)
        await billing.tell(connection, source, [period, *later])
        return Decided(done=True, message=f"{len(wanted)} will never be billed.")


async def _invoice(
    connection: Connection, source: str, name: str, period: BillingPeriod
) -> StoredEvent:
    """The one invoice of the engagement that has this name."""
    named = await billing.events_named(connection, source, name)
    named = [one for one in named if one.event.engagement == period.engagement]
    if not named:
        refuse(f"engagement {period.engagement} has no invoice {name or '?'}")
    if len(named) > 1:
        ids = ", ".join(one.event.id[: billing.SHORT_ID] for one in named)
        refuse(f"{name} is {len(named)} documents of the engagement; name one of {ids}")
    return named[0]
