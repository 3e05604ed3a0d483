"""Writing customers, employees and projects: one request each, or two with a cost centre."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from canonical.cross_reference import MasterKind
from connectors.base.errors import ConflictError, RejectedError
from connectors.base.in_turn import as_second_step, written_in_turn
from connectors.base.master_writes import MasterAnswer, MasterWrite
from connectors.business_central import wire
from connectors.business_central.client import Client, id_in
from connectors.business_central.cost_centres import CostCentres
from connectors.business_central.ids import company_path, guid_of
from connectors.business_central.master_bodies import Body, body_of
from connectors.business_central.master_mapping import legal_entity_code
from connectors.business_central.masters_look import ENTITY_OF, MastersLook
from connectors.business_central.masters_reading import MastersReading


class MastersWriting:
    """One attempt for each write, in the company that its legal entity is."""

    def __init__(self, client: Client, reading: MastersReading, axis: str) -> None:
        self._client: Final = client
        self._reading: Final = reading
        self._centres: Final = CostCentres(client, axis)
        self._look: Final = MastersLook(client, reading)

    async def write(
        self, writes: Sequence[MasterWrite], evidence: Mapping[str, str]
    ) -> Sequence[MasterAnswer]:
        """Make or change records; a change goes with the version that the look has shown."""
        companies = await self._reading.companies()

        async def written(write: MasterWrite) -> str:
            if write.kind not in ENTITY_OF:
                raise RejectedError("not_written_here", f"no {write.kind} is written through v2.0")
            company, body = _company_of(write, companies), body_of(write)
            if "cost_centre" not in write.values or write.kind is not MasterKind.EMPLOYEE:
                return await self._sent(company, write, body, evidence)
            # Before anything is written: who has an unknown cost centre is not half made.
            centre = await self._centres.wanted(company, write.values["cost_centre"])
            if not body and write.id is not None:
                await self._centres.give(company, write.id, centre)
                return write.id
            record = await self._sent(company, write, body, evidence)
            await as_second_step(self._centres.give(company, record, centre))
            return record

        return await written_in_turn(writes, written)

    async def _sent(
        self, company: wire.Company, write: MasterWrite, body: Body, evidence: Mapping[str, str]
    ) -> str:
        if write.id is None:
            return await self._made(company, write, body)
        return await self._changed(company, write, write.id, body, evidence)

    async def _made(self, company: wire.Company, write: MasterWrite, body: Body) -> str:
        path = f"{company_path(company.id)}/{ENTITY_OF[write.kind]}"
        try:
            return id_in(await self._client.write("POST", path, body, not_after=math.inf))
        except RejectedError as refusal:
            # The number may be taken because an attempt before this one got through.
            if await self._look.is_there(company, write.kind, write.code):
                raise ConflictError("is_there", refusal.code) from None
            raise

    async def _changed(
        self,
        company: wire.Company,
        write: MasterWrite,
        record: str,
        body: Body,
        evidence: Mapping[str, str],
    ) -> str:
        record = guid_of(record, "record")
        version = evidence.get(record) or await self._look.version(company, write.kind, record)
        if version is None:
            raise RejectedError("record_not_found", "the company has no such record")
        if not body:
            return record
        path = f"{company_path(company.id)}/{ENTITY_OF[write.kind]}({record})"
        return id_in(
            await self._client.write("PATCH", path, body, etag=version, not_after=math.inf)
        )


def _company_of(write: MasterWrite, companies: Sequence[wire.Company]) -> wire.Company:
    """The company of a legal entity, by its code or id; the only one if none is named."""
    named = [
        each
        for each in companies
        if write.legal_entity in {each.id, each.name, legal_entity_code(each)}
    ]
    chosen = named if write.legal_entity is not None else companies
    if len(chosen) != 1:
        raise RejectedError(
            "legal_entity_unknown", "a record is made in one company, and none or several are meant"
        )
    return chosen[0]
