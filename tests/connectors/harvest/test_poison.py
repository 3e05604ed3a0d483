"""Time entries as Harvest should never send them: shown with their trouble, harming no other."""

import json
from datetime import date
from typing import Any

import pytest

from canonical.time_entry import TimeEntry
from connectors.base.capabilities import SourceRecord
from connectors.conformance.time_source import MONDAY, between
from tests.connectors.harvest.world import ACME, DESIGN, KIM, WEBSITE, HarvestWorld

NUMBER, GONE = "@number@", object()


def record(**changed: Any) -> str:
    """Write a good record, but for what is changed; `raw("…")` stands for JSON text as it is."""
    good: dict[str, Any] = {
        "id": 4711,
        "spent_date": "2026-01-05",
        "user": {"id": KIM, "name": "Kim Allen"},
        "client": {"id": ACME, "name": "Acme"},
        "project": {"id": WEBSITE, "name": "Website"},
        "task": {"id": DESIGN, "name": "Design"},
        "hours": 1.5,
        "notes": "a private note",
        "is_closed": True,
        "is_running": False,
        "billable": True,
        "billable_rate": 100.0,
        "updated_at": "2026-01-05T12:00:00Z",
    }
    raws: list[str] = []
    for name, value in changed.items():
        if value is GONE:
            del good[name]
        elif isinstance(value, Raw):
            good[name] = f"{NUMBER}{len(raws)}"
            raws.append(value)
        else:
            good[name] = value
    text = json.dumps(good)
    for number, raw_text in enumerate(raws):
        text = text.replace(f'"{NUMBER}{number}"', raw_text)
    return text


class Raw(str):
    """JSON text that Python's json would not write."""

    __slots__ = ()


async def read(world: HarvestWorld, text: str) -> SourceRecord[TimeEntry]:
    """Read a page with this record between good ones; the good ones must come through."""
    good = {world.add(MONDAY, "1") for _ in range(2)}
    world.poison(text)
    pages = await between(world, MONDAY, MONDAY)
    records = [each for page in pages for each in page.records]
    assert {each.source_id for each in records if each.record is not None} - {"4711"} == good
    return records[0]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("hours", Raw("NaN")),
        ("hours", Raw("Infinity")),
        ("hours", Raw("1e400")),
        ("hours", Raw("1e99999999999999999999")),
        ("hours", Raw("9" * 40)),
        ("hours", 1000.01),
        ("hours", -1000.01),
        ("hours", True),
        ("hours", None),
        ("hours", GONE),
        ("hours", "1.5"),
        ("hours", "1_000"),
        ("hours", "\uff11\uff12"),
        ("hours", " 5 "),
        ("hours", {"value": 1.5}),
        ("hours", []),
        ("billable_rate", Raw("NaN")),
        ("billable_rate", -1),
        ("billable_rate", 1_000_000),
        ("billable_rate", 0.00001),
        ("billable_rate", "100"),
        ("billable_rate", GONE),
        ("spent_date", "2026-02-30"),
        ("spent_date", "0000-00-00"),
        ("spent_date", "9999-12-31"),
        ("spent_date", "05.01.2026"),
        ("spent_date", "2026-01-05T00:00:00Z"),
        ("spent_date", "\uff12\uff10\uff12\uff16-01-05"),
        ("spent_date", ""),
        ("spent_date", 0),
        ("spent_date", 20260105),
        ("spent_date", None),
        ("spent_date", GONE),
        ("updated_at", "2026-01-05"),
        ("updated_at", "2026-01-05T12:00:00"),
        ("updated_at", "2026-13-05T12:00:00Z"),
        ("updated_at", "0001-01-01T00:00:00+23:59"),
        ("updated_at", 1767614400),
        ("updated_at", GONE),
        ("user", None),
        ("user", KIM),
        ("user", {}),
        ("user", {"id": str(KIM)}),
        ("user", {"id": True}),
        ("user", GONE),
        ("client", {"id": None}),
        ("client", {"id": 123456}),
        ("client", None),
        ("client", GONE),
        ("project", {"id": -1}),
        ("project", {"id": 0}),
        ("task", {"id": 1.5}),
        ("task", {"id": Raw("1e3")}),
        ("task", []),
        ("is_closed", "approved"),
        ("is_closed", 1),
        ("is_closed", None),
        ("is_closed", GONE),
        ("is_running", GONE),
        ("is_running", "no"),
        ("billable", "yes"),
        ("billable", GONE),
        ("notes", {"text": "x"}),
        ("notes", 5),
    ],
)
async def test_a_wrong_member_is_trouble_that_names_it(
    world: HarvestWorld, member: str, value: object
) -> None:
    if isinstance(value, dict) and isinstance(value.get("id"), Raw):
        value = Raw(f'{{"id": {value["id"]}}}')
    told = await read(world, record(**{member: value}))
    assert told.record is None
    assert told.trouble is not None
    assert member in told.trouble
    assert told.source_id == "4711"
    assert told.raw.startswith('{"id": 4711')


@pytest.mark.parametrize(
    ("value", "source_id"),
    [
        ("4711", "4711"),
        ("047", None),
        ("4711; DROP", None),
        (Raw("9" * 30), None),
        (Raw("4711.0"), None),
        (-4711, None),
        (True, None),
        (None, None),
        ({}, None),
        (GONE, None),
    ],
)
async def test_a_wrong_id_is_trouble_and_is_kept_if_it_still_names_the_entry(
    world: HarvestWorld, value: object, source_id: str | None
) -> None:
    told = await read(world, record(id=value))
    assert told.record is None
    assert told.trouble is not None
    assert told.trouble.startswith("id:")
    assert told.source_id == source_id
    assert told.document_id == f"{KIM}-2026-01-05"


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "5",
        '"text"',
        "[]",
        "{}",
        "true",
        '{"id": tru}',
        '{"a": ' + "[" * 3000 + "]" * 3000 + "}",
    ],
)
async def test_what_is_no_record_at_all_is_a_dead_letter(world: HarvestWorld, text: str) -> None:
    told = await read(world, text)
    assert (told.record, told.source_id, told.document_id) == (None, None, None)
    assert told.trouble
    assert told.raw == text


@pytest.mark.parametrize(
    ("closed", "running", "approved"),
    [
        (True, False, True),
        (True, True, False),
        (False, GONE, False),
        (GONE, True, False),
        (True, GONE, None),
        (GONE, False, None),
        ("yes", False, None),
    ],
)
async def test_of_an_unreadable_record_it_says_whether_it_is_approved_if_that_is_certain(
    world: HarvestWorld, closed: object, running: object, approved: bool | None
) -> None:
    told = await read(world, record(hours="nonsense", is_closed=closed, is_running=running))
    assert told.approved is approved
    assert told.employee == str(KIM)
    assert told.work_date == date(2026, 1, 5)
    assert told.changed_at is not None


@pytest.mark.parametrize(
    ("changed", "seconds", "note"),
    [
        ({"hours": -2.25}, -8100, "a private note"),
        ({"hours": 0}, 0, "a private note"),
        ({"hours": 1000}, 3_600_000, "a private note"),
        ({"hours": Raw("0.33333333333333333333333333333")}, 1200, "a private note"),
        ({"hours": Raw("15e-1")}, 5400, "a private note"),
        ({"notes": "nul \x00 and \ud800 half"}, 5400, "nul \ufffd and \ufffd half"),
        ({"notes": None}, 5400, ""),
        ({"notes": GONE}, 5400, ""),
        ({"notes": "x" * 4000}, 5400, "x" * 4000),
        ({"notes": "x" * 9000}, 5400, "x" * 3999 + "…"),
        ({"locked_reason": "Something Never Seen", "new_member": {"a": 1}}, 5400, "a private note"),
        ({"client": None, "billable_rate": None}, 5400, "a private note"),
        ({"updated_at": "2026-01-05T13:00:00.5+01:00"}, 5400, "a private note"),
    ],
)
async def test_what_is_only_odd_is_read(
    world: HarvestWorld, changed: dict[str, Any], seconds: int, note: str
) -> None:
    told = await read(world, record(**changed))
    assert told.trouble is None
    assert told.record is not None
    assert (told.record.seconds, told.record.note) == (seconds, note)
    assert told.record.changed_at.utcoffset() is not None


async def test_trouble_shows_nobodys_note_name_or_number(world: HarvestWorld) -> None:
    told = await read(
        world,
        record(
            hours="8 hours for Zebedee",
            notes=["Zebedee"],
            user={"id": "Zebedee"},
            spent_date="Zebedee",
            billable_rate="98765.43",
        ),
    )
    assert told.trouble is not None
    assert "Zebedee" not in told.trouble
    assert "98765" not in told.trouble
    assert {"hours", "notes", "user.id", "spent_date"} <= {
        said.split(":")[0].strip() for said in told.trouble.split(";")
    }


async def test_a_huge_record_is_kept_only_in_part(world: HarvestWorld) -> None:
    told = await read(world, record(notes="x" * 1_000_000))
    assert told.record is not None
    assert len(told.raw) < 20_000
