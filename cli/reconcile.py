"""`ledgerway reconcile`: whether source, ledger and ERP agree about a month."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.backfill import alone_or_listed, sources_named
from cli.exits import DONE, FOUND_SOMETHING
from cli.options import Connection, Json
from cli.output import as_json, hours, out, table
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from cli.expense_reconciliation import ExpenseReconciliation
    from cli.reconciliation import Reconciliation
    from runtime.bootstrap import Platform
    from store.reports import SourceTotal

    Found = Reconciliation | ExpenseReconciliation

_PROBLEMS_SHOWN = 50


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reconcile)


def reconcile(
    period: Annotated[str, typer.Option(help="The month, such as 2026-10.")],
    connection: Connection = None,
    json_output: Json = False,
) -> int:
    """Ask source, ledger and ERP for a month's totals, and list all on which they differ.

    Time counts by the date of the work, an expense report by its posting date.
    """

    async def work() -> list[tuple[str, "Found"]]:
        async with platform() as opened:
            return [
                (source, await _reconciled(opened, source, period))
                for source in sources_named(opened, connection)
            ]

    found = run(work())
    agree = all(one.agree for _, one in found)
    if json_output:
        shown: list[dict[str, Any]] = [
            {"connection": source, **one.as_json()} for source, one in found
        ]
        out.print_json(as_json({**alone_or_listed(shown), "agree": agree}))
    else:
        for source, one in found:
            _show(source, period, one)
    return DONE if agree else FOUND_SOMETHING


async def _reconciled(opened: "Platform", source: str, period: str) -> "Found":
    from cli.expense_reconciliation import expense_reconciliation
    from cli.reconciliation import reconciliation
    from connectors.base.capabilities import ExpenseReportSource

    if source in opened.connections.all_filling(ExpenseReportSource):
        return await expense_reconciliation(opened, source, period)
    return await reconciliation(opened, source, period)


def _show(source: str, period: str, found: "Found") -> None:
    from cli.reconciliation import Reconciliation

    if isinstance(found, Reconciliation):
        _show_time(source, period, found)
    else:
        _show_expenses(source, period, found)
    for problem in found.problems[:_PROBLEMS_SHOWN]:
        out.print(f"[red]{problem}[/]", highlight=False)
    # A source of expenses forgets what it gave over, so it is not asked.
    sides = "Source, ledger and ERP" if isinstance(found, Reconciliation) else "Ledger and ERP"
    out.print(
        f"[green]{sides} agree.[/]"
        if found.agree
        else f"[red]{len(found.problems)} differences.[/]"
    )


def _show_time(source: str, period: str, found: "Reconciliation") -> None:
    out.print(
        table(
            f"Control totals of {period}, time of {source}",
            ("Entity", "", "Lines", "Hours", "Checksum"),
            [
                (
                    total.legal_entity,
                    side,
                    total.lines,
                    hours(total.seconds),
                    f"{total.checksum:015x}",
                )
                for side, total in found.rows()
            ],
        )
    )
    _show_approved(found.approved)


def _show_expenses(source: str, period: str, found: "ExpenseReconciliation") -> None:
    sides = [("ledger", one) for one in found.ledger] + [("ERP", one) for one in found.erp]
    out.print(
        table(
            f"Control totals of {period}, expenses of {source}",
            ("Entity", "", "Documents", "Owed", "", "Checksum"),
            [
                (
                    one.legal_entity,
                    side,
                    one.documents,
                    one.amount,
                    one.currency,
                    f"{one.checksum:015x}",
                )
                for side, one in sorted(
                    sides, key=lambda row: (row[1].legal_entity, row[1].currency, row[0])
                )
            ],
        )
    )
    _show_approved(found.approved)


def _show_approved(approved: "list[SourceTotal]") -> None:
    out.print(
        table(
            "Approved at the source",
            ("Standing", "Lines", "Hours"),
            [(one.standing.lower(), one.lines, hours(one.seconds)) for one in approved],
        )
    )
