"""`ledgerway contracts`: the canonical types as JSON Schema files, and what changed in them."""

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, err, out, table

if TYPE_CHECKING:
    from cli.contract_changes import Change

app = typer.Typer(
    help="What other programs can rely on: each canonical type's JSON Schema, by name and version.",
    no_args_is_help=True,
)
# Beside the contracts: the schemas of the configuration's files.
_CONFIG: Final = "config"
_Folder = Annotated[Path, typer.Option(help="The folder of the schemas, name/vN.json.")]
_IN_CHECKOUT: Final = Path("contracts")


@app.command("list")
def list_(json_output: Json = False) -> None:
    """List the contracts that the code has now, and what is on its way out."""
    from canonical.published import contracts, deprecated

    rows = [
        {"contract": name, "type": model.__name__, "about": (model.__doc__ or "").split("\n")[0]}
        for name, model in contracts().items()
    ]
    old = [
        {"contract": name, "replaced_by": one.replaced_by, "since": one.since, "until": one.until}
        for name, one in deprecated().items()
    ]
    if json_output:
        out.print_json(as_json({"contracts": rows, "deprecated": old}))
        return
    cells = [tuple(row.values()) for row in rows]
    out.print(table("Contracts", ("Contract", "Type", "What it is"), cells))
    if old:
        columns = ("Contract", "Replaced by", "Since", "Understood until")
        out.print(table("Deprecated", columns, [tuple(row.values()) for row in old]))


@app.command()
def export(folder: _Folder = _IN_CHECKOUT, json_output: Json = False) -> int:
    """Write the schemas; nothing is written over that breaks whoever kept to it.

    The schemas of connections.yaml and policies.yaml go to the folder's config/.
    """
    from canonical.published import schemas

    breaking = [each for each in _changes(_written(folder), schemas()) if each.breaking]
    if breaking:
        _say(breaking, json_output=json_output)
        return FOUND_SOMETHING
    files = {
        **{folder / f"{name}.json": schema for name, schema in schemas().items()},
        **_of_configuration(folder),
    }
    for path, schema in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text(schema))
    if json_output:
        out.print_json(as_json({"written": sorted(map(str, files))}))
    else:
        out.print(f"{len(files)} schemas are in {folder}.")
    return DONE


@app.command()
def diff(
    folder: _Folder = _IN_CHECKOUT,
    against: Annotated[
        str | None,
        typer.Option(help="Compare with the folder in this commit of git, such as origin/main."),
    ] = None,
    json_output: Json = False,
) -> int:
    """Compare the code with the schemas that are written down.

    Exits with 1 if something breaks whoever kept to them: then it needs a new version, name/vN+1.
    """
    from canonical.published import schemas

    written = _written(folder) if against is None else _committed(folder, against)
    if not written:
        raise CommandError(f"There are no schemas in {escape(str(folder))} to compare with.")
    changes = _changes(written, schemas())
    _say(changes, json_output=json_output)
    return FOUND_SOMETHING if any(each.breaking for each in changes) else DONE


def as_text(schema: Mapping[str, Any]) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _of_configuration(folder: Path) -> dict[Path, Mapping[str, Any]]:
    from runtime.config_schema import connections_schema, policies_schema
    from runtime.registry import our_systems

    return {
        folder / _CONFIG / "connections.schema.json": connections_schema(our_systems()),
        folder / _CONFIG / "policies.schema.json": policies_schema(),
    }


def _changes(
    written: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> list["Change"]:
    from canonical.deprecation import DEPRECATED
    from cli.contract_changes import changes_between

    return list(changes_between(written, now, DEPRECATED, datetime.now(UTC).date()))


def _written(folder: Path) -> dict[str, Any]:
    files = sorted(folder.glob("*/v*.json"))
    return {f"{path.parent.name}/{path.stem}": json.loads(path.read_text()) for path in files}


def _committed(folder: Path, commit: str) -> dict[str, Any]:
    names = _git("ls-tree", "-r", "--name-only", commit, "--", str(folder)).splitlines()
    files = [Path(name) for name in names if Path(name).match("*/v*.json")]
    return {
        f"{path.parent.name}/{path.stem}": json.loads(_git("show", f"{commit}:./{path}"))
        for path in files
    }


def _git(*words: str) -> str:
    done = subprocess.run(  # noqa: S603  Git itself, and no shell.
        ["git", *words],  # noqa: S607  Whichever the person has.
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise CommandError(f"git {words[0]}: {escape(done.stderr.strip())}")
    return done.stdout


def _say(changes: list["Change"], *, json_output: bool) -> None:
    if json_output:
        rows = [
            {"contract": each.contract, "change": each.sentence, "breaking": each.breaking}
            for each in changes
        ]
        out.print_json(as_json({"changes": rows}))
        return
    if not changes:
        out.print("The code has just what is written down.")
    for each in changes:
        said = f"{each.contract} {each.sentence}."
        if each.breaking:
            err.print(f"[red]{escape(said)}[/] It needs a new version.", highlight=False)
        else:
            out.print(escape(said), highlight=False)
