"""Preparing a document: from what the source says now to postings that may be sent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from temporalio import activity

from activities.case_openings import CaseOpenings
from activities.draft import Draft
from activities.drafting import Drafter
from activities.facts import FactsCache
from activities.intents import Intents
from activities.line_checks import (
    CHECKS,
    OBJECT_OF,
    LineChecks,
    comparing,
    crediting,
    refusing,
)
from canonical.expense import EXPENSE_REPORT
from canonical.messages import BILLING, REPORT, DocumentRef, Prepared
from canonical.posting import PostingState
from canonical.source_line import LineStatus, LineVersion
from rules.policies import Policies
from store import (
    amendments,
    billing,
    cases,
    claims,
    invoiced_work,
    posting_ledger,
    source_lines,
)
from store.claims import ClaimState
from store.database import Connection, Database
from store.postings import Posting, StillStopped, Who

# Recalled and approved again is as good as never asked for.
_NOT_OURS_YET: Final = (ClaimState.ASKED, ClaimState.RECALLED)


class PreparationActivities:
    """Writes down what is to be posted; touches no system but our own database."""

    def __init__(
        self,
        database: Database,
        facts: FactsCache,
        policies: Policies,
        intents: Intents,
    ) -> None:
        self._database = database
        self._facts = facts
        self._policies = policies
        self._intents = intents

    @activity.defn
    async def prepare_document(self, ref: DocumentRef) -> Prepared:
        """Decide on every line of a document, in one transaction; safe to repeat at any time."""
        now = datetime.now(UTC)
        document = f"{ref.connection}/{ref.document}"
        who = Who("preparation", "the source line as it stands", document)
        async with self._database.transaction() as connection:
            facts = await self._facts.current(connection, ref.connection, ref.target, now)
            if facts is None:
                return Prepared(stale=True)
            lines = await source_lines.of_document(connection, ref.connection, ref.document)
            checks = CHECKS[ref.kind]
            if ref.kind == REPORT:
                lines, checks = await self._as_claimed(connection, lines, checks)
                checks = comparing(checks, await source_lines.others_of_employee(connection, lines))
            if ref.kind == BILLING:
                checks = crediting(
                    checks, await billing.credited(connection, ref.connection, lines)
                )
            ids = [line.source_id for line in lines]
            object_name = OBJECT_OF[ref.kind]
            postings = await posting_ledger.of_lines(connection, ref.connection, object_name, ids)
            amended = (
                await amendments.of_lines(connection, ref.connection, object_name, ids)
                if postings
                else {}
            )
            billed = await invoiced_work.on_invoices(
                connection, ref.connection, object_name, _maybe_taken_back(lines, postings)
            )
            drafter = Drafter(facts, self._policies, self._intents, checks, billed=billed)
            draft = drafter.draft(lines, postings, amended)
            opened = await self._write(connection, ref, draft, now, who)
            if not postings and not draft.new_stopped:
                return Prepared(to_post=len(draft.new))
            standing = await posting_ledger.standing_of(connection, ref.connection, ref.document)
            return Prepared(
                to_post=standing.to_post,
                stopped=standing.stopped,
                cases=standing.cases,
                touched_cases=tuple(sorted(opened | _left_behind(postings, draft))),
            )

    async def _as_claimed(
        self, connection: Connection, lines: list[LineVersion], checks: LineChecks
    ) -> tuple[list[LineVersion], LineChecks]:
        """Leave out what its source has not given over to us; what it refuses to is stopped."""
        if not lines:
            return lines, checks
        found = await claims.of_documents(
            connection,
            lines[0].connection,
            EXPENSE_REPORT,
            [line.source_id for line in lines],
        )
        ours = [
            line
            for line in lines
            if line.status not in (LineStatus.APPROVED, LineStatus.UNREADABLE)
            or found.get(line.source_id, (ClaimState.ASKED, ""))[0] not in _NOT_OURS_YET
        ]
        refused = {
            source_id: code
            for source_id, (state, code) in found.items()
            if state is ClaimState.REFUSED
        }
        return ours, refusing(checks, refused) if refused else checks

    async def _write(
        self, connection: Connection, ref: DocumentRef, draft: Draft, now: datetime, who: Who
    ) -> set[UUID]:
        openings = CaseOpenings(self._intents.tenant, self._policies, ref.connection, ref.target)
        case_of = await cases.open_cases(
            connection, [openings.of(cause, now) for cause in draft.causes], who
        )
        await posting_ledger.move(connection, draft.moves, who)
        await posting_ledger.write_down(
            connection,
            [
                *draft.new,
                *(replace(new, case_id=case_of[cause]) for new, cause in draft.new_stopped),
            ],
            who,
        )
        await posting_ledger.requeue(connection, draft.requeue, who)
        await posting_ledger.still_stopped(
            connection, [StillStopped(key, case_of[cause]) for key, cause in draft.stopped_again]
        )
        return set(case_of.values())


def _maybe_taken_back(lines: Sequence[LineVersion], postings: Sequence[Posting]) -> set[str]:
    """The lines that have a posting which may have to go: it is not what they are now."""
    now = {
        line.source_id: line.revision
        for line in lines
        if line.status in (LineStatus.APPROVED, LineStatus.UNREADABLE)
    }
    return {
        one.source_id
        for one in postings
        if one.state in (PostingState.POSTED, PostingState.DUPLICATE)
        and not one.kind.takes_back
        and now.get(one.source_id) != one.revision
    }


def _left_behind(postings: Sequence[Posting], draft: Draft) -> set[UUID]:
    """The cases that lose lines by this draft."""
    leaving = {
        *draft.moves.cancel,
        *draft.moves.supersede,
        *(one.key for one in draft.requeue),
        *(key for key, _ in draft.stopped_again),
    }
    return {one.case_id for one in postings if one.case_id and one.key in leaving}
