"""The billing desk: what people decide about an engagement's month, written down in one step.

Nothing here sends anything: what is released or credited is posted by the month's own workflow.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, NoReturn, TypeVar

from pydantic import ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.billing_facts import BillingFactsLoader, open_day
from activities.facts import FactsCache
from canonical import billing_messages as words
from canonical.billing import Allocation, BillingEvent, Exclusion, WriteDown
from canonical.billing_messages import BillingDecision, BillingRequest, Credited, Decided
from canonical.billing_period import BillingPeriod
from canonical.contracts import Engagement
from canonical.exact import exact_decimal
from canonical.money import Money
from rules.billing_credit import (
    CreditRefusedError,
    CreditRequest,
    credit_all,
    credit_event,
    requests_in_order,
    write_off,
)
from rules.billing_release import Released, ReleaseRefusal, decide_release
from rules.invoice_readiness import Readiness, readiness
from rules.policies import Policies, Policy
from store import billing
from store.billing import MadeDecision, StoredEvent
from store.database import Connection, Database

_BY_MAX: Final = 80
# Who releases where no person has to.
POLICY: Final = "policy"
T = TypeVar("T")


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
            _refuse(
                f"'{decision.request.kind}' is nothing that can be decided; use "
                + ", ".join(self._deals)
            )
        period = BillingPeriod.of_document(decision.ref.document)
        async with self._database.transaction() as connection:
            await billing.hold(connection, decision.ref.connection, period.engagement)
            before = await billing.answer_to(connection, decision.id)
            if before is not None:
                return Decided.model_validate_json(before)
            answer = await deal(connection, decision, period)
            await billing.keep_decision(
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
            _refuse(f"{ref.connection} shows no engagement {period.engagement}")
        now = await asyncio.to_thread(readiness, loaded.facts, loaded.policy.billing)
        return now, loaded.policy, loaded.facts.engagement

    async def _release(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> Decided:
        request, source = decision.request, decision.ref.connection
        now, policy, _ = await self._now(connection, decision, period)
        people: tuple[str, ...] = ()
        if request.by:
            _authorise(request, policy)
            if request.snapshot == now.snapshot.hash and now.ready and now.events:
                people = await billing.note_release(
                    connection, source, period, request.snapshot, request.by
                )
            else:
                people = (request.by,)
        decided = decide_release(now, request.snapshot, people, policy.billing)
        if not isinstance(decided, Released):
            noted = decided.refusal is ReleaseRefusal.NEEDS_SECOND_PERSON and bool(people)
            more = f" {request.by} is noted as the first." if noted else ""
            return Decided(done=False, message=f"{decided.sentence}{more}")
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
        found = await billing.event_of(connection, source, request.invoice)
        if found is None or found.event.engagement != period.engagement:
            _refuse(f"engagement {period.engagement} has no invoice {request.invoice or '?'}")
        policy = self._policies.of(found.event.invoice.legal_entity)
        _authorise(request, policy)
        approver = _approver(request)
        if found.event.invoice.credits is not None:
            _refuse(f"{request.invoice} is a credit note itself; credit its invoice further")
        if found.posting is None or found.erp_document_id is None:
            _refuse(
                f"invoice {request.invoice} is not issued: it is {found.state}. Reject its case "
                "instead, and its work is open again."
            )
        day = await self._credit_date(connection, decision, found, policy)
        try:
            credited = await billing.credits_of(connection, source, found.event)
            event = credit_event(
                found.event,
                credited,
                [
                    one
                    for asked in request.credits or (Credited(),)
                    for one in _requests(asked, found.event, credited)
                ],
                credit_date=day,
                reason=request.reason,
                approver=approver,
                rounding=policy.billing.rounding,
            )
        except CreditRefusedError as error:
            _refuse(f"{request.invoice}: {error}")
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
    ) -> date:
        """The day that was asked for, else today; no earlier than invoice and last credit note."""
        invoice = found.event.invoice
        asked = _day(decision.request.on_date) or datetime.now(UTC).date()
        newest = await billing.newest_date(connection, invoice.legal_entity, of_credits=True)
        wanted = max(asked, invoice.invoice_date, newest or asked)
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
        _authorise(request, policy)
        known = {one.work.key for one in now.pieces}
        for key in _work(request):
            if key not in known:
                _refuse(f"{key} is no open work of engagement {period.engagement}")
            await billing.exclude(connection, source, period, _exclusion(request, key))
        await billing.tell(connection, source, [period])
        return Decided(
            done=True, message=f"{len(request.work)} left out of the invoice of {period.period}."
        )

    async def _include(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> Decided:
        request, source = decision.request, decision.ref.connection
        _, policy, _ = await self._now(connection, decision, period)
        _authorise(request, policy)
        for key in _work(request):
            if not await billing.include(connection, source, period, key, request.by):
                _refuse(f"{key} is not left out of {period.period}")
        await billing.tell(connection, source, [period])
        return Decided(done=True, message=f"{len(request.work)} are billed again.")

    async def _write_down(
        self, connection: Connection, decision: BillingDecision, period: BillingPeriod
    ) -> Decided:
        request, source = decision.request, decision.ref.connection
        _, policy, _ = await self._now(connection, decision, period)
        _authorise(request, policy)
        money = _money(request.amount, request.currency)
        lower = _made(
            lambda: WriteDown(
                id=decision.id,
                contract_line=request.contract_line,
                project=request.project or None,
                amount=money,
                requested_by=request.by,
                approver=_approver(request),
                reason=request.reason,
            )
        )
        await billing.add_write_down(connection, source, period.engagement, lower)
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
        _authorise(request, policy)
        wanted = set(_work(request))
        pieces = [one for one in now.pieces if one.work.key in wanted]
        lacking = wanted - {one.work.key for one in pieces}
        if lacking:
            _refuse(f"{min(lacking)} is no open work of engagement {period.engagement}")
        day = _day(request.on_date) or period.cut_off_date
        try:
            given_up = [
                write_off(one, on=day, reason=request.reason, approver=_approver(request))
                for one in pieces
            ]
        except CreditRefusedError as error:
            _refuse(str(error))
        name = f"written_off/{decision.id}"
        await billing.write_off(connection, source, engagement, name, given_up)
        later = await billing.periods_since(connection, source, period.engagement, period.first_day)
        await billing.tell(connection, source, [period, *later])
        return Decided(done=True, message=f"{len(wanted)} will never be billed.")


def _exclusion(request: BillingRequest, key: str) -> Exclusion:
    return _made(lambda: Exclusion(work_key=key, by=request.by, reason=request.reason))


def _requests(
    asked: Credited, event: BillingEvent, credited: Sequence[Allocation]
) -> Sequence[CreditRequest]:
    """Turn what a person asks for into parts of invoice lines; work is named, or the latest."""
    if not asked.line:
        if asked.work or asked.seconds is not None or asked.amount:
            _refuse(
                "say on which line of the invoice that is; without a line all of it is credited"
            )
        return credit_all(event)
    line = _line_of(event, asked.line)
    if asked.work:
        amount = _money(asked.amount, event.invoice.currency) if asked.amount else None
        return [CreditRequest(line, asked.work, seconds=asked.seconds, amount=amount)]
    if asked.seconds is not None:
        return requests_in_order(event, credited, line, asked.seconds)
    return [one for one in credit_all(event) if one.invoice_line == line]


def _line_of(event: BillingEvent, named: str) -> str:
    """The line of that id, or of that number on the paper."""
    for number, line in enumerate(event.invoice.lines, start=1):
        if named in {line.id, str(number)}:
            return line.id
    return _refuse(f"the invoice has no line {named}; it has {len(event.invoice.lines)}")


def _authorise(request: BillingRequest, policy: Policy) -> None:
    if not 1 <= len(request.by.strip()) <= _BY_MAX:
        _refuse('"by" is missing: say who decides, in at most 80 characters')
    allowed = policy.billing.releasers
    if "*" not in allowed and request.by not in allowed:
        _refuse(f"{request.by} may not {request.kind}; these may: {', '.join(allowed)}")


def _approver(request: BillingRequest) -> str:
    """Who approves that less is earned: somebody else than who asks for it."""
    if not request.reason.strip():
        _refuse(f"{request.kind} needs a reason that an auditor can read")
    if not request.approver.strip() or request.approver == request.by:
        _refuse(f"{request.kind} needs an approver who is not {request.by}")
    return request.approver


def _work(request: BillingRequest) -> Sequence[str]:
    if not request.work:
        _refuse(
            f"{request.kind} needs the keys of the work, as `ledgerway readiness show` has them"
        )
    return request.work


def _money(amount: str, currency: str) -> Money:
    return _made(lambda: Money(amount=_decimal(amount), currency=currency))


def _decimal(text: str) -> Decimal:
    try:
        return exact_decimal(text)
    except ValueError:
        _refuse(f"'{text}' is no amount")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        _refuse(f"'{text}' is no day such as 2026-10-31")


def _made(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        _refuse(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _refuse(sentence: str) -> NoReturn:
    raise ApplicationError(sentence, type="not_decided", non_retryable=True)
