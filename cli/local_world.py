"""`ledgerway demo`, `up`, `down` and `status`: the local world."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, err, hours, out, table
from cli.running import run
from cli.session import HOME, WORLD

if TYPE_CHECKING:
    from sandbox.billing_act import BillingAct
    from sandbox.expense_act import ExpenseAct
    from sandbox.firm import Month
    from sandbox.masters_act import MastersAct
    from sandbox.summary import Summary

_UiPort = Annotated[
    int | None, typer.Option("--ui-port", help="Port of Temporal's UI; a free one if not given.")
]
_ErpPort = Annotated[
    int | None, typer.Option("--erp-port", help="Port of the ERP; a free one if not given.")
]
_MetricsPort = Annotated[
    int | None, typer.Option("--metrics-port", help="Port of /metrics; a free one if not given.")
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(demo)
    app.command()(up)
    app.command()(down)


def demo(
    month: Annotated[
        str | None, typer.Option(help="The month to show, such as 2026-10; the last full one.")
    ] = None,
    ui_port: _UiPort = None,
    erp_port: _ErpPort = None,
    metrics_port: _MetricsPort = None,
    json_output: Json = False,
) -> int:
    """See a firm's month of time and expenses go into a real ERP, while things go wrong.

    Starts a new local world, posts the month, and leaves the world stopped: `ledgerway up` opens
    it again. The result is also in var/demo/summary.json.
    """
    from cli.stage import Curtain
    from sandbox.demo import run_demo
    from sandbox.world import Ports

    ports = Ports(temporal_ui=ui_port, erp=erp_port, metrics=metrics_port)
    with Curtain(err) as curtain, _readable_trouble():
        summary = run(run_demo(WORLD, _month(month), HOME, ports, curtain.stage()))
    path = HOME / "demo" / "summary.json"
    summary.write(path)
    if json_output:
        out.print_json(as_json(summary.as_json()))
    else:
        _show(summary, path)
    return DONE if summary.agree else FOUND_SOMETHING


def up(
    ui_port: _UiPort = None,
    erp_port: _ErpPort = None,
    metrics_port: _MetricsPort = None,
    foreground: Annotated[
        bool, typer.Option(help="Stay, and stop the world when interrupted.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Open the local world again and print its addresses; a new one if there is none."""
    from cli.stage import Curtain
    from sandbox.supervisor import open_in_background, stay_open
    from sandbox.world import Ports

    show = _print_addresses if json_output else _show_addresses
    ports = Ports(temporal_ui=ui_port, erp=erp_port, metrics=metrics_port)
    if foreground:
        run(stay_open(WORLD, _month(None), HOME, ports, show))
        return
    with Curtain(err) as curtain, _readable_trouble():
        curtain.step("Opening the local world")
        addresses = run(open_in_background(WORLD, HOME, ports))
    show(addresses)
    if not json_output:
        out.print("Stop it with [bold]ledgerway down[/].")


def down(json_output: Json = False) -> None:
    """Stop the local world; it is kept, and `ledgerway up` opens it again."""
    from sandbox.supervisor import close

    stopped = run(close(WORLD))
    if json_output:
        out.print_json(as_json({"stopped": stopped}))
    else:
        out.print("Stopped." if stopped else "It was not up.")


@contextmanager
def _readable_trouble() -> Iterator[None]:
    """Say in a sentence which server of the local world did not start, and why."""
    from sandbox.child_process import ServerError

    try:
        yield
    except ServerError as error:
        raise CommandError(str(error), FOUND_SOMETHING) from error


def _month(text: str | None) -> "Month":
    from sandbox.firm import Month

    if text is None:
        return Month.of(datetime.now(UTC).date()).before()
    try:
        return Month.parse(text)
    except ValueError as error:
        raise CommandError(f"'{text}' is no month; write it like 2026-10") from error


def _show_addresses(addresses: dict[str, str]) -> None:
    for name, address in addresses.items():
        out.print(f"  {name:22} {address}", highlight=False)


def _print_addresses(addresses: dict[str, str]) -> None:
    out.print_json(as_json({"addresses": addresses}))


def _show(summary: "Summary", path: Path) -> None:
    totals = summary.totals
    out.print(
        table(
            "In cases, by root cause",
            ("Cause", "What", "Entity", "Lines", "Hours", "Amount", ""),
            [
                (
                    case.cause.replace("_", " "), case.subject, case.legal_entity, case.lines,
                    hours(case.seconds), case.amount, case.currency,
                )
                for case in (*summary.cases, *summary.expenses.cases)
            ],
        )
    )  # fmt: skip
    _show_expenses(summary.expenses)
    _show_billing(summary.billing)
    _show_masters(summary.masters)
    out.print(
        table(
            "Control totals of time",
            ("", "Lines", "Hours"),
            [
                ("approved in Harvest", totals.approved, None),
                ("  of these in cases or waived", totals.in_cases, None),
                ("source: to be posted", totals.source.lines, hours(totals.source.seconds)),
                ("ledger: posted", totals.ledger.lines, hours(totals.ledger.seconds)),
                ("ERP: booked", totals.erp.lines, hours(totals.erp.seconds)),
                ("duplicates in the ERP", totals.duplicates, None),
            ],
        )
    )
    survived = ", ".join(
        f"{count} x {kind.replace('_', ' ')}" for kind, count in summary.fired.items()
    )
    verdict = (
        "[green]Source = ledger = ERP.[/]"
        if summary.agree
        else f"[red]They do not agree: {totals.differences} lines of time and "
        f"{len(summary.expenses.totals.differences)} amounts of expenses differ; invoices "
        f"{'agree' if summary.billing.agree else 'differ'}, masters "
        f"{'agree' if summary.masters.agree else 'differ'}.[/]"
    )
    out.print(f"{verdict} Survived on the way: {survived}, 1 x worker killed.")
    out.print(f"{summary.seconds} s; the same as JSON in {path}")
    out.print(
        "Next: [bold]ledgerway up[/], then [bold]ledgerway cases list[/], [bold]ledgerway masters "
        "conflicts[/] or Temporal's UI to resolve them."
    )


def _show_billing(billing: "BillingAct") -> None:
    blocked = ", ".join(
        f"{count} {reason.replace('_', ' ')}" for reason, count in billing.blocked.items()
    )
    out.print(
        table(
            "Billing",
            ("", "", "By the ERP"),
            [
                ("engagements", billing.engagements, None),
                ("  not ready", sum(billing.blocked.values()), blocked),
                ("invoices", billing.invoices, None),
                ("  paid, paid in part", f"{billing.paid}, {billing.partly_paid}", None),
                ("credit notes", billing.credit_notes, None),
                *(
                    (f"billed in {code}, net", amount, billing.billed.get(code))
                    for code, amount in billing.allocated.items()
                ),
                ("duplicates in the ERP", billing.duplicates, None),
            ],
        )
    )


def _show_masters(masters: "MastersAct") -> None:
    worth = ", ".join(
        f"{one.amount:,} {one.currency}, {one.invoiced} lines invoiced" for one in masters.plans
    )
    left = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in masters.left.items())
    out.print(
        table(
            "Masters: customers of Salesforce, people of BambooHR",
            ("", "Records", ""),
            [
                ("linked by exact keys", masters.linked, None),
                ("  written while linking", masters.written_at_first, None),
                ("written since, into Harvest and the ERP", masters.written, None),
                ("cases decided", masters.settled, None),
                ("cases left for you", sum(masters.left.values()), left),
                ("  lines to correct", sum(one.lines for one in masters.plans), worth),
                ("twins in the ERP", masters.twins, None),
            ],
        )
    )
    for one in masters.wrong:
        out.print(f"[red]{one}[/]", highlight=False)


def _show_expenses(expenses: "ExpenseAct") -> None:
    out.print(
        table(
            "Expense reports",
            ("", "Reports"),
            [
                ("approved in Concur", expenses.approved),
                ("posted in the ERP", expenses.posted),
                ("reimbursed, and Concur knows", expenses.reimbursed),
                ("sent back, corrected and posted", expenses.returned),
                ("in cases", sum(case.lines for case in expenses.cases)),
                ("duplicates in the ERP", expenses.totals.duplicates),
            ],
        )
    )
    for difference in expenses.totals.differences:
        out.print(f"[red]{difference}[/]", highlight=False)
