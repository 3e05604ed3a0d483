"""Contract trouble: a record of a contract that cannot be read becomes a case, until it can."""

from temporalio import workflow

from workflows.document_steps import DocumentSteps

with workflow.unsafe.imports_passed_through():
    from canonical.messages import DocumentRef


@workflow.defn
class ContractTrouble(DocumentSteps):
    """Ends at once; the next news of the record starts it anew."""

    def __init__(self) -> None:
        self._news = False

    @workflow.run
    async def run(self, ref: DocumentRef) -> None:
        """Open a case for what cannot be read, or let it go."""
        while True:
            self._news = False
            prepared = await self._prepare(ref)
            await self._announce((*prepared.cases, *prepared.touched_cases))
            if not self._news:
                return

    @workflow.signal(description="The source shows the record in another version.")
    def document_changed(self) -> None:
        self._news = True
