"""What of billing is worth watching is counted as of a day, each engagement once."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from canonical.billing import ReadinessSnapshot
from canonical.money import Money
from canonical.posting import PostingKind
from store.billing_backlog import BillingBacklog, billing_backlog, wip_values
from store.database import Database
from tests.store.corner import Corner

# The month that ended last is October.
TODAY = date(2026, 11, 10)


def snapshot(
    engagement: str, *, ready: bool = True, amounts: Mapping[str, str], events: tuple[str, ...]
) -> ReadinessSnapshot:
    """How an engagement stands; what is billable is what is ready."""
    money = tuple(Money(amount=Decimal(one), currency=name) for name, one in amounts.items())
    return ReadinessSnapshot(
        engagement=engagement,
        legal_entity="DE01",
        cut_off_date=TODAY,
        invoice_date=TODAY,
        policy_version="default",
        facts_hash=f"facts-of-{engagement}",
        ready=ready,
        billable=money,
        ready_amounts=money,
        drawn=(),
        blocked=(),
        warnings=(),
        events=events,
    )


async def stands(
    database: Database,
    engagement: str,
    period: str = "2026-10",
    *,
    ready: bool = True,
    amounts: Mapping[str, str] | None = None,
    events: tuple[str, ...] = (),
    legal_entity: str = "DE01",
) -> None:
    """Write down how an engagement's month stands."""
    said = snapshot(engagement, ready=ready, amounts=amounts or {}, events=events)
    await database.execute(
        "INSERT INTO readiness (connection, engagement, period, legal_entity, ready, "
        "snapshot_hash, snapshot) VALUES ('contracts', $1, $2, $3, $4, 'h', $5)",
        engagement,
        period,
        legal_entity,
        ready,
        said.model_dump_json(),
    )


async def ready_at(database: Database, engagement: str, made_at: datetime) -> None:
    """Write down that its October could be billed at an instant."""
    await database.execute(
        "INSERT INTO readiness_snapshot (connection, engagement, period, hash, snapshot, made_at) "
        "VALUES ('contracts', $1, '2026-10', $2, '{}', $3)",
        engagement,
        f"hash at {made_at}",
        made_at,
    )


async def counted(database: Database) -> BillingBacklog:
    async with database.connection() as connection:
        return await billing_backlog(connection, TODAY)


async def test_a_month_that_is_ready_waits_until_it_is_released(own_ledger: Database) -> None:
    amounts = {"EUR": "100.10", "USD": "7.00"}
    await stands(own_ledger, "waits", amounts=amounts, events=("e-1", "e-2"))
    await stands(own_ledger, "waits-too", amounts={"EUR": "0.20"}, events=("e-3",))
    await stands(own_ledger, "billed")
    await stands(own_ledger, "held-up", ready=False, amounts={"EUR": "50.00"}, events=("e-4",))
    await stands(own_ledger, "in-america", ready=False, legal_entity="US01")
    backlog = await counted(own_ledger)
    assert backlog.ended == "2026-10"
    assert backlog.held_up == [("DE01", 1), ("US01", 1)]
    assert backlog.unreleased == [("DE01", 2), ("US01", 0)]
    assert backlog.unreleased_amounts == [
        ("DE01", "EUR", Decimal("100.30")),
        ("DE01", "USD", Decimal("7.00")),
    ]


async def test_work_that_is_open_in_several_months_counts_once_and_not_before_a_month_has_ended(
    own_ledger: Database,
) -> None:
    for period, amount in (("2026-09", "10.00"), ("2026-10", "30.00"), ("2026-11", "90.00")):
        await stands(own_ledger, "old-one", period, amounts={"EUR": amount}, events=(period,))
    await stands(own_ledger, "new-one", "2026-11", ready=False)
    backlog = await counted(own_ledger)
    assert backlog.unreleased == [("DE01", 1)]
    assert backlog.held_up == [("DE01", 0)]
    assert backlog.unreleased_amounts == [("DE01", "EUR", Decimal("30.00"))]


async def test_the_readiness_lag_is_from_the_months_end_to_the_first_readiness_after_it(
    own_ledger: Database,
) -> None:
    first_hour = datetime(2026, 11, 1, 1, tzinfo=UTC)
    for engagement, instants in {
        "before-its-end": [datetime(2026, 10, 31, 23, 59, tzinfo=UTC)],
        "and-once-more": [datetime(2026, 10, 20, tzinfo=UTC), first_hour],
        "twice": [datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)],
    }.items():
        await stands(own_ledger, engagement)
        for made_at in instants:
            await ready_at(own_ledger, engagement, made_at)
    await stands(own_ledger, "never-ready", ready=False)
    hour, two_days = Decimal(3600), Decimal(2 * 86_400)
    assert (await counted(own_ledger)).lags == [("DE01", hour, two_days)]


async def test_an_invoice_is_unpaid_until_it_is_settled_and_overdue_after_its_last_day(
    own_ledger: Database,
) -> None:
    corner = Corner(own_ledger, 1)
    for source_id, state, due_on in (
        ("late", "partial", date(2026, 11, 9)),
        ("due-today", "none", TODAY),
        ("paid", "paid", date(2026, 11, 1)),
        ("credited-in-full", "reversed", date(2026, 11, 1)),
    ):
        key = await corner.posted(source_id, source_id, kind=PostingKind.INVOICE)
        await own_ledger.execute(
            "INSERT INTO document_payment (posting_key, target, document_id, number, state, "
            "currency, total, paid, due_on) VALUES ($1, $2, $3, '', $4, 'EUR', 100, 0, $5)",
            key,
            corner.target,
            source_id,
            state,
            due_on,
        )
    invoice = await corner.posted("not-looked-at-yet", "505", kind=PostingKind.INVOICE)
    await corner.posted("its-credit-note", "506", kind=PostingKind.INVOICE, corrects=invoice)
    await corner.pending("not-posted", kind=PostingKind.INVOICE)
    assert (await counted(own_ledger)).unpaid == [(corner.target, 3, 1)]


async def test_wip_is_what_is_posted_less_what_was_billed_or_given_up(own_ledger: Database) -> None:
    corner = Corner(own_ledger, 1)
    for source_id, worth, currency in (
        ("1", "120.50", "EUR"),
        ("2", "30.00", "EUR"),
        ("3", "9.00", "USD"),
    ):
        await corner.posted(source_id, source_id)
        await own_ledger.execute(
            "INSERT INTO work_value (connection, object, source_id, part, revision, project, "
            "employee, work_date, billable, seconds, billed_seconds, worth, currency, why) "
            "VALUES ($1, 'time_entry', $2, '', 1, 'P-1', 'E-1', '2026-10-01', true, 3600, 3600, "
            "$3, $4, 'a test')",
            corner.source,
            source_id,
            Decimal(worth),
            currency,
        )
    await own_ledger.execute(
        "INSERT INTO billing_allocation (connection, engagement, legal_entity, event_id, ordinal, "
        "kind, contract_line, work_key, work_kind, revision, project, work_date, billed_date, "
        "seconds, worth, worth_currency, amount, currency, body) VALUES ('contracts', 'ENG-1', "
        "'DE01', 'w', 0, 'written_off', 'CL-1', 'time:x:2', 'time', 1, 'P-1', '2026-10-01', "
        "'2026-10-31', 3600, 30.00, 'EUR', 30.00, 'EUR', '{}')"
    )
    async with own_ledger.connection() as connection:
        assert await wip_values(connection) == [
            ("EUR", Decimal("120.50")),
            ("USD", Decimal("9.00")),
        ]
