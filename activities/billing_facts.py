"""Billing facts out of the store: everything that readiness is decided by, as of one moment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from pydantic import TypeAdapter

from activities.facts import FactsCache
from canonical.billing import (
    BILLED_BY,
    UNREADABLE,
    Allocation,
    BillingFacts,
    Exclusion,
    OpenCase,
    WorkKind,
    WorkState,
)
from canonical.billing_period import BillingPeriod
from canonical.expense import EXPENSE_REPORT, ExpenseReport
from canonical.expense_document import Disbursement
from canonical.money import HourlyRate
from canonical.posting import PostingState
from canonical.posting_period import PeriodDecision, PostingPeriod
from canonical.source_line import LineStatus
from canonical.time_entry import TIME_ENTRY, TimeEntry
from rules.billable_work import (
    Work,
    WorkValue,
    gone_from_report,
    value_of,
    work_of_report,
    work_of_time,
)
from rules.facts import Facts
from rules.policies import Policies, Policy
from rules.posting_period import decide_period
from store import billing, billing_decisions, contracts, invoiced_work, work
from store.contracts import Contract
from store.database import Connection
from store.work import LineKey, ValueKey, WorkLine

_WITHDRAWN: Final = (LineStatus.WITHDRAWN, LineStatus.DELETED, LineStatus.REJECTED)
_STOPPED: Final = (PostingState.EXCEPTION, PostingState.IN_DOUBT, PostingState.DUPLICATE)
_DISBURSEMENTS: Final = TypeAdapter(tuple[Disbursement, ...])
_OBJECT_OF: Final = {WorkKind.TIME: TIME_ENTRY, WorkKind.EXPENSE: EXPENSE_REPORT}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is known of an engagement's month. Without a contract there is nothing to decide."""

    contract: Contract | None
    policy: Policy
    facts: BillingFacts | None = None


class BillingFactsLoader:
    """Reads the facts of billing periods; `work_sources` are whose work each source bills."""

    def __init__(
        self, facts: FactsCache, policies: Policies, work_sources: Mapping[str, Sequence[str]]
    ) -> None:
        self._facts = facts
        self._policies = policies
        self._work_sources = work_sources

    async def load(
        self,
        connection: Connection,
        source: str,
        target: str,
        period: BillingPeriod,
        now: datetime,
    ) -> Loaded | None:
        """Read all facts, and decide on the worth of what was approved since; None if too old."""
        contract = await contracts.contract_of(connection, source, period.engagement)
        if contract is None:
            return Loaded(None, self._policies.default)
        policy = self._policies.of(contract.engagement.legal_entity)
        known = await self._known(connection, source, target, now)
        if known is None:
            return None
        of_target, by_source = known
        allocations = await billing.allocations_of(connection, source, period.engagement)
        lines = await work.of_projects(
            connection,
            self._work_sources.get(source, ()),
            contract.engagement.projects,
            period.cut_off_date,
            _allocated(allocations, by_source),
        )
        decided = await work.decided_rates(connection, lines)
        billed_costs = _billed_costs(allocations)
        found = [
            one for line in lines for one in _works(line, by_source, decided, policy, billed_costs)
        ]
        # What cannot be read may be the price: until it can, nothing is decided for good.
        new = (
            []
            if contract.troubles
            else _values(
                found, lines, decided, contract=contract, of_target=of_target, policy=policy
            )
        )
        await work.decide(connection, new)
        works = _priced(found, new)
        elsewhere = await invoiced_work.elsewhere(
            connection, source, period.engagement, [one.line.work.key for one in works]
        )
        left_out = (
            *await billing_decisions.exclusions_of(connection, source, period),
            *_waived(lines, works),
        )
        entity = of_target.legal_entities.get(contract.engagement.legal_entity)
        facts = BillingFacts(
            engagement=contract.engagement,
            cut_off_date=period.cut_off_date,
            invoice_date=await self._invoice_date(
                connection, contract, period, of_target=of_target, policy=policy
            ),
            base_currency=entity.currency if entity else contract.engagement.lines[0].currency,
            lines=tuple(one.line for one in works),
            rate_cards=contract.rate_cards,
            purchase_orders=contract.purchase_orders,
            acceptances=contract.acceptances,
            erp_schedule=contract.erp_schedule,
            allocations=allocations,
            open_cases=(
                *_open_cases(lines, works, contract),
                *_billed_elsewhere(works, elsewhere, contract, left_out),
            ),
            exclusions=left_out,
            write_downs=await billing_decisions.write_downs_of(
                connection, source, period.engagement
            ),
            exchange_rates=tuple(of_target.exchange_rates),
        )
        return Loaded(contract, policy, facts)

    async def _known(
        self, connection: Connection, source: str, target: str, now: datetime
    ) -> tuple[Facts, Mapping[str, Facts]] | None:
        of_target = await self._facts.current(connection, source, target, now)
        if of_target is None:
            return None
        by_source: dict[str, Facts] = {}
        for one in self._work_sources.get(source, ()):
            facts = await self._facts.current(connection, one, target, now)
            if facts is not None:
                by_source[one] = facts
        return of_target, by_source

    async def _invoice_date(
        self,
        connection: Connection,
        contract: Contract,
        period: BillingPeriod,
        *,
        of_target: Facts,
        policy: Policy,
    ) -> date:
        """The cut-off; later where a later invoice has its number, or the period is closed.

        An ERP numbers its invoices in the order of their dates.
        """
        entity = contract.engagement.legal_entity
        newest = await billing.newest_date(
            connection, entity, period.cut_off_date, of_credits=False
        )
        wanted = max(period.cut_off_date, newest or period.cut_off_date)
        return open_day(wanted, of_target.calendars.get(entity, ()), policy)


def _values(
    works: Sequence[Work],
    lines: Sequence[WorkLine],
    decided: Mapping[ValueKey, HourlyRate | None],
    *,
    contract: Contract,
    of_target: Facts,
    policy: Policy,
) -> list[WorkValue]:
    """What approved work is worth that nobody has decided on yet (DOMAIN rule 27)."""
    approved = {
        (one.connection, one.object, one.source_id)
        for one in lines
        if one.status is LineStatus.APPROVED
    }
    found = (
        value_of(
            one,
            contract.engagement,
            contract.rate_cards,
            of_target.cost_rates,
            policy.billing,
        )
        for one in works
        if _key(one) not in decided
        and (one.line.work.connection, one.object, one.source_id) in approved
        # What costs come to is known once they are posted.
        and (one.object == TIME_ENTRY or one.line.state is WorkState.POSTED)
        and one.line.project in contract.engagement.projects
    )
    return [one for one in found if one is not None]


def _priced(works: Sequence[Work], values: Sequence[WorkValue]) -> list[Work]:
    """The same work, at the rates that were just decided."""
    rates = {_key(one.work): one.rate for one in values}
    return [
        replace(one, line=one.line.model_copy(update={"rate": rates[_key(one)]}))
        if _key(one) in rates
        else one
        for one in works
    ]


def open_day(wanted: date, calendar: Sequence[PostingPeriod], policy: Policy) -> date:
    """The day itself if its period is open, else where the policy puts it (DOMAIN rule 4).

    Where nothing can be decided it stays, and the invoice then waits in a case.
    """
    decided = decide_period(wanted, calendar, policy.closed_period)
    return decided.posting_date if isinstance(decided, PeriodDecision) else wanted


def lines_of(allocations: Iterable[Allocation]) -> Iterator[LineKey]:
    """The source lines, in their revisions, that something is billed of."""
    for one in allocations:
        ref = one.work
        if ref.kind in _OBJECT_OF:
            line = ref.id if ref.kind is WorkKind.TIME else ref.id.split("/")[0]
            yield ref.connection, _OBJECT_OF[ref.kind], line, ref.revision


def _allocated(
    allocations: Sequence[Allocation], sources: Mapping[str, Facts]
) -> set[tuple[str, str, str]]:
    """The source lines that something is billed of, wherever they are now."""
    return {one[:3] for one in lines_of(allocations) if one[0] in sources}


def _works(
    line: WorkLine,
    by_source: Mapping[str, Facts],
    decided: Mapping[ValueKey, HourlyRate | None],
    policy: Policy,
    billed_costs: Mapping[tuple[str, str], Sequence[Allocation]],
) -> Iterator[Work]:
    """The billable parts of a source line, and what was; none of one that never could be read."""
    facts = by_source.get(line.connection)
    if line.entry is None or facts is None:
        return
    state = _state(line)
    if line.object == TIME_ENTRY:
        entry = TimeEntry.model_validate_json(line.entry)
        rate = decided.get((line.connection, TIME_ENTRY, line.source_id, "", line.revision))
        yield work_of_time(entry, line.revision, state, facts, rate)
        return
    report = ExpenseReport.model_validate_json(line.entry)
    passed_on = (
        _DISBURSEMENTS.validate_json(line.posted_body) if line.posted_body is not None else None
    )
    shown = [*work_of_report(report, line.revision, state, passed_on, policy.billing)]
    billed = billed_costs.get((line.connection, line.source_id), ())
    yield from shown
    yield from gone_from_report(report, line.revision, shown, billed)


def _billed_costs(
    allocations: Sequence[Allocation],
) -> Mapping[tuple[str, str], Sequence[Allocation]]:
    """What of reports was ever billed, by connection and report."""
    found: dict[tuple[str, str], list[Allocation]] = {}
    for one in allocations:
        if one.work.kind is WorkKind.EXPENSE:
            report, _, _ = one.work.id.partition("/")
            found.setdefault((one.work.connection, report), []).append(one)
    return found


def _state(line: WorkLine) -> WorkState:
    if line.status in _WITHDRAWN:
        return WorkState.WITHDRAWN
    if line.status is LineStatus.NOT_APPROVED:
        return WorkState.UNAPPROVED
    if line.standing in _STOPPED:
        return WorkState.IN_CASE
    return WorkState.POSTED if line.standing == PostingState.POSTED else WorkState.UNPOSTED


def _key(one: Work) -> ValueKey:
    ref = one.line.work
    return ref.connection, one.object, one.source_id, one.part, ref.revision


def _open_cases(
    lines: Sequence[WorkLine], works: Sequence[Work], contract: Contract
) -> Iterator[OpenCase]:
    """The cases that hold work of these projects up, and what of the contract cannot be read."""
    case_of = {
        (one.connection, one.object, one.source_id): one.case_id
        for one in lines
        if one.case_id is not None and one.standing in _STOPPED
    }
    held: dict[tuple[str, str], set[str]] = {}
    for one in works:
        case = case_of.get((one.line.work.connection, one.object, one.source_id))
        if case is not None and one.line.project in contract.engagement.projects:
            held.setdefault((case, one.line.project), set()).add(one.line.work.id)
    for (case, project), work_ids in sorted(held.items()):
        yield OpenCase(id=case, project=project, work=tuple(sorted(work_ids)))
    for trouble in contract.troubles:
        for project in sorted(contract.engagement.projects):
            yield OpenCase(id=f"{UNREADABLE}{trouble}"[:120], project=project)


def _billed_elsewhere(
    works: Sequence[Work],
    elsewhere: Mapping[str, str],
    contract: Contract,
    left_out: Sequence[Exclusion],
) -> Iterator[OpenCase]:
    """Nothing is billed by two engagements: it waits for its credit there, or is left out here."""
    decided = {one.work_key for one in left_out}
    held: dict[tuple[str, str], set[str]] = {}
    for one in works:
        other = elsewhere.get(one.line.work.key)
        here = one.line.project in contract.engagement.projects
        if other is not None and here and one.line.work.key not in decided:
            held.setdefault((other, one.line.project), set()).add(one.line.work.id)
    for (other, project), work_ids in sorted(held.items()):
        yield OpenCase(
            id=f"{BILLED_BY}{other}"[:120], project=project, work=tuple(sorted(work_ids))
        )


def _waived(lines: Sequence[WorkLine], works: Sequence[Work]) -> Iterator[Exclusion]:
    """What a person decided never to post is explicitly left out (DOMAIN rule 36)."""
    said = {
        (one.connection, one.object, one.source_id): (one.waived_by, one.waived_reason)
        for one in lines
        if one.waived_by is not None
    }
    for one in works:
        by, reason = said.get((one.line.work.connection, one.object, one.source_id), (None, None))
        if by is not None:
            told = f"never posted: {reason or 'waived'}"[:1000]
            yield Exclusion(work_key=one.line.work.key, by=by, reason=told)
