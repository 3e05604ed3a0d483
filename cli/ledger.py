"""`ledgerway status` and `why`: what the ledger knows."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from canonical.expense import EXPENSE_REPORT
from canonical.time_entry import TIME_ENTRY
from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.invoice_story import billed_story, invoice_called, invoice_story, kind_of
from cli.options import Json
from cli.output import as_json, hours, out, table
from cli.report_story import report_called, report_story, without_words
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from store.database import Connection
    from store.deprecations import Warned
    from store.reports import Status

_WARNED_DAYS: Final = 7


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(status)
    app.command()(why)


def status(json_output: Json = False) -> int:
    """Show how things stand: lines by state, cases, what is unanswered, how fresh sources are."""
    from store import deprecations, reports

    async def work() -> "tuple[Status, list[Warned]]":
        async with platform() as opened, opened.database.transaction() as connection:
            warned = await deprecations.noted(connection, _WARNED_DAYS)
            return await reports.status(connection), warned

    found, warned = run(work())
    if json_output:
        out.print_json(as_json({**asdict(found), "deprecated": [asdict(one) for one in warned]}))
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
        if warned:
            rows = [(one.subject, one.reason, one.last_at) for one in warned]
            out.print(table("Deprecated and in use", ("What", "Warning", "Last told"), rows))
        out.print(
            f"{found.open_cases} cases wait for people, {found.uncertain} lines are unanswered."
        )
    return FOUND_SOMETHING if found.open_cases or found.uncertain else DONE


def why(
    ref: Annotated[
        str,
        typer.Argument(
            help="Our reference, the ERP's document id or an invoice's number there, the source's "
            "id, or a report's number."
        ),
    ],
    json_output: Json = False,
) -> None:
    """Tell the whole story of a line, report or invoice: who approved it, what came of it."""

    async def work() -> list[dict[str, Any]]:
        async with platform() as opened, opened.database.transaction() as connection:
            return await _story(connection, ref)

    found = run(work())
    if not found:
        raise CommandError(f"Nothing is known of '{ref}'.", FOUND_SOMETHING)
    for one in found:
        one["steps"] = json.loads(one["steps"] or "[]")
        for name in ("intent", "report", "claim", "payment", "told"):
            one[name] = _read(one[name])
        one["report"] = without_words(one["report"])
    if json_output:
        out.print_json(as_json(found))
        return
    for one in found:
        _tell(one)


async def _story(connection: "Connection", ref: str) -> list[dict[str, Any]]:
    """What happened to whatever has that name, and what of it was billed where."""
    from store import billing_story, reports

    found = await reports.story(connection, ref)
    for event in await billing_story.events_called(connection, ref):
        if event not in {one["source_id"] for one in found}:
            found += await reports.story(connection, event)
    for one in found:
        line = one["connection"], one["object"], one["source_id"]
        event_of = await billing_story.event_of(connection, *line)
        parts = await billing_story.parts_of(connection, *line) if _is_work(one) else []
        one["billing"] = event_of and asdict(event_of) | {"invoice": _read(event_of.invoice)}
        one["billed"] = [asdict(part) for part in parts if part.revision == one["revision"]]
    return found


def _is_work(one: dict[str, Any]) -> bool:
    """Whether a posting brought work in, and is neither its end nor a pair beside it."""
    return one["kind"] in {"time", "expense"} and one["leg"] == "main"


def _read(text: str | None) -> Any:
    # Amounts come as JSON numbers, whose digits all count.
    return json.loads(text, parse_float=Decimal) if text else None


def _tell(one: dict[str, Any]) -> None:
    out.print(f"[bold]{_called(one)}", highlight=False)
    for line in (*_standing(one), *_details(one)):
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


def _called(one: dict[str, Any]) -> str:
    """Which posting of what it is, with the kind in bold."""
    if one["object"] == EXPENSE_REPORT:
        what = report_called(one)
    elif one["billing"]:
        what = invoice_called(one)
    else:
        what = f"entry {one['source_id']} (timesheet {one['timesheet']})"
    # A pair between legal entities is of a line of work.
    leg = f" ({one['leg']})" if one["leg"] != "main" else ""
    amendment = f", amendment {one['amendment']}" if one["amendment"] else ""
    return f"{kind_of(one)}[/]{leg} of {what}, revision {one['revision']}{amendment}"


def _standing(one: dict[str, Any]) -> Iterator[str]:
    """How much it is, who let it go, and where it stands now."""
    timed = one["object"] == TIME_ENTRY and one["leg"] == "main"
    size = f"{hours(one['seconds'])} h on {one['original_date']}, " if timed else ""
    yield (
        f"{size}{one['amount']} {one['currency']}, {one['legal_entity']}, period "
        f"{one['period']}; reference {one['reference']}"
    )
    seen = "first seen approved" if one["approved_at_from"] == "first_seen" else "approved"
    yield (
        f"{seen} {one['approved_at']:%Y-%m-%d %H:%M:%S} UTC; at the source now "
        f"{one['source_status'].lower().replace('_', ' ')}"
        if one["approved_at"]
        else "never approved"
    )
    if one["erp_document_id"]:
        attested = "read back and equal" if one["attested_at"] else "not read back yet"
        yield f"{one['target']} document {one['erp_document_id']}, {attested}"


def _details(one: dict[str, Any]) -> Iterator[str]:
    """What is told of reports and invoices alone; and of all work, where it was billed."""
    if one["object"] == EXPENSE_REPORT:
        yield from report_story(one)
    elif one["billing"]:
        yield from invoice_story(one)
    yield from billed_story(one["billed"])
