"""`ledgerway status` and `why`: what the ledger knows."""

import json
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canonical.expense import EXPENSE_REPORT
from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, hours, out, table
from cli.report_story import report_called, report_story, without_words
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from store.reports import Status


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(status)
    app.command()(why)


def status(json_output: Json = False) -> int:
    """Show how things stand: lines by state, cases, what is unanswered, how fresh sources are."""
    from store import reports

    async def work() -> "Status":
        async with platform() as opened, opened.database.transaction() as connection:
            return await reports.status(connection)

    found = run(work())
    if json_output:
        out.print_json(as_json(asdict(found)))
    else:
        out.print(
            table(
                "Postings",
                ("State", "Kind", "Lines", "Hours"),
                [(s.state.lower(), s.kind, s.lines, hours(s.seconds)) for s in found.states],
            )
        )
        out.print(
            table(
                "Sources",
                ("Connection", "Read up to (UTC)", "Last poll", "To be told", "Dead letters"),
                [
                    (s.connection, s.watermark, s.last_polled_at, s.to_be_told, s.dead_letters)
                    for s in found.sources
                ],
            )
        )
        out.print(
            f"{found.open_cases} cases wait for people, {found.uncertain} lines are unanswered."
        )
    return FOUND_SOMETHING if found.open_cases or found.uncertain else DONE


def why(
    ref: Annotated[
        str,
        typer.Argument(
            help="Our reference, the ERP's document id, the source's id, or a report's number."
        ),
    ],
    json_output: Json = False,
) -> None:
    """Tell the whole story of a line or report: who approved it, what was sent, and its outcome."""
    from store import reports

    async def work() -> list[dict[str, Any]]:
        async with platform() as opened, opened.database.transaction() as connection:
            return await reports.story(connection, ref)

    found = run(work())
    if not found:
        raise CommandError(f"Nothing is known of '{ref}'.", FOUND_SOMETHING)
    for one in found:
        one["steps"] = json.loads(one["steps"] or "[]")
        for name in ("intent", "report", "claim", "payment", "told"):
            # Amounts come as JSON numbers, whose digits all count.
            one[name] = json.loads(one[name], parse_float=Decimal) if one[name] else None
        one["report"] = without_words(one["report"])
    if json_output:
        out.print_json(as_json(found))
        return
    for one in found:
        _tell(one)


def _tell(one: dict[str, Any]) -> None:
    report = one["object"] == EXPENSE_REPORT
    what = f"entry {one['source_id']} (timesheet {one['timesheet']})"
    # A pair between legal entities is of a line of work, and has no hours of its own.
    of_pair = one["leg"] != "main"
    leg = f" ({one['leg']})" if of_pair else ""
    out.print(
        f"[bold]{one['kind']}[/]{leg} of {report_called(one) if report else what}, "
        f"revision {one['revision']}"
        + (f", amendment {one['amendment']}" if one["amendment"] else ""),
        highlight=False,
    )
    size = "" if report or of_pair else f"{hours(one['seconds'])} h on {one['original_date']}, "
    out.print(
        f"  {size}{one['amount']} {one['currency']}, {one['legal_entity']}, period "
        f"{one['period']}; reference {one['reference']}",
        highlight=False,
    )
    seen = "first seen approved" if one["approved_at_from"] == "first_seen" else "approved"
    out.print(
        f"  {seen} {one['approved_at']:%Y-%m-%d %H:%M:%S} UTC; at the source now "
        f"{one['source_status'].lower().replace('_', ' ')}"
        if one["approved_at"]
        else "  never approved",
        highlight=False,
    )
    if one["erp_document_id"]:
        attested = "read back and equal" if one["attested_at"] else "not read back yet"
        out.print(
            f"  {one['target']} document {one['erp_document_id']}, {attested}", highlight=False
        )
    if report:
        for line in report_story(one):
            out.print(f"  {line}", highlight=False, markup=False)
    if one["sentence"]:
        out.print(f"  case {str(one['case_id'])[:8]}: {one['sentence']}", highlight=False)
    for step in one["steps"]:
        outcome = f" ({step['outcome']})" if step["outcome"] else ""
        out.print(
            f"    {step['at'][:19]}  {step['from'] or '-':>10} → {step['to']:<10}{outcome}  "
            f"{step['actor']}: {step['reason']}",
            highlight=False,
        )
