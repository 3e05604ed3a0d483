"""`ledgerway`: the operator's command line."""

import typer

from cli import (
    backfill,
    cases,
    config,
    connectors,
    contracts,
    explain,
    invoices,
    ledger,
    local_world,
    masters,
    readiness,
    reconcile,
    serving,
    utilisation,
    wip,
)
from cli.exits import DONE, USED_WRONGLY, CommandError, leave
from cli.output import err

app = typer.Typer(
    name="ledgerway",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Carries approved work into money: from time and expense systems into the ERP, exactly "
    "once, with every exception in a queue that people work.\n\n"
    "New here? [bold]ledgerway demo[/] shows it all on this machine.",
    epilog="Exit codes: 0 done, 1 found something wrong or waiting for people, 2 used wrongly. "
    "Programs read [bold]--json[/].",
    rich_markup_mode="rich",
)
app.add_typer(backfill.app, name="backfill")
app.add_typer(cases.app, name="cases")
app.add_typer(config.app, name="config")
app.add_typer(connectors.app, name="connectors")
app.add_typer(contracts.app, name="contracts")
app.add_typer(readiness.app, name="readiness")
app.add_typer(invoices.app, name="invoices")
app.add_typer(masters.app, name="masters")
local_world.add_to(app)
serving.add_to(app)
ledger.add_to(app)
reconcile.add_to(app)
wip.add_to(app)
utilisation.add_to(app)
explain.add_to(app)


def run() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        result = app(standalone_mode=False, prog_name="ledgerway")
    except CommandError as error:
        err.print(f"[red]{error}[/]")
        leave(error.code)
    except typer.Exit as ended:
        leave(ended.exit_code)
    except typer.Abort:
        leave(1)
    except Exception as error:
        # Errors of usage, which Typer's own copy of Click raises, know how to show themselves.
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        leave(USED_WRONGLY)
    leave(result if isinstance(result, int) else DONE)
