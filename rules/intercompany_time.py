"""Time of one legal entity's people on another's project: where it is booked, and what it costs.

The hours go on a task of the worker's own entity, because an ERP takes them nowhere else; what
they are worth between the two entities is a pair of journal entries (DOMAIN rule 39).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from canonical.exception_case import Cause, RootCause
from canonical.hours import value_of
from canonical.journal import JournalEntry, JournalLine
from canonical.masters import Employee, Project, Task
from canonical.money import Money
from canonical.posting_period import PeriodDecision
from canonical.time_entry import TimeEntry
from rules.billable_work import cost_rate_on
from rules.billing_exchange import Exchange, find_exchange
from rules.billing_intercompany import (
    IntercompanyPlan,
    Leg,
    PlannedLeg,
    Side,
    plan_intercompany,
)
from rules.billing_policy import BillingPolicy, IntercompanyTerms
from rules.facts import Facts
from rules.policies import Policies


@dataclass(frozen=True, slots=True)
class Loan:
    """Work of an employee of one legal entity on a project of another.

    `chosen` is the period that a person chose for it.
    """

    entry: TimeEntry
    employee: Employee
    project: Project
    chosen: str | None = None

    @property
    def worker(self) -> str:
        """The legal entity that lends its employee."""
        return self.employee.legal_entity or ""

    @property
    def borrower(self) -> str:
        """The legal entity whose project it is."""
        return self.project.legal_entity or ""


@dataclass(frozen=True, slots=True)
class Intercompany:
    """All that the pair of one line of work is planned by."""

    terms: IntercompanyTerms
    policy: BillingPolicy
    # The ERP's id of the task that the hours are booked on.
    task: str
    work_date: date
    project_code: str
    cost: Money
    worker: Side
    project: Side
    exchange: Exchange
    # The ERP's ids of both legal entities, by their codes.
    ids: dict[str, str]
    chosen: str | None = None

    def plan(self, key: UUID) -> IntercompanyPlan:
        """Plan the legs under the reference of a key."""
        plan = plan_intercompany(
            key,
            self.work_date,
            self.cost,
            worker=self.worker,
            project=self.project,
            exchange=self.exchange,
            policy=self.policy,
            chosen=self.chosen,
        )
        assert plan is not None, "the sides are two legal entities"
        return plan

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to charge, such as for no hours."""
        return not self.plan(UUID(int=0)).pair

    def entry(self, leg: PlannedLeg, plan: IntercompanyPlan, day: date) -> JournalEntry:
        """What the ERP is told of one leg of the pair, counted on a day."""
        terms = self.terms
        debit, credit = (
            (
                (terms.due_from_account, terms.due_from_party),
                (terms.charge_account, None),
            )
            if leg.leg is Leg.CHARGE
            else ((terms.expense_account, None), (terms.due_to_account, terms.due_to_party))
        )
        label = f"{self.project_code} {plan.work_date}"
        amount = leg.amount.amount
        return JournalEntry(
            legal_entity=self.ids[leg.legal_entity],
            entry_date=day,
            currency=leg.amount.currency,
            description=plan.reference,
            lines=(
                JournalLine(account=debit[0], party=debit[1], amount=amount, label=label),
                JournalLine(account=credit[0], party=credit[1], amount=-amount, label=label),
            ),
        )


def task_for(loan: Loan, facts: Facts, policies: Policies) -> Task | RootCause | None:
    """Which task the hours are booked on; None where no terms are agreed between the two."""
    entity = loan.worker
    terms = policies.of(entity).billing.intercompany.get(loan.borrower)
    if terms is None:
        return None
    task = facts.tasks_by_code.get(terms.task)
    if task is None or task.legal_entity != entity:
        return _missing(
            Cause.UNKNOWN_TASK,
            entity,
            f"{terms.task} for {loan.borrower}",
            f"{entity} books work for {loan.borrower} on its task {terms.task}, which the ERP does "
            "not have. Create it there, or mend the policy, and retry.",
        )
    if not task.active_on(loan.entry.work_date):
        return _missing(
            Cause.CLOSED_TASK,
            entity,
            f"{terms.task} for {loan.borrower}",
            f"{entity} books work for {loan.borrower} on its task {terms.task}, which takes no "
            "time of this date. Reopen it in the ERP, or mend the policy, and retry.",
        )
    return task


def between(
    loan: Loan, task: Task, facts: Facts, policies: Policies
) -> Intercompany | RootCause | None:
    """Put together what the pair is planned by, or say what is missing; None if it is nothing."""
    here, there = loan.worker, loan.borrower
    policy = policies.of(here).billing
    worker, other = _side(here, facts, policies), _side(there, facts, policies)
    if worker is None or other is None:
        return _missing(
            Cause.OTHER_LEGAL_ENTITY,
            here,
            f"{here} for {there}",
            f"The ERP does not know both legal entities {here} and {there}. Mend it and retry.",
        )
    cost = _cost(loan, worker, facts, policy)
    if isinstance(cost, RootCause):
        return cost
    exchange = _exchange(worker.currency, other.currency, loan, facts, policy)
    if isinstance(exchange, RootCause):
        return exchange
    pair = Intercompany(
        terms=policy.intercompany[there],
        policy=policy,
        task=task.id,
        work_date=loan.entry.work_date,
        project_code=loan.project.code,
        cost=cost,
        worker=worker,
        project=other,
        exchange=exchange,
        ids={code: facts.legal_entities[code].id for code in (here, there)},
        chosen=loan.chosen,
    )
    return None if pair.is_nothing else pair


def told(plan: IntercompanyPlan, documents: Mapping[Leg, str] | None = None) -> str:
    """Both legs of a pair in words: amount, currency, period and, if there is one, document."""
    legs = "; ".join(_told(one, (documents or {}).get(one.leg)) for one in plan.pair)
    return f"Pair {plan.reference}: {legs}{f'; {plan.exchange}' if plan.exchange else ''}."


def _told(leg: PlannedLeg, document: str | None) -> str:
    when = (
        f"in {leg.period.period}"
        if isinstance(leg.period, PeriodDecision)
        else f"stopped for {leg.period.subject}"
    )
    posted = f", document {document}" if document else ""
    amount = f"{leg.amount.amount} {leg.amount.currency}"
    return f"{leg.leg} {amount} in the books of {leg.legal_entity} {when}{posted}"


def _side(entity: str, facts: Facts, policies: Policies) -> Side | None:
    known = facts.legal_entities.get(entity)
    if known is None:
        return None
    return Side(
        entity, known.currency, facts.calendars.get(entity, ()), policies.of(entity).closed_period
    )


def _missing(cause: Cause, entity: str, subject: str, sentence: str) -> RootCause:
    return RootCause(legal_entity=entity, cause=cause, subject=subject, sentence=sentence)


def _cost(loan: Loan, worker: Side, facts: Facts, policy: BillingPolicy) -> Money | RootCause:
    """What the hours cost, in the books of the worker's legal entity."""
    employee, day = loan.employee, loan.entry.work_date
    rate = cost_rate_on(facts.cost_rates.get(employee.id, ()), day)
    if rate is None:
        return _missing(
            Cause.MISSING_COST_RATE,
            worker.legal_entity,
            employee.code,
            f"Employee {employee.code} has no cost rate for {day}, so that work for "
            f"{loan.borrower} cannot be charged. Give one in the system that owns cost rates and "
            "retry.",
        )
    to_base = _exchange(rate.currency, worker.currency, loan, facts, policy)
    if isinstance(to_base, RootCause):
        return to_base
    return to_base.convert(value_of(loan.entry.seconds, rate), policy.rounding)


def _exchange(
    source: str, target: str, loan: Loan, facts: Facts, policy: BillingPolicy
) -> Exchange | RootCause:
    """The exchange at the work date (DOMAIN rule 18)."""
    day, days_max = loan.entry.work_date, policy.exchange_rate_days
    found = find_exchange(source, target, day, facts.exchange_rates, days_max=days_max)
    return found or _missing(
        Cause.MISSING_EXCHANGE_RATE,
        loan.worker,
        f"{source} to {target}, {day:%Y-%m}",
        f"There is no exchange rate from {source} to {target} for {day}, or only one older than "
        f"{days_max} days. Give one and retry.",
    )
