"""The people of the ERP who keep its parties: they make and rename them, and see who left.

It asks Tryton directly and shares no code with the connector or with the ledger.
"""

from collections.abc import Mapping
from datetime import date

from sandbox.tryton.json_rpc import JsonRpcSession


class PartyDesk:
    """Works with an administrator's session."""

    def __init__(self, session: JsonRpcSession) -> None:
        self._erp = session

    async def open_party(self, code: str, name: str) -> int:
        """Set up a customer by hand; gives the party's id."""
        party = {"code": code, "name": name, "addresses": [["create", [{}]]]}
        (made,) = await self._erp.create("party.party", [party])
        return made

    async def rename(self, code: str, name: str) -> None:
        """Give a party another name."""
        party = await self._erp.find_one("party.party", [["code", "=", code]])
        await self._erp.write("party.party", [party], {"name": name})

    async def parties(self) -> tuple[tuple[str, str], ...]:
        """Code and name of every party, without the firm's own companies."""
        own = {row["party"] for row in await self._erp.find("company.company", [], "party")}
        rows = await self._erp.find("party.party", [], "code", "name")
        return tuple((row["code"] or "", row["name"] or "") for row in rows if row["id"] not in own)

    async def last_days(self) -> Mapping[str, date | None]:
        """The last day of everybody's employment, by code."""
        rows = await self._erp.find("company.employee", [], "party.code", "end_date")
        return {row["party."]["code"]: row["end_date"] for row in rows}
