"""A page taken apart: exact, each record on its own, and a broken one harms no neighbour."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from connectors.base.records import RAW_CHARS_MAX, RawRecord, raw_page, trouble_of

GOOD = '{"id": 1, "hours": 7.10}'


def page(*records: str) -> bytes:
    return ('{"total": 3, "rows": [' + ", ".join(records) + '], "links": {"next": null}}').encode()


def test_records_and_envelope_come_apart() -> None:
    found = raw_page(page(GOOD, '{"id": 2}'), "rows")
    assert found.envelope == {"total": 3, "links": {"next": None}}
    assert [record.text for record in found.records] == [GOOD, '{"id": 2}']
    assert found.records[0].value == {"id": 1, "hours": Decimal("7.10")}
    assert str(found.records[0].value["hours"]) == "7.10"


@pytest.mark.parametrize(
    "broken",
    [
        '{"id": tru}',
        '{"a": "\\x"}',
        '{"a": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"id" 1, "note": "a } and a \\" in it"}',
    ],
)
def test_a_record_that_is_no_json_is_shown_and_harms_no_neighbour(broken: str) -> None:
    records = raw_page(page(GOOD, broken, GOOD), "rows").records
    assert [record.text for record in records] == [GOOD, broken, GOOD]
    assert [record.value is None for record in records] == [False, True, False]


@pytest.mark.parametrize("digits", ["NaN", "Infinity", "-Infinity", "1e9999999999999999999"])
def test_a_number_that_is_none_stays_in_its_record_and_is_not_finite(digits: str) -> None:
    records = raw_page(page(GOOD, f'{{"id": 2, "hours": {digits}}}'), "rows").records
    assert records[1].value["id"] == 2
    assert not records[1].value["hours"].is_finite()


def test_a_broken_byte_costs_one_character() -> None:
    body = page(GOOD, '{"note": "?"}').replace(b"?", b"\xff")
    assert raw_page(body, "rows").records[1].value == {"note": "\ufffd"}


def test_a_line_break_in_a_note_is_no_trouble() -> None:
    assert raw_page(page('{"note": "a\nb"}'), "rows").records[0].value == {"note": "a\nb"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"rows"',
        b"{",
        b"{}",
        b'{"rows": {}}',
        b'{"rows": null}',
        b'{"rows": [',
        b'{"rows": [{"id": 1}',
        b'{"rows": [{"id": 1} {"id": 2}]}',
        b'{"rows": [nope, {"id": 2}]}',
        b'{"rows": [{"note": "no end}, {"id": 2}]}',
        b'{"rows": [{"crossed": [}]}, {"id": 2}]}',
        b'{"rows": []} and more',
        b'{"rows": [], "rows": []}',
        b'{"rows" []}',
        b"{rows: []}",
        b'{"deep": ' + b"[" * 100_000,
    ],
)
def test_a_page_that_cannot_be_read_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  Which one is for nobody to decide by.
        raw_page(body, "rows")


def test_what_is_kept_is_storable_and_cut() -> None:
    assert RawRecord('{"a": "\x00"}', {}).kept == '{"a": "\ufffd"}'
    assert len(RawRecord("x" * 2 * RAW_CHARS_MAX, {}).kept) == RAW_CHARS_MAX


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(
    records=st.lists(_JSON, max_size=5),
    envelope=st.dictionaries(st.text().filter(lambda name: name != "rows"), _JSON, max_size=3),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_it_reads_whatever_json_reads(
    records: list[object], envelope: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(envelope | {"rows": records}, indent=indent, ensure_ascii=ascii_only)
    found = raw_page(text.encode(), "rows")
    assert [record.value for record in found.records] == records
    assert found.envelope == envelope
    assert [json.loads(record.text) for record in found.records] == records


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_at_all_raise_anything_but_a_value_error(junk: bytes) -> None:
    for body in (junk, b'{"rows": [' + junk, b'{"rows": [{' + junk + b'}, {"id": 1}]}'):
        try:
            raw_page(body, "rows")
        except ValueError:
            continue


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    email: int
    name: bool
    a: int
    b: int
    c: int
    d: int


def test_trouble_names_the_members_and_none_of_their_values() -> None:
    with pytest.raises(ValueError) as told:  # noqa: PT011  Looked at below.
        _Strict.model_validate({"email": "kim@firm.example", "name": "Kim", "a": "secret"})
    said = trouble_of(told.value)
    assert "email:" in said
    assert "name:" in said
    assert "and 1 more" in said
    assert not any(private in said for private in ("kim", "Kim", "secret"))
