"""`ledgerway config`: whether the files can be used, before anything is started with them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, out, table

app = typer.Typer(
    help="The configuration: connections.yaml and policies.yaml.",
    no_args_is_help=True,
)


@app.command()
def check(
    config: Annotated[
        Path,
        typer.Option(
            envvar="LEDGERWAY_CONFIG", help="The folder with connections.yaml and policies.yaml."
        ),
    ] = Path("config"),
    allow_plain: Annotated[
        list[str] | None,
        typer.Option(help="A host that may be spoken to without TLS; again for more."),
    ] = None,
    json_output: Json = False,
) -> int:
    """Check files, secrets, hosts, and whether the roles suffice for the flows configured.

    Nothing is sent to any system; `connectors check` does that. Exits with 1 if something is wrong;
    what is deprecated is a warning, and can be used until its day.
    """
    from runtime.config_check import check_configuration

    found = check_configuration(config, allow_plain or ())
    wrong = [each for each in found if not each.warning]
    warnings = [each for each in found if each.warning]
    if json_output:
        rows = [
            [{"where": each.where, "sentence": each.sentence} for each in some]
            for some in (wrong, warnings)
        ]
        out.print_json(as_json({"good": not wrong, "findings": rows[0], "warnings": rows[1]}))
        return FOUND_SOMETHING if wrong else DONE
    for title, some in (("What is wrong", wrong), ("What will be wrong", warnings)):
        if some:
            cells = [(escape(each.where), escape(each.sentence)) for each in some]
            out.print(table(title, ("Where", "What"), cells))
    if not wrong:
        out.print("The configuration can be used.")
    return FOUND_SOMETHING if wrong else DONE


@app.command()
def schema(
    file: Annotated[str, typer.Argument(help="connections or policies.")],
    json_output: Json = False,  # noqa: ARG001  It is JSON in any case.
) -> None:
    """Print the JSON Schema of a file, for editors; it knows the installed connectors' options."""
    from runtime.config_schema import SCHEMAS

    if file not in SCHEMAS:
        raise CommandError(
            f"There is no schema of '{escape(file)}'; there are connections, policies."
        )
    typer.echo(as_json(SCHEMAS[file]()))
