"""Reading Fyle's reports: in bulk, though they move, with few calls, and news that hides."""

from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.expense_source import greeted, posted, ready, records
from connectors.conformance.http_contract import Tokens
from connectors.fyle.simulated_state import ExpenseChange
from connectors.fyle.wire import ReportState
from tests.connectors.fyle.world import FyleWorld, read

LISTS = ("GET /reports", "GET /expenses")


async def test_it_asks_for_reports_in_payment_processing_in_the_order_of_their_changes(
    world: FyleWorld,
) -> None:
    fyle = await greeted(world)
    _ = [page async for page in fyle.expense_reports(world.now)]
    assert dict(world.network.requests[0].url.params) == {
        "state": "eq.PAYMENT_PROCESSING",
        "updated_at": "gte.2026-01-12T09:30:00.000000+00:00",
        "order": "updated_at.asc",
        "offset": "0",
        "limit": "3",
    }


async def test_expenses_come_in_bulk_and_not_report_by_report(world: FyleWorld) -> None:
    for _ in range(120):
        world.report(world.expense("1.00"), world.expense("2.00"))
    fyle = world.connect(page_size=200)
    pages = [page async for page in fyle.expense_reports(None)]
    assert [len(page.records) for page in pages] == [120]
    assert all(each.record and len(each.record.items) == 2 for each in pages[0].records)
    # 240 expenses of 120 reports: a hundred reports a call, two hundred expenses a page.
    assert [path for path in world.paths() if path in LISTS] == ["GET /reports"] + [
        "GET /expenses"
    ] * 2


async def test_a_report_that_changes_while_it_is_read_is_read_as_it_is_in_the_end(
    world: FyleWorld,
) -> None:
    released = []
    for _ in range(3 * world.page_size):
        released.append(world.release("10.00"))
        world.pass_time(1)
    reading = world.connect().expense_reports(None)
    first = await anext(reading)
    moved = first.records[0].source_id or ""
    world.resubmit(moved, "11.00")  # It goes to the end, and all others move up by one.
    read = [*first.records, *[each async for page in reading for each in page.records]]
    reports = {each.source_id: each.record for each in read}
    assert reports.keys() == set(released)
    latest = reports[moved]
    assert latest is not None
    assert [each.amount.amount for each in latest.items] == [Decimal("11.00")]


async def test_a_report_that_is_paid_while_others_are_read_hides_none_of_them(
    world: FyleWorld,
) -> None:
    released = []
    for _ in range(3 * world.page_size):
        released.append(world.release("10.00"))
        world.pass_time(1)
    reading = world.connect().expense_reports(None)
    await anext(reading)
    world.fyle.pay(released[0])
    rest = {each.source_id async for page in reading for each in page.records}
    assert set(released[world.page_size :]) <= rest


async def test_reports_of_different_stamps_may_go_as_fast_as_they_are_read(
    world: FyleWorld,
) -> None:
    released = []
    for _ in range(30 * world.page_size):
        released.append(world.release("10.00"))
        world.pass_time(1)
    going = iter(released)
    read = set()
    async for page in world.connect().expense_reports(None):
        read |= {each.source_id for each in page.records}
        world.fyle.pay(next(going))
    assert read == set(released)


async def test_among_reports_of_one_stamp_one_that_goes_hides_none(world: FyleWorld) -> None:
    released = [world.release("10.00") for _ in range(4 * world.page_size)]
    reading = world.connect().expense_reports(None)
    read = [each.source_id for _ in range(3) for each in (await anext(reading)).records]
    world.fyle.pay(released[0])  # All of one stamp are counted off, and all others move up.
    read += [each.source_id async for page in reading for each in page.records]
    assert sorted(each or "" for each in read) == released


async def test_where_reports_go_faster_than_they_are_read_it_gives_up(world: FyleWorld) -> None:
    released = [world.release("10.00") for _ in range(40 * world.page_size)]

    async def read_while_they_go() -> None:
        async for _ in world.connect().expense_reports(None):
            world.fyle.pay(released.pop(0))

    with pytest.raises(TransientError) as told:
        await read_while_they_go()
    assert told.value.code == "pages_in_a_circle"


async def test_whatever_changes_on_the_way_a_reading_ends(world: FyleWorld) -> None:
    for _ in range(3 * world.page_size):
        world.release("10.00")
        world.pass_time(1)
    pages = 0
    async for page in world.connect().expense_reports(None):
        pages += 1
        assert pages < 20, "the reading goes round"
        if pages < 6:
            for each in page.records:
                world.pass_time(1)
                world.fyle.update(each.source_id or "")


async def test_a_spent_budget_loses_no_page_and_asks_for_none_twice(world: FyleWorld) -> None:
    for _ in range(world.page_size):
        world.report(*(world.expense("1.00") for _ in range(4)))
    budget = Tokens(2)  # The token and the cluster.
    reading = world.connect(budget).expense_reports(None)
    page = None
    for _ in range(20):
        try:
            page = await anext(reading)
            break
        except TransientError:
            budget.left = 1
    assert page is not None, "with one call at a time a page never gets to its end"
    assert all(each.record and len(each.record.items) == 4 for each in page.records)
    # Twelve expenses by three a page, though each attempt had one call.
    assert world.paths().count("GET /expenses") == 4
    assert world.paths().count("GET /reports") == 1


async def test_a_report_that_was_sent_back_is_shown_as_no_longer_approved(
    world: FyleWorld,
) -> None:
    report = world.release("10.00")
    assert (await ready(world))[report].approval is not None
    world.pass_time(60)
    since = world.now
    world.recall(report)
    [told] = [
        each async for page in world.connect().expense_reports(since) for each in page.records
    ]
    assert (told.source_id, told.approved) == (report, False)
    assert told.record is not None
    assert (told.record.approval, told.record.items) == (None, ())


@pytest.mark.parametrize(
    ("state", "approved"),
    [
        (ReportState.DRAFT, False),
        (ReportState.APPROVER_PENDING, False),
        (ReportState.APPROVER_INQUIRY, False),
        (ReportState.APPROVED, False),
        (ReportState.PAYMENT_PROCESSING, True),
    ],
)
async def test_only_what_finance_released_is_approved(
    world: FyleWorld, state: ReportState, approved: bool
) -> None:
    report = world.report(world.expense("10.00"), state=state)
    told = await read(world, report)
    assert told.approved is approved
    assert told.record is not None
    assert (told.record.approval is not None) is approved


async def test_an_unfinished_report_is_no_trouble(world: FyleWorld) -> None:
    expense = world.expense("10.00")
    report = world.report(expense, state=ReportState.DRAFT)
    world.spoil(expense.id, category="null", amount="null")
    assert (await read(world, report)).trouble is None


async def test_an_expense_that_was_edited_shows_though_its_report_keeps_its_stamp(
    world: FyleWorld,
) -> None:
    expense = world.expense("10.00")
    edited, _ = world.report(expense), [world.release("10.00") for _ in range(4)]
    before = (await ready(world))[edited]
    world.pass_time(3600)
    world.misbehave(expense_moves_report=False)
    world.fyle.change([ExpenseChange(id=expense.id, cost_center_id=301)])
    since = world.now - timedelta(seconds=60)
    [told] = [
        each async for page in world.connect().expense_reports(since) for each in page.records
    ]
    assert told.record is not None
    assert told.record.id == edited
    assert told.record.changed_at == before.changed_at
    assert told.record.financial_hash != before.financial_hash


async def test_our_own_telling_moves_the_stamp_and_not_the_hash(world: FyleWorld) -> None:
    report = world.release("10.00")
    before = (await ready(world))[report]
    world.pass_time(60)
    await world.connect().tell([posted(report)])
    after = (await ready(world))[report]
    assert after.changed_at > before.changed_at
    assert after.financial_hash == before.financial_hash


async def test_expenses_that_did_not_all_come_are_trouble_and_no_smaller_report(
    world: FyleWorld,
) -> None:
    good = world.release("10.00")
    short = world.report(world.expense("10.00"), world.expense("5.00"))
    world.spoil(short, num_expenses="3")
    read = {each.source_id: each for each in await records(world)}
    assert read[short].record is None
    assert read[short].trouble == "expenses: 2 of 3 came"
    assert read[good].record is not None


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": [], "count": 0}',
        b'{"data": [], "count": -1, "offset": 0}',
        b'{"data": [], "count": "0", "offset": 0}',
        b'{"data": {}, "count": 0, "offset": 0}',
        b"<html>Down for maintenance</html>",
        b"",
    ],
)
async def test_a_page_that_is_not_what_was_expected_is_transient(
    world: FyleWorld, body: bytes
) -> None:
    fyle = await greeted(world)
    world.network.answer_next(200, body=body)
    with pytest.raises(TransientError) as told:
        await anext(fyle.expense_reports(None))
    assert told.value.code in {"page_unreadable", "page_envelope_unreadable"}


async def test_a_page_of_another_offset_is_noticed(world: FyleWorld) -> None:
    fyle = await greeted(world)
    world.network.answer_next(200, body=b'{"data": [], "count": 5, "offset": 3}')
    with pytest.raises(TransientError) as told:
        await anext(fyle.expense_reports(None))
    assert told.value.code == "pages_in_a_circle"


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_refused_reading_is_for_an_operator(world: FyleWorld, status: int) -> None:
    fyle = await greeted(world)
    world.network.answer_next(status)
    with pytest.raises(ConnectionConfigError):
        await anext(fyle.expense_reports(None))
