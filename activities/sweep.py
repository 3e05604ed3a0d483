"""The sweep: the ERP is asked for every document of ours, and the ledger learns from it.

An orphan is adopted, a second document becomes a case with both, an altered one a case; what is
missing is never posted again, somebody is called (POSTING.md "sweep").
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from temporalio import activity

from activities.attestation import agrees
from activities.case_openings import CaseOpenings
from activities.connector_errors import as_application_error
from activities.patience import patiently
from activities.posting_results import Result, missing, read_back, stray
from activities.recording import Recorder
from canonical.messages import SweepOutcome, SweepRequest
from canonical.posting import PostedDocument, PostingKind, PostingState
from connectors.base.capabilities import DraftKeeper, PostingTarget
from connectors.base.connections import Connections
from connectors.base.errors import ConnectorError
from connectors.base.manifest import Manifest
from rules.policies import Policies
from store import cursors, documents, posting_ledger
from store.database import Database
from store.postings import Posting, Who

_SWEEP: Final = "sweep"
# The ledger says that these were never posted, or no longer are.
_SHOULD_NOT_BE_THERE: Final = frozenset(
    {
        PostingState.SUPERSEDED,
        PostingState.CANCELLED,
        PostingState.WAIVED,
        PostingState.REVERSED,
    }
)


class SweepActivities:
    """Compares the ERP with the ledger, in the ERP's favour."""

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

    @activity.defn
    async def sweep_target(self, request: SweepRequest) -> SweepOutcome:
        """List the ERP's documents since the last sweep, less what may have been in flight."""
        try:
            return await self._sweep(request)
        except ConnectorError as error:
            raise as_application_error(error) from error

    async def _sweep(self, request: SweepRequest) -> SweepOutcome:
        target = self._connections.filling(request.target, PostingTarget)
        begun = datetime.now(UTC)
        since = None if request.full else await self._since(request.target, target.manifest)
        listed: dict[str, list[PostedDocument]] = defaultdict(list)
        async for page in patiently(target.documents_since(since)):
            for document in page:
                listed[document.reference].append(document)
        outcome = await self._compare(request.target, listed, target.manifest.undone_by_deletion)
        if request.full:
            lost = await self._missing(request.target, listed, begun, target.manifest)
            outcome = outcome.model_copy(
                update={
                    "missing": lost.missing,
                    "cases": tuple(sorted({*outcome.cases, *lost.cases})),
                }
            )
        if request.target in self._connections.all_filling(DraftKeeper):
            keeper = self._connections.filling(request.target, DraftKeeper)
            await keeper.remove_stray_drafts(begun - _may_be_under_way(target.manifest))
        async with self._database.transaction() as connection:
            await cursors.move_cursor(connection, request.target, _SWEEP, begun)
        return outcome

    async def _since(self, target: str, manifest: Manifest) -> datetime | None:
        async with self._database.transaction() as connection:
            watermark = await cursors.watermark(connection, target, _SWEEP)
        return watermark and watermark - _may_be_under_way(manifest)

    async def _compare(
        self,
        target: str,
        listed: dict[str, list[PostedDocument]],
        undone: Collection[PostingKind],
    ) -> SweepOutcome:
        async with self._database.transaction() as connection:
            known = await posting_ledger.by_reference(connection, target, list(listed))
        results: list[Result] = []
        unknown = sum(reference not in known for reference in listed)
        for reference, posting in known.items():
            found = listed[reference]
            if posting.intent_json is None and posting.state is PostingState.EXCEPTION:
                # What it should look like is not known; once its case lets it go, the look-up
                # before the first send finds the document.
                unknown += len(found)
            elif posting.accepted and _known(posting) >= {one.document_id for one in found}:
                continue
            elif posting.state is PostingState.REVERSED and posting.kind not in undone:
                # Its opposite took it back; both stay in the books. Another is one too many.
                results += [
                    stray(posting, document)
                    for document in found
                    if document.document_id != posting.erp_document_id
                ]
            elif posting.state in _SHOULD_NOT_BE_THERE:
                results += [stray(posting, document) for document in found]
            elif not _settled(posting, found):
                results += read_back(posting, found)
        opened = await self._record(target, results)
        return SweepOutcome(
            documents=sum(len(found) for found in listed.values()),
            adopted=sum(_is_adopted(one) for one in results),
            duplicates=sum(one.result.code in ("duplicate", "stray") for one in results),
            altered=sum(one.result.code == "altered" for one in results),
            unknown=unknown,
            cases=tuple(sorted(opened)),
        )

    async def _missing(
        self,
        target: str,
        listed: Collection[str],
        begun: datetime,
        manifest: Manifest,
    ) -> SweepOutcome:
        async with self._database.transaction() as connection:
            lost = await posting_ledger.posted_but_not_among(
                connection, target, list(listed), begun - _may_be_under_way(manifest)
            )
        opened = await self._record(target, [missing(posting) for posting in lost])
        return SweepOutcome(missing=len(lost), cases=tuple(opened))

    async def _record(self, target: str, results: Sequence[Result]) -> set[UUID]:
        """Record per source, and wake the documents whose lines were adopted; gives the cases."""
        opened: set[UUID] = set()
        by_source: dict[str, list[Result]] = defaultdict(list)
        for one in results:
            by_source[one.posting.connection].append(one)
        for source, of_source in by_source.items():
            recorder = Recorder(
                self._database,
                CaseOpenings(self._tenant, self._policies, source, target),
                Who("sweep", "what the ERP shows", f"sweep of {target}"),
                acknowledge=source in self._acknowledged,
            )
            await recorder.record(of_source)
            opened |= recorder.tally.cases
            woken = {(source, one.posting.document_id) for one in of_source if _is_adopted(one)}
            async with self._database.transaction() as connection:
                await documents.touch(connection, woken)
        return opened


def _settled(posting: Posting, found: Sequence[PostedDocument]) -> bool:
    """Nothing new: the one document is the one that the ledger knows, and shows what was sent."""
    (first, *others) = found
    return (
        posting.state is PostingState.POSTED
        and posting.attested_at is not None
        and not others
        and first.document_id == posting.erp_document_id
        and agrees(posting.intent, first)
    )


def _known(posting: Posting) -> set[str | None]:
    """The documents that people were shown."""
    return {posting.erp_document_id, *posting.other_document_ids}


def _is_adopted(one: Result) -> bool:
    return one.posting.state is not PostingState.POSTED and one.cause is None


def _may_be_under_way(manifest: Manifest) -> timedelta:
    """How far back a sweep looks: what was in flight, or not to be found yet, last time."""
    quiet = max((operation.quiet_seconds for operation in manifest.operations), default=0)
    return timedelta(seconds=quiet + manifest.overlap_seconds)
