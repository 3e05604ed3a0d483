"""`ledgerway explain`: what would be posted for a source's document, without posting it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, out

if TYPE_CHECKING:
    from cli.explanation import Explanation
    from connectors.base.capabilities import SourceRecord
    from rules.policies import Policies

# What one answer of a source may have at most; a file is no longer than that either.
_BYTES_MAX: Final = 64 * 1024 * 1024


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explain)


def explain(
    document: Annotated[Path, typer.Argument(help="A page of documents, as the source sends it.")],
    connection: Annotated[
        str, typer.Option("--connection", "-c", help="The source's connection, such as concur.")
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            envvar="LEDGERWAY_CONFIG",
            help="The folder with connections.yaml and policies.yaml; the shipped one by default.",
        ),
    ] = None,
    json_output: Json = False,
) -> int:
    """Tell what would be posted for a document, and which rule decided each line.

    Nothing is posted, and nothing needs to run. Exits with 0 if every document can be posted.
    """
    from cli.explanation import as_json as explained_json
    from cli.explanation import explain_page

    records, policies = _read(document, connection, config)
    explanations = explain_page(records, policies)
    if not explanations:
        raise CommandError(f"{_named(document)} is a page without documents.", FOUND_SOMETHING)
    if json_output:
        # Not through the console: it would fold what is longer than the terminal is wide.
        typer.echo(as_json(explained_json(explanations, connection)))
    else:
        for one in explanations:
            _show(one)
    return DONE if all(one.can_be_posted for one in explanations) else FOUND_SOMETHING


def _read(
    document: Path, connection: str, folder: Path | None
) -> tuple["Sequence[SourceRecord[Any]]", "Policies"]:
    """Read a page with the options of a connection; raises CommandError in words."""
    from runtime.configuration import (
        SHIPPED,
        ConfigurationError,
        load_configuration,
        options_for,
    )
    from runtime.registry import system_named

    where = folder or SHIPPED
    try:
        configuration, policies = load_configuration(where)
        settings = configuration.connections.get(connection)
        if settings is None:
            known = ", ".join(sorted(configuration.connections)) or "none"
            raise CommandError(
                f"There is no connection '{escape(connection)}'; there are {escape(known)}."
            )
        system = system_named(settings.system)
        options = options_for(system, connection, settings, where, with_secrets=False)
    except ConfigurationError as error:
        raise CommandError(escape(str(error))) from error
    if system.read_page is None:
        raise CommandError(f"Connection '{connection}' ({system.name}) is no source of documents.")
    page = _bytes_of(document)
    try:
        return system.read_page(options, page), policies
    except ValueError as error:
        raise CommandError(
            f"{_named(document)} is no page of {system.name}'s: {escape(str(error))}.",
            FOUND_SOMETHING,
        ) from error


def _named(document: Path) -> str:
    """A file's name as the terminal may show it."""
    return escape(_plain(str(document)))


def _bytes_of(document: Path) -> bytes:
    try:
        if document.stat().st_size > _BYTES_MAX:
            raise CommandError(
                f"{_named(document)} has more than {_BYTES_MAX // 1024 // 1024} MB; no source "
                "sends such a page. Split it.",
                FOUND_SOMETHING,
            )
        return document.read_bytes()
    except OSError as error:
        raise CommandError(f"{_named(document)} cannot be read: {error.strerror}.") from error


def _show(one: "Explanation") -> None:
    title = _plain(f"{one.kind.replace('_', ' ').capitalize()} {one.number}")
    if one.lines:
        out.print(_table(title, one))
    else:
        out.print(Text(title, style="bold"))
    for problem in one.problems:
        out.print(Text(problem["cause"], style="red") + Text(f": {_plain(problem['sentence'])}"))
    for warning in one.warnings:
        out.print(Text("note", style="yellow") + Text(f": {_plain(warning)}"))
    out.print("It can be posted.\n" if one.can_be_posted else "It cannot be posted as it is.\n")


def _table(title: str, one: "Explanation") -> Table:
    """Debits and credits beside each other, and behind them why."""
    made = Table(title=Text(title), title_justify="left", title_style="bold", header_style="dim")
    made.add_column("Account", max_width=30)
    made.add_column("Role", max_width=20)
    for side in ("Debit", "Credit"):
        made.add_column(side, justify="right", no_wrap=True)
    made.add_column("", no_wrap=True)
    made.add_column("Why")
    for line in one.lines:
        debit, credit = (line.amount, "") if line.side == "debit" else ("", line.amount)
        why = "; ".join(f"{each.why} ({each.rule}/{each.version})" for each in line.whys)
        cells = (line.account, line.role, debit, credit, line.currency, why)
        made.add_row(*(Text(_plain(cell)) for cell in cells))
    return made


def _plain(text: str) -> str:
    """What a source wrote, without anything that a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)
