"""`ledgerway utilisation`: how much of what people could have worked was billable."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from cli.billing import Period, month_named
from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, hours, out, table
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from activities.utilisation import Utilisation


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(utilisation)


def utilisation(period: Period = "", json_output: Json = False) -> int:
    """Show approved billable hours as a share of what each person could have worked.

    Capacity is weekdays less holidays and leave, by the legal entity's policy; hours are raw.
    """
    from activities.utilisation import utilisation_of
    from canonical.billing_period import BillingPeriod
    from connectors.base.capabilities import TimeEntrySource

    month = BillingPeriod("-", month_named(period))

    async def work() -> "Sequence[Utilisation] | None":
        async with platform() as opened:
            of_time = opened.connections.all_filling(TimeEntrySource)
            routes = {
                name: one.posts_to
                for name, one in opened.configuration.sources().items()
                if name in of_time and one.posts_to is not None
            }
            return await utilisation_of(
                opened.database, opened.policies, routes, month.first_day, month.cut_off_date
            )

    found = run(work())
    if found is None:
        raise CommandError(
            "The ERP's calendar was read more than 15 minutes ago. Is a worker running?",
            FOUND_SOMETHING,
        )
    if json_output:
        out.print_json(as_json([_as_json(one) for one in found]))
    elif not found:
        out.print(f"Nobody has time in {month.period}.")
    else:
        out.print(_table(month.period, found))
    return DONE


def _as_json(one: "Utilisation") -> dict[str, Any]:
    return {
        "employee": one.employee,
        "legal_entity": one.legal_entity,
        "billable_hours": hours(one.billable),
        "available_hours": hours(one.capacity.available),
        "holiday_hours": hours(one.capacity.holidays),
        "leave_hours": hours(one.capacity.leave),
        "share": one.share,
    }


def _table(period: str, found: "Sequence[Utilisation]") -> Any:
    return table(
        f"Utilisation, {period}",
        ("Employee", "Entity", "Billable", "Available", "Leave", "%"),
        [
            (
                one.employee,
                one.legal_entity,
                hours(one.billable),
                hours(one.capacity.available),
                hours(one.capacity.leave),
                None if one.share is None else (one.share * 100).quantize(Decimal("0.1")),
            )
            for one in found
        ],
    )
