"""Master cases: what a person decided about a record is noted, and its synchronisation told."""

from collections.abc import Sequence
from typing import Final, NoReturn
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.case_authority import authorise
from activities.master_sync_workflows import MasterSyncWorkflows
from activities.waking import Waking
from canonical.cross_reference import CrossReference
from canonical.exception_case import CaseState, Cause, Resolution, Retry, SettleMaster, Waive
from canonical.messages import CaseResolution, MasterSyncRef, ResolutionOutcome
from connectors.base.capabilities import MasterDataTarget
from connectors.base.connections import Connections
from rules.policies import Policies
from store import (
    cases,
    correction_plans,
    master_choices,
    master_identities,
    master_issues,
    master_links,
    master_releases,
)
from store.database import Connection, Database
from store.documents import Touched
from store.master_issues import OpenIssue
from store.postings import Who

_PLAN: Final = Cause.RETROACTIVE_CHANGE
# What can be decided about each cause; a retry and a waiver are possible everywhere.
POSSIBLE: Final = {
    Cause.MASTER_CONFLICT: ("restore", "accept", "change_owner"),
    Cause.MASTER_WRITE_IGNORED: ("accept", "change_owner"),
    Cause.POSSIBLE_TWIN: ("link", "apart"),
    Cause.MASTER_GONE: ("recreate", "link"),
    Cause.RETROACTIVE_CHANGE: ("apply",),
    Cause.MASTER_REFUSED: (),
    Cause.MASTER_INCOMPLETE: (),
}


class MasterCaseActivities:
    """Decisions about masters."""

    def __init__(
        self,
        database: Database,
        connections: Connections,
        policies: Policies,
        sync: MasterSyncWorkflows,
        waking: Waking,
    ) -> None:
        self._waking = waking
        self._database = database
        self._connections = connections
        self._policies = policies
        self._sync = sync

    @activity.defn
    async def settle_master_case(self, decision: CaseResolution) -> ResolutionOutcome:
        """Note what was decided, and have it carried out; safe to repeat.

        Raises ApplicationError, not retryable, with a sentence for the person who decided.
        """
        resolution, by = decision.request.resolution(), decision.request.by
        async with self._database.transaction() as connection:
            found = await cases.read(connection, [decision.case_id])
            if not found:
                _refuse(f"there is no case {decision.case_id}", "unknown_case")
            authorise(self._policies, found[0], by, resolution)
            # A repeated activity finds what it noted, a waiver included.
            issues = await master_issues.of_case(connection, decision.case_id, waived=True)
            if not issues and found[0].state is not CaseState.RESOLVED:
                _refuse("it is settled already, and closes with the next look", "case_moved_on")
            touched: list[Touched] = []
            for one in issues:
                touched += await self._settle(connection, one, resolution, by)
                await master_identities.mark(connection, one.kind, one.owner, [one.issue.owner_id])
            if resolution.kind == "apply" and found[0].root_cause.cause is _PLAN:
                who = Who(by, "apply", f"case {decision.case_id}")
                touched += await master_releases.let_go_of_settled(
                    connection, [decision.case_id], who
                )
        await self._waking.wake(touched)
        await self._sync.tell(MasterSyncRef(feeds=False))
        return ResolutionOutcome(
            state=CaseState.OPEN,
            message="Noted. The synchronisation carries it out now, and closes the case once "
            "systems agree.",
        )

    async def _settle(
        self, connection: Connection, one: OpenIssue, resolution: Resolution, by: str
    ) -> list[Touched]:
        touched: list[Touched] = []
        match resolution:
            case Retry() | Waive():
                await master_issues.decide(connection, one.id, resolution.kind, by)
            case SettleMaster():
                possible = _possible(one)
                if resolution.kind not in possible:
                    named = ", ".join([*possible, "retry", "waive"])
                    _refuse(
                        f"'{resolution.kind}' settles no case of {one.issue.cause}; use {named}",
                        "not_possible",
                    )
                touched = await self._carry(connection, one, resolution, by)
            case _:
                _refuse(
                    f"'{resolution.kind}' is for lines; a case about a record takes "
                    f"{', '.join([*_possible(one), 'retry', 'waive'])}",
                    "not_possible",
                )
        return touched

    async def _carry(
        self, connection: Connection, one: OpenIssue, resolution: SettleMaster, by: str
    ) -> list[Touched]:
        """Note a decision so that the next look carries it out; gives who is to hear of it."""
        issue, touched = one.issue, list[Touched]()
        named = (one.kind, one.owner, issue.owner_id)
        match resolution.kind:
            case "restore":
                # As if both had agreed on the other value: the owner's is news then.
                values = [(issue.owner_id, issue.connection, {issue.field: issue.value})]
                await master_identities.agree(connection, one.kind, one.owner, values)
            case "accept" | "change_owner":
                once = resolution.kind == "accept"
                if once:
                    self._check_owner_takes(one)
                choice = master_choices.FieldOwner(
                    issue.field, issue.connection, once, by, resolution.reason
                )
                await master_choices.own(connection, *named, choice)
                values = [
                    (issue.owner_id, issue.field_owner, {issue.field: issue.owner_value}),
                    (issue.owner_id, issue.connection, {issue.field: issue.value}),
                ]
                await master_identities.agree(
                    connection, one.kind, one.owner, values, keep_choices=True
                )
            case "link":
                await self._link(connection, one, resolution.record, by)
            case "apart":
                await master_choices.keep_apart(
                    connection, *named, issue.connection, issue.candidates, by
                )
            case "recreate":
                await master_links.unlink(connection, *named, issue.connection)
            case "apply" if issue.cause is Cause.MASTER_GONE:
                await master_choices.believe_gone(connection, *named)
            case "apply":
                touched = await correction_plans.correct(
                    connection, [UUID(one) for one in issue.candidates]
                )
                await master_issues.close(connection, [one.id])
        await master_issues.decide(connection, one.id, resolution.kind, by)
        return touched

    def _check_owner_takes(self, one: OpenIssue) -> None:
        """What is accepted has to be written to the owner, who has to take it."""
        owner, issue = one.issue.field_owner, one.issue
        target = self._connections.all_filling(MasterDataTarget).get(owner)
        operation = target.manifest.master_operation(one.kind) if target else None
        if operation is None or issue.field not in operation.fields:
            _refuse(
                f"{owner} cannot be told of {issue.field}: change it there yourself, and the case "
                "closes once both agree; or restore, or change_owner",
                "owner_takes_nothing",
            )

    async def _link(
        self, connection: Connection, one: OpenIssue, record: str | None, by: str
    ) -> None:
        issue = one.issue
        candidates: Sequence[str] = issue.candidates
        if record is None and len(candidates) == 1:
            record = candidates[0]
        if record is None:
            _refuse(
                f"say which one, with record: {', '.join(candidates) or 'its id there'}",
                "no_record",
            )
        if not await master_choices.exists(connection, one.kind, issue.connection, record):
            _refuse(f"{issue.connection} has no {one.kind} {record}", "unknown_record")
        reference = CrossReference(
            kind=one.kind,
            source=one.owner,
            source_id=issue.owner_id,
            target=issue.connection,
            target_id=record,
            made_by=by,
        )
        await master_links.link(connection, [reference])
        await master_identities.mark_asked_about(connection, one.kind, one.owner)


def _possible(one: OpenIssue) -> tuple[str, ...]:
    """What settles an issue; of two spellings at the owner itself, merging is done there."""
    possible = POSSIBLE[one.issue.cause]
    if one.issue.cause is Cause.MASTER_GONE and one.issue.connection == one.owner:
        return ("apply",)
    return tuple(it for it in possible if it != "link" or one.issue.connection != one.owner)


def _refuse(message: str, code: str) -> NoReturn:
    raise ApplicationError(message, type=code, non_retryable=True)
