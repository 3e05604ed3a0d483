"""BambooHR as the system that masters people: who they are, since when, and what they work for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from canonical.cross_reference import MasterKind
from canonical.masters import CostCentreAssignment, Masters
from connectors.bamboohr import mapping, webhooks
from connectors.bamboohr.client import BambooHrClient
from connectors.bamboohr.manifest import MANIFEST, OVERLAP_SECONDS
from connectors.bamboohr.options import BambooHrOptions
from connectors.bamboohr.people import People
from connectors.bamboohr.writing import Writing
from connectors.base.capabilities import GuardEvidence
from connectors.base.manifest import Manifest
from connectors.base.master_writes import (
    GoneMaster,
    MasterAnswer,
    MasterChanges,
    MasterLook,
    MasterQuery,
    MasterWrite,
)
from connectors.base.rate_budget import RateBudget

_DELETED: Final = "Deleted"
# Looked for by id up to here; beyond, reading everybody takes fewer calls.
_IDS_MAX: Final = 500
# One more, because the feed may begin only after the second that it is asked for.
_OVERLAP: Final = timedelta(seconds=OVERLAP_SECONDS + 1)


class BambooHr:
    """MasterChangeSource, CostCentreSource, WebhookSource and MasterDataTarget, for one company."""

    def __init__(self, options: BambooHrOptions, client: BambooHrClient) -> None:
        self._options: Final = options
        self._client: Final = client
        self._people: Final = People(options, client)
        self._writing: Final = Writing(client, options.code_field)
        self._by: Final = mapping.Reading.by(options)

    @property
    def manifest(self) -> Manifest:
        return MANIFEST

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """Say how many employees the key shows, and how the last webhook went, if one is named.

        Raises ConnectionConfigError if it may not see a field that is needed.
        """
        page = await self._client.people(self._by.asked, limit=1)
        mapping.require_seen(page.records, self._by.needed, "the list of employees")
        said = f"BambooHR company {self._options.company}, {page.total} employees"
        if self._options.webhook_id is None:
            return said
        log = await self._client.deliveries(self._options.webhook_id)
        if not log:
            return f"{said}; webhook {self._options.webhook_id} sent nothing in 14 days"
        return f"{said}; the last request of webhook {self._options.webhook_id} was answered " + (
            str(log[0].status_code or "not at all")
        )

    async def masters(self) -> Masters:
        """Read all employees and cost centres in bulk."""
        return Masters(
            employees=await self._people.everybody(),
            dimension_values=await self._people.cost_centres(),
        )

    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        """Read who changed at or after an instant; cost centres have no feed and come whole.

        Whether the feed shows what has exactly the stamp that it is asked for is not documented,
        and a change may become visible behind the clock: it is asked for a little more.
        """
        asked = since.astimezone(UTC).replace(microsecond=0) - _OVERLAP
        changed = tuple((await self._client.changed(asked)).employees.values())
        there = tuple(one.id for one in changed if one.action != _DELETED)
        if len(there) > _IDS_MAX:
            wanted = frozenset(there)
            employees = tuple(one for one in await self._people.everybody() if one.id in wanted)
        else:
            employees = await self._people.some(there, asked)
        return MasterChanges(
            masters=Masters(
                employees=employees, dimension_values=await self._people.cost_centres()
            ),
            until=max([since.astimezone(UTC), *(one.last_changed for one in changed)]),
            gone=tuple(
                GoneMaster(MasterKind.EMPLOYEE, one.id) for one in changed if one.action == _DELETED
            ),
        )

    async def cost_centre_assignments(self) -> Sequence[CostCentreAssignment]:
        """Read the job information of everybody in one call, with the day of each row."""
        return await self._people.assignments()

    def is_genuine(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Whether BambooHR signed this with the key of our webhook, lately."""
        key = self._options.webhook_key
        return key is not None and webhooks.is_genuine(headers, body, now, key.get_secret_value())

    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        """Look people up: by id with a filter, by number or e-mail among all, having none."""
        people = [one for one in queries if one.kind is MasterKind.EMPLOYEE]
        ids = tuple(dict.fromkeys(one for query in people for one in query.ids if one.isdigit()))
        if any(query.keys for query in people) or len(ids) > _IDS_MAX:
            employees = await self._people.everybody()
        else:
            employees = await self._people.some(ids)
        wants_values = any(one.kind is MasterKind.DIMENSION_VALUE for one in queries)
        values = await self._people.cost_centres() if wants_values else ()
        return MasterLook(Masters(employees=employees, dimension_values=values))

    async def write_masters(
        self, writes: Sequence[MasterWrite], evidence: GuardEvidence
    ) -> Sequence[MasterAnswer]:
        """Make or change employees, one call each; nothing guards a creation but the look."""
        del evidence
        return await self._writing.write(writes)


def connect(
    options: BambooHrOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
) -> BambooHr:
    """Make the connector of one company; nothing is sent yet."""
    return BambooHr(options, BambooHrClient(options, budget, transport))
