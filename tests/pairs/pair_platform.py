"""A whole platform between all three sources and any ERP, and what its Schedules and people do."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Protocol

from activities.document_workflows import DocumentWorkflows
from canonical.billing_messages import Decided, ReadinessView
from canonical.billing_period import BillingPeriod
from canonical.messages import (
    BILLING,
    AcknowledgementOutcome,
    DocumentRef,
    MasterDataRef,
    PollOutcome,
    SourceRef,
    SweepOutcome,
    SweepRequest,
)
from connectors.base.capabilities import Connected
from rules.policies import Policies
from runtime.bootstrap import routes_of
from runtime.configuration import Configuration, ConnectionSettings
from runtime.temporal import connect
from sandbox.billing_policies import BILLING_POLICIES
from sandbox.expense_policies import EXPENSE_POLICIES
from store import readiness as stored
from store.readiness import Invoice
from tests.billing.systems import CONTRACTS
from tests.e2e.running_platform import RunningPlatform, eventually, running
from tests.pairs.books import Books
from tests.pairs.sources import CONCUR, HARVEST, Sources

ERP: Final = "erp"
STORM_SECONDS_MAX: Final = 240


class ErpSide(Protocol):
    """An ERP of a pair, simulated and furnished with the firm's masters."""

    @property
    def system(self) -> str:
        """By which name configuration knows it."""
        ...

    @property
    def tax_codes(self) -> Mapping[str, str]:
        """What the ERP calls the firm's taxes."""
        ...

    def connect(self) -> Connected:
        """Connect anew."""
        ...

    def books(self) -> Books:
        """Everything of ours that it holds, by its own records."""
        ...


def configuration(system: str) -> Configuration:
    """All three sources post to one ERP."""
    return Configuration(
        tenant="northwind",
        connections={
            HARVEST: ConnectionSettings(system="harvest", posts_to=ERP),
            CONCUR: ConnectionSettings(system="concur", posts_to=ERP),
            CONTRACTS: ConnectionSettings(system="flatfile", posts_to=ERP),
            ERP: ConnectionSettings(system=system),
        },
    )


def policies_for(tax_codes: Mapping[str, str]) -> Policies:
    """What the firm has decided, in the ERP's tax codes; its taxes are rounded by line."""
    entities: dict[str, Any] = {}
    for code, closed in (("DE01", "NEXT_OPEN"), ("US01", "HOLD")):
        expense = deepcopy(EXPENSE_POLICIES[code])
        for tax in expense.get("taxes", ()):
            tax["erp_tax"] = tax_codes[tax["erp_tax"]]
        billing = deepcopy(BILLING_POLICIES[code])
        for tax in billing["taxes"]:
            tax["tax"] = tax_codes[tax["tax"]]
        entities[code] = {
            "closed_period": closed,
            "expense": expense,
            "billing": {**billing, "tax_rounding": "line", "four_eyes_above": {}},
        }
    return Policies.model_validate({"legal_entities": entities})


@dataclass(kw_only=True)
class PairPlatform(RunningPlatform):
    """A platform that carries time, expenses and invoices into one ERP."""

    sources: Sources

    # What Schedules do.

    async def refresh(self) -> None:
        """Read the masters of all sides."""
        for source in (HARVEST, CONCUR, CONTRACTS):
            await self.activities.master_data.refresh(MasterDataRef(connection=source, target=ERP))

    async def read_time(self) -> None:
        """Read Harvest once, and wait for nothing."""
        await self.run("PollSource", SourceRef(connection=HARVEST, target=ERP))

    async def reread_time(self) -> None:
        """Read the weeks whole, which finds what was deleted."""
        await self.run("RereadSource", SourceRef(connection=HARVEST, target=ERP, reread_days=70))

    async def read_reports(self) -> None:
        """Read Concur once, and wait for nothing."""
        ref = SourceRef(connection=CONCUR, target=ERP)
        await self.run("PollExpenseSource", ref, PollOutcome)

    async def hear(self) -> None:
        """Read the contracts, and let all billing periods hear of what changed."""
        ref = SourceRef(connection=CONTRACTS, target=ERP)
        await self.run("PollContracts", ref, PollOutcome)
        await self.platform.database.execute(
            "UPDATE document SET told_at = NULL WHERE kind = 'billing'"
        )
        await self.run("HearOfWork", ref)
        await self.settled(STORM_SECONDS_MAX)

    async def poll(self) -> None:
        """Read time and reports, and wait until all is settled or stopped."""
        await self.read_time()
        await self.read_reports()
        await self.settled(STORM_SECONDS_MAX)

    async def assess(self) -> None:
        """Read time and contracts, let billing hear of it, and wait until all is decided."""
        await self.read_time()
        await self.settled(STORM_SECONDS_MAX)
        await self.hear()

    async def tell(self) -> None:
        """Tell Concur what became of its reports."""
        ref = SourceRef(connection=CONCUR, target=ERP)
        await self.run("TellExpenseSource", ref, AcknowledgementOutcome)

    async def sweep(self, *, full: bool = True) -> SweepOutcome:
        """Ask the ERP for all our documents, and wait until what follows is settled."""
        request = SweepRequest(target=ERP, full=full)
        outcome: SweepOutcome = await self.run("SweepPostings", request, SweepOutcome)
        await self.settled(STORM_SECONDS_MAX)
        return outcome

    async def quiet_time_passes(self) -> None:
        """Let so much time pass that nothing sent before can appear any more."""
        await self.platform.database.execute(
            "UPDATE posting SET sent_at = sent_at - interval '1 hour', "
            "unknown_since = unknown_since - interval '1 hour' WHERE state = 'SENDING'"
        )

    # What people do, and see.

    def month_of(self, engagement: str) -> DocumentRef:
        """Names an engagement's month as messages do."""
        period = BillingPeriod(engagement, self.sources.firm.month.name)
        return DocumentRef(
            connection=CONTRACTS, document=period.document_id, target=ERP, kind=BILLING
        )

    async def view(self, engagement: str) -> ReadinessView:
        """How a month stands now, decided anew."""
        return await self.activities.readiness.assess(self.month_of(engagement))

    async def release(self, engagement: str) -> None:
        """Release what is ready, as somebody does who looked at it."""
        view = await self.view(engagement)
        assert view.ready, view.blocked
        await self.decide(engagement, "release", snapshot=view.snapshot)

    async def decide(self, engagement: str, kind: str, **request: Any) -> None:
        """Decide something, and wait for what follows."""
        workflows = DocumentWorkflows(self.client, routes_of(self.platform.configuration))
        asked = {"kind": kind, "by": "ana", **request}
        decided = await workflows.ask(self.month_of(engagement), "decide", asked, Decided)
        assert decided.done, decided.message
        await self.settled(STORM_SECONDS_MAX)

    async def invoices(self, engagement: str) -> list[Invoice]:
        """What the ledger says was released."""
        async with self.platform.database.connection() as connection:
            return await stored.invoices(
                connection, document_id=self.month_of(engagement).document, source=CONTRACTS
            )

    async def posted(self, engagement: str, documents: int) -> list[Invoice]:
        """Wait until so many documents of a month are posted; gives them."""

        async def there() -> bool:
            found = await self.invoices(engagement)
            return [one.state for one in found].count("POSTED") >= documents

        await eventually(there, STORM_SECONDS_MAX)
        return await self.invoices(engagement)


@asynccontextmanager
async def pair_platform(
    dsn: str,
    temporal_address: str,
    namespace: str,
    sources: Sources,
    erp: ErpSide,
    *,
    drain_seconds: int = 1,
) -> AsyncIterator[PairPlatform]:
    """Start a platform on a migrated ledger and a Temporal namespace of its own."""
    client = await connect(temporal_address, namespace)
    connected: dict[str, Connected] = {**sources.connected(), ERP: erp.connect()}
    async with running(
        dsn,
        client,
        configuration(erp.system),
        policies_for(erp.tax_codes),
        connected,
        drain_seconds=drain_seconds,
    ) as (platform, activities):
        yield PairPlatform(
            dsn=dsn, platform=platform, activities=activities, client=client, sources=sources
        )
