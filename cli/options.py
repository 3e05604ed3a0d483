"""Options that several commands share."""

from datetime import date
from typing import Annotated

import typer

from cli.exits import CommandError

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Connection = Annotated[
    str | None,
    typer.Option(
        "--connection", "-c", help="The source's connection; needed if there are several."
    ),
]


def day(text: str, option: str) -> date:
    """Read a date; CommandError if it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{option}: '{text}' is no date; write it like 2026-10-01") from error
