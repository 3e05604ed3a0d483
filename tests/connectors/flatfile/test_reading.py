"""What stands in the files and how they are written: read exactly, or told where and why not."""

import os
from decimal import Decimal
from typing import Any

import pytest

from canonical.contracts import BillingModel, Engagement, PurchaseOrder, RateCard
from connectors.base.errors import ConnectionConfigError
from connectors.conformance.contract_source import (
    contract_line,
    due,
    engagement,
    everything,
    rate_card,
)
from tests.connectors.flatfile.world import DropWorld

ORDERS = "purchase_orders.csv"
WHOLE = engagement("X").model_dump_json(exclude={"connection"})
HEAD = "id,number,amount,currency,valid_from,valid_until"


async def orders(world: DropWorld, **options: Any) -> list[PurchaseOrder]:
    """The purchase orders that can be read."""
    found = (each.record.record for each in await world.records(**options) if each.record)
    return [each for each in found if isinstance(each, PurchaseOrder)]


async def why(world: DropWorld, *lines: str, **options: Any) -> str:
    """What is said of the one bad line among purchase orders."""
    world.put(ORDERS, *lines)
    [(_, trouble)] = await world.troubles(**options)
    return trouble


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_the_delimiter_is_the_one_that_the_header_line_makes_sense_with(
    world: DropWorld, delimiter: str
) -> None:
    world.put(ORDERS, HEAD.replace(",", delimiter), delimiter.join(["1", "A", "", "", "", ""]))
    assert [each.number for each in await orders(world)] == ["A"]


async def test_a_declared_delimiter_is_the_only_one(world: DropWorld) -> None:
    world.put(ORDERS, "id;number", "1;A")
    world.put("engagements.csv", (world.folder / "engagements.csv").read_text().replace(",", "\t"))
    with pytest.raises(ConnectionConfigError) as told:
        await world.records(delimiter="tab")
    assert ORDERS in str(told.value) or "contract_lines.csv" in str(told.value)


async def test_columns_may_stand_in_any_order_and_be_left_out(world: DropWorld) -> None:
    world.put(ORDERS, "Currency , NUMBER,amount,id", "EUR,A,12.50,1")
    [order] = await orders(world)
    assert (order.id, order.number) == ("1", "A")
    assert order.amount is not None
    assert order.amount.amount == Decimal("12.50")


async def test_a_decimal_comma_counts_only_where_it_is_declared(world: DropWorld) -> None:
    world.put(ORDERS, "id;number;amount;currency", "1;A;1234,50;EUR")
    [(name, trouble)] = await world.troubles()
    assert name == "purchase_order/1"
    assert "line 2: column amount: write a plain number with a decimal point" in trouble
    [order] = await orders(world, decimal_comma=True)
    assert order.amount is not None
    assert order.amount.amount == Decimal("1234.50")
    world.put(ORDERS, "id;number;amount;currency", "1;A;1234.50;EUR")
    assert "decimal comma" in (await world.troubles(decimal_comma=True))[0][1]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (",A,,,,", "column id: fill it in"),
        ("1,,,,,", "column number: fill it in"),
        ("1,A,12.505,EUR,,", "an amount in EUR has at most 2 decimals"),
        ("1,A,12.5.0,EUR,,", "column amount: write a plain number"),
        ('1,A,"1,250.00",EUR,,', "column amount: write a plain number"),
        ("1,A,1e3,EUR,,", "column amount: write a plain number"),
        ("1,A,NaN,EUR,,", "column amount: write a plain number"),
        ("1,A,12.50,,,", "column currency: an amount and its currency go together"),
        ("1,A,,EUR,,", "column amount: an amount and its currency go together"),
        ("1,A,12.50,Euro,,", "column currency: "),
        ("1,A,,,31.10.2026,", "column valid_from: not a date of the form YYYY-MM-DD"),
        ("1,A,,,2026-02-30,", "column valid_from: there is no such day"),
        ("1,A,,,2026-02-02,2026-02-01", "ends on a day that is not before its first"),
        ("1,A,,,", "it has 5 cells and the header line 6"),
        ("1,A,,,,,extra", "it has 7 cells and the header line 6"),
        ('1,"A"B,,,,', "its quotation marks do not fit"),
        ('1,"A,,,,', "its quotation marks do not fit"),
    ],
)
async def test_a_bad_line_names_its_place_its_column_and_what_to_do(
    world: DropWorld, cells: str, said: str
) -> None:
    trouble = await why(world, HEAD, "0,good,,,,", cells)
    assert trouble.startswith(f"{ORDERS}, line 3: ")
    assert said in trouble
    assert [each.id for each in await orders(world)] == ["0"]


async def test_all_that_is_wrong_with_a_line_is_told_at_once(world: DropWorld) -> None:
    trouble = await why(world, HEAD, "1,A,x,EUR,y,z")
    assert [each in trouble for each in ("column amount", "column valid_from", "valid_until")] == [
        True
    ] * 3


async def test_lines_are_counted_as_an_editor_counts_them(world: DropWorld) -> None:
    world.agree(engagement("ENG-1", name="two\nlines"), engagement("ENG-2"))
    with (world.folder / "engagements.csv").open("a") as file:
        file.write(",,,,,,\r\n\r\nENG-3,bad\r\n")
    [(name, trouble)] = await world.troubles()
    assert name == "engagement/ENG-3"
    # The header line, two lines, one, one without anything in its cells, and one without any.
    assert trouble.startswith("engagements.csv, line 7: ")


async def test_what_spreadsheets_leave_around_a_table_is_no_trouble(world: DropWorld) -> None:
    world.put(ORDERS, f"{HEAD}", "1,\u00a0A ,,,,", ",,,,,", ",,,", "", "   ")
    assert [each.number for each in await orders(world)] == ["A"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
async def test_utf_8_is_read_with_and_without_its_mark(world: DropWorld, mark: bytes) -> None:
    text = "id,number\n1,Ä-4711\n".encode()
    (world.folder / ORDERS).write_bytes(mark + text)
    assert [each.number for each in await orders(world)] == ["Ä-4711"]


async def test_cp1252_is_read_where_it_is_declared_and_else_told_line_by_line(
    world: DropWorld,
) -> None:
    (world.folder / ORDERS).write_bytes("id,number\n1,Ä-4711\n2,A\n".encode("cp1252"))
    assert await world.troubles() == [
        (
            "purchase_order/1",
            f"{ORDERS}, line 2: it has characters of another encoding: save the file as UTF-8",
        )
    ]
    assert [each.id for each in await orders(world)] == ["2"]
    assert [each.number for each in await orders(world, encoding="cp1252")] == ["Ä-4711", "A"]


async def test_raw_text_of_any_encoding_can_be_stored(world: DropWorld) -> None:
    (world.folder / ORDERS).write_bytes(b"id,number\n\xff\x00,\xe4\n")
    (world.folder / "engagements.jsonl").write_bytes(b'{"id": "\xe4"}\n{"id": "x" \xff\n')
    for each in await world.records():
        assert each.trouble
        each.raw.encode()
        assert "\0" not in each.raw
        assert each.source_id is None or each.source_id.encode()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["id"], "does not have the column number"),
        (["number;id;amont", "A;1;5"], "column 3 of its header line is not known"),
        (["id,number,id", "1,A,2"], "has the column id twice"),
        (["1,A", "2,B"], "does not have the column id, number"),
        (["id,number", '1,"A', "2,B", "3,C"], "a quotation mark at or behind line 2 is not closed"),
        (["id,number", '1,"A', "2,B", '3,"C"'], "at or behind line 2 is not closed"),
    ],
)
async def test_a_table_whose_lines_cannot_be_told_apart_is_not_read_at_all(
    world: DropWorld, lines: list[str], said: str
) -> None:
    world.put(ORDERS, *lines)
    with pytest.raises(ConnectionConfigError) as told:
        await world.records()
    assert told.value.code == "file_unreadable"
    assert str(told.value).startswith(f"{ORDERS}: ")
    assert said in str(told.value)


async def test_the_same_id_twice_is_one_trouble_that_names_both_places(world: DropWorld) -> None:
    world.put(ORDERS, "id,number", "1,A", "2,B", "1,C")
    [(name, trouble)] = await world.troubles()
    assert name == "purchase_order/1"
    assert trouble == (
        f"it stands 2 times, {ORDERS}, line 2 and {ORDERS}, line 4: keep one of them"
    )
    assert [each.id for each in await orders(world)] == ["2"]


async def test_an_engagement_in_both_forms_is_told_with_both_places(world: DropWorld) -> None:
    world.agree(engagement("ENG-1"), engagement("ENG-2"))
    text = engagement("ENG-1").model_dump_json(exclude={"connection"})
    world.put("engagements.jsonl", text)
    [(name, trouble)] = await world.troubles()
    assert name == "engagement/ENG-1"
    assert "engagements.jsonl, line 1 and engagements.csv, line 2" in trouble


def spoil(world: DropWorld, file: str, of: str, by: str) -> None:
    """Change a text in a file, which stands there."""
    path = world.folder / file
    before = path.read_text()
    assert of in before
    path.write_text(before.replace(of, by))


@pytest.mark.parametrize(
    ("file", "change", "place", "said"),
    [
        (
            "engagements.csv",
            ("GB,no", "GB,maybe"),
            "line 2",
            "customer_registered: write yes or no",
        ),
        ("engagements.csv", ("GB,no", "Britain,no"), "line 2", "column customer_country: "),
        (
            "contract_lines.csv",
            ("fixed_fee", "fixed"),
            "line 4",
            "column model: write one of time_",
        ),
        ("contract_lines.csv", ("soft,0.01", "weak,0.01"), "line 2", "column cap_kind: "),
        ("contract_lines.csv", (",soft,0.01,EUR", ",,,"), "line 2", "column cap_"),
        ("contract_lines.csv", ("P-1|P-2", "P-1||P-2"), "line 3", "between two bars is empty"),
        (
            "contract_lines.csv",
            ("fixed_fee,EUR", "fixed_fee,USD"),
            "line 4",
            "the line is billed in",
        ),
        ("schedule_lines.csv", ("19.99", "19,99"), "line 2", "it has 12 cells"),
        ("schedule_lines.csv", ("19.99", "-19.99"), "line 2", "what falls due is above nothing"),
        (
            "schedule_lines.csv",
            ("fee,1,", "free,1,"),
            "line 2",
            "column contract_line: there is no",
        ),
        ("change_orders.csv", ("2026-01-01", "soon"), "line 2", "column agreed_date: not a date"),
        ("change_orders.csv", ("soft", "none"), "line 2", "column contract_line: there is no"),
    ],
)
async def test_an_engagement_with_a_wrong_part_is_wrong_as_a_whole_and_says_which(
    world: DropWorld, file: str, change: tuple[str, str], place: str, said: str
) -> None:
    world.agree(*everything(), engagement("ENG-2"))
    spoil(world, file, *change)
    [(name, trouble)] = await world.troubles()
    assert name == "engagement/ENG-1"
    assert f"{file}, {place}: " in trouble
    assert said in trouble
    read = [each.record.record for each in await world.records() if each.record]
    assert [each.id for each in read if isinstance(each, Engagement)] == ["ENG-2"]
    assert len(read) == len(everything())


async def test_a_part_of_no_engagement_is_told_by_the_engagement_that_it_names(
    world: DropWorld,
) -> None:
    world.agree(
        engagement(
            "ENG-1", contract_line(model=BillingModel.FIXED_FEE, schedule=(due("1", "5.00"),))
        )
    )
    spoil(world, "engagements.csv", "ENG-1,ENG-1", "ENG-2,ENG-1")
    troubles = dict(await world.troubles())
    assert troubles.keys() == {"engagement/ENG-1", "engagement/ENG-2"}
    assert "contract_lines.csv, line 2" in troubles["engagement/ENG-1"]
    assert "schedule_lines.csv, line 2" in troubles["engagement/ENG-1"]
    assert "it has no contract line in contract_lines.csv" in troubles["engagement/ENG-2"]


async def test_a_rate_card_with_a_wrong_rate_is_wrong_as_a_whole(world: DropWorld) -> None:
    world.agree(rate_card(), rate_card(id="RC-2"))
    path = world.folder / "rates.csv"
    path.write_text(path.read_text().replace("RC-1,2026,role", "RC-1,2026,rolle"))
    [(name, trouble)] = await world.troubles()
    assert name == "rate_card/RC-1"
    assert trouble.startswith("rates.csv, line 3: column scope: write one of person, role")
    read = [each.record.record for each in await world.records() if each.record]
    assert [each.id for each in read if isinstance(each, RateCard)] == ["RC-2"]


async def test_a_rate_card_has_one_version(world: DropWorld) -> None:
    world.agree(rate_card())
    spoil(world, "rates.csv", "RC-1,2026,role", "RC-1,2027,role")
    [(_, trouble)] = await world.troubles()
    assert "rates.csv, line 3: column version: the lines of a card have one version" in trouble


@pytest.mark.parametrize(
    ("line", "name", "said"),
    [
        ('{"id": "X", "name": "cut"', "engagement/X", "it is no JSON object on one line"),
        ('["X"]', None, "it is no JSON object: write one on each line"),
        ('{"id": "X", "id": "Y"}', "engagement/X", "it is no JSON object on one line"),
        ('{"id": "X"}', "engagement/X", "code: Field required"),
        ('{"id": 5}', None, "id: Input should be a valid string"),
        (
            '{"id": "X", "connection": "mine"}',
            "engagement/X",
            "connection is not the file's to say",
        ),
        (f'{WHOLE[:-1]}, "margin": "5"}}', "engagement/X", "margin: Extra inputs"),
    ],
)
async def test_a_bad_line_of_json_names_its_place_and_its_member(
    world: DropWorld, line: str, name: str | None, said: str
) -> None:
    good = engagement("ENG-1").model_dump_json(exclude={"connection"})
    world.put("engagements.jsonl", "", good, line)
    assert [(each, trouble[:27], said in trouble) for each, trouble in await world.troubles()] == [
        (name, "engagements.jsonl, line 3: ", True)
    ]
    assert "engagement/ENG-1" in {each.source_id for each in await world.records() if each.record}


@pytest.mark.parametrize("number", ["12.50", "12", "1e2", "NaN", "Infinity"])
async def test_an_amount_that_is_a_number_of_json_is_refused(world: DropWorld, number: str) -> None:
    line = contract_line(model=BillingModel.FIXED_FEE, schedule=(due("1", "70.10"),))
    text = engagement("ENG-1", line).model_dump_json(exclude={"connection"})
    assert '"70.10"' in text
    world.put("engagements.jsonl", text.replace('"70.10"', number))
    [(name, trouble)] = await world.troubles()
    assert name == "engagement/ENG-1"
    assert "lines.0.schedule.0.amount.amount: " in trouble
    assert "text such as '12.50'" in trouble


async def test_a_record_was_changed_when_the_newest_of_its_files_was(world: DropWorld) -> None:
    world.agree(*everything())
    seconds = {
        "engagements.csv": 100,
        "contract_lines.csv": 300,
        "schedule_lines.csv": 200,
        "change_orders.csv": 50,
        "rates.csv": 400,
        ORDERS: 500,
        "acceptances.csv": 600,
        "billing_schedule.csv": 700,
    }
    for name, second in seconds.items():
        _written_at(world, name, second)
    changed = {each.source_id: each.changed_at for each in await world.records()}
    assert {
        name and name.split("/")[0]: int(at.timestamp()) for name, at in changed.items() if at
    } == {
        "engagement": 300,
        "rate_card": 400,
        "purchase_order": 500,
        "acceptance": 600,
        "erp_schedule_line": 700,
    }


def _written_at(world: DropWorld, name: str, second: int) -> None:
    os.utime(world.folder / name, (second, second))
