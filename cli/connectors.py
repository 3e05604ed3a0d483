"""`ledgerway connectors`: what can be connected, whether it works, and how good it is."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, err, out, table
from cli.running import run
from cli.scaffold import Kind, Scaffold

if TYPE_CHECKING:
    from cli.conformance import Run
    from connectors.base.system import System

app = typer.Typer(
    help="The systems that can be connected: those of this repository and those that installed "
    "packages add.",
    no_args_is_help=True,
)
_Config = Annotated[
    Path,
    typer.Option(envvar="LEDGERWAY_CONFIG", help="The folder with connections.yaml."),
]


@app.command("list")
def list_(
    json_output: Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the README's table of our own systems.")
    ] = False,
) -> int:
    """List the systems, what each can be used as, and the level it claims."""
    if markdown:
        return _print_table()
    from runtime.configuration import ConfigurationError
    from runtime.registry import comes_from, system_named, system_names

    rows, broken = [], []
    for name in system_names():
        try:
            rows.append({"name": name, **_described(system_named(name)), "from": comes_from(name)})
        except ConfigurationError as error:
            broken.append(str(error))
    if json_output:
        out.print_json(as_json({"connectors": rows, "broken": broken}))
    else:
        cells = [
            (one["name"], one["title"], ", ".join(one["roles"]), one["level"], one["from"])
            for one in rows
        ]
        out.print(table("Connectors", ("Name", "System", "Roles", "Level", "From"), cells))
        for sentence in broken:
            err.print(f"[red]{escape(sentence)}[/]")
    return FOUND_SOMETHING if broken else DONE


def _print_table() -> int:
    from cli.conformance import CHECKOUT
    from cli.connector_table import markdown_table
    from runtime.registry import our_systems

    typer.echo(markdown_table(our_systems(), CHECKOUT))
    return DONE


def _described(system: "System") -> dict[str, Any]:
    manifest = system.manifest
    roles = manifest.capabilities if manifest else system.capabilities
    return {
        "title": manifest.title if manifest else system.name,
        "roles": sorted(role.__name__ for role in roles),
        "level": manifest.level if manifest else None,
        "verified_against": manifest.verified_against if manifest else None,
    }


@app.command()
def check(
    connection: Annotated[str, typer.Argument(help="A connection of connections.yaml.")],
    config: _Config = Path("config"),
    json_output: Json = False,
) -> int:
    """Log in to the live system of a connection, and say who we are there.

    Nothing is written. Exits with 1 if address, credentials or permissions are not good.
    """
    answered, said = run(_checked(connection, config))
    if json_output:
        out.print_json(as_json({"connection": connection, "good": answered, "said": said}))
    else:
        out.print(f"{escape(connection)}: {escape(said)}", style=None if answered else "red")
    return DONE if answered else FOUND_SOMETHING


async def _checked(name: str, folder: Path) -> tuple[bool, str]:
    """Ask the system; whether it was good, and what is to be told."""
    from connectors.base.errors import ConnectorError
    from connectors.base.rate_budget import Unlimited
    from runtime.configuration import ConfigurationError, load_configuration, options_for
    from runtime.registry import system_named

    try:
        configuration, _ = load_configuration(folder)
        if name not in configuration.connections:
            known = ", ".join(sorted(configuration.connections)) or "none"
            raise CommandError(f"There is no connection '{escape(name)}'; there are {known}.")
        settings = configuration.connections[name]
        system = system_named(settings.system)
        options = options_for(system, name, settings, folder)
    except ConfigurationError as error:
        raise CommandError(escape(str(error))) from error
    connected = system.connect(options, Unlimited())
    try:
        return True, await connected.check()
    except ConnectorError as error:
        said = f"{error.code}: {error}" if str(error) != error.code else error.code
        return False, f"{type(error).__name__.removesuffix('Error')}: {said}"
    finally:
        await connected.close()


@app.command()
def conformance(
    name: Annotated[str, typer.Argument(help="A system, as `connectors list` shows it.")],
    json_output: Json = False,
) -> int:
    """Run a connector's contract suite, and say which level it reaches and why not the next.

    Exits with 1 if a rule fails, or if the level is below the one that the manifest claims.
    """
    from cli.conformance import run_suite_of
    from runtime.configuration import ConfigurationError
    from runtime.registry import system_named

    try:
        made = run_suite_of(system_named(name))
    except ConfigurationError as error:
        raise CommandError(escape(str(error))) from error
    if json_output:
        out.print_json(as_json(made.as_json()))
    else:
        _show(made)
    return DONE if made.good else FOUND_SOMETHING


def _show(made: "Run") -> None:
    rows = [
        (f"{each.level} {each.level.means}", each.passed, len(each.failed), each.skipped)
        for each in made.verdict.standings
    ]
    out.print(table(made.title, ("Level", "Passed", "Failed", "Left out"), rows))
    for sentence in made.errors:
        err.print(f"[red]{escape(sentence)}[/]")
    verdict = made.verdict
    reached = verdict.reached
    out.print(f"It reaches {reached}: {reached.means}." if reached else "It reaches no level.")
    if verdict.why_not_the_next:
        out.print("Why not the next:")
        for sentence in verdict.why_not_the_next:
            out.print(f"· {escape(sentence)}", highlight=False)
    if verdict.kinds_tried:
        out.print(f"Tried with postings of kind {', '.join(verdict.kinds_tried)}.")
    if verdict.kinds_untried:
        untried = ", ".join(verdict.kinds_untried)
        out.print(f"Not tried by the suite, but by tests of its own if at all: {untried}.")
    if verdict.claimed is not None and not verdict.holds:
        err.print(f"[red]Its manifest claims {verdict.claimed}.[/]")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The system's name, such as northwind.")],
    kind: Annotated[
        Kind, typer.Option("--kind", help="What the connector is to be used as.")
    ] = Kind.TIME_SOURCE,
    into: Annotated[
        Path,
        typer.Option(
            help="The folder that it is made in; `connectors` of a checkout makes it a part of it."
        ),
    ] = Path(),
    json_output: Json = False,
) -> None:
    """Make a folder for a new connector, that passes the linters and not yet its suite."""
    scaffold = Scaffold(name, kind, into.resolve())
    written = scaffold.make()
    if json_output:
        out.print_json(as_json({"written": list(map(str, written)), "next": scaffold.next_steps()}))
        return
    for path in written:
        out.print(str(path), highlight=False)
    for number, step in enumerate(scaffold.next_steps(), 1):
        out.print(f"{number}. {escape(step)}", highlight=False)


@app.command()
def pairs(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table of docs/connectors/pairs.md.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Show which source goes with which ERP by configuration alone, and what the others lack."""
    from cli.pair_table import markdown_of, pairs_of
    from runtime.registry import our_systems, system_named, system_names

    if markdown:
        typer.echo(markdown_of(list(pairs_of(our_systems()))))
        return
    found = list(pairs_of([system_named(name) for name in system_names()]))
    if json_output:
        out.print_json(as_json([asdict(one) | {"works": one.works} for one in found]))
        return
    cells = [
        (one.source, one.target, one.flow, one.works, "; ".join((*one.missing, *one.limits)))
        for one in found
    ]
    out.print(table("Pairs", ("Source", "ERP", "Flow", "Works", "What is missing"), cells))
