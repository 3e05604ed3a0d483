"""What Tryton's error answers mean, by answers that were recorded from the real one."""

from typing import Any

import pytest

from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    RejectedError,
)
from connectors.tryton.refusals import ServerExceptionError, UserWarningError, error_of

LEFT = (
    'The value "Zebedee Quill" for field "Employee" in record "(12)" of "Timesheet Line" is not '
    "valid according to its domain."
)
DEFINITION = {"context": "{}", "name": "end_date", "string": "End Date", "relation_fields": {}}


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (
            ["ConcurrencyException", "Records were modified in the meanwhile"],
            ConflictError,
            "moved",
        ),
        (
            ["UserError", [LEFT, "", [["OR", ["end_date", "=", None]], {"end_date": DEFINITION}]]],
            RejectedError,
            "user_error:end_date",
        ),
        (["UserError", ["No domain.", "", None]], RejectedError, "user_error"),
        (
            ["UserError", ["Two.", "", [["a"], {"b": {}, "a": {}}]]],
            RejectedError,
            "user_error:a+b",
        ),
        (
            ["UserWarning", ["9601eb2379ee3701cec28ab388a5f3c1.invoice_similar", "It is.", ""]],
            UserWarningError,
            "user_warning:invoice_similar",
        ),
        (["UserWarning", ["plain", "It is.", ""]], UserWarningError, "user_warning:plain"),
        (
            ["LoginException", ["sms_code", "Code", "char"]],
            ConnectionConfigError,
            "login_needs_more",
        ),
    ],
)
def test_a_class_of_tryton_is_one_of_our_errors(
    answer: Any, kind: type[ConnectorError], code: str, write: bool
) -> None:
    error = error_of(answer, write=write)
    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize("answer", [["'foo'", ""], ["'res.user'", ""], [], None, "text", {}])
def test_any_other_error_is_a_failure_of_code_at_the_server(answer: Any) -> None:
    assert type(error_of(answer, write=True)) is ServerExceptionError
    # A read that fails so will fail so again until an operator looks at the server.
    assert type(error_of(answer, write=False)) is ConnectionConfigError


def test_the_code_does_not_depend_on_the_language() -> None:
    domain = [["end_date", "=", None], {"end_date": DEFINITION}]
    english = error_of(["UserError", [LEFT, "", domain]], write=True)
    german = error_of(["UserError", ["Der Wert ist falsch.", "", domain]], write=True)
    assert english.code == german.code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            LEFT,
            "The value … for field Employee in record (12) of Timesheet Line is not valid "
            "according to its domain.",
        ),
        # A name with quotes in it must not turn inside out what is quoted.
        (
            'The value "Jo "Joy" Quill" for field "Work" is bad.',
            "The value … for field Work is bad.",
        ),
        ('An unclosed "Quill', "An unclosed …"),
        ("Two\nlines\tand a \x00 NUL", "Two lines and a NUL"),
        ('You cannot delete "(11)" because.', "You cannot delete (11) because."),
    ],
)
def test_people_read_the_sentence_without_the_values_in_it(text: str, shown: str) -> None:
    assert str(error_of(["UserError", [text, "", None]], write=True)) == shown


def test_people_are_told_first_what_a_refused_clause_means() -> None:
    error = error_of(["UserError", [LEFT, "", [[], {"end_date": DEFINITION}]]], write=True)
    assert str(error).startswith("The employee had left by that date. ")
    assert "Quill" not in str(error)


def test_messages_and_codes_are_short_whatever_comes() -> None:
    names = {f"field_{n}_{50 * 'x'}": {} for n in range(40)}
    error = error_of(["UserError", [10_000 * "x", "", [[], names]]], write=True)
    assert len(str(error)) <= 300
    assert len(error.code) <= 80
    warning = error_of(["UserWarning", [10_000 * "x", "", ""]], write=True)
    assert len(warning.code) <= 80


def test_a_warning_keeps_the_name_that_a_yes_is_recorded_under() -> None:
    name = "9601eb2379ee3701cec28ab388a5f3c1.invoice_similar"
    error = error_of(["UserWarning", [name, "It is.", ""]], write=True)
    assert isinstance(error, UserWarningError)
    assert isinstance(error, RejectedError)
    assert error.name == name
