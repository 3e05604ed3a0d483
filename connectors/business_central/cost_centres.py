"""Cost centres of employees: their default dimensions on one axis, given, changed and taken."""

import math
from dataclasses import dataclass
from typing import Final

from connectors.base.errors import ConflictError, RejectedError
from connectors.business_central import wire
from connectors.business_central.client import Client, id_in
from connectors.business_central.ids import company_path, guid_of, quoted
from connectors.business_central.master_mapping import readable


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value on the axis; None takes away the one that is there."""

    dimension: str
    value: str | None


class CostCentres:
    """Reads what stands there and writes once; the version that was read goes along."""

    def __init__(self, client: Client, axis: str) -> None:
        self._client: Final = client
        self._axis: Final = axis

    async def wanted(self, company: wire.Company, code: str) -> Wanted:
        """Find a cost centre by its code, none by ""; raises RejectedError if there is none."""
        root = company_path(company.id)
        having = {"$filter": f"code eq {quoted(self._axis)}"}
        records = await self._client.all_of(f"{root}/dimensions", having)
        axes = readable(wire.Dimension, records, lambda row: row)
        if len(axes) != 1:
            raise RejectedError("dimension_unknown", "the company has no such dimension")
        if not code:
            return Wanted(axes[0].id, None)
        path = f"{root}/dimensions({axes[0].id})/dimensionValues"
        found = await self._client.all_of(path, {"$filter": f"code eq {quoted(code)}"})
        values = readable(wire.DimensionValue, found, lambda row: row)
        if len(values) != 1:
            raise RejectedError("cost_centre_unknown", "the company has no such cost centre")
        return Wanted(axes[0].id, values[0].id)

    async def give(self, company: wire.Company, employee: str, wanted: Wanted) -> None:
        """Let an employee have a cost centre, or none."""
        path = (
            f"{company_path(company.id)}/employees({guid_of(employee, 'record')})/defaultDimensions"
        )
        having = {"$filter": f"dimensionCode eq {quoted(self._axis)}"}
        records = await self._client.all_of(path, having)
        standing = readable(wire.DefaultDimension, records, lambda row: row)
        if standing:
            await self._change(f"{path}({standing[0].id})", standing[0].etag, wanted)
        elif wanted.value is not None:
            await self._add(path, wanted, wanted.value)

    async def _change(self, path: str, version: str, wanted: Wanted) -> None:
        if wanted.value is None:
            await self._client.write("DELETE", path, etag=version, not_after=math.inf)
            return
        body = {"dimensionValueId": wanted.value}
        id_in(await self._client.write("PATCH", path, body, etag=version, not_after=math.inf))

    async def _add(self, path: str, wanted: Wanted, value: str) -> None:
        body = {"dimensionId": wanted.dimension, "dimensionValueId": value}
        try:
            id_in(await self._client.write("POST", path, body, not_after=math.inf))
        except RejectedError as refusal:
            # There is one on each axis only, so an attempt before this one may have got through.
            if refusal.code == "exists_already":
                raise ConflictError("is_there", refusal.code) from None
            raise
