"""From Fyle's expenses to ours: who paid, what tax, which distance, and every digit."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from canonical.expense import ExpenseItem, ExpenseReport
from canonical.money import Money
from connectors.base.http import exact_json, exact_json_text
from connectors.base.records import RawRecord, parsed
from connectors.conformance.expense_source import records
from connectors.fyle import SYSTEM
from connectors.fyle.mapping import expense_report, reports_on, source_record
from connectors.fyle.options import FyleOptions, Setting
from connectors.fyle.simulated_documents import expense_json, report_json
from connectors.fyle.simulated_state import SimulatedExpense, SimulatedReport, SimulatedWallet
from connectors.fyle.wire import Fund, Report
from tests.connectors.fyle.world import (
    BOSS,
    DAY,
    HOTEL,
    KIM,
    LEE,
    MILEAGE,
    PER_DIEM,
    FyleWorld,
    read,
)

SETTING = Setting("fyle-emea")


def eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


async def report_of(world: FyleWorld, *expenses: SimulatedExpense, **facts: Any) -> ExpenseReport:
    """Release a report and read it."""
    told = await read(world, world.report(*expenses, **facts))
    assert told.trouble is None
    assert told.record is not None
    return told.record


async def item_of(world: FyleWorld, amount: str, **facts: Any) -> ExpenseItem:
    [item] = (await report_of(world, world.expense(amount, **facts))).items
    return item


async def test_a_report_is_mapped_field_by_field(world: FyleWorld) -> None:
    expense = world.expense(
        "119.00",
        merchant="Taxi Zentrale",
        purpose="to the customer",
        is_billable=True,
        project_id=201,
        cost_center_id=301,
        tax_group_id="tgVat19",
        tax_amount=Decimal("19.00"),
        files=("fi1", "fi2"),
    )
    read = await report_of(world, expense, purpose="January")
    assert read.model_dump(exclude={"items"}) == {
        "connection": "fyle-emea",
        "id": "rp000000001",
        "number": "C/2026/01/R/1",
        "name": "January",
        "employee": "E-1001",
        "legal_entity": None,
        "cost_centre": None,
        "home_country": None,
        "currency": "EUR",
        "report_date": date(2026, 1, 10),
        "submitted_at": datetime(2026, 1, 10, 9, 30, tzinfo=UTC),
        "advances": (),
        "total": {"amount": Decimal("119.00"), "currency": "EUR"},
        "approval": {
            "approver": "usBoss",
            "approved_at": datetime(2026, 1, 11, 9, 30, tzinfo=UTC),
            "revision": None,
        },
        "changed_at": world.now,
    }
    amount = {"amount": Decimal("119.00"), "currency": "EUR"}
    [item] = read.items
    assert item.model_dump() == {
        "id": expense.id,
        "part_of": None,
        "type_code": "TAXI",
        "type_name": "Travel / Taxi",
        "transaction_date": DAY,
        "paid_by": "employee",
        "owed_to": "employee",
        "billable": True,
        "personal": False,
        "has_receipt": True,
        "tax_receipt": False,
        "country": None,
        "approved": amount,
        "amount": amount,
        "transaction": amount,
        "settled": None,
        "exchange_rate": None,
        "exchange_direction": "multiply",
        "allocations": (
            {
                "id": expense.id,
                "share": Decimal(100),
                "gross": None,
                "owed_to": None,
                "net": None,
                "net_of_reclaim": None,
                "account": None,
                "legal_entity": None,
                "cost_centre": "CC-100",
                "project": "P-1001",
                "taxes": (
                    {
                        "code": "VAT 19%",
                        "authority": None,
                        "country": None,
                        "amount": {"amount": Decimal("19.00"), "currency": "EUR"},
                        "reclaimable": None,
                    },
                ),
            },
        ),
        "mileage": None,
        "per_diem": None,
        "receipts": ({"id": "fi1", "name": "fi1.pdf"}, {"id": "fi2", "name": "fi2.pdf"}),
        "vendor": "Taxi Zentrale",
        "note": "to the customer",
    }


@pytest.mark.parametrize(
    ("fund", "reimbursable", "paid_by", "owed_to", "personal", "approved"),
    [
        (Fund.CASH, True, "employee", "employee", False, "10.00"),
        (Fund.CASH, False, "employee", "employee", True, "0.00"),
        (Fund.CARD, False, "company_card", "card_issuer", False, "10.00"),
        (Fund.COMPANY_CARD, False, "company_card", "card_issuer", False, "10.00"),
        (Fund.ADVANCE, False, "advance", "advance", False, "10.00"),
    ],
)
async def test_who_paid_decides_who_is_owed(  # noqa: PLR0917  A table's row.
    world: FyleWorld,
    fund: Fund,
    reimbursable: bool,
    paid_by: str,
    owed_to: str,
    personal: bool,
    approved: str,
) -> None:
    item = await item_of(world, "10.00", fund=fund, is_reimbursable=reimbursable, is_billable=True)
    assert (item.paid_by, item.owed_to, item.personal) == (paid_by, owed_to, personal)
    assert item.approved == eur(approved)
    assert item.billable is not personal


async def test_what_the_employee_keeps_is_not_in_what_is_approved_in_all(world: FyleWorld) -> None:
    kept = world.expense("4.00", is_reimbursable=False)
    read = await report_of(world, world.expense("10.00"), kept)
    assert read.total == eur("10.00")
    assert sum(each.approved.amount for each in read.items) == Decimal("10.00")


async def test_foreign_money_keeps_its_own_amount_and_no_rate_is_made_up(world: FyleWorld) -> None:
    item = await item_of(
        world, "61.35", foreign_currency="JPY", foreign_amount=Decimal(10000), category_id=HOTEL
    )
    assert item.amount == eur("61.35")
    assert item.transaction == Money(amount=Decimal(10000), currency="JPY")
    assert item.exchange_rate is None


async def test_what_a_policy_cut_counts_and_not_what_was_claimed(world: FyleWorld) -> None:
    item = await item_of(world, "80.00", claim_amount=Decimal("120.00"))
    assert item.amount == item.approved == eur("80.00")


async def test_a_card_is_settled_with_what_its_feed_says(world: FyleWorld) -> None:
    card = {"fund": Fund.CARD, "is_reimbursable": False}
    item = await item_of(world, "99.90", **card, card_amount=Decimal("107.15"), card_currency="USD")
    assert item.settled == Money(amount=Decimal("107.15"), currency="USD")


async def test_the_parts_of_a_split_stand_side_by_side_and_none_has_the_whole_charge(
    world: FyleWorld,
) -> None:
    split = {
        "fund": Fund.CARD,
        "is_reimbursable": False,
        "split_group_id": "tx000000001",
        "card_amount": Decimal("100.00"),
        "card_currency": "EUR",
    }
    parts = [world.expense("60.00", **split), world.expense("40.00", **split, cost_center_id=301)]
    read = await report_of(world, *parts)
    assert [(each.amount.amount, each.part_of, each.settled) for each in read.items] == [
        (Decimal("60.00"), None, None),
        (Decimal("40.00"), None, None),
    ]
    assert [each.allocations[0].cost_centre for each in read.items] == [None, "CC-100"]


@pytest.mark.parametrize(("unit", "ours"), [("KM", "km"), ("MILES", "mi")])
async def test_a_distance_keeps_its_unit(world: FyleWorld, unit: str, ours: str) -> None:
    item = await item_of(
        world,
        "37.35",
        category_id=MILEAGE,
        distance=Decimal("124.5"),
        distance_unit=unit,
        mileage_rate=Decimal("0.3"),
        vehicle="Four Wheeler",
    )
    assert item.mileage is not None
    assert item.mileage.model_dump() == {
        "distance": Decimal("124.5"),
        "unit": ours,
        "vehicle": "Four Wheeler",
    }
    assert item.type_code == "Mileage"


async def test_a_per_diem_of_several_days_is_one_item_a_day(world: FyleWorld) -> None:
    expense = world.expense(
        "84.00", category_id=PER_DIEM, per_diem_place="Germany", per_diem_days=Decimal(3)
    )
    read = await report_of(world, expense)
    assert [(each.id, each.transaction_date, each.amount) for each in read.items] == [
        (f"{expense.id}-1", date(2026, 1, 5), eur("28.00")),
        (f"{expense.id}-2", date(2026, 1, 6), eur("28.00")),
        (f"{expense.id}-3", date(2026, 1, 7), eur("28.00")),
    ]
    assert {each.per_diem and each.per_diem.place for each in read.items} == {"Germany"}
    assert read.total == eur("84.00")


@pytest.mark.parametrize(
    ("amount", "facts"),
    [
        ("100.00", {"per_diem_days": Decimal(3)}),  # Does not divide to the cent.
        ("28.00", {"per_diem_days": Decimal(1)}),
        ("42.00", {"per_diem_days": Decimal("1.5")}),
        ("28.00", {}),
        ("28.00", {"per_diem_days": Decimal(400)}),
        ("28.00", {"per_diem_days": Decimal(-2)}),
        ("28.00", {"per_diem_days": Decimal(2), "tax_amount": Decimal("1.00")}),
    ],
)
async def test_a_per_diem_that_is_not_clearly_so_much_a_day_stays_one(
    world: FyleWorld, amount: str, facts: dict[str, Any]
) -> None:
    item = await item_of(world, amount, category_id=PER_DIEM, per_diem_place="Germany", **facts)
    assert item.amount == eur(amount)


async def test_refunds_are_negative_and_so_may_be_a_total(world: FyleWorld) -> None:
    refund = world.expense("-25.50", tax_amount=Decimal("-4.07"), tax_group_id="tgVat19")
    read = await report_of(world, world.expense("10.00"), refund)
    assert read.total == eur("-15.50")
    assert read.items[0].allocations[0].taxes[0].amount == eur("-4.07")


async def test_only_a_tax_that_was_confirmed_is_taken(world: FyleWorld) -> None:
    none = await item_of(world, "10.00", tax_group_id="tgVat19")
    without_group = await item_of(world, "10.00", tax_amount=Decimal("1.60"))
    nothing = await item_of(world, "10.00", tax_group_id="tgVat19", tax_amount=Decimal(0))
    assert none.allocations[0].taxes == ()
    assert [each.code for each in without_group.allocations[0].taxes] == [None]
    assert [each.code for each in nothing.allocations[0].taxes] == ["VAT 19%"]


@pytest.mark.parametrize(
    ("facts", "proves", "tax_receipt"),
    [
        ({"files": ("fi1",), "tax_amount": Decimal(1)}, True, True),
        ({"files": ("fi1",), "tax_amount": Decimal(1)}, False, False),
        ({"files": (), "tax_amount": Decimal(1)}, True, False),
        ({"files": ("fi1",)}, True, False),
    ],
)
async def test_whether_a_receipt_proves_its_tax_is_the_organisations_to_say(
    world: FyleWorld, facts: dict[str, Any], proves: bool, tax_receipt: bool
) -> None:
    world.report(world.expense("10.00", **facts))
    fyle = world.connect(receipts_prove_tax=proves)
    [record] = [each async for page in fyle.expense_reports(None) for each in page.records]
    assert record.record is not None
    assert record.record.items[0].tax_receipt is tax_receipt


async def test_what_has_no_code_is_known_by_its_name(world: FyleWorld) -> None:
    item = await item_of(world, "10.00", project_id=202, cost_center_id=302)
    assert item.allocations[0].project == "Shop / Phase 2"
    assert item.allocations[0].cost_centre == "Sales"
    assert (await report_of(world, world.expense("1.00"), employee_id=LEE)).employee == LEE


async def test_applied_advances_are_uses_of_an_advance(world: FyleWorld) -> None:
    wallet = SimulatedWallet(id="aw1", amount=Decimal("7.50"))
    read = await report_of(world, world.expense("10.00"), wallets=(wallet,))
    [use] = read.advances
    assert (use.id, use.step, use.amount) == ("aw1", "applied", eur("7.50"))


@pytest.mark.parametrize(
    ("approver", "expected"), [(BOSS, "usBoss"), (None, "SYSTEM"), (KIM, "E-1001")]
)
async def test_an_approver_is_named_and_the_submitter_as_himself(
    world: FyleWorld, approver: str | None, expected: str
) -> None:
    # The vendor's prose leaves the system nameless, and its schema does not.
    world.spec.tolerant = approver is None
    read = await report_of(world, world.expense("10.00"), approver_id=approver)
    assert read.approval is not None
    assert read.approval.approver == expected
    # So that "approver is not submitter" can be decided at all.
    assert (read.approval.approver == read.employee) is (approver == KIM)


async def test_of_several_approvers_the_last_counts_who_is_not_the_submitter(
    world: FyleWorld,
) -> None:
    report = world.report(world.expense("10.00"))
    told = [
        {"approver_user_id": user, "state": f"APPROVAL_{state}", "approver_order": order}
        for user, state, order in (
            ("usKim", "DONE", 3),
            ("usTwo", "DONE", 2),
            ("usOne", "DONE", 1),
            ("usOff", "DISABLED", 4),
        )
    ]
    world.spoil(report, approvals=exact_json_text(told))
    read = (await read_report(world, report)).approval
    assert read is not None
    assert read.approver == "usTwo"


async def read_report(world: FyleWorld, report: str) -> ExpenseReport:
    told = (await read(world, report)).record
    assert told is not None
    return told


async def test_the_order_of_a_page_makes_no_difference(world: FyleWorld) -> None:
    expenses = [
        world.expense("1.00", spent_on=date(2026, 1, 7)),
        world.expense("2.00", spent_on=date(2026, 1, 5)),
    ]
    read = await report_of(world, *expenses)
    assert [each.amount.amount for each in read.items] == [Decimal("2.00"), Decimal("1.00")]


async def test_what_the_organisation_says_of_itself_is_on_each_report(world: FyleWorld) -> None:
    world.release("10.00")
    fyle = world.connect(legal_entity="FIRM-DE", home_country="DE")
    [record] = [each async for page in fyle.expense_reports(None) for each in page.records]
    assert record.record is not None
    assert (record.record.legal_entity, record.record.home_country) == ("FIRM-DE", "DE")


async def test_what_the_inbox_keeps_can_be_read_again_as_a_page(world: FyleWorld) -> None:
    world.report(world.expense("10.00"), world.expense("2.50", tax_amount=Decimal("0.40")))
    [told] = await records(world)
    [again] = reports_on(f'{{"data":[{told.raw}]}}'.encode(), SETTING)
    assert again == told


@pytest.mark.parametrize("shape", ["inside", "beside", "alone"])
@pytest.mark.parametrize("state", ["PAYMENT_PROCESSING", "APPROVER_PENDING"])
def test_a_page_that_people_keep_is_read_in_each_of_its_shapes(shape: str, state: str) -> None:
    world = FyleWorld()
    world.report(world.expense("10.00"), world.expense("2.50"), state=state)
    [report] = world.fyle.reports.values()
    directory = world.fyle.directory
    shown = report_json(report, directory, exported=False)
    expenses = [expense_json(each, 1, report, directory) for each in report.expenses]
    pages = {
        "inside": {"count": 1, "data": [{**shown, "expenses": expenses}]},
        "beside": {"data": [shown], "expenses": expenses},
        "alone": {**shown, "expenses": expenses},
    }
    assert SYSTEM.read_page is not None
    options = FyleOptions("fyle", "c", SecretStr(""), SecretStr(""), legal_entity="FIRM-DE")
    [told] = SYSTEM.read_page(options, exact_json_text(pages[shape]).encode())
    assert told.trouble is None
    read = told.record
    assert read is not None
    assert [each.amount.amount for each in read.items] == [Decimal("10.00"), Decimal("2.50")]
    assert read.legal_entity == "FIRM-DE"
    assert (read.approval is not None) is (state == "PAYMENT_PROCESSING")


@pytest.mark.parametrize("page", [b"", b"[]", b"{}", b'{"data": {}}', b'{"data": [}'])
def test_what_is_no_page_is_refused(page: bytes) -> None:
    with pytest.raises(ValueError, match=r"page|record"):
        reports_on(page, SETTING)


def test_a_report_on_a_page_without_its_expenses_is_trouble() -> None:
    world = FyleWorld()
    report = world.fyle.reports[world.release("10.00")]
    text = exact_json_text(report_json(report, world.fyle.directory, exported=False))
    [told] = reports_on(f'{{"data":[{text}]}}'.encode(), SETTING)
    assert told.trouble == "expenses: 0 of 1 came"


# The machine may be busy, and the first world reads the specification.
unhurried = settings(deadline=None, derandomize=True)
cents = st.integers(min_value=-(10**14) + 1, max_value=10**14 - 1).map(
    lambda minor: Decimal(minor).scaleb(-2)
)


@unhurried
@given(st.lists(st.tuples(cents, st.booleans(), st.sampled_from(list(Fund))), max_size=8))
def test_whatever_the_amounts_the_total_is_what_the_items_come_to(
    amounts: list[tuple[Decimal, bool, Fund]],
) -> None:
    world = FyleWorld()
    expenses = [
        world.expense(str(amount), fund=fund, is_reimbursable=reimbursable)
        for amount, reimbursable, fund in amounts
    ]
    world.report(*expenses)
    [report] = world.fyle.reports.values()
    read, told = _written(world, report)
    assert isinstance(read, Report)
    mapped = expense_report(read, told, SETTING)
    assert mapped.total is not None
    assert sum((each.approved.amount for each in mapped.items), Decimal(0)) == mapped.total.amount
    given = {each.id: each.amount for each in expenses}
    assert {each.id: each.amount.amount for each in mapped.items} == given


@unhurried
@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-1000, max_value=1000)
)
def test_an_amount_that_its_currency_cannot_express_is_never_rounded(amount: Decimal) -> None:
    world = FyleWorld()
    world.report(world.expense(format(amount, "f")))
    [report] = world.fyle.reports.values()
    _, expenses = _written(world, report)
    whole = amount == round(amount, 2)
    shown = _raw(report_json(report, world.fyle.directory, exported=False))
    told = source_record(shown, expenses, SETTING)
    assert (told.trouble is None) is whole
    if not whole:
        assert "amount" in (told.trouble or "")


@unhurried
@given(st.integers(min_value=2, max_value=366), st.integers(min_value=1, max_value=10**8))
def test_the_days_of_a_per_diem_sum_to_the_whole(days: int, cents_a_day: int) -> None:
    world = FyleWorld()
    whole = Decimal(days * cents_a_day).scaleb(-2)
    facts = {"category_id": PER_DIEM, "per_diem_place": "DE", "per_diem_days": Decimal(days)}
    world.report(world.expense(str(whole), **facts))
    [report] = world.fyle.reports.values()
    read, expenses = _written(world, report)
    assert isinstance(read, Report)
    items = expense_report(read, expenses, SETTING).items
    assert len(items) == len({each.id for each in items}) == days
    assert sum((each.amount.amount for each in items), Decimal(0)) == whole
    first, last = items[0].transaction_date, items[-1].transaction_date
    assert (last - first).days == days - 1


def _raw(value: dict[str, Any]) -> RawRecord:
    text = exact_json_text(value)
    return RawRecord(text, exact_json(text))


def _written(world: FyleWorld, report: SimulatedReport) -> tuple[Report | str, list[RawRecord]]:
    directory = world.fyle.directory
    expenses = [
        _raw(expense_json(each, number, report, directory))
        for number, each in enumerate(report.expenses, 1)
    ]
    return parsed(_raw(report_json(report, directory, exported=False)), Report), expenses
