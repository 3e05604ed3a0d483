"""`ledgerway worker`, `gateway`, `migrate` and `schedules`: what production runs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import CommandError
from cli.options import Json
from cli.output import as_json, out, table
from cli.running import run
from cli.session import gateway_settings, in_words, platform, settings

if TYPE_CHECKING:
    from runtime.schedules import Planned

# A schedule's id, the workflow that it starts, and how often.
_Row = tuple[str, str, str]

schedules = typer.Typer(
    help="What happens by itself: polls, sweeps, payments, what sources are told.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(worker)
    app.command()(gateway)
    app.command()(migrate)
    app.add_typer(schedules, name="schedules")


def worker(
    queue: Annotated[
        list[str] | None,
        typer.Option(
            help="A task queue to serve, such as post.tryton; again for more. All if none."
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            help="Port of /metrics, /ready and /live; 0 takes a free one. LEDGERWAY_HEALTH_PORT if "
            "not given; without either, none is served."
        ),
    ] = None,
) -> int:
    """Serve task queues until told to stop (SIGTERM), then finish what is under way.

    It has no --json, because it gives no result: programs ask /ready and /metrics.
    """
    import worker as process
    from runtime.configuration import ConfigurationError

    found = settings()
    changes = {
        **({"queues": tuple(queue)} if queue else {}),
        **({"health_port": metrics_port} if metrics_port is not None else {}),
    }
    run(_everything_is_there())
    try:
        return process.run(found.model_copy(update=changes))
    except ConfigurationError as error:
        raise CommandError(str(error)) from error


def gateway(
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Port of webhooks; LEDGERWAY_GATEWAY_PORT if not given, and a free one without.",
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            help="Port of /metrics, /ready and /live; 0 takes a free one. LEDGERWAY_HEALTH_PORT if "
            "not given; without either, none is served."
        ),
    ] = None,
) -> None:
    """Take webhooks until told to stop (SIGTERM), then answer those that came.

    A vendor posts to /webhooks/CONNECTION. It has no --json, because it gives no result: programs
    ask /ready and /metrics.
    """
    from gateway import process

    found = gateway_settings()
    changes = {
        **({"gateway_port": port} if port is not None else {}),
        **({"health_port": metrics_port} if metrics_port is not None else {}),
    }
    with in_words():
        try:
            process.run(found.model_copy(update=changes))
        except process.NoTemporalError as error:
            raise CommandError(
                f"Temporal does not answer at {found.temporal_address}. If this is the local "
                "world, start it: ledgerway up"
            ) from error
        except OSError as error:
            raise CommandError(f"The address cannot be had: {error.strerror}") from error


async def _everything_is_there() -> None:
    """Open what the worker needs and close it again; raises CommandError with what is missing."""
    async with platform() as opened, opened.database.transaction():
        pass


def migrate(json_output: Json = False) -> None:
    """Bring the ledger's database to this version; safe to run from many places at once."""
    from store import schema

    with in_words():
        run(schema.upgrade(settings().database_url.get_secret_value()))
    if json_output:
        out.print_json(as_json({"up_to_date": True}))
    else:
        out.print("The ledger is up to date.")


@schedules.command("list")
def list_(json_output: Json = False) -> None:
    """Show what the configuration schedules, and how often."""
    from runtime.configuration import ConfigurationError, load_configuration
    from runtime.schedules import planned

    try:
        configuration, policies = load_configuration(settings().config)
    except ConfigurationError as error:
        raise CommandError(str(error)) from error
    rows = _rows(planned(configuration, policies))
    if json_output:
        _print(rows)
    else:
        out.print(table("Schedules", ("Schedule", "Starts", "Every"), rows))


@schedules.command("apply")
def apply(json_output: Json = False) -> None:
    """Make the Schedules in Temporal, or bring those that exist to what is configured now."""
    from runtime.schedules import keep_schedules, planned

    async def work() -> list[_Row]:
        async with platform() as opened:
            await keep_schedules(opened.client, opened.configuration, opened.policies)
            return _rows(planned(opened.configuration, opened.policies))

    rows = run(work())
    if json_output:
        _print(rows)
    else:
        out.print("The Schedules are as configured.")


def _rows(found: Iterable["Planned"]) -> list[_Row]:
    return [(one.id, one.workflow, str(one.every)) for one in found]


def _print(rows: list[_Row]) -> None:
    keys = ("id", "workflow", "every")
    out.print_json(as_json([dict(zip(keys, row, strict=True)) for row in rows]))
