"""Who is who: idempotency keys, the reference an ERP is given, and hashes of bodies."""

import re
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.identity import content_hash, idempotency_key, reference_of
from canonical.posting import TimeLine
from tests.unit.building import DAY, time_line

PARTS: dict[str, Any] = {
    "tenant": "northwind",
    "target": "tryton",
    "source": "harvest",
    "object_name": "time_entry",
    "source_id": "636709355",
    "revision": 1,
    "kind": "time",
    "leg": "main",
    "amendment": 0,
}
TEXT_PARTS = [name for name, value in PARTS.items() if isinstance(value, str)]

# Separators, digits and colons on purpose: they are what could make two keys one.
parts = st.fixed_dictionaries(
    {
        name: (
            st.text("a|:1 ", max_size=4)
            if isinstance(value, str)
            else st.integers(min_value=0, max_value=12)
        )
        for name, value in PARTS.items()
    }
)


@pytest.mark.parametrize(
    ("changes", "key", "reference"),
    [
        ({}, "6439a479-62d7-5427-85d5-2c7ef3306a22", "LMQ42I6LC25KCPBOVFR7P"),
        ({"revision": 2}, "ea7053da-9944-5b23-92dd-752f543d0689", "L5JYFHWUZIRNSHEW5OUXV"),
        ({"kind": "undo"}, "28be83a6-1294-5c7c-a0dd-f7712159ad83", "LFC7IHJQSSROHZIG565YS"),
        (
            {"kind": "reversal", "amendment": 3},
            "d67f1b42-94de-545d-bb6e-a670d538bf4d",
            "L2Z7RWQUU3ZKF3O3OUZYN",
        ),
        (
            {"source_id": "\u00c5|x", "tenant": "gr\u00f6\u00dfe"},
            "54875b5c-215e-5ce5-9ce6-057268dc8faf",
            "LKSDVWXBBLZOOLHHGAVZG",
        ),
    ],
)
def test_keys_are_the_same_for_ever(changes: dict[str, Any], key: str, reference: str) -> None:
    # Written down once. If this fails, every posting of every firm would be sent again.
    made = idempotency_key(**{**PARTS, **changes})
    assert (str(made), reference_of(made)) == (key, reference)


@given(parts, parts)
def test_two_postings_have_one_key_only_if_they_are_one(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (idempotency_key(**one) == idempotency_key(**other)) == (one == other)


@pytest.mark.parametrize(("first", "second"), list(combinations(TEXT_PARTS, 2)))
def test_what_moves_from_one_part_to_another_changes_the_key(first: str, second: str) -> None:
    left = idempotency_key(**{**PARTS, first: "a|1:b", second: "c"})
    right = idempotency_key(**{**PARTS, first: "a", second: "1:b|c"})
    swapped = idempotency_key(**{**PARTS, first: "c", second: "a|1:b"})
    assert len({left, right, swapped}) == 3


@pytest.mark.parametrize("name", PARTS)
def test_every_part_counts(name: str) -> None:
    other = "other" if isinstance(PARTS[name], str) else 7
    assert idempotency_key(**{**PARTS, name: other}) != idempotency_key(**PARTS)


@given(st.uuids())
def test_a_reference_is_21_characters_that_every_erp_keeps(key: UUID) -> None:
    assert re.fullmatch(r"L[A-Z2-7]{20}", reference_of(key), re.ASCII)


@given(st.uuids(version=5), st.uuids(version=5))
def test_a_reference_carries_a_hundred_bits_of_its_key(one: UUID, other: UUID) -> None:
    same = one.int >> 28 == other.int >> 28
    assert (reference_of(one) == reference_of(other)) == same


def test_a_body_hashes_as_it_is_written() -> None:
    line = time_line()
    assert line.body_hash == content_hash(line.model_dump_json())
    assert re.fullmatch(r"[0-9a-f]{64}", line.body_hash)


def test_equal_bodies_hash_equally_and_every_field_counts() -> None:
    line = time_line()
    assert TimeLine.model_validate_json(line.model_dump_json()).body_hash == line.body_hash
    others = [
        time_line(legal_entity="2"),
        time_line(employee="8"),
        time_line(task="14"),
        time_line(work_date=DAY.replace(day=2)),
        time_line(seconds=3601),
        time_line(note="other"),
    ]
    assert len({line.body_hash, *(one.body_hash for one in others)}) == 7


def test_the_hash_of_a_body_stays_what_it_was() -> None:
    # A changed hash would make every replay look like a second body under an old key.
    assert (
        time_line().body_hash == "294a811e3b3e5a8d6919574811f8e61df1a233ef452543181886ddf8f74fe5a5"
    )
