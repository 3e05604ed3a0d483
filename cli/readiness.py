"""`ledgerway readiness`: what can be billed, what blocks the rest in money, and letting it go."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.billing import By, Engagement, Period, amounts, decide, month_named, ref_of
from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, hours, out, table
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from canonical.billing_messages import Decided, ReadinessView
    from canonical.money import Money
    from store.readiness import Assessed, OpenPiece

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
_PIECES_SHOWN = 60


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
        out.print(_list(month, found))
        out.print("Details: [bold]ledgerway readiness show ENGAGEMENT[/]")
    return DONE if all(one.snapshot.ready for one in found) else FOUND_SOMETHING


@app.command()
def show(engagement: Engagement, period: Period = "", json_output: Json = False) -> int:
    """Show how an engagement's month stands now, decided anew, with what blocks it in money."""
    from activities.readiness import ReadinessActivities
    from canonical.billing_period import BillingPeriod
    from runtime.bootstrap import billing_facts
    from store import readiness

    month = month_named(period)

    async def work() -> tuple["ReadinessView", list["OpenPiece"]]:
        async with platform() as opened:
            ref = ref_of(opened, engagement, month)
            loader = billing_facts(opened.configuration, opened.policies)
            view = await ReadinessActivities(opened.database, loader).assess(ref)
            async with opened.database.connection() as connection:
                pieces = await readiness.pieces_of(
                    connection, ref.connection, BillingPeriod(engagement, month)
                )
            return view, pieces

    view, pieces = run(work())
    if view.stale:
        raise CommandError(
            "The ERP's calendar was read more than 15 minutes ago. Is a worker running?",
            FOUND_SOMETHING,
        )
    if not view.known:
        raise CommandError(f"No contract has an engagement {engagement}", FOUND_SOMETHING)
    if json_output:
        out.print_json(as_json(view.model_dump(mode="json") | {"work": _pieces_as_json(pieces)}))
    else:
        _show(view, pieces)
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
            looked_at = snapshot or await _snapshot_of(opened, ref)
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


async def _snapshot_of(opened: Any, ref: Any) -> str:
    from activities.readiness import ReadinessActivities
    from runtime.bootstrap import billing_facts

    loader = billing_facts(opened.configuration, opened.policies)
    view = await ReadinessActivities(opened.database, loader).assess(ref)
    return view.snapshot


def _money(found: "tuple[Money, ...]") -> str:
    return " + ".join(f"{one.amount:,} {one.currency}" for one in found)


def _list(month: str, found: "list[Assessed]") -> Any:
    return table(
        f"Engagements in {month}",
        ("Engagement", "Entity", "", "Billable", "Ready", "Blocked by"),
        [
            (
                one.period.engagement,
                one.snapshot.legal_entity,
                _verdict(one),
                _money(one.snapshot.billable),
                _money(one.snapshot.ready_amounts),
                ", ".join(
                    f"{each.reason.replace('_', ' ')} {each.amount.amount:,}"
                    for each in one.snapshot.blocked
                ),
            )
            for one in found
        ],
    )


def _verdict(one: "Assessed") -> str:
    if not one.snapshot.ready:
        return "blocked"
    return "ready" if one.snapshot.events else "billed"


def _as_json(one: "Assessed") -> dict[str, Any]:
    return {
        "engagement": one.period.engagement,
        "period": one.period.period,
        "assessed_at": one.assessed_at,
        "snapshot_hash": one.snapshot.hash,
        **one.snapshot.model_dump(mode="json"),
    }


def _pieces_as_json(pieces: "list[OpenPiece]") -> list[dict[str, Any]]:
    from dataclasses import asdict

    return [asdict(one) for one in pieces]


def _show(view: "ReadinessView", pieces: "list[OpenPiece]") -> None:
    verdict = "[green]Ready[/]" if view.ready else "[red]Not ready[/]"
    out.print(
        f"{verdict}: {amounts(view.ready_amounts)} of {amounts(view.billable)} can be billed for "
        f"{view.engagement} up to {view.cut_off_date}, on an invoice of {view.invoice_date}.",
        highlight=False,
    )
    for warning in view.warnings:
        out.print(f"[yellow]{warning}[/]", highlight=False)
    if view.blocked:
        out.print(
            table(
                "Blocked",
                ("Why", "Amount", "", "Hours", "Lines", "Holds the invoice"),
                [
                    (
                        one.reason.replace("_", " "),
                        one.amount.amount,
                        one.amount.currency,
                        hours(one.seconds),
                        one.lines,
                        one.holds,
                    )
                    for one in view.blocked
                ],
            )
        )
    if pieces:
        out.print(_work(pieces))
    if view.can_be_released:
        people = " (two people)" if view.needs_two else ""
        out.print(
            f"Release it{people}: [bold]ledgerway readiness release {view.engagement} "
            f"--period {view.period} --snapshot {view.snapshot} --by you[/]",
            highlight=False,
            soft_wrap=True,
        )


def _work(pieces: "list[OpenPiece]") -> Any:
    title = "Open work"
    if len(pieces) > _PIECES_SHOWN:
        title = f"Open work, {_PIECES_SHOWN} of {len(pieces)} parts (--json has all)"
    return table(
        title,
        ("Work", "Date", "Hours", "Amount", "", "Blocked by", "Because"),
        [
            (
                one.work_key,
                one.work_date,
                hours(one.seconds),
                one.amount,
                one.currency,
                (one.reason or "").replace("_", " "),
                one.why,
            )
            for one in pieces[:_PIECES_SHOWN]
        ],
    )
