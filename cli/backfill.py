"""`ledgerway backfill`: read a past window again, and post whatever is missing from it."""

import uuid
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Connection, Json, day
from cli.output import as_json, err, hours, out, table
from cli.running import run as run_async
from cli.session import platform

if TYPE_CHECKING:
    from canonical.messages import PollOutcome
    from runtime.bootstrap import Platform
    from store.reports import SourceTotal

app = typer.Typer(
    help="Read a past window of work dates again, and post what is missing. Safe at any time: what "
    "is posted stays posted once.",
    no_args_is_help=True,
)
_From = Annotated[str, typer.Option("--from", help="First work date, such as 2026-10-01.")]
_To = Annotated[str, typer.Option("--to", help="Last work date, included.")]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a backfill would read, and what is known of it so far."""

    connection: str
    target: str
    first: date
    last: date
    known: list["SourceTotal"]


@app.command()
def plan(from_: _From, to: _To, connection: Connection = None, json_output: Json = False) -> None:
    """Show what a backfill would do, and do nothing."""

    async def work() -> Plan:
        async with platform() as opened:
            return await _plan(opened, from_, to, connection)

    _show(run_async(work()), json_output=json_output)


@app.command()
def run(
    from_: _From,
    to: _To,
    connection: Connection = None,
    json_output: Json = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> int:
    """Show the plan, then carry it out and wait until everything is posted or in a case."""

    async def look() -> Plan:
        async with platform() as opened:
            return await _plan(opened, from_, to, connection)

    made = run_async(look())
    if not json_output:
        _show(made, json_output=False)
    if not (yes or json_output or not err.is_terminal):
        typer.confirm("Carry it out?", abort=True)

    async def work() -> tuple["PollOutcome", list["SourceTotal"]]:
        async with platform() as opened:
            outcome = await _carry_out(opened, made)
            return outcome, (await _plan(opened, from_, to, made.connection)).known

    outcome, after = run_async(work())
    return _report(outcome, after, json_output=json_output)


async def _plan(opened: "Platform", from_: str, to: str, connection: str | None) -> Plan:
    first, last = day(from_, "--from"), day(to, "--to")
    if last < first:
        raise CommandError(f"--to {last} lies before --from {first}")
    source = source_named(opened, connection)
    target = opened.configuration.connections[source].posts_to
    assert target is not None
    from store import reports

    async with opened.database.transaction() as database:
        known = await reports.source_totals(database, source, first, last)
    return Plan(source, target, first, last, known)


def source_named(opened: "Platform", connection: str | None) -> str:
    """The source that was named, or the only one; CommandError with the names otherwise."""
    sources = opened.configuration.sources()
    if connection is None and len(sources) == 1:
        return next(iter(sources))
    if connection not in sources:
        raise CommandError(f"Name a source with --connection; there are {', '.join(sources)}")
    return connection


async def _carry_out(opened: "Platform", made: Plan) -> "PollOutcome":
    from canonical.messages import BackfillWindow, PollOutcome
    from cli.waiting import until_settled
    from runtime.topology import UPKEEP_QUEUE

    window = BackfillWindow(
        connection=made.connection, target=made.target, first=made.first, last=made.last
    )
    outcome: PollOutcome = await opened.client.execute_workflow(
        "Backfill",
        window,
        id=f"backfill/{made.connection}/{made.first}/{made.last}/{uuid.uuid1()}",
        task_queue=UPKEEP_QUEUE,
        result_type=PollOutcome,
        static_summary=f"Backfill of {made.connection}, {made.first} to {made.last}",
    )
    await until_settled(opened.database)
    return outcome


def _show(made: Plan, *, json_output: bool) -> None:
    if json_output:
        out.print_json(as_json(asdict(made)))
        return
    days = (made.last - made.first).days + 1
    out.print(
        f"Read [bold]{made.connection}[/] from {made.first} to {made.last} ({days} days), and "
        f"post what is missing to [bold]{made.target}[/]."
    )
    out.print(_totals(made.known))


def _report(outcome: "PollOutcome", after: list["SourceTotal"], *, json_output: bool) -> int:
    stopped = sum(one.lines for one in after if one.standing not in ("POSTED", "WAIVED"))
    if json_output:
        shown: dict[str, Any] = {
            "read": outcome.model_dump(),
            "lines": [asdict(one) for one in after],
        }
        out.print_json(as_json(shown))
    else:
        out.print(
            f"Read {outcome.records:,} records: {outcome.news:,} timesheets with news, "
            f"{outcome.deleted:,} lines gone, {outcome.unreadable:,} unreadable."
        )
        out.print(_totals(after))
        if stopped:
            out.print(f"{stopped:,} lines wait for people: [bold]ledgerway cases list[/]")
    return FOUND_SOMETHING if stopped else DONE


def _totals(known: list["SourceTotal"]) -> Any:
    return table(
        "Approved lines known in this window",
        ("Month", "Standing", "Lines", "Hours"),
        [(one.period, one.standing.lower(), one.lines, hours(one.seconds)) for one in known],
    )
