"""`ledgerway masters`: customers, projects, people and dimensions, and where systems disagree."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause
from cli.cases import resolved
from cli.exits import DONE, FOUND_SOMETHING, CommandError
from cli.master_tables import called, conflict_as_json, conflicts_table
from cli.options import Json
from cli.output import as_json, out, table
from cli.running import run
from cli.session import platform

if TYPE_CHECKING:
    from canonical.masters import Master
    from canonical.messages import MasterSyncOutcome, ResolutionOutcome
    from cli.master_tables import Plans
    from runtime.bootstrap import Platform
    from store.master_identities import Known
    from store.master_issues import OpenIssue
    from store.master_reports import Held, Standing

app = typer.Typer(
    help="Masters: who owns customers, projects, people and dimensions, and where systems "
    "disagree.",
    no_args_is_help=True,
)
_Kind = Annotated[
    MasterKind,
    typer.Argument(help="customer, project, task, employee or dimension_value."),
]
_Code = Annotated[str, typer.Argument(help="The record's code at its owner, such as CUST-1.")]


@app.command()
def status(json_output: Json = False) -> int:
    """Show how many records of each kind have reached which system; exit code 1 if any waits."""
    from store import master_reports

    async def work() -> list["Standing"]:
        async with platform() as opened, opened.database.connection() as connection:
            return await master_reports.standings(connection, _owners(opened))

    found = run(work())
    if json_output:
        out.print_json(as_json([_as_json(one) for one in found]))
    elif not found:
        out.print("policies.yaml says nothing about ownership: no master is synchronised.")
    else:
        out.print(
            table(
                "Masters",
                ("Kind", "Owner", "Receiver", "In use", "There", "Cases", "To look at"),
                [
                    (
                        *(called(one.kind), one.owner, one.receiver),
                        *(one.records, one.linked, one.issues, one.news),
                    )
                    for one in found
                ],
            )
        )
        if any(one.issues for one in found):
            out.print("What people have to decide: [bold]ledgerway masters conflicts[/]")
    return FOUND_SOMETHING if any(one.issues for one in found) else DONE


@app.command()
def conflicts(json_output: Json = False) -> int:
    """List what people have to decide about masters, with both values, and what each holds up."""
    from store import correction_plans, master_issues, master_reports

    async def work() -> tuple[list["OpenIssue"], list["Held"], "Plans"]:
        async with platform() as opened, opened.database.connection() as connection:
            issues = await master_issues.all_open(connection)
            held = await master_reports.held_up(
                connection, [one.case_id for one in issues if one.case_id]
            )
            plans = {
                one.id: await correction_plans.worth(
                    connection, [UUID(key) for key in one.issue.candidates]
                )
                for one in issues
                if one.issue.cause is Cause.RETROACTIVE_CHANGE
            }
            return issues, held, plans

    issues, held, plans = run(work())
    if json_output:
        out.print_json(as_json([conflict_as_json(one, held, plans) for one in issues]))
    elif not issues:
        out.print("[green]All systems agree.[/]")
    else:
        out.print(conflicts_table(issues, held, plans))
        out.print("Decide: [bold]ledgerway cases show CASE[/] says how.")
    return FOUND_SOMETHING if issues else DONE


@app.command()
def diff(kind: _Kind, code: _Code, json_output: Json = False) -> int:
    """Show one record field by field in each system; exit code 1 if they differ."""
    from rules.ownership import FIELDS_OF
    from store import master_reports

    async def work() -> tuple["Known", dict[str, "Master"], dict[str, str]]:
        async with platform() as opened, opened.database.connection() as connection:
            ownership = opened.policies.ownership.kinds.get(kind)
            if ownership is None:
                raise CommandError(f"policies.yaml says nothing about who owns a {called(kind)}")
            found = await master_reports.identity_of(connection, kind, ownership.owner, code)
            if found is None:
                raise CommandError(f"{ownership.owner} has no {called(kind)} {code}")
            owners = {
                name: found[0].owners.get(name) or ownership.owner_of(name)
                for name in FIELDS_OF[kind]
            }
            return (*found, owners)

    known, records, owners = run(work())
    rows = _fields(kind, records, owners)
    differs = any(row["differs"] for row in rows)
    if json_output:
        links = {name: one.id for name, one in records.items()}
        out.print_json(as_json({"code": code, "records": links, "fields": rows}))
    else:
        names = list(records)
        out.print(
            table(
                f"{called(kind).capitalize()} {code}" + (" (deleted by its owner)" * known.gone),
                ("Field", "Owner", *names, ""),
                [
                    (
                        *(row["field"], row["owner"]),
                        *(row["values"].get(name, "") for name in names),
                        "differs" if row["differs"] else "",
                    )
                    for row in rows
                ],
            )
        )
    return FOUND_SOMETHING if differs else DONE


@app.command()
def link(
    kind: _Kind,
    code: _Code,
    to: Annotated[str, typer.Option(help="The id of the record in the other system.")],
    by: Annotated[str, typer.Option(help="Who decides; goes into the audit trail.")],
    system: Annotated[
        str, typer.Option("--in", help="In which connection, if it waits in several.")
    ] = "",
    json_output: Json = False,
) -> int:
    """Say that a record is the same as one that another system has, and settle its case."""
    from canonical.messages import ResolutionRequest
    from store import master_issues

    request = ResolutionRequest(kind="link", by=by, record=to)

    async def work() -> "ResolutionOutcome":
        async with platform() as opened:
            async with opened.database.connection() as connection:
                issues = [
                    one
                    for one in await master_issues.all_open(connection, kind)
                    if one.issue.code == code
                    and one.issue.cause in ("possible_twin", "master_gone")
                    and system in ("", one.issue.connection)
                ]
            if len(issues) != 1 or issues[0].case_id is None:
                waits = ", ".join(one.issue.connection for one in issues) or "nowhere"
                raise CommandError(
                    f"{called(kind)} {code} waits for a link {waits}; name the connection with "
                    "--in, or see ledgerway masters conflicts"
                )
            return await resolved(opened, issues[0].case_id, request)

    outcome = run(work())
    if json_output:
        out.print_json(as_json(outcome.model_dump()))
    else:
        out.print(outcome.message)
    return DONE


@app.command()
def sync(
    whole: Annotated[
        bool, typer.Option("--whole", help="Read everything, and so find what drifted.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Synchronise masters now, and say what was written."""
    from activities.master_sync_workflows import MasterSyncWorkflows
    from canonical.messages import MasterSyncOutcome, MasterSyncRef

    async def work() -> "MasterSyncOutcome":
        async with platform() as opened:
            workflows = MasterSyncWorkflows(opened.client, opened.configuration.tenant)
            await workflows.tell(MasterSyncRef(whole=whole))
            handle: Any = opened.client.get_workflow_handle(
                workflows.id, result_type=MasterSyncOutcome
            )
            outcome: MasterSyncOutcome = await handle.result()
            return outcome

    found = run(work())
    if json_output:
        out.print_json(as_json(found.model_dump()))
    else:
        out.print(
            f"{found.looked:,} records looked at, {found.written:,} written, "
            f"{found.linked:,} linked."
        )


def _owners(opened: "Platform") -> dict[MasterKind, tuple[str, Sequence[str]]]:
    return {
        kind: (one.owner, one.receivers) for kind, one in opened.policies.ownership.kinds.items()
    }


def _as_json(one: "Standing") -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def _fields(
    kind: MasterKind, records: dict[str, "Master"], owners: dict[str, str]
) -> list[dict[str, Any]]:
    from rules.master_sync import text_of
    from rules.ownership import FIELDS_OF

    rows = []
    for name in FIELDS_OF[kind]:
        values = {system: text_of(record, name) for system, record in records.items()}
        if any(values.values()):
            told = {value for value in values.values() if value}
            rows.append(
                {"field": name, "owner": owners[name], "values": values, "differs": len(told) > 1}
            )
    return rows
