"""Building blocks of tests about billing: one engagement of customer C-1 with DE01, in euros."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from canonical.billing import (
    Allocation,
    AllocationKind,
    BillableLine,
    BillingFacts,
    BlockReason,
    WorkKind,
    WorkRef,
    WorkState,
)
from canonical.contracts import (
    BillingModel,
    BillRate,
    Cap,
    ContractLine,
    Engagement,
    ExchangeRate,
    RateCard,
    RateScope,
    ScheduleLine,
    TaxParty,
)
from canonical.money import HourlyRate, Money
from rules.billing_credit import CreditRequest, credit_event
from rules.billing_policy import BillingPolicy, InvoiceTaxRow
from rules.invoice_readiness import Readiness, readiness

CUT_OFF = date(2026, 10, 31)
INVOICED_ON = date(2026, 11, 2)
HOUR = 3600
GERMAN_VAT = InvoiceTaxRow(
    seller_country="DE", customer_country="DE", tax="UST-19", rate=Decimal(19)
)
POLICY = BillingPolicy(version="2026-10", tax_registrations=("DE",), taxes=(GERMAN_VAT,))

SOME_POUNDS = ExchangeRate(
    source_currency="GBP",
    target_currency="EUR",
    rate=Decimal("1.25"),
    on_date=INVOICED_ON,
    origin="ECB",
)


def euro(amount: str | int, currency: str = "EUR") -> Money:
    """An amount, in euros unless said otherwise."""
    return Money.rounded(Decimal(amount), currency)


def hourly(amount: str | int | Decimal, currency: str = "EUR") -> HourlyRate:
    """A price for an hour."""
    return HourlyRate(amount=Decimal(amount), currency=currency)


def october(day: int) -> date:
    """A day of the month that is billed."""
    return date(2026, 10, day)


def work(entry_id: str, revision: int = 1, kind: WorkKind = WorkKind.TIME) -> WorkRef:
    """An entry of the source, in one of its revisions."""
    return WorkRef(kind=kind, connection="harvest", id=entry_id, revision=revision)


def key(entry_id: str) -> str:
    """The key of a time entry."""
    return work(entry_id).key


def hours(
    entry_id: str, day: int, amount: str | int = 1, *, revision: int = 1, **changes: Any
) -> BillableLine:
    """Posted, billable hours of a day in October by a consultant on project P-1."""
    values: dict[str, Any] = {
        "work": work(entry_id, revision),
        "state": WorkState.POSTED,
        "employee": "E-7",
        "role": "consultant",
        "project": "P-1",
        "task": "T-1",
        "work_date": october(day),
        "seconds": int(Decimal(amount) * HOUR),
    }
    return BillableLine(**values | changes)


def cost(entry_id: str, day: int, amount: str | int, **changes: Any) -> BillableLine:
    """A posted, billable cost."""
    values: dict[str, Any] = {
        "work": work(entry_id, kind=WorkKind.EXPENSE),
        "seconds": 0,
        "cost": euro(amount),
    }
    return hours(entry_id, day, 0, **values | changes)


def contract_line(line_id: str = "L-1", **changes: Any) -> ContractLine:
    """Time and materials on project P-1, costs passed on."""
    values: dict[str, Any] = {
        "id": line_id,
        "label": "Consulting",
        "model": BillingModel.TIME_AND_MATERIALS,
        "currency": "EUR",
        "projects": ("P-1",),
        "service": "consulting",
        "expenses_billed": True,
    }
    return ContractLine(**values | changes)


def hard_cap(amount: str | int, **changes: Any) -> Cap:
    """A cap that stops billing."""
    values: dict[str, Any] = {"kind": "hard", "amount": euro(amount), "expenses_included": False}
    return Cap(**values | changes)


def due(schedule_id: str, day: int, amount: str | int, **changes: Any) -> ScheduleLine:
    """An amount that falls due in October."""
    values: dict[str, Any] = {
        "id": schedule_id,
        "label": f"Instalment {schedule_id}",
        "due_date": october(day),
        "amount": euro(amount),
    }
    return ScheduleLine(**values | changes)


def engagement(*lines: ContractLine, **changes: Any) -> Engagement:
    """An engagement of a registered German customer."""
    values: dict[str, Any] = {
        "connection": "contracts",
        "id": "ENG-1",
        "code": "ENG-1",
        "name": "Rollout",
        "legal_entity": "DE01",
        "customer": "C-1",
        "customer_tax": TaxParty(country="DE", registered=True),
        "lines": lines or (contract_line(),),
    }
    return Engagement(**values | changes)


def rate(amount: str | int, scope: RateScope = RateScope.STANDARD, **changes: Any) -> BillRate:
    """A row of a rate card."""
    currency = changes.pop("currency", "EUR")
    return BillRate(scope=scope, rate=hourly(amount, currency), **changes)


def card(*rates: BillRate, **changes: Any) -> RateCard:
    """A rate card; 100.00 EUR an hour for everybody unless said otherwise."""
    values: dict[str, Any] = {
        "connection": "contracts",
        "id": "RC-1",
        "version": "1",
        "rates": rates or (rate(100),),
    }
    return RateCard(**values | changes)


def facts(*lines: BillableLine, **changes: Any) -> BillingFacts:
    """All facts of an engagement at the end of October."""
    values: dict[str, Any] = {
        "engagement": engagement(),
        "cut_off_date": CUT_OFF,
        "invoice_date": INVOICED_ON,
        "base_currency": "EUR",
        "lines": lines,
        "rate_cards": (card(),),
    }
    return BillingFacts(**values | changes)


def decided(*lines: BillableLine, policy: BillingPolicy = POLICY, **changes: Any) -> Readiness:
    """The readiness of an engagement at the end of October."""
    return readiness(facts(*lines, **changes), policy)


def billed(now: Readiness) -> tuple[Allocation, ...]:
    """What releasing all that is proposed leaves behind in the ledger."""
    return tuple(one for event in now.events for one in event.allocations)


def total(now: Readiness) -> Decimal:
    """What the proposed invoices come to."""
    return sum((event.invoice.total.amount for event in now.events), Decimal(0))


def parts(now: Readiness) -> list[tuple[str, str, int]]:
    """What is proposed of which entry: id, amount and seconds, without drawn prepayments."""
    return [
        (one.work.id, str(one.amount.amount), one.seconds)
        for one in billed(now)
        if one.kind is not AllocationKind.DRAWN
    ]


def why_not(now: Readiness) -> dict[BlockReason, tuple[str, int]]:
    """Each blocking reason in money and seconds."""
    return {one.reason: (str(one.amount.amount), one.seconds) for one in now.snapshot.blocked}


def credited(
    now: Readiness, *requests: CreditRequest, before: Sequence[Allocation] = ()
) -> tuple[Allocation, ...]:
    """The allocations of a credit note on the only invoice that is proposed."""
    note = credit_event(
        now.events[0],
        before,
        requests,
        credit_date=INVOICED_ON,
        reason="agreed with the customer",
        approver="E-1",
    )
    return note.allocations


def of(now: Readiness, entry_id: str, **how_much: Any) -> CreditRequest:
    """Ask for a credit of a time entry, on whichever line of the invoice it is."""
    line = next(
        one.invoice_line
        for one in billed(now)
        if one.work.id == entry_id and one.kind is AllocationKind.BILLED
    )
    assert line is not None
    return CreditRequest(line, key(entry_id), **how_much)
