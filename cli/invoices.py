"""`ledgerway invoices`: what was billed, how far it is paid, and crediting it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.billing import By, decide, month_named, source_of_contracts
from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, hours, out, table
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from canonical.billing import BillingEvent
    from canonical.billing_messages import Decided
    from store.billing import StoredEvent
    from store.readiness import Invoice

app = typer.Typer(help="Customer invoices and credit notes.", no_args_is_help=True)
_Invoice = Annotated[
    str,
    typer.Argument(help="The ERP's number, our reference, or the first characters of its id."),
]
_ID_SHOWN = 8


@app.command("list")
def list_(
    period: Annotated[
        str, typer.Option("--period", "-p", help="Only those dated in a month, such as 2026-10.")
    ] = "",
    json_output: Json = False,
) -> int:
    """List invoices and credit notes with what is paid of them."""
    from store import readiness

    async def work() -> list["Invoice"]:
        async with platform() as opened, opened.database.connection() as connection:
            return await readiness.invoices(
                connection, period=month_named(period) if period else None
            )

    found = run(work())
    if json_output:
        out.print_json(as_json([asdict(one) for one in found]))
    elif not found:
        out.print("Nothing was billed.")
    else:
        out.print(_table(found))
    return DONE


@app.command()
def show(invoice: _Invoice, json_output: Json = False) -> None:
    """Show an invoice line by line, with the work that each line is made of."""
    from store import billing

    async def work() -> "StoredEvent":
        async with platform() as opened, opened.database.connection() as connection:
            source = source_of_contracts(opened)
            return _known(await billing.events_named(connection, source, invoice), invoice)

    found = run(work())
    if json_output:
        shown = found.event.model_dump(mode="json") | {
            "state": found.state,
            "erp_document_id": found.erp_document_id,
        }
        out.print_json(as_json(shown))
        return
    _show(found)


@app.command()
def credit(
    invoice: _Invoice,
    by: By,
    approved_by: Annotated[
        str, typer.Option("--approved-by", help="Who approves it; somebody else.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for an auditor.")],
    line: Annotated[
        str, typer.Option(help="The line's number on the paper; all lines if omitted.")
    ] = "",
    work: Annotated[str, typer.Option(help="The key of the work, as show has it.")] = "",
    quantity: Annotated[
        str, typer.Option("--hours", help="So many hours of it; all that is left if omitted.")
    ] = "",
    amount: Annotated[str, typer.Option(help="So much of what has no hours.")] = "",
    on_date: Annotated[str, typer.Option("--date", help="The credit note's date; today.")] = "",
    json_output: Json = False,
) -> int:
    """Take an invoice, or a part of it, back: just that is open again, and nothing else."""
    from canonical.messages import BILLING, DocumentRef
    from store import billing

    credited = {"line": line, "work": work, "seconds": _seconds(quantity), "amount": amount}
    request = {
        "kind": "credit",
        "by": by,
        "approver": approved_by,
        "reason": reason,
        "invoice": invoice,
        "on_date": on_date,
        "credits": [credited],
    }

    async def ask() -> "Decided":
        async with platform() as opened:
            source = source_of_contracts(opened)
            async with opened.database.connection() as connection:
                found = _known(await billing.events_named(connection, source, invoice), invoice)
            target = opened.configuration.connections[source].posts_to
            assert target is not None
            document = found.period.document_id
            ref = DocumentRef(connection=source, document=document, target=target, kind=BILLING)
            return await decide(opened, ref, request)

    decided = run(ask())
    if json_output:
        out.print_json(as_json(decided.model_dump(mode="json")))
    else:
        out.print(decided.message)
    return DONE if decided.done else FOUND_SOMETHING


def _known(found: "Sequence[StoredEvent]", invoice: str) -> "StoredEvent":
    if not found:
        raise CommandError(f"There is no invoice {invoice}; see ledgerway invoices list")
    if len(found) > 1:
        named = ", ".join(
            f"{one.event.id[:_ID_SHOWN]} ({one.event.engagement}, {one.event.invoice.legal_entity})"
            for one in found
        )
        raise CommandError(f"{invoice} is {len(found)} documents; name one of {named}")
    return found[0]


def _seconds(quantity: str) -> int | None:
    """Hours as typed in whole seconds; CommandError if they are none."""
    from canonical.exact import exact_decimal
    from canonical.hours import SECONDS_PER_HOUR

    if not quantity:
        return None
    try:
        seconds = exact_decimal(quantity) * SECONDS_PER_HOUR
    except ValueError as error:
        raise CommandError(f"--hours: '{quantity}' is no number of hours such as 2.5") from error
    if seconds != int(seconds) or seconds <= 0:
        raise CommandError(f"--hours: '{quantity}' is not above nothing, or no whole seconds")
    return int(seconds)


def _table(found: Sequence["Invoice"]) -> Any:
    return table(
        "Invoices and credit notes",
        ("Number", "Engagement", "Date", "Total", "Paid", "", "State"),
        [
            (
                one.number or one.event_id[:_ID_SHOWN],
                one.engagement,
                one.invoice_date,
                # The ERP says what the tax comes to, once it is posted.
                one.net if one.total is None else one.total,
                one.paid,
                one.currency,
                _state(one),
            )
            for one in found
        ],
    )


def _state(one: "Invoice") -> str:
    if one.credits is not None and one.state == "POSTED":
        return "credit note"
    return (one.payment if one.state == "POSTED" and one.payment else one.state).lower()


def _show(found: "StoredEvent") -> None:
    event, invoice = found.event, found.event.invoice
    what = "Credit note" if invoice.credits else "Invoice"
    out.print(
        f"[bold]{what}[/] {event.id} of {event.engagement} for {invoice.customer}, "
        f"{invoice.invoice_date}, work of {invoice.service_from} to {invoice.service_until}: "
        f"{invoice.total.amount:,} {invoice.currency} without tax. "
        f"{found.state.replace('_', ' ').lower()}"
        + (f", document {found.erp_document_id} of the ERP." if found.erp_document_id else "."),
        highlight=False,
    )
    out.print(
        table(
            "Lines",
            ("#", "", "For", "Hours", "Rate", "Amount", "Tax"),
            [
                (
                    number,
                    line.role.replace("_", " "),
                    line.label,
                    hours(line.seconds) if line.seconds else None,
                    line.rate.amount if line.rate else None,
                    line.amount,
                    line.tax or line.tax_note,
                )
                for number, line in enumerate(invoice.lines, start=1)
            ],
        )
    )
    out.print(_allocated(event))


def _allocated(event: "BillingEvent") -> Any:
    numbers = {line.id: number for number, line in enumerate(event.invoice.lines, start=1)}
    return table(
        "Work on it",
        ("#", "Work", "Date", "Hours", "Amount", "Reason"),
        [
            (
                numbers[one.invoice_line or ""],
                one.work.key,
                one.work_date,
                hours(one.seconds),
                one.amount.amount,
                one.reason,
            )
            for one in event.allocations
        ],
    )
