"""Surroundings of masters: what governance compares records with, out of the store."""

from canonical.text import same_code
from rules.master_governance import Surroundings
from store import master_surroundings as stored
from store.database import Connection


async def surroundings(connection: Connection, erp: str) -> Surroundings:
    """Read what an ERP and the contracts know."""
    known = await stored.of_erp(connection, erp)
    return Surroundings(
        legal_entities=frozenset(known.legal_entities),
        currencies=frozenset(known.currencies),
        cost_centres=frozenset(same_code(one) for one in known.cost_centres),
        billed_projects=frozenset(
            same_code(one) for one in await stored.billed_projects(connection)
        ),
    )
