"""Posting: brings a document's postings into the ERP, exactly once."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

from temporalio import activity

from activities.case_openings import CaseOpenings
from activities.connector_errors import as_application_error
from activities.posting_run import PostingRun
from activities.recording import Recorder
from activities.turns import Turns
from canonical.messages import DocumentRef, Posted
from connectors.base.capabilities import PostingTarget
from connectors.base.connections import Connections
from connectors.base.errors import ConnectionConfigError, TransientError
from rules.policies import Policies
from store import posting_attempts
from store.database import Database
from store.postings import Posting, Who

# First what is there; then what a taking back or a look-up has let go.
_ROUNDS_MAX: Final = 3


class PostingActivities:
    """Runs on the ERP's own task queue, so that its limits and outages are its own."""

    def __init__(
        self,
        database: Database,
        connections: Connections,
        policies: Policies,
        *,
        tenant: str,
        acknowledged: Collection[str],
    ) -> None:
        self._database = database
        self._connections = connections
        self._policies = policies
        self._tenant = tenant
        self._acknowledged = acknowledged
        self._turns = Turns()

    @activity.defn
    async def post_document(self, ref: DocumentRef) -> Posted:
        """Post what is ready, settle what is unanswered, read back what was never read back.

        Raises ApplicationError only where an operator must act on the connection.
        """
        try:
            return await self._post(ref)
        except ConnectionConfigError as error:
            raise as_application_error(error) from error

    async def _post(self, ref: DocumentRef) -> Posted:
        target = self._connections.filling(ref.target, PostingTarget)
        recorder = Recorder(
            self._database,
            CaseOpenings(self._tenant, self._policies, ref.connection, ref.target),
            Who("posting", "sent to the ERP", f"{ref.connection}/{ref.document}"),
            acknowledge=ref.connection in self._acknowledged,
        )
        info = activity.info()
        run = PostingRun(self._database, target, recorder, info.workflow_run_id or info.activity_id)
        handled: set[UUID] = set()
        for _ in range(_ROUNDS_MAX):
            async with self._database.connection() as connection:
                postings = await posting_attempts.to_post(connection, ref.connection, ref.document)
            recorder.unlocked = False
            for group in _groups([one for one in postings if one.key not in handled], target):
                turns = self._turns.of(ref, group[0].legal_entity, target.manifest.operations)
                async with turns:
                    if not run.halted:
                        await _settle(run, recorder, group)
            if run.halted or not recorder.unlocked:
                break
            handled.update(one.key for one in postings if one.claimed_ms_ago is None)
        return recorder.tally.message()


async def _settle(run: PostingRun, recorder: Recorder, group: Sequence[Posting]) -> None:
    try:
        await run.settle(group)
    except TransientError as error:
        # Before anything was sent: stamps or look-up could not be read.
        run.halted = True
        recorder.tally.again_as_asked(error.retry_after_seconds)


def _groups(postings: Sequence[Posting], target: PostingTarget) -> Iterator[Sequence[Posting]]:
    """Bundle for bulk calls: takings back first, one kind and legal entity each, within limits."""

    def bundle(posting: Posting) -> tuple[bool, str, str]:
        return (not posting.kind.takes_back, posting.kind, posting.legal_entity)

    for _, members in groupby(sorted(postings, key=bundle), key=bundle):
        listed = list(members)
        size = target.manifest.operation(listed[0].kind).bulk.lines_max
        for start in range(0, len(listed), size):
            yield listed[start : start + size]
