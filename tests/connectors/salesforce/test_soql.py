"""Queries in SOQL: every value arrives as it is, in conditions that an address can carry."""

import string
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from connectors.salesforce import soql
from connectors.salesforce.simulated_soql import parsed_query
from connectors.salesforce.simulated_state import long_id

ID_CHARACTERS = string.digits + string.ascii_letters
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(VALUES)
def test_a_value_is_understood_as_it_was_meant(value: str) -> None:
    query = parsed_query(f"SELECT Id FROM Account WHERE Name = {soql.literal(value)}")
    assert query.conditions[0].values == (value,)


@given(st.lists(VALUES, max_size=300))
def test_each_value_is_asked_for_once_and_no_condition_is_too_long(values: list[str]) -> None:
    asked: list[object] = []
    for condition in soql.of(values, "Name"):
        assert len(quote(condition)) < 8_000
        query = parsed_query(f"SELECT Id FROM Account WHERE {condition}")
        asked += query.conditions[0].values
    assert asked == list(dict.fromkeys(values))


@given(
    st.text(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=15, max_size=15
    )
)
def test_long_ids_tell_apart_what_differs_in_case_only(short: str) -> None:
    longer = long_id(short)
    assert len(longer) == 18
    assert (long_id(short.swapcase()).casefold() == longer.casefold()) is (short.isdigit())
