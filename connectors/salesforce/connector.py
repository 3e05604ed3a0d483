"""Salesforce as the system of record for customers, and for the projects that were won."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import httpx

from canonical.masters import Masters
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import ConnectionConfigError
from connectors.base.manifest import Manifest
from connectors.base.master_writes import (
    MasterAnswer,
    MasterChanges,
    MasterLook,
    MasterQuery,
    MasterWrite,
)
from connectors.base.rate_budget import RateBudget
from connectors.salesforce.client import SalesforceClient, verdict
from connectors.salesforce.manifest import manifest_for
from connectors.salesforce.options import SalesforceOptions
from connectors.salesforce.reading import ACCOUNT, OPPORTUNITY, MasterReading
from connectors.salesforce.session import SalesforceSession
from connectors.salesforce.wire import DescribedField
from connectors.salesforce.writing import MasterWriting


def _now() -> datetime:
    return datetime.now(UTC)


class Salesforce:
    """MasterChangeSource and MasterDataTarget, for one org."""

    def __init__(
        self,
        options: SalesforceOptions,
        client: SalesforceClient,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._options: Final = options
        self._client: Final = client
        self._now: Final = now
        self._reading: Final = MasterReading(client, options)
        self._writing: Final = MasterWriting(client, options.account)
        self._manifest: Final = manifest_for(options.account)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """Say which org it is; raises if a field that configuration names is not there for us."""
        fields = self._options.account
        seen = await self._fields(ACCOUNT, fields.named)
        external = seen.get(fields.external_id)
        if external is not None and not (
            external.external_id and external.unique and external.case_sensitive
        ):
            # Without case, an upsert of abc would change the customer ABC.
            raise ConnectionConfigError(
                "not_an_external_id",
                f"{external.name} is not marked as external id, unique and case sensitive",
            )
        if fields.active and seen[fields.active].type != "boolean":
            raise ConnectionConfigError("not_a_checkbox", f"{fields.active} is no checkbox")
        if self._options.project_code is not None:
            await self._fields(OPPORTUNITY, (self._options.project_code,))
        return f"Salesforce org {httpx.URL(self._options.instance_url).host}"

    async def _fields(self, kind: str, needed: Sequence[str]) -> dict[str, DescribedField]:
        described = await self._client.describe(kind)
        seen = {each.name: each for each in described.fields}
        hidden = [name for name in needed if name not in seen]
        if hidden:
            raise ConnectionConfigError(
                "field_hidden",
                f"{kind} has no {', '.join(hidden)} that the integration user may see",
            )
        return seen

    async def masters(self) -> Masters:
        """Read all Accounts, and all Opportunities that were won, in bulk."""
        return await self._reading.all()

    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        """Ask the feeds of changes and deletions, and read in bulk what they name."""
        return await self._reading.changed_since(since, self._now())

    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        """Look Accounts and won Opportunities up; the guard needs no evidence."""
        return MasterLook(await self._reading.find(queries))

    async def write_masters(
        self,
        writes: Sequence[MasterWrite],
        evidence: GuardEvidence,  # noqa: ARG002  The external id is all the guard needs.
    ) -> Sequence[MasterAnswer]:
        """Make and change Accounts."""
        return await self._writing.write(writes)


def connect(
    options: SalesforceOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
    now: Callable[[], datetime] = _now,
) -> Salesforce:
    """Make the connector of one org; nothing is sent yet."""
    session = SalesforceSession(options, budget, transport, verdict)
    return Salesforce(options, SalesforceClient(session, options.page_size), now)
