"""`ledgerway wip`, `leakage` and `margin`: what is worked and not billed, lost, and earned."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.billing import Period, in_short, month_named, source_of_contracts
from cli.exits import DONE, FOUND_SOMETHING
from cli.options import Json, day
from cli.output import as_json, hours, out, table
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from activities.wip_proof import WipProof
    from rules.wip import WipDifference, WipRow
    from store.readiness import Leaking, Margin

_LEAKS_SHOWN = 60


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(wip)
    app.command()(leakage)
    app.command()(margin)


def wip(period: Period = "", json_output: Json = False) -> int:
    """Roll work in progress forward over a month, and hold its end against the ERP's own lines.

    Opening + posted - billed - written off + corrections = closing, per project and currency; exit
    code 1 if the ERP's lines come to something else.
    """
    from activities.wip_proof import prove_wip
    from canonical.billing_period import BillingPeriod
    from connectors.base.capabilities import PostingTarget

    month = BillingPeriod("-", month_named(period))

    async def work() -> "WipProof":
        async with platform() as opened:
            source = source_of_contracts(opened)
            target = opened.configuration.connections[source].posts_to
            assert target is not None
            erp = opened.connections.filling(target, PostingTarget)
            return await prove_wip(
                opened.database,
                erp,
                target,
                opened.policies,
                first=month.first_day,
                last=month.cut_off_date,
            )

    proof = run(work())
    if json_output:
        out.print_json(as_json(_as_json(month.period, proof)))
    else:
        _show(month.period, proof)
    return DONE if not proof.differences else FOUND_SOMETHING


def leakage(
    days: Annotated[
        int, typer.Option(help="Only what is older; the policy's own number if omitted.")
    ] = 0,
    as_of: Annotated[str, typer.Option(help="Counted from this day on; today.")] = "",
    json_output: Json = False,
) -> int:
    """List approved, billable work that is old and not billed, with its money and its cause."""
    from store import readiness

    today = day(as_of, "--as-of") if as_of else datetime.now(UTC).date()

    async def work() -> list["Leaking"]:
        async with platform() as opened, opened.database.connection() as connection:
            older = days or opened.policies.default.billing.leakage_days
            return await readiness.leakage(connection, today, older)

    found = run(work())
    if json_output:
        out.print_json(as_json([asdict(one) for one in found]))
    elif not found:
        out.print("[green]Nothing leaks.[/]")
    else:
        out.print(_leaks(found))
    return FOUND_SOMETHING if found else DONE


def margin(json_output: Json = False) -> int:
    """Show what projects came to so far: billed + work in progress - cost, per currency."""
    from store import readiness

    async def work() -> list["Margin"]:
        async with platform() as opened, opened.database.connection() as connection:
            return await readiness.margins(connection)

    found = run(work())
    if json_output:
        out.print_json(as_json([asdict(one) for one in found]))
    elif not found:
        out.print("No project has been valued yet.")
    else:
        out.print(
            table(
                "Projects so far",
                ("Project", "Billed", "WIP", "Cost", "Margin", "", "%"),
                [
                    (
                        one.project,
                        one.billed,
                        one.wip,
                        one.cost,
                        one.margin,
                        one.currency,
                        _percent(one),
                    )
                    for one in found
                ],
            )
        )
    return DONE


def _percent(one: "Margin") -> Decimal | None:
    earned = one.billed + one.wip
    return (one.margin * 100 / earned).quantize(Decimal("0.1")) if earned else None


def _show(period: str, proof: "WipProof") -> None:
    erp = dict(proof.erp)
    out.print(
        table(
            f"Work in progress, {period}",
            ("Project", "Opening", "Posted", "Billed", "Off", "Corr.", "Closing", "ERP", ""),
            [
                (
                    row.project,
                    row.opening.amount,
                    row.posted.amount,
                    row.billed.amount,
                    row.written_off.amount,
                    row.corrections.amount,
                    row.closing.amount,
                    erp[row.project, row.currency].amount
                    if (row.project, row.currency) in erp
                    else Decimal(0),
                    row.currency,
                )
                for row in proof.rows
            ],
        )
    )
    if proof.differences:
        for one in proof.differences:
            out.print(f"[red]{_said(one)}[/]", highlight=False)
    else:
        out.print("[green]It closes to zero: the ERP's own lines leave the same unbilled.[/]")


def _said(one: "WipDifference") -> str:
    return (
        f"{one.project}: {one.rolled.amount:,} {one.currency} here, {one.erp.amount:,} in the ERP; "
        f"{one.difference.amount:,} apart."
    )


def _as_json(period: str, proof: "WipProof") -> dict[str, Any]:
    return {
        "period": period,
        "rows": [_row(row) for row in proof.rows],
        "erp": [
            {"project": project, "currency": currency, "unbilled": money.amount}
            for (project, currency), money in sorted(proof.erp.items())
        ],
        "differences": [
            {
                "project": one.project,
                "currency": one.currency,
                "rolled": one.rolled.amount,
                "erp": one.erp.amount,
            }
            for one in proof.differences
        ],
    }


def _row(row: "WipRow") -> dict[str, Any]:
    return {
        "project": row.project,
        "currency": row.currency,
        **{
            name: getattr(row, name).amount
            for name in ("opening", "posted", "billed", "written_off", "corrections", "closing")
        },
    }


def _leaks(found: Sequence["Leaking"]) -> Any:
    title = "Approved, billable and not billed, for each engagement"
    if len(found) > _LEAKS_SHOWN:
        title = f"{title}: {_LEAKS_SHOWN} of {len(found)} (--json has all)"
    return table(
        title,
        ("Work", "For", "Days", "Hours", "Amount", "", "Why"),
        [
            (
                one.work_key,
                one.engagement,
                one.age_days,
                hours(one.seconds),
                one.amount,
                one.currency,
                in_short(one.cause),
            )
            for one in found[:_LEAKS_SHOWN]
        ],
    )
