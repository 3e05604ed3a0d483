"""Text that every part of the platform can store, compare and show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from canonical.text import Code, ExternalId, Note, Sentence, label, same_code, storable

CODE: TypeAdapter[str] = TypeAdapter(Code)
EXTERNAL_ID: TypeAdapter[str] = TypeAdapter(ExternalId)
NOTE: TypeAdapter[str] = TypeAdapter(Note)
SENTENCE: TypeAdapter[str] = TypeAdapter(Sentence)

# Everything that Python can hold in a str, lone surrogates included.
any_text = st.text(st.characters(exclude_categories=()), max_size=50)


@given(any_text)
def test_storable_text_has_nothing_that_postgres_refuses(text: str) -> None:
    stored = storable(text)
    stored.encode()
    assert "\x00" not in stored
    assert len(stored) == len(text)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00")))
def test_text_that_can_be_stored_stays_as_it_is(text: str) -> None:
    assert storable(text) == text


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\udfff!", "ok\udc80"])
def test_a_note_with_unstorable_characters_is_kept_with_marks_in_their_place(text: str) -> None:
    note = NOTE.validate_python(text)
    assert "\ufffd" in note
    assert note.encode().decode() == note


def test_a_lone_surrogate_from_json_does_not_sink_the_note() -> None:
    # The escape is legal JSON; what it stands for is no character.
    assert NOTE.validate_json(b'"a\\u0000b"') == "a\ufffdb"


@given(any_text)
def test_codes_compare_equal_however_they_are_composed(text: str) -> None:
    composed = unicodedata.normalize("NFC", storable(text))
    decomposed = unicodedata.normalize("NFD", storable(text))
    assert same_code(composed) == same_code(decomposed)
    assert same_code(same_code(text)) == same_code(text)


def test_the_same_code_in_two_spellings_is_one_code() -> None:
    composed, decomposed = "Z\u00fcrich", "Zu\u0308rich"
    assert composed != decomposed
    assert CODE.validate_python(composed) == CODE.validate_python(decomposed) == composed


def test_a_padded_code_is_the_code() -> None:
    assert CODE.validate_python("  P-100\u00a0") == "P-100"


@pytest.mark.parametrize("text", ["", "   ", "a\nb", "a\tb", "a\x1bb", "x" * 81, 5, True, None])
def test_what_is_no_code_is_refused(text: object) -> None:
    with pytest.raises(ValidationError):
        CODE.validate_python(text)


@pytest.mark.parametrize("text", ["", "a\x00", "a\nb", "x" * 121, "\ud800", 5, None])
def test_what_is_no_id_is_refused(text: object) -> None:
    with pytest.raises(ValidationError):
        EXTERNAL_ID.validate_python(text)


@pytest.mark.parametrize("text", [" 5 ", "\uff11\uff12", "1_000", "Zu\u0308rich"])
def test_an_id_is_opaque_and_never_rewritten(text: str) -> None:
    assert EXTERNAL_ID.validate_python(text) == text


def test_free_text_is_bounded() -> None:
    assert len(NOTE.validate_python("x" * 4000)) == 4000
    with pytest.raises(ValidationError):
        NOTE.validate_python("x" * 4001)
    with pytest.raises(ValidationError):
        SENTENCE.validate_python("x" * 1001)


@given(any_text)
def test_a_label_is_a_code_whatever_it_is_made_of(text: str) -> None:
    made = label(f"x{text}")
    assert CODE.validate_python(made) == made == label(made)


def test_two_long_names_that_differ_at_their_ends_stay_two_labels() -> None:
    one, other = label("x" * 200 + "1"), label("x" * 200 + "2")
    assert one != other
    assert len(one) == len(other) == 80


def test_a_label_is_one_line() -> None:
    assert label("Design\r\n& Build\t") == "Design & Build"
