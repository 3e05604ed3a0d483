"""`ledgerway readiness`: what can be billed, what blocks the rest in money, and letting it go."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.billing import By, Engagement, Period, amounts, decide, month_named, ref_of
from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, out
from cli.readiness_tables import blocked_amounts, blocked_work, months, ready_work
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from activities.readiness import Looked
    from canonical.billing_messages import Decided, ReadinessView
    from canonical.messages import DocumentRef
    from rules.billing_pieces import Piece
    from runtime.bootstrap import Platform
    from store.readiness import Assessed

app = typer.Typer(
    help="Invoice readiness: per engagement and month what can be billed, and what blocks the "
    "rest.",
    no_args_is_help=True,
)
Reason = Annotated[str, typer.Option(help="Why, for an auditor.")]
Approver = Annotated[str, typer.Option("--approved-by", help="Who approves it; somebody else.")]
Work = Annotated[
    list[str], typer.Option("--work", help="Keys of the work, as show has them; may be repeated.")
]
_AllWork = Annotated[bool, typer.Option("--work", help="List ready work line by line, too.")]


@app.command("list")
def list_(period: Period = "", json_output: Json = False) -> int:
    """List how the engagements of a month stand; exit code 1 if any is not ready."""
    from store import readiness

    month = month_named(period)

    async def work() -> list["Assessed"]:
        async with platform() as opened, opened.database.connection() as connection:
            return await readiness.assessed(connection, period=month)

    found = run(work())
    if json_output:
        out.print_json(as_json([_as_json(one) for one in found]))
    elif not found:
        out.print(f"No engagement has been looked at for {month} yet.")
    else:
        out.print(months(month, found))
        out.print("Details: [bold]ledgerway readiness show ENGAGEMENT[/]")
    return DONE if all(one.snapshot.ready for one in found) else FOUND_SOMETHING


@app.command()
def show(
    engagement: Engagement,
    period: Period = "",
    all_work: _AllWork = False,
    json_output: Json = False,
) -> int:
    """Show how an engagement's month stands now, decided anew, with what blocks it in money."""
    month = month_named(period)

    async def work() -> "Looked":
        async with platform() as opened:
            return await _look(opened, ref_of(opened, engagement, month))

    looked = run(work())
    view = looked.view
    if view.stale:
        raise CommandError(
            "The ERP's calendar was read more than 15 minutes ago. Is a worker running?",
            FOUND_SOMETHING,
        )
    if not view.known:
        raise CommandError(f"No contract has an engagement {engagement}", FOUND_SOMETHING)
    if json_output:
        pieces = _pieces_as_json(looked.pieces)
        out.print_json(as_json(view.model_dump(mode="json") | {"work": pieces}))
    else:
        _show(view, looked.pieces, line_by_line=all_work)
    return DONE if view.ready else FOUND_SOMETHING


@app.command()
def release(
    engagement: Engagement,
    by: By,
    period: Period = "",
    snapshot: Annotated[
        str, typer.Option(help="The hash that was looked at; asked for now if omitted.")
    ] = "",
    json_output: Json = False,
) -> int:
    """Release what is ready as invoices; refused if anything changed since it was looked at."""

    async def work() -> tuple["Decided", str]:
        async with platform() as opened:
            ref = ref_of(opened, engagement, month_named(period))
            looked_at = snapshot or (await _look(opened, ref)).view.snapshot
            request = {"kind": "release", "by": by, "snapshot": looked_at}
            return await decide(opened, ref, request), looked_at

    decided, _ = run(work())
    return _tell(decided, json_output=json_output)


@app.command()
def exclude(
    engagement: Engagement,
    work: Work,
    by: By,
    reason: Reason,
    period: Period = "",
    json_output: Json = False,
) -> int:
    """Leave work out of a month's invoice; it stays open for a later one."""
    request = {"kind": "exclude", "by": by, "reason": reason, "work": work}
    return _decided(engagement, period, request, json_output=json_output)


@app.command()
def include(
    engagement: Engagement, work: Work, by: By, period: Period = "", json_output: Json = False
) -> int:
    """Bill work again that was left out."""
    request = {"kind": "include", "by": by, "work": work}
    return _decided(engagement, period, request, json_output=json_output)


@app.command("write-down")
def write_down(
    engagement: Engagement,
    contract_line: Annotated[str, typer.Option(help="The contract line whose price falls.")],
    amount: Annotated[str, typer.Option(help="By how much, such as 500.00.")],
    currency: Annotated[str, typer.Option(help="In which currency.")],
    by: By,
    approved_by: Approver,
    reason: Reason,
    period: Period = "",
    json_output: Json = False,
) -> int:
    """Lower a price by a line of its own on the next invoice; hours stay as they are."""
    request = {
        "kind": "write_down",
        "by": by,
        "approver": approved_by,
        "reason": reason,
        "contract_line": contract_line,
        "amount": amount,
        "currency": currency,
    }
    return _decided(engagement, period, request, json_output=json_output)


@app.command("write-off")
def write_off(
    engagement: Engagement,
    work: Work,
    by: By,
    approved_by: Approver,
    reason: Reason,
    period: Period = "",
    json_output: Json = False,
) -> int:
    """Give work up for good: it is never billed."""
    request = {
        "kind": "write_off",
        "by": by,
        "approver": approved_by,
        "reason": reason,
        "work": work,
    }
    return _decided(engagement, period, request, json_output=json_output)


def _decided(engagement: str, period: str, request: dict[str, Any], *, json_output: bool) -> int:
    async def work() -> "Decided":
        async with platform() as opened:
            return await decide(opened, ref_of(opened, engagement, month_named(period)), request)

    return _tell(run(work()), json_output=json_output)


def _tell(decided: "Decided", *, json_output: bool) -> int:
    if json_output:
        out.print_json(as_json(decided.model_dump(mode="json")))
    else:
        out.print(decided.message if decided.done else f"[red]Not released.[/] {decided.message}")
    return DONE if decided.done else FOUND_SOMETHING


async def _look(opened: "Platform", ref: "DocumentRef") -> "Looked":
    from activities.readiness import ReadinessActivities
    from runtime.bootstrap import billing_facts

    loader = billing_facts(opened.configuration, opened.policies)
    return await ReadinessActivities(opened.database, loader).look(ref)


def _as_json(one: "Assessed") -> dict[str, Any]:
    return {
        "engagement": one.period.engagement,
        "period": one.period.period,
        "assessed_at": one.assessed_at,
        "snapshot_hash": one.snapshot.hash,
        **one.snapshot.model_dump(mode="json"),
    }


def _pieces_as_json(pieces: "Sequence[Piece]") -> list[dict[str, Any]]:
    return [
        {
            "work_key": one.work.key,
            "contract_line": one.contract_line,
            "role": one.role,
            "rate": one.rate.amount if one.rate else None,
            "project": one.project,
            "work_date": one.work_date,
            "seconds": one.seconds,
            "amount": one.amount.amount,
            "currency": one.amount.currency,
            "reason": one.reason,
            "why": one.why,
        }
        for one in pieces
    ]


def _show(view: "ReadinessView", pieces: "Sequence[Piece]", *, line_by_line: bool) -> None:
    from canonical.billing import open_case_called

    verdict = "[green]Ready[/]" if view.ready else "[red]Not ready[/]"
    out.print(
        f"{verdict}: {amounts(view.ready_amounts)} of {amounts(view.billable)} can be billed for "
        f"{view.engagement} up to {view.cut_off_date}, on an invoice of {view.invoice_date}.",
        highlight=False,
    )
    for case in view.open_cases:
        out.print(f"[red]Held by {open_case_called(case)}.[/]", highlight=False)
    for warning in view.warnings:
        out.print(f"[yellow]{warning}[/]", highlight=False)
    if view.blocked:
        out.print(blocked_amounts(view))
    for shown in blocked_work(pieces):
        out.print(shown)
    if any(one.reason is None for one in pieces):
        out.print(ready_work(pieces, line_by_line=line_by_line))
    if view.can_be_released:
        people = " (two people)" if view.needs_two else ""
        out.print(
            f"Release it{people}: [bold]ledgerway readiness release {view.engagement} "
            f"--period {view.period} --snapshot {view.snapshot} --by you[/]",
            highlight=False,
            soft_wrap=True,
        )
