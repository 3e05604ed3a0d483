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


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What carrying out a plan came to."""

    read: "PollOutcome"
    lines: list["SourceTotal"]

    @property
    def stopped(self) -> int:
        """The lines that wait for people."""
        return sum(one.lines for one in self.lines if one.standing not in ("POSTED", "WAIVED"))

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"read": self.read.model_dump(), "lines": [asdict(one) for one in self.lines]}


@app.command()
def plan(from_: _From, to: _To, connection: Connection = None, json_output: Json = False) -> None:
    """Show what a backfill would do, and do nothing."""

    made = run_async(_plans(from_, to, connection))
    if json_output:
        out.print_json(as_json(alone_or_listed([asdict(one) for one in made])))
        return
    for one in made:
        _show(one)


@app.command()
def run(
    from_: _From,
    to: _To,
    connection: Connection = None,
    json_output: Json = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> int:
    """Show the plan, then carry it out and wait until everything is posted or in a case."""

    made = run_async(_plans(from_, to, connection))
    if not json_output:
        for one in made:
            _show(one)
    if not (yes or json_output or not err.is_terminal):
        typer.confirm("Carry it out?", abort=True)

    async def work() -> list[_Outcome]:
        async with platform() as opened:
            return [
                _Outcome(
                    await _carry_out(opened, one),
                    (await _plan(opened, from_, to, one.connection)).known,
                )
                for one in made
            ]

    outcomes = run_async(work())
    if json_output:
        out.print_json(as_json(alone_or_listed([one.as_json() for one in outcomes])))
    else:
        for one, outcome in zip(made, outcomes, strict=True):
            _report(one, outcome)
    return FOUND_SOMETHING if any(one.stopped for one in outcomes) else DONE


async def _plans(from_: str, to: str, connection: str | None) -> list[Plan]:
    async with platform() as opened:
        return [
            await _plan(opened, from_, to, source) for source in sources_named(opened, connection)
        ]


async def _plan(opened: "Platform", from_: str, to: str, source: str) -> Plan:
    first, last = day(from_, "--from"), day(to, "--to")
    if last < first:
        raise CommandError(f"--to {last} lies before --from {first}")
    target = opened.configuration.connections[source].posts_to
    assert target is not None
    from store import reports

    async with opened.database.transaction() as database:
        known = await reports.source_totals(database, source, first, last)
    return Plan(source, target, first, last, known)


def sources_named(opened: "Platform", connection: str | None) -> list[str]:
    """The source that was named, or all of them; CommandError with the names if there is none."""
    from connectors.base.capabilities import ContractSource

    # Contracts are read whole at every poll, and are no work.
    contracts = opened.connections.all_filling(ContractSource)
    sources = [name for name in opened.configuration.sources() if name not in contracts]
    if connection is not None and connection not in sources:
        raise CommandError(f"'{connection}' is no source; there are {', '.join(sources)}")
    return [connection] if connection is not None else sorted(sources)


def alone_or_listed(shown: list[dict[str, Any]]) -> dict[str, Any]:
    """For programs: what is said of one source as it is, of several as a list."""
    return shown[0] if len(shown) == 1 else {"sources": shown}


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


def _show(made: Plan) -> None:
    days = (made.last - made.first).days + 1
    out.print(
        f"Read [bold]{made.connection}[/] from {made.first} to {made.last} ({days} days), and "
        f"post what is missing to [bold]{made.target}[/]."
    )
    out.print(_totals(made.known))


def _report(made: Plan, outcome: _Outcome) -> None:
    read = outcome.read
    out.print(
        f"Read {read.records:,} records of [bold]{made.connection}[/]: {read.news:,} with news, "
        f"{read.deleted:,} lines gone, {read.unreadable:,} unreadable."
    )
    out.print(_totals(outcome.lines))
    if outcome.stopped:
        out.print(f"{outcome.stopped:,} lines wait for people: [bold]ledgerway cases list[/]")


def _totals(known: list["SourceTotal"]) -> Any:
    return table(
        "Approved lines known in this window",
        ("Month", "Standing", "Lines", "Hours"),
        [(one.period, one.standing.lower(), one.lines, hours(one.seconds)) for one in known],
    )
