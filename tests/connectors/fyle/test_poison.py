"""Reports as Fyle should never send them: shown with their trouble, harming no other."""

import json

import pytest

from canonical.expense import ExpenseReport
from connectors.base.capabilities import SourceRecord
from connectors.conformance.expense_source import PRIVATE, records
from tests.connectors.fyle.world import FyleWorld

GONE = ""  # The member is not there at all.


async def spoilt(world: FyleWorld, **members: str) -> SourceRecord[ExpenseReport]:
    """Read a spoilt report between good ones; the good ones must come through."""
    good = [world.release("10.00") for _ in range(2)]
    bad = world.report(world.expense("10.00"), world.expense("5.00"))
    good += [world.release("10.00") for _ in range(3)]
    world.spoil(bad, **members)
    read = await records(world)
    readable = [each.source_id for each in read if each.record is not None]
    assert [each for each in readable if each != bad] == good
    [told] = [each for each in read if each.source_id not in good]
    return told


async def spoilt_expense(world: FyleWorld, **members: str) -> SourceRecord[ExpenseReport]:
    """The same with an expense that is spoilt, the second of its report."""
    good = [world.release("10.00") for _ in range(2)]
    expenses = [world.expense("10.00"), world.expense("5.00")]
    bad = world.report(*expenses)
    good += [world.release("10.00") for _ in range(3)]
    world.spoil(expenses[1].id, **members)
    read = {each.source_id: each for each in await records(world)}
    assert all(read[each].record is not None for each in good)
    return read[bad]


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("amount", "NaN"),
        ("amount", "Infinity"),
        ("amount", "1e400"),
        ("amount", "1e99999999999999999999"),
        ("amount", "9" * 40),
        ("amount", "15.001"),
        ("amount", "1e15"),
        ("amount", "true"),
        ("amount", "null"),
        ("amount", '"15.00"'),
        ("amount", '"\uff11\uff15"'),
        ("amount", "[]"),
        ("amount", GONE),
        ("currency", '"eur"'),
        ("currency", '"USD"'),
        ("currency", "null"),
        ("currency", GONE),
        ("num_expenses", "-1"),
        ("num_expenses", "2.0"),
        ("num_expenses", '"2"'),
        ("num_expenses", "3"),
        ("num_expenses", GONE),
        ("state", '"PAYMENT_SOMEWHAT"'),
        ("state", "null"),
        ("state", GONE),
        ("seq_num", "null"),
        ("seq_num", "5"),
        ("seq_num", '" "'),
        ("employee", "null"),
        ("employee", '{"id": "ouKim"}'),
        ("employee", '{"id": 5, "code": "E-1"}'),
        ("employee", GONE),
        ("user_id", "null"),
        ("user_id", '"a b"'),
        ("updated_at", '"2026-01-12"'),
        ("updated_at", '"2026-01-12T09:30:00"'),
        ("updated_at", '"2026-13-12T09:30:00Z"'),
        ("updated_at", '"0001-01-01T00:00:00+23:59"'),
        ("updated_at", "1767614400"),
        ("updated_at", "null"),
        ("updated_at", GONE),
        ("last_approved_at", '"yesterday"'),
        ("last_approved_at", GONE),
        ("approvals", "null"),
        ("approvals", '[{"state": "APPROVAL_DONE"}]'),
        ("approvals", GONE),
        ("applied_advance_wallets", '[{"id": "aw1"}]'),
        ("applied_advance_wallets", '[{"id": "aw1", "amount": 1.001}]'),
        ("reimbursement_id", "5"),
        ("purpose", "5"),
    ],
)
async def test_a_wrong_member_of_a_report_is_trouble_that_names_it(
    world: FyleWorld, member: str, text: str
) -> None:
    told = await spoilt(world, **{member: text})
    assert told.record is None
    assert told.trouble is not None
    assert member.replace("num_", "") in told.trouble or member == "currency"
    assert told.source_id == "rp000000003"
    assert told.raw.startswith('{"id":"rp000000003"')


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("amount", "NaN"),
        ("amount", "-1e400"),
        ("amount", "5.005"),
        ("amount", "null"),
        ("amount", '"5.00"'),
        ("amount", GONE),
        ("currency", '"USD"'),
        ("foreign_amount", "12.5"),
        ("foreign_amount", GONE),
        ("foreign_currency", '"USD"'),
        ("foreign_currency", '"usd"'),
        ("tax_amount", "true"),
        ("tax_amount", "0.001"),
        ("tax_amount", GONE),
        ("tax_group_id", GONE),
        ("spent_at", "null"),
        ("spent_at", '"05.01.2026"'),
        ("spent_at", '"2026-02-30T12:00:00Z"'),
        ("spent_at", '"9999-12-31T12:00:00Z"'),
        ("spent_at", GONE),
        ("source_account", "null"),
        ("source_account", '{"id": "a", "type": "PERSONAL_PIGGY_BANK"}'),
        ("source_account", '{"id": "a", "type": "COMPANY_EXPENSE_ACCOUNT"}'),
        ("source_account", GONE),
        ("is_reimbursable", "null"),
        ("is_reimbursable", '"yes"'),
        ("is_reimbursable", GONE),
        ("is_billable", "1"),
        ("is_billable", GONE),
        ("category", "null"),
        ("category", '{"id": 0, "name": "x"}'),
        ("category", GONE),
        ("cost_center", '{"id": "301", "name": "x"}'),
        ("cost_center", GONE),
        ("project", "[]"),
        ("project", GONE),
        ("distance", "5"),
        ("distance", '"5 km"'),
        ("distance_unit", '"FURLONGS"'),
        ("per_diem_rate", GONE),
        ("per_diem_num_days", '"2"'),
        ("file_ids", '"fi1"'),
        ("file_ids", "[5]"),
        ("merchant", "5"),
        ("matched_corporate_card_transaction", '{"id": "b", "amount": "5"}'),
    ],
)
async def test_a_wrong_member_of_an_expense_is_its_reports_trouble(
    world: FyleWorld, member: str, text: str
) -> None:
    told = await spoilt_expense(world, **{member: text})
    assert told.record is None
    assert told.trouble is not None
    assert told.trouble.startswith("expense tx000000004: ") or member == "currency"
    assert told.approved is True
    assert told.employee == "E-1001"
    assert '"expenses":[{' in told.raw
    assert '"id":"tx000000004"' in told.raw


async def test_a_distance_below_nothing_is_trouble(world: FyleWorld) -> None:
    told = await spoilt_expense(world, distance="-1", distance_unit='"KM"')
    assert "distance" in (told.trouble or "")


@pytest.mark.parametrize("text", ['"4711; DROP"', '"a,b"', "5", "null", "{}", GONE])
async def test_a_report_without_a_good_id_is_a_dead_letter(world: FyleWorld, text: str) -> None:
    told = await spoilt(world, id=text)
    assert (told.record, told.source_id, told.document_id) == (None, None, None)
    assert told.trouble is not None
    assert told.trouble.startswith("id:")


@pytest.mark.parametrize("text", ["null", "5", '"text"', "[]", "{}", "true", '{"id": tru}'])
async def test_what_is_no_report_at_all_is_a_dead_letter(world: FyleWorld, text: str) -> None:
    told = await spoilt(world, whole=text)
    assert (told.record, told.source_id, told.raw) == (None, None, text)


@pytest.mark.parametrize("text", ["null", "5", "[]", "{}", '{"id": tru}'])
async def test_what_is_no_expense_at_all_is_missed_when_expenses_are_counted(
    world: FyleWorld, text: str
) -> None:
    told = await spoilt_expense(world, whole=text)
    assert told.trouble == "expenses: 1 of 2 came"


async def test_a_page_whose_last_record_is_broken_is_still_turned(world: FyleWorld) -> None:
    expenses = [world.expense("1.00") for _ in range(7)]
    report = world.report(*expenses)
    world.spoil(expenses[2].id, whole="null")  # The last on a page of three.
    read = {each.source_id: each for each in await records(world)}
    assert read[report].trouble == "expenses: 6 of 7 came"


async def test_trouble_shows_nobodys_name_note_or_number(world: FyleWorld) -> None:
    text = json.dumps(PRIVATE)
    told = await spoilt_expense(
        world, amount=text, purpose="5", merchant=f"[{text}]", category=text
    )
    assert told.trouble is not None
    assert not set(PRIVATE.split()) & set(told.trouble.replace(":", " ").split())
    assert {"amount", "purpose", "merchant", "category"} <= {
        said.split(":")[-2].strip() for said in told.trouble.split(";")
    }


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"purpose": '"nul \\u0000 and \\ud800 half"'}, "nul \ufffd and \ufffd half"),
        ({"purpose": "null"}, ""),
        ({"purpose": json.dumps("x" * 900)}, "x" * 249 + "…"),
        ({"applied_advance_wallets": "null"}, ""),
        ({"never_seen_before": '{"a": [1]}'}, ""),
        ({"updated_at": '"2026-01-12T10:30:00.5+01:00"'}, ""),
        ({"amount": "1.5e1"}, ""),
    ],
)
async def test_what_is_only_odd_is_read(
    world: FyleWorld, members: dict[str, str], name: str
) -> None:
    good = world.report(world.expense("10.00"), world.expense("5.00"))
    world.spoil(good, **members)
    [told] = await records(world)
    assert told.trouble is None
    assert told.record is not None
    assert told.record.name == name


async def test_a_huge_record_is_kept_only_in_part(world: FyleWorld) -> None:
    report = world.report(world.expense("10.00", purpose="x" * 1_000_000))
    [told] = await records(world)
    assert told.source_id == report
    assert told.record is not None
    assert len(told.raw) < 20_000
