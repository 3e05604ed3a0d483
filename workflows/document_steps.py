"""Steps that every document takes: prepared on fresh facts, posted, and told to its cases."""

from collections.abc import Iterable
from uuid import UUID

from temporalio import workflow

from workflows.policies import LOCAL, POST, READ, RECORD

with workflow.unsafe.imports_passed_through():
    from activities.exception_cases import ExceptionCaseActivities as Cases
    from activities.master_data import MasterDataActivities as MasterData
    from activities.posting import PostingActivities as Posting
    from activities.preparation import PreparationActivities as Preparation
    from canonical.messages import (
        CaseNews,
        DocumentRef,
        MasterDataRef,
        Posted,
        Prepared,
        posting_queue,
    )


class DocumentSteps:
    """What workflows of documents share; holds no state of its own."""

    async def _prepare(self, ref: DocumentRef) -> Prepared:
        """Decide on the document; where facts are too old for that, after they were read again."""
        while True:
            prepared: Prepared = await workflow.execute_local_activity_method(
                Preparation.prepare_document, ref, **LOCAL
            )
            if not prepared.stale:
                return prepared
            await workflow.execute_activity_method(
                MasterData.refresh_master_data,
                MasterDataRef(connection=ref.connection, target=ref.target),
                **READ,
            )

    async def _post(self, ref: DocumentRef, prepared: Prepared) -> Posted:
        """Post what may be posted, on the ERP's own task queue."""
        if not prepared.to_post:
            return Posted()
        posted: Posted = await workflow.execute_activity_method(
            Posting.post_document, ref, task_queue=posting_queue(ref.target, ref.kind), **POST
        )
        return posted

    async def _announce(self, cases: Iterable[UUID]) -> None:
        """Tell cases that they gained or lost lines."""
        told = set(cases)
        if told:
            await workflow.execute_activity_method(
                Cases.announce_cases, CaseNews(case_ids=tuple(sorted(told))), **RECORD
            )
