"""`ledgerway worker`, `ledgerway migrate` and `ledgerway schedules`: what production runs."""

from typing import Annotated

import typer

from cli.exits import CommandError
from cli.output import out
from cli.running import run
from cli.session import settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(worker)
    app.command()(migrate)


def worker(
    queue: Annotated[
        list[str] | None,
        typer.Option(
            help="A task queue to serve, such as post.tryton; again for more. All if none."
        ),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Serve /metrics, /ready and /live here; 0 takes a free port.")
    ] = None,
) -> int:
    """Serve task queues until told to stop (SIGTERM), then finish what is under way."""
    import worker as process

    found = settings()
    changes = {
        **({"queues": tuple(queue)} if queue else {}),
        **({"health_port": metrics_port} if metrics_port is not None else {}),
    }
    return process.run(found.model_copy(update=changes))


def migrate() -> None:
    """Bring the ledger's database to this version; safe to run from many places at once."""
    from store import schema

    try:
        run(schema.upgrade(settings().database_url.get_secret_value()))
    except OSError as error:
        raise CommandError(f"The ledger does not answer: {error}") from error
    out.print("The ledger is up to date.")
