"""Exception cases: told to their workflows, tried with one line, released, waived, closed."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.case_authority import authorise
from activities.case_workflows import CaseWorkflows
from activities.waking import Waking
from canonical.exception_case import (
    ACCEPTABLE,
    Amend,
    CaseState,
    Cause,
    ExceptionCase,
    PostToPeriod,
    Resolution,
)
from canonical.messages import (
    Canary,
    CanaryOutcome,
    CaseNews,
    CaseRef,
    CaseResolution,
    CaseView,
    DocumentRef,
    ResolutionOutcome,
)
from canonical.posting import PostingState
from canonical.posting_period import PeriodState
from canonical.rejection import Rejection
from rules.policies import Policies
from store import amendments, case_lines, cases, documents, master_issues, masters
from store.case_lines import LineOfCase
from store.database import Connection, Database
from store.postings import Who

_UNRESOLVED: Final = (CaseState.OPEN, CaseState.WAITING_FOR_SOURCE)


class ExceptionCaseActivities:
    """What a case does to the ledger and to the documents that wait for it."""

    def __init__(
        self,
        database: Database,
        waking: Waking,
        case_workflows: CaseWorkflows,
        policies: Policies,
        take_rejections: Collection[str] = (),
    ) -> None:
        self._database = database
        # The sources that can be told that something was rejected.
        self._take_rejections = take_rejections
        self._waking = waking
        self._case_workflows = case_workflows
        self._policies = policies

    @activity.defn
    async def announce_cases(self, news: CaseNews) -> None:
        """See to it that each case has its workflow, and that the workflow looks again.

        That of a case which was settled elsewhere ends, if it runs.
        """
        async with self._database.transaction() as connection:
            found = await cases.read(connection, news.case_ids)
        for case in found:
            if case.state is CaseState.RESOLVED:
                await self._case_workflows.tell_if_running(UUID(case.id))
            else:
                await self._case_workflows.tell(CaseView.of(case))

    @activity.defn
    async def read_case(self, ref: CaseRef) -> CaseView:
        """What the case blocks now; a case that blocks nothing any more is closed."""
        async with self._database.transaction() as connection:
            # Before it is read: a line may just be hung on it.
            await cases.hold(connection, ref.case_id)
            case = await self._case(connection, ref.case_id)
            about = await master_issues.of_case(connection, ref.case_id)
            if case.lines == 0 and not about and case.state in _UNRESOLVED:
                who = Who("exception case", "no line waits for it any more", str(ref.case_id))
                await cases.set_state(
                    connection, ref.case_id, CaseState.RESOLVED, who, expected=_UNRESOLVED
                )
                case = await self._case(connection, ref.case_id)
            return CaseView.of(
                case,
                await _open_period(connection, case),
                tells_rejections=case.connection in self._take_rejections,
            )

    @activity.defn
    async def begin_resolution(self, decision: CaseResolution) -> Canary:
        """Check authority, note what was decided, and let one line go.

        Raises ApplicationError, not retryable, with a sentence for the person who decided.
        """
        resolution = decision.request.resolution()
        who = _who(decision)
        async with self._database.transaction() as connection:
            case = await self._case(connection, decision.case_id)
            authorise(self._policies, case, decision.request.by, resolution)
            await self._move(connection, case, CaseState.TRYING, who, resolution)
            changes = _changes(case, resolution)
            if changes:
                await amendments.amend(connection, decision.case_id, changes, who.actor)
            # A repeated activity finds the line that it let go before.
            lines = await case_lines.being_tried(connection, decision.case_id)
            lines = lines or await case_lines.let_go(connection, decision.case_id, who, limit=1)
            if not lines:
                return Canary(case_id=decision.case_id)
            return Canary(
                case_id=decision.case_id,
                document=_document(lines[0]),
                source_id=lines[0].source_id,
                kind=lines[0].kind,
            )

    @activity.defn
    async def canary_outcome(self, canary: Canary) -> CanaryOutcome:
        """Whether the one line that was tried is in the ERP now."""
        if canary.document is None:
            return CanaryOutcome(posted=True)
        line = LineOfCase(
            connection=canary.document.connection,
            document_id=canary.document.document,
            document_kind=canary.document.kind,
            target=canary.document.target,
            source_id=canary.source_id,
            kind=canary.kind,
            starts_on=canary.document.starts_on,
        )
        async with self._database.transaction() as connection:
            state, sentence, attested = await case_lines.state_of_line(connection, line)
        settled = state not in (PostingState.SENDING, PostingState.PENDING)
        done = (
            PostingState.POSTED, PostingState.REVERSED, PostingState.CANCELLED
        )  # fmt: skip
        disputed = state is PostingState.POSTED and not attested
        return CanaryOutcome(
            posted=state in done and not disputed, settled=settled, sentence=sentence
        )

    @activity.defn
    async def release_case(self, decision: CaseResolution) -> ResolutionOutcome:
        """The canary is posted: let everything else go, and wake the documents."""
        who = _who(decision)
        async with self._database.transaction() as connection:
            case = await self._case(connection, decision.case_id)
            lines = await case_lines.let_go(connection, decision.case_id, who)
            await self._move(connection, case, CaseState.RESOLVED, who)
            # Lines that were stopped for it until it was closed; none can follow.
            lines += await case_lines.let_go(connection, decision.case_id, who)
            owed = await documents.touch(connection, _documents(lines) | _tried(decision))
        await self._waking.wake(owed)
        return ResolutionOutcome(
            state=CaseState.RESOLVED,
            released=len(lines),
            message=f"The first line is posted; {len(lines)} more were released.",
        )

    @activity.defn
    async def keep_case_open(self, ref: CaseRef) -> None:
        """What was tried did not go through: the case stays with its people."""
        who = Who("exception case", "the line that was tried was stopped again", str(ref.case_id))
        async with self._database.transaction() as connection:
            await cases.set_state(
                connection, ref.case_id, CaseState.OPEN, who, expected=[CaseState.TRYING]
            )

    @activity.defn
    async def waive_case(self, decision: CaseResolution) -> ResolutionOutcome:
        """Never post what the case blocks."""
        resolution = decision.request.resolution()
        who = _who(decision)
        async with self._database.transaction() as connection:
            case = await self._case(connection, decision.case_id)
            authorise(self._policies, case, decision.request.by, resolution)
            lines = await case_lines.waive(connection, decision.case_id, who)
            await self._move(connection, case, CaseState.RESOLVED, who, resolution)
            # Also what was stopped for it until it was closed; none can follow.
            lines = list({*lines, *await case_lines.waive(connection, decision.case_id, who)})
            owed = await documents.touch(connection, _documents(lines))
        await self._waking.wake(owed)
        return ResolutionOutcome(
            state=CaseState.RESOLVED, message=f"{len(lines)} lines will never be posted."
        )

    @activity.defn
    async def reject_case(self, decision: CaseResolution) -> ResolutionOutcome:
        """Send the lines back: sources that can be told are told, for the others people are asked.

        A case with lines of the latter closes by itself once their source has withdrawn them.
        """
        resolution = decision.request.resolution()
        who = _who(decision)
        async with self._database.transaction() as connection:
            case = await self._case(connection, decision.case_id)
            authorise(self._policies, case, decision.request.by, resolution)
            told = _rejection(case, decision.request.reason)
            lines = await case_lines.reject(
                connection, decision.case_id, who, self._take_rejections, told
            )
            left = await case_lines.blocked(connection, decision.case_id)
            state = CaseState.WAITING_FOR_SOURCE if left else CaseState.RESOLVED
            await self._move(connection, case, state, who, resolution)
            owed = await documents.touch(connection, _documents(lines))
        await self._waking.wake(owed)
        parts = [
            f"{len(lines)} went back to their source, which is told why." if lines else "",
            self._about_what_is_left(case, len(left)) if left else "",
        ]
        return ResolutionOutcome(state=state, message=" ".join(filter(None, parts)))

    def _about_what_is_left(self, case: ExceptionCase, lines: int) -> str:
        if case.connection in self._take_rejections:
            return (
                f"{lines} stay: they changed in {case.connection} since, which decides them anew, "
                "or are about what the ERP holds already, which only you can decide."
            )
        return (
            f"{case.connection} cannot be told by the platform: ask the approver to withdraw the "
            f"approval of {lines} lines there. The case closes by itself then."
        )

    async def _case(self, connection: Connection, case_id: UUID) -> ExceptionCase:
        found = await cases.read(connection, [case_id])
        if not found:
            raise ApplicationError(
                f"there is no case {case_id}", type="unknown_case", non_retryable=True
            )
        return found[0]

    async def _move(
        self,
        connection: Connection,
        case: ExceptionCase,
        state: CaseState,
        who: Who,
        resolution: Resolution | None = None,
    ) -> None:
        trying = state in (CaseState.RESOLVED, CaseState.OPEN) and resolution is None
        expected = (CaseState.TRYING,) if trying else _UNRESOLVED
        written = resolution.model_dump_json() if resolution else None
        moved = await cases.set_state(
            connection, UUID(case.id), state, who, expected=expected, resolution=written
        )
        # A repeated activity finds its own work done.
        if not moved and case.state is not state:
            raise ApplicationError(
                f"the case is {case.state} already", type="case_moved_on", non_retryable=True
            )


async def _open_period(connection: Connection, case: ExceptionCase) -> str | None:
    """The earliest open period after the one that a case is about."""
    if case.period is None:
        return None
    calendar = await masters.calendar_of(connection, case.target)
    mine = [one for one in calendar if one.legal_entity == case.root_cause.legal_entity]
    about = next((one for one in mine if one.name == case.period), None)
    later = [
        one.name
        for one in mine
        if about and one.state is PeriodState.OPEN and one.starts_on > about.starts_on
    ]
    return later[0] if later else None


def _documents(lines: Sequence[LineOfCase]) -> set[tuple[str, str]]:
    return {(line.connection, line.document_id) for line in lines}


def _tried(decision: CaseResolution) -> set[tuple[str, str]]:
    tried = decision.tried
    return {(tried.connection, tried.document)} if tried else set()


def _document(line: LineOfCase) -> DocumentRef:
    return DocumentRef(
        connection=line.connection,
        document=line.document_id,
        target=line.target,
        kind=line.document_kind,
        starts_on=line.starts_on,
    )


def _who(decision: CaseResolution) -> Who:
    request = decision.request
    reason = f"{request.kind}: {request.reason}" if request.reason else request.kind
    return Who(request.by, reason, f"case {decision.case_id}")


def _rejection(case: ExceptionCase, reason: str) -> str:
    """What the source's processor reads: what is wrong, and what the person here says to it."""
    message = f"{case.root_cause.sentence} {reason}".strip()[:1000]
    return Rejection(code=case.root_cause.cause, message=message).model_dump_json()


def _changes(case: ExceptionCase, resolution: Resolution) -> dict[str, str]:
    """What a resolution puts in place of the source's values; 'accept' vouches for the cause."""
    if isinstance(resolution, PostToPeriod):
        return {"period": resolution.period}
    if not isinstance(resolution, Amend):
        return {}
    changes = dict(resolution.changes)
    accepted = changes.pop("accept", None)
    if accepted is not None:
        cause = case.root_cause.cause
        if accepted != cause or cause not in ACCEPTABLE:
            may = ", ".join(sorted(ACCEPTABLE))
            raise ApplicationError(
                f"'{accepted}' cannot be accepted on a case of {cause}; only {may} can",
                type="not_acceptable",
                non_retryable=True,
            )
        # Of an ERP's warnings only this one is accepted: the subject begins with its name.
        warned = cause is Cause.ERP_WARNING
        changes[f"accept:{cause}"] = case.root_cause.subject.split(" ")[0] if warned else "yes"
    return changes
