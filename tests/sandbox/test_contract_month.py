"""The firm's contracts can be read as they are written, and its month shows what they are for."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from canonical.billing import (
    Allocation,
    BillableLine,
    BillingFacts,
    BlockReason,
    WorkKind,
    WorkRef,
    WorkState,
)
from canonical.contracts import (
    Acceptance,
    Engagement,
    ErpScheduleLine,
    ExchangeRate,
    PurchaseOrder,
    RateCard,
    RateScope,
)
from connectors.base.rate_budget import Unlimited
from connectors.flatfile import FlatFileOptions, connect
from rules.billing_policy import BillingPolicy
from rules.invoice_readiness import Readiness, readiness
from rules.invoice_tax import find_tax
from sandbox.billing_policies import BILLING_POLICIES
from sandbox.contract_month import CONNECTION, CONSULTING, ContractMonth, write_contracts
from sandbox.firm import Firm, Month, firm_of
from sandbox.month import FirmAccount
from sandbox.tryton.billing_seed import SALES_TAXES

OCTOBER = Month(2026, 10)
# Of 20, 21, 22 and 23 working days.
MONTHS = [Month(2026, 2), Month(2024, 2), OCTOBER, Month(2027, 3)]
POLICIES = {code: BillingPolicy(**tables) for code, tables in BILLING_POLICIES.items()}
Drop = tuple[object, ...]
K = TypeVar("K")


@pytest.fixture(params=MONTHS, ids=lambda month: month.name)
def firm(request: pytest.FixtureRequest) -> Firm:
    """The firm in several months."""
    return firm_of(request.param)


async def read(firm: Firm, folder: Path) -> Drop:
    """What the drop says, none of it in trouble."""
    write_contracts(firm, folder)
    source = connect(FlatFileOptions(CONNECTION, str(folder)), Unlimited())
    pages = [
        *[page async for page in source.contracts()],
        *[page async for page in source.milestones()],
    ]
    records = [record for page in pages for record in page.records]
    assert [each.trouble for each in records if each.trouble] == []
    return tuple(each.record.record for each in records if each.record)


def only(kind: type[K], drop: Drop) -> tuple[K, ...]:
    """The records of one kind."""
    return tuple(each for each in drop if isinstance(each, kind))


def decided(
    firm: Firm, drop: Drop, allocations: tuple[Allocation, ...] = ()
) -> Mapping[str, Readiness]:
    """The readiness of each engagement at the end of the month, with all its work posted."""
    account = FirmAccount(firm)
    people = {account.user_id(one): one for one in firm.employees}
    projects = {account.project_id(one): one.code for one in firm.projects}
    tasks = {account.task_id(name): name for name in firm.task_names}
    work = [
        BillableLine(
            work=WorkRef(kind=WorkKind.TIME, connection="harvest", id=str(one.id)),
            state=WorkState.POSTED,
            employee=people[one.user_id].code,
            role=people[one.user_id].role,
            project=projects[one.project_id],
            task=tasks[one.task_id],
            work_date=one.spent_date,
            seconds=int(one.hours * 3600),
            billable=one.billable,
        )
        for one in account.state().time_entries
    ]
    rate = ExchangeRate(
        source_currency="GBP",
        target_currency="EUR",
        rate=Decimal("1.1765"),
        on_date=firm.month.last_day,
        origin="test",
    )
    return {
        one.id: readiness(
            BillingFacts(
                engagement=one,
                cut_off_date=firm.month.last_day,
                invoice_date=firm.month.next().first_day,
                base_currency="EUR" if one.legal_entity == "DE01" else "USD",
                lines=tuple(each for each in work if each.project in one.projects),
                rate_cards=only(RateCard, drop),
                purchase_orders=only(PurchaseOrder, drop),
                acceptances=tuple(a for a in only(Acceptance, drop) if a.engagement == one.id),
                erp_schedule=only(ErpScheduleLine, drop),
                allocations=allocations,
                exchange_rates=(rate,),
            ),
            POLICIES[one.legal_entity],
        )
        for one in only(Engagement, drop)
    }


def blocked(now: Readiness) -> Mapping[BlockReason, Decimal]:
    """What each reason blocks; each engagement is in one currency."""
    return {one.reason: one.amount.amount for one in now.snapshot.blocked}


async def test_it_is_read_whole_and_names_only_what_the_firm_has(
    firm: Firm, tmp_path: Path
) -> None:
    drop = await read(firm, tmp_path)
    agreed = only(Engagement, drop)
    assert agreed == tuple(sorted(ContractMonth(firm).engagements, key=_written_order))
    projects = {one.code: one for one in firm.projects}
    assert sorted(code for one in agreed for code in one.projects) == sorted(projects)
    for one in agreed:
        for project in (projects[code] for code in one.projects):
            assert project.customer.code == one.customer
            assert project.legal_entity.code == one.legal_entity
    assert {one.legal_entity for one in agreed} == {one.code for one in firm.legal_entities}
    rates = [rate for card in only(RateCard, drop) for rate in card.rates]
    assert {one.scope for one in rates} == set(RateScope)
    assert {one.employee for one in rates} <= {None, *(one.code for one in firm.employees)}
    assert {one.role for one in rates} <= {None, *(one.role for one in firm.employees)}
    assert {one.engagement for one in rates} <= {None, *(one.id for one in agreed)}
    assert {one.customer for one in rates} <= {None, *(one.code for one in firm.customers)}


async def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    firm = firm_of(OCTOBER)
    first = await read(firm, tmp_path)
    assert await read(firm, tmp_path) == first
    assert endings(tmp_path) == {".csv", ".jsonl"}


async def test_each_contract_shows_what_it_is_there_for(firm: Firm, tmp_path: Path) -> None:
    now = decided(firm, await read(firm, tmp_path))
    waits = {name: blocked(one) for name, one in now.items() if one.snapshot.blocked}
    assert waits.keys() == {"ENG-1002", "ENG-1007"}
    assert waits["ENG-1002"].keys() == {BlockReason.OVER_CAP}
    assert waits["ENG-1007"] == {BlockReason.MILESTONE_UNSIGNED: Decimal("28000.00")}
    assert [name for name, one in now.items() if not one.ready] == ["ENG-1007"]
    assert amount(now["ENG-1002"]) == ("25000.00", "EUR")
    assert amount(now["ENG-1005"]) == ("24500.00", "EUR")
    assert amount(now["ENG-1008"]) == ("42500.00", "USD")
    assert amount(now["ENG-1003"])[1] == "GBP"
    warned = {name for name, one in now.items() if one.snapshot.warnings}
    assert warned == {"ENG-1009"}
    assert "warning at 80 %" in now["ENG-1009"].snapshot.warnings[0]


async def test_work_is_priced_by_its_person_its_role_its_customer_and_its_day(
    firm: Firm, tmp_path: Path
) -> None:
    now = decided(firm, await read(firm, tmp_path))
    why = {name: {each.why for each in one.pieces if each.seconds} for name, one in now.items()}
    assert any("person rate of card RC-HALDEN" in each for each in why["ENG-1001"])
    assert any("standard rate of card RC-STANDARD" in each for each in why["ENG-1001"])
    assert any("customer rate of card RC-CUST-006" in each for each in why["ENG-1012"])
    assert any("role rate of card RC-LAKESHORE-ADVICE" in each for each in why["ENG-1011"])
    managers = {
        one.rate.amount
        for event in now["ENG-1011"].events
        for one in event.invoice.lines
        if one.rate is not None
    }
    assert {Decimal("225.00"), Decimal("234.00")} <= managers


async def test_hours_draw_on_a_prepayment_once_it_is_invoiced(firm: Firm, tmp_path: Path) -> None:
    drop = await read(firm, tmp_path)
    first = decided(firm, drop)["ENG-1004"]
    prepaid = tuple(
        one
        for event in first.events
        for one in event.allocations
        if one.work.kind is WorkKind.SCHEDULE
    )
    assert [str(one.amount.amount) for one in prepaid] == ["30000.00"]
    then = decided(firm, drop, allocations=prepaid)["ENG-1004"]
    assert [one.amount for one in then.snapshot.drawn] == [Decimal("30000.00")]


@pytest.mark.parametrize("legal_entity", sorted(POLICIES))
async def test_each_customer_is_taxed_with_a_tax_that_the_erp_has(
    legal_entity: str, tmp_path: Path
) -> None:
    firm = firm_of(OCTOBER)
    currency = {one.code: one.currency for one in firm.legal_entities}[legal_entity]
    sold_with = {code: rate * 100 for code, rate in SALES_TAXES[currency]}
    policy = POLICIES[legal_entity]
    for one in only(Engagement, await read(firm, tmp_path)):
        if one.legal_entity == legal_entity:
            row = find_tax(one, CONSULTING, firm.month.last_day, policy)
            assert row is not None
            assert row.tax is not None
            assert sold_with[row.tax] == row.rate
            assert (row.note == "") is (row.rate > 0)


def endings(folder: Path) -> set[str]:
    """How the names of a folder's files end."""
    return {path.suffix for path in folder.iterdir()}


def amount(now: Readiness) -> tuple[str, str]:
    """What is ready, in the one currency of an engagement."""
    (ready,) = now.snapshot.ready_amounts
    return str(ready.amount), ready.currency


def _written_order(one: Engagement) -> bool:
    """Lines of JSON come first."""
    return not any(line.schedule for line in one.lines)
