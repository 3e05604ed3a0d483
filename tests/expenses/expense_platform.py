"""A whole platform for expenses in one process, and what its Schedules and its people do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from temporalio.client import WorkflowHandle

from canonical.messages import (
    AcknowledgementOutcome,
    BackfillWindow,
    DocumentRef,
    MasterDataRef,
    PaymentOutcome,
    PaymentRef,
    PollOutcome,
    Posted,
    Prepared,
    SourceRef,
    posting_queue,
)
from rules.policies import Policies
from runtime.bootstrap import routes_of
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from runtime.topology import UPKEEP_QUEUE
from sandbox.expense_policies import EXPENSE_POLICIES
from sandbox.firm import Firm
from store import reports
from tests.e2e.running_platform import SECONDS_MAX, RunningPlatform, eventually, running
from tests.expenses.systems import ExpenseSystems

REPORT: Final = "expense_report"
CONCUR: Final = SourceRef(connection="concur", target="tryton")
CONFIGURATION: Final = Configuration(
    tenant="northwind",
    connections={
        "concur": ConnectionSettings(system="concur", posts_to="tryton"),
        "tryton": ConnectionSettings(system="tryton"),
    },
)


def firm_policies(**more: Any) -> Policies:
    """What the firm has decided; `more` is put into the policies of both legal entities."""
    return Policies.model_validate(
        {
            "legal_entities": {
                code: {"closed_period": closed, "expense": EXPENSE_POLICIES[code], **more}
                for code, closed in (("DE01", "NEXT_OPEN"), ("US01", "HOLD"))
            }
        }
    )


@dataclass(kw_only=True)
class ReportPlatform(RunningPlatform):
    """A platform between one source of expenses and the real ERP."""

    firm: Firm
    source: SourceRef

    # What Schedules do.

    async def read(self) -> PollOutcome:
        """Read the source once, claim what is new, and start its workflows; wait for nothing."""
        found: PollOutcome = await self.run("PollExpenseSource", self.source, PollOutcome)
        return found

    async def poll(self, seconds_max: float = SECONDS_MAX) -> None:
        """Read the source once and wait until all is settled or stopped."""
        await self.read()
        await self.settled(seconds_max)

    async def watch(self) -> PaymentOutcome:
        """Ask the ERP how far everything is paid."""
        found: PaymentOutcome = await self.run(
            "WatchPayments", PaymentRef(target="tryton"), PaymentOutcome
        )
        return found

    async def run_tell(self) -> AcknowledgementOutcome:
        """Tell the source all that it is still to be told, and wait for nothing."""
        outcome: AcknowledgementOutcome = await self.run(
            "TellExpenseSource", self.source, AcknowledgementOutcome
        )
        return outcome

    async def tell(self) -> AcknowledgementOutcome:
        """Tell the source, and let its reports go on until they are settled."""
        outcome = await self.run_tell()
        await self.settled()
        return outcome

    async def tell_all(self) -> None:
        """Tell the source again and again until there is nothing left to tell it."""

        async def told() -> bool:
            await self.tell()
            (row,) = await self.rows("SELECT count(*) AS left FROM outbox WHERE state = 'WAITING'")
            return bool(row["left"] == 0)

        await eventually(told)

    async def look_and_tell(self) -> None:
        """Look at payments, then tell the source."""
        await self.watch()
        await self.tell()

    async def backfill(self) -> None:
        """Take the firm's month up again, as after a Temporal that lost everything."""
        month = self.firm.month
        window = BackfillWindow(
            connection=self.source.connection,
            target="tryton",
            first=month.first_day,
            last=month.last_day,
        )
        await self.run("Backfill", window)
        await self.settled()

    async def refresh(self) -> None:
        """Read the masters of both sides."""
        await self.activities.master_data.refresh(
            MasterDataRef(connection=self.source.connection, target="tryton")
        )

    # Single steps, in any order, as they happen around crashes.

    async def intake(self) -> None:
        """Read and claim, and tell no workflow of it."""
        await self.step("poll_expense_reports", self.source, UPKEEP_QUEUE)
        await self.step("claim_expense_reports", self.source, UPKEEP_QUEUE)

    async def prepare(self, document: str) -> Prepared:
        """Prepare a report."""
        route = routes_of(self.platform.configuration)[self.source.connection]
        queue = route.task_queue(REPORT)
        ref = self.ref(document)
        return Prepared.model_validate(await self.step("prepare_document", ref, queue))

    async def post(self, document: str) -> Posted:
        """Post a report, as a lane of its own."""
        queue = posting_queue("tryton", REPORT)
        return Posted.model_validate(await self.step("post_document", self.ref(document), queue))

    async def quiet_time_passes(self) -> None:
        """Let so much time pass that nothing sent before can appear any more."""
        await self.platform.database.execute(
            "UPDATE posting SET sent_at = sent_at - interval '1 hour', "
            "unknown_since = unknown_since - interval '1 hour' WHERE state = 'SENDING'"
        )

    async def sentence_of(self, case: reports.Blocked) -> str:
        """What people read of a case."""
        (row,) = await self.rows("SELECT sentence FROM exception_case WHERE id = $1", case.case_id)
        return str(row["sentence"])

    def ref(self, document: str) -> DocumentRef:
        """Names a report as messages do."""
        at = self.source.connection
        return DocumentRef(connection=at, document=document, target="tryton", kind=REPORT)

    def workflow(self, document: str) -> WorkflowHandle[Any, Any]:
        """The workflow of a report."""
        at = self.source.connection
        return self.client.get_workflow_handle(f"expense-to-reimbursement/{at}/{document}")


@dataclass(kw_only=True)
class ExpensePlatform(ReportPlatform):
    """A platform between the simulated Concur and the real ERP."""

    systems: ExpenseSystems


@asynccontextmanager
async def expense_platform(
    dsn: str,
    temporal_address: str,
    namespace: str,
    systems: ExpenseSystems,
    *,
    policies: Policies | None = None,
    drain_seconds: int = 1,
) -> AsyncIterator[ExpensePlatform]:
    """Start a platform on a ledger and a Temporal namespace."""
    client = await connect(temporal_address, namespace)
    with systems.connected() as connected:
        async with running(
            dsn,
            client,
            CONFIGURATION,
            policies or firm_policies(),
            connected,
            drain_seconds=drain_seconds,
        ) as (platform, activities):
            yield ExpensePlatform(
                dsn=dsn,
                platform=platform,
                activities=activities,
                client=client,
                firm=systems.firm,
                source=CONCUR,
                systems=systems,
            )
