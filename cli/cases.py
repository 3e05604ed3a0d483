"""`ledgerway cases`: what waits for a person, and deciding it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from canonical.exception_case import ACCEPTABLE, MASTER_CAUSES, Cause
from canonical.expense import EXPENSE_REPORT
from canonical.time_entry import TIME_ENTRY
from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.options import Json
from cli.output import as_json, hours, out, table
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from canonical.exception_case import ExceptionCase
    from canonical.messages import ResolutionOutcome, ResolutionRequest
    from runtime.bootstrap import Platform
    from store.case_lines import BlockedLine

app = typer.Typer(
    help="Exception cases: one per root cause, with everything that it holds up.",
    no_args_is_help=True,
)
_Case = Annotated[str, typer.Argument(help="The case's id, or its first characters.")]
_ID_SHOWN = 8


@app.command("list")
def list_(json_output: Json = False) -> int:
    """List the cases that wait for somebody, the one that holds up most first."""
    from store import cases

    async def work() -> list["ExceptionCase"]:
        async with platform() as opened, opened.database.transaction() as connection:
            return await cases.unresolved(connection)

    found = run(work())
    if json_output:
        out.print_json(as_json([case.model_dump(mode="json") for case in found]))
    elif not found:
        out.print("[green]No case waits for anybody.[/]")
    else:
        out.print(_table(found))
        out.print("Details: [bold]ledgerway cases show CASE[/]")
    return FOUND_SOMETHING if found else DONE


@app.command()
def show(case: _Case, json_output: Json = False) -> None:
    """Show a case: what is wrong, what it holds up line by line, and how to resolve it."""
    from store import case_lines

    async def work() -> tuple["ExceptionCase", list["BlockedLine"]]:
        async with platform() as opened, opened.database.transaction() as connection:
            found = await _find(opened, case)
            return found, await case_lines.blocked(connection, UUID(found.id))

    found, lines = run(work())
    if json_output:
        shown = found.model_dump(mode="json") | {"lines": [asdict(line) for line in lines]}
        out.print_json(as_json(shown))
        return
    _show(found, lines)


@app.command()
def resolve(
    case: _Case,
    kind: Annotated[
        str,
        typer.Argument(
            help="retry, amend, post_to_period, reject or waive; about a master record also "
            "restore, accept, change_owner, link, apart or recreate."
        ),
    ],
    by: Annotated[str, typer.Option(help="Who decides; goes into the audit trail.")],
    reason: Annotated[str, typer.Option(help="Why; reject and waive need it.")] = "",
    period: Annotated[str, typer.Option(help="For post_to_period: an open period.")] = "",
    record: Annotated[
        str, typer.Option(help="For link: the id of the record that is the same.")
    ] = "",
    change: Annotated[
        list[str] | None,
        typer.Option(help="For amend: FIELD=VALUE with codes of the ERP, such as project=PRJ-1."),
    ] = None,
    json_output: Json = False,
) -> int:
    """Resolve a case: one line is tried first, and if the ERP takes it, all others follow."""
    from canonical.messages import ResolutionRequest

    changes = dict(_pair(text) for text in change or [])
    request = ResolutionRequest(
        kind=kind, by=by, reason=reason, period=period, record=record, changes=changes
    )
    try:
        request.resolution()
    except ValueError as error:
        raise CommandError(str(error)) from error

    async def work() -> "ResolutionOutcome":
        async with platform() as opened:
            return await resolved(opened, UUID((await _find(opened, case)).id), request)

    outcome = run(work())
    if json_output:
        out.print_json(as_json(outcome.model_dump()))
    else:
        out.print(f"[bold]{outcome.state}[/] {outcome.message}")
    return FOUND_SOMETHING if outcome.state == "OPEN" else DONE


async def _find(opened: "Platform", prefix: str) -> "ExceptionCase":
    from store import cases

    async with opened.database.transaction() as connection:
        ids = await cases.ids_like(connection, prefix)
        if len(ids) != 1:
            many = "no case" if not ids else f"{len(ids)} cases"
            raise CommandError(f"'{prefix}' names {many}; see ledgerway cases list")
        (found,) = await cases.read(connection, ids)
        return found


async def resolved(
    opened: "Platform", case_id: UUID, request: "ResolutionRequest"
) -> "ResolutionOutcome":
    """Ask a case's workflow to resolve it; CommandError says why it was not."""
    from temporalio.client import WorkflowUpdateFailedError
    from temporalio.exceptions import ApplicationError

    from activities.case_workflows import CaseWorkflows, case_workflow_id
    from canonical.messages import CaseView, ResolutionOutcome
    from store import cases

    async with opened.database.transaction() as connection:
        (case,) = await cases.read(connection, [case_id])
    # Its workflow may be gone, with Temporal's state; the case itself is in the ledger.
    await CaseWorkflows(opened.client).tell(CaseView.of(case))
    handle: Any = opened.client.get_workflow_handle(case_workflow_id(case_id))
    try:
        outcome: ResolutionOutcome = await handle.execute_update(
            "resolve_exception", request, result_type=ResolutionOutcome
        )
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        said = cause.message if isinstance(cause, ApplicationError) else str(cause)
        raise CommandError(f"Not resolved: {said}") from error
    return outcome


def _pair(text: str) -> tuple[str, str]:
    field, separator, value = text.partition("=")
    if not separator or not field or not value:
        raise CommandError(f"--change takes FIELD=VALUE; '{text}' is not of that form")
    return field, value


def _table(found: list["ExceptionCase"]) -> Any:
    return table(
        "Cases",
        ("Case", "What is wrong", "Lines", "Hours", "Value", "Decide by"),
        [
            (
                case.id[:_ID_SHOWN],
                f"{_said(case)}: {case.root_cause.subject} ({case.root_cause.legal_entity})"
                + ("" if case.state == "OPEN" else f", {case.state.replace('_', ' ').lower()}"),
                case.lines,
                hours(case.seconds),
                _money(case),
                f"{case.deadline_at:%m-%d %H:%M}",
            )
            for case in found
        ],
    )


def _said(case: "ExceptionCase") -> str:
    return case.root_cause.cause.replace("_", " ")


def _money(case: "ExceptionCase") -> str:
    return ", ".join(f"{money.amount:,} {money.currency}" for money in case.amounts)


def _show(case: "ExceptionCase", lines: list["BlockedLine"]) -> None:
    cause = case.root_cause
    out.print(f"[bold]{cause.cause.replace('_', ' ').capitalize()}: {cause.subject}[/]")
    out.print(cause.sentence)
    counted = "1 line" if case.lines == 1 else f"{case.lines:,} lines"
    if case.seconds:
        counted += f", {hours(case.seconds):,} hours"
    out.print(
        f"Holds up {counted}, {_money(case)}. "
        f"Owner {case.owner}, decide by {case.deadline_at:%Y-%m-%d %H:%M} UTC, "
        f"{case.state.replace('_', ' ').lower()}.",
        highlight=False,
    )
    if lines:
        out.print(_lines(lines))
    _say_how(case)


def _lines(lines: list["BlockedLine"]) -> Any:
    return table(
            "Lines",
            ("Line", "Document", "Date", "Hours", "Value", "", "The ERP said"),
            [
                (
                    line.called,
                    line.timesheet if line.object != EXPENSE_REPORT else None,
                    line.work_date,
                    hours(line.seconds) if line.object == TIME_ENTRY else None,
                    line.amount, line.currency, line.said,
                )
                for line in lines
            ],
        )  # fmt: skip


def _say_how(case: "ExceptionCase") -> None:
    short = case.id[:_ID_SHOWN]
    out.print("Resolve it, for example:")
    for example in examples_of(case):
        out.print(f"  ledgerway cases resolve {short} {example}", highlight=False, soft_wrap=True)


def examples_of(case: "ExceptionCase") -> list[str]:
    """What to type for a case, ready to be changed."""
    cause = case.root_cause.cause
    if cause is Cause.POSSIBLE_TWIN and case.connection == case.target:
        # Two spellings at the owner itself: merging is done there.
        return ["apart --by you --reason why", _WAIVE]
    if cause in MASTER_CAUSES:
        return [*_ABOUT_A_RECORD.get(cause, ("retry --by you",)), _WAIVE]
    change = f"accept={cause}" if cause in ACCEPTABLE else "project=CODE"
    return ["retry --by you", f"amend --by you --change {change} --reason why", _WAIVE]


_WAIVE = "waive --by you --reason why"
_ABOUT_A_RECORD = {
    Cause.MASTER_CONFLICT: (
        "restore --by you",
        "accept --by you --reason why",
        "change_owner --by you --reason why",
    ),
    Cause.MASTER_WRITE_IGNORED: ("retry --by you", "accept --by you --reason why"),
    Cause.POSSIBLE_TWIN: ("link --by you --record ID", "apart --by you --reason why"),
    Cause.RETROACTIVE_CHANGE: ("apply --by you",),
    Cause.MASTER_GONE: ("recreate --by you", "link --by you --record ID", "apply --by you"),
}
