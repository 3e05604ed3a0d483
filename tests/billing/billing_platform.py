"""A whole platform that bills, in one process, and what its Schedules and its people do."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from temporalio.client import WorkflowHandle

from activities.document_workflows import DocumentWorkflows
from canonical.billing_messages import Decided, ReadinessView
from canonical.billing_period import BillingPeriod
from canonical.messages import (
    BILLING,
    AcknowledgementOutcome,
    BackfillWindow,
    DocumentRef,
    MasterDataRef,
    PaymentOutcome,
    PaymentRef,
    PollOutcome,
    SourceRef,
)
from rules.policies import Policies
from runtime.bootstrap import routes_of
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from sandbox.billing_policies import BILLING_POLICIES
from store import readiness as stored
from store.readiness import Invoice
from tests.billing.systems import CONTRACTS, BillingSystems
from tests.e2e.running_platform import SECONDS_MAX, RunningPlatform, eventually, running

# A poll comes again by its Schedule; tests wait a little for it.
_POLL_AFTER_SECONDS: Final = 5
HARVEST: Final = SourceRef(connection="harvest", target="tryton")
CONTRACTS_REF: Final = SourceRef(connection=CONTRACTS, target="tryton")


def configuration() -> Configuration:
    """Sources and ERP of a tenant of its own: all tests share one ERP."""
    return Configuration(
        tenant=f"t-{uuid.uuid4().hex[:12]}",  # noqa: TID251  A test's own.
        connections={
            "harvest": ConnectionSettings(system="harvest", posts_to="tryton"),
            CONTRACTS: ConnectionSettings(system="flatfile", posts_to="tryton"),
            "tryton": ConnectionSettings(system="tryton"),
        },
    )


def firm_policies(**billing: Any) -> Policies:
    """What the firm has decided; `billing` is put into the billing policy of both entities."""
    return Policies.model_validate(
        {
            "legal_entities": {
                code: {
                    "closed_period": closed,
                    "billing": {**BILLING_POLICIES[code], "four_eyes_above": {}, **billing},
                }
                for code, closed in (("DE01", "NEXT_OPEN"), ("US01", "HOLD"))
            }
        }
    )


@dataclass(kw_only=True)
class BillingPlatform(RunningPlatform):
    """A platform between Harvest, contracts and the real ERP."""

    systems: BillingSystems

    # What Schedules do.

    async def refresh(self) -> None:
        """Read the masters of all sides."""
        for source in ("harvest", CONTRACTS):
            await self.activities.master_data.refresh(
                MasterDataRef(connection=source, target="tryton")
            )

    async def post_time(self) -> None:
        """Read Harvest once and wait until all time is settled or stopped."""
        await self.run("PollSource", HARVEST)
        await self.settled()

    async def settled(self, seconds_max: float = SECONDS_MAX) -> None:
        """Wait until all is settled; what a credit note lets go is told by the next poll."""
        polls = max(1, int(seconds_max // _POLL_AFTER_SECONDS))
        for _ in range(polls):
            with suppress(TimeoutError):
                await super().settled(_POLL_AFTER_SECONDS)
                return
            await self.run("PollSource", HARVEST)
        raise TimeoutError

    async def read_contracts(self) -> PollOutcome:
        """Read the drop once."""
        found: PollOutcome = await self.run("PollContracts", CONTRACTS_REF, PollOutcome)
        return found

    async def hear(self) -> None:
        """Let all billing periods hear of what changed, however lately they were told."""
        await self.platform.database.execute(
            "UPDATE document SET told_at = NULL WHERE kind = 'billing'"
        )
        await self.run("HearOfWork", CONTRACTS_REF)

    async def assess(self) -> None:
        """Read time and contracts, let billing hear of it, and wait until all is decided."""
        await self.post_time()
        await self.read_contracts()
        await self.hear()
        await self.settled()

    async def watch(self) -> PaymentOutcome:
        """Ask the ERP how far everything is paid, and let billing hear of it."""
        found: PaymentOutcome = await self.run(
            "WatchPayments", PaymentRef(target="tryton"), PaymentOutcome
        )
        await self.hear()
        await self.settled()
        return found

    async def tell(self) -> AcknowledgementOutcome:
        """Tell the source of contracts what became of its invoices."""
        outcome: AcknowledgementOutcome = await self.run(
            "TellInvoices", CONTRACTS_REF, AcknowledgementOutcome
        )
        return outcome

    async def backfill(self) -> None:
        """Take the firm's month up again, as after a Temporal that lost everything."""
        month = self.systems.firm.month
        for source in ("harvest", CONTRACTS):
            window = BackfillWindow(
                connection=source, target="tryton", first=month.first_day, last=month.last_day
            )
            await self.run("Backfill", window)
        await self.hear()
        await self.settled()

    async def quiet_time_passes(self) -> None:
        """Let so much time pass that nothing sent before can appear any more."""
        await self.platform.database.execute(
            "UPDATE posting SET sent_at = sent_at - interval '1 hour', "
            "unknown_since = unknown_since - interval '1 hour' WHERE state = 'SENDING'"
        )

    # What people do, and see.

    def ref(self, engagement: str) -> DocumentRef:
        """Names an engagement's month as messages do."""
        period = BillingPeriod(engagement, self.systems.firm.month.name)
        return DocumentRef(
            connection=CONTRACTS, document=period.document_id, target="tryton", kind=BILLING
        )

    def month(self, engagement: str) -> WorkflowHandle[Any, Any]:
        """The workflow of an engagement's month."""
        document = self.ref(engagement).document
        return self.client.get_workflow_handle(f"invoice-readiness/{CONTRACTS}/{document}")

    async def view(self, engagement: str) -> ReadinessView:
        """How a month stands now, decided anew."""
        return await self.activities.readiness.assess(self.ref(engagement))

    async def shown(self, engagement: str) -> ReadinessView:
        """How its workflow says that a month stands, once it has looked."""
        views: list[ReadinessView] = []

        async def looked() -> bool:
            view: ReadinessView | None = await self.month(engagement).query(
                "readiness", result_type=ReadinessView
            )
            views.extend([view] if view else [])
            return bool(views)

        await eventually(looked)
        return views[0]

    async def decide(self, engagement: str, kind: str, **request: Any) -> Decided:
        """Decide something, as a person would, and wait for what follows."""
        decided = await self.ask(engagement, {"kind": kind, "by": "ana", **request})
        await self.settled()
        return decided

    async def ask(self, engagement: str, request: Mapping[str, Any]) -> Decided:
        """Send the update with whatever somebody typed, as the command does.

        Credit notes are of the month's end unless told otherwise: numbers and dates have one order,
        and other tests write theirs into the same ERP.
        """
        if request.get("kind") == "credit":
            month_end = self.systems.firm.month.last_day.isoformat()
            request = {**request, "on_date": request.get("on_date") or month_end}
        workflows = DocumentWorkflows(self.client, routes_of(self.platform.configuration))
        return await workflows.ask(self.ref(engagement), "decide", dict(request), Decided)

    async def release(self, engagement: str, by: str = "ana") -> Decided:
        """Release what is ready, as it is looked at now."""
        view = await self.view(engagement)
        return await self.decide(engagement, "release", by=by, snapshot=view.snapshot)

    async def invoices(self, engagement: str) -> list[Invoice]:
        """What the ledger says was released."""
        async with self.platform.database.connection() as connection:
            return await stored.invoices(
                connection, document_id=self.ref(engagement).document, source=CONTRACTS
            )

    async def posted(self, engagement: str, documents: int = 1) -> list[Invoice]:
        """Wait until so many documents of a month are posted; gives them."""

        async def there() -> bool:
            found = await self.invoices(engagement)
            return [one.state for one in found].count("POSTED") >= documents

        await eventually(there, SECONDS_MAX)
        return await self.invoices(engagement)


@asynccontextmanager
async def billing_platform(
    dsn: str,
    temporal_address: str,
    namespace: str,
    systems: BillingSystems,
    *,
    settings: Configuration,
    policies: Policies | None = None,
    drain_seconds: int = 1,
) -> AsyncIterator[BillingPlatform]:
    """Start a platform on a ledger and a Temporal namespace."""
    client = await connect(temporal_address, namespace)
    with systems.connected() as connected:
        async with running(
            dsn,
            client,
            settings,
            policies or firm_policies(),
            connected,
            drain_seconds=drain_seconds,
        ) as (platform, activities):
            yield BillingPlatform(
                dsn=dsn,
                platform=platform,
                activities=activities,
                client=client,
                systems=systems,
            )
