"""What people type about billing: whatever it is can be read, and nothing of it is guessed."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.billing_messages import BillingRequest, Credited

TYPED: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals(allow_nan=True),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*Credited.model_fields, "lines"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(BillingRequest.model_fields)), TYPED) | TYPED)
def test_whatever_is_typed_can_be_read_and_read_again_as_the_same(typed: Any) -> None:
    read = BillingRequest.model_validate(typed)
    assert BillingRequest.model_validate_json(read.model_dump_json()) == read


def test_a_name_is_the_same_with_blanks_around_it() -> None:
    assert BillingRequest.model_validate({"by": " ana "}).by == "ana"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ([{"line": "2", "seconds": "3600"}], (Credited(line="2", seconds=3600),)),
        ({"line": 2}, (Credited(line="2"),)),
        ([2, "3"], (Credited(line="2"), Credited(line="3"))),
        ([{"lines": "2"}], (Credited(unread="lines"),)),
        ([{"line": "2", "seconds": "1.5"}], (Credited(line="2", unread="seconds 1.5"),)),
        ("", (Credited(),)),
        (None, ()),
    ],
)
def test_what_is_to_be_credited_is_never_more_than_was_typed(
    typed: Any, read: tuple[Credited, ...]
) -> None:
    assert BillingRequest.model_validate({"credits": typed}).credits == read
